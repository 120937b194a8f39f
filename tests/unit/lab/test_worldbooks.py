"""Which book a world has: its seed says so, other worlds stay what they were, and each kind trades as it should."""

import random

import pytest

from hedgebot.core.switch_state import MOVE_STRATEGY
from hedgebot.domain import commands as cmd
from hedgebot.domain.settings import FundingAction, HedgeRole
from hedgebot.exchange.model import Exchange
from hedgebot.lab.draws import draw
from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.mishaps import BY_ID, MISHAPS
from hedgebot.lab.worldbooks import CAPS_COIN, FUTURE, BookKind, WorldBook, book_of
from hedgebot.lab.worldspec import HEDGE, SCENARIO, SETTINGS, START_NS, six_hedges
from strategies.delta_neutral import STRATEGY

SEEDS = range(1, 5_001)


def instruments_of(world: FaultWorld) -> dict[str, set[str]]:
    """Who traded in which instrument."""
    found: dict[str, set[str]] = {}
    for one in world.host.journal.orders():
        assert isinstance(one.command, cmd.SubmitOrder)
        intent = one.command.approved.intent
        found.setdefault(intent.strategy, set()).add(intent.instrument)
    return found


def test_an_eighth_of_all_seeds_has_two_hedges_and_another_one_a_choice() -> None:
    kinds = [book_of(seed).kind for seed in SEEDS]
    assert 0.11 < kinds.count(BookKind.TWO) / len(kinds) < 0.14
    assert 0.11 < kinds.count(BookKind.SWITCH) / len(kinds) < 0.14
    two = [book_of(seed) for seed in SEEDS if book_of(seed).kind is BookKind.TWO]
    assert {one.role for one in two} == {HedgeRole.BUY, HedgeRole.SELL}
    assert {one.opposed_coin_max for one in two} == set(CAPS_COIN)


def test_the_book_draws_nothing_from_what_mishaps_are_drawn_from() -> None:
    for seed in range(1, 50):
        plan = draw(random.Random(f"{seed}/mishaps"), MISHAPS, 5.0, seed)
        for kind in (None, BookKind.ONE, BookKind.TWO):
            world = FaultWorld(seed, 5.0, STRATEGY.build, book=kind)
            assert [(one.id, at) for one, at in world._plan] == [(one.id, at) for one, at in plan.mishaps]


def test_a_kind_that_is_asked_for_has_the_rest_as_the_seed_has_it() -> None:
    seed = next(seed for seed in SEEDS if book_of(seed).kind is BookKind.TWO)
    assert book_of(seed, BookKind.TWO) == book_of(seed)
    assert book_of(seed, BookKind.ONE) == WorldBook()


def test_a_book_of_one_hedge_changes_no_settings_and_six_coins_have_a_second_hedge_for_the_first() -> None:
    assert WorldBook().settings(SETTINGS) is SETTINGS
    made = book_of(1, BookKind.TWO).settings(six_hedges(SETTINGS))
    assert [len(one.hedge_instruments) for one in made.underlyings] == [2, 1, 1, 1, 1, 1]
    switch = book_of(1, BookKind.SWITCH).settings(SETTINGS).underlyings[0]
    assert switch.funding_action is FundingAction.SWITCH
    assert [one.role for one in switch.hedge_legs] == [HedgeRole.MAIN, HedgeRole.ALTERNATIVE]


def test_the_future_is_listed_for_days_and_nobody_else_trades_it() -> None:
    listing = Exchange(SCENARIO, START_NS).listing(FUTURE)
    assert listing is not None
    assert listing.instrument.expiry_ns is not None
    assert listing.instrument.expiry_ns > START_NS + 86_400_000_000_000
    assert SCENARIO.client_flow is not None
    assert set(SCENARIO.client_flow.products) == {"usdc_perp"}


@pytest.mark.timeout(300)
def test_two_hedges_are_traded() -> None:
    two = FaultWorld(3, 5.0, STRATEGY.build, [BY_ID["N05"]], book=BookKind.TWO)
    outcome = two.run()
    assert outcome.passed, (outcome.violations, outcome.stuck, outcome.unmet)
    assert outcome.book is BookKind.TWO
    assert instruments_of(two) == {"delta_neutral": {HEDGE, FUTURE}}


@pytest.mark.timeout(300)
def test_a_dear_hedge_is_left() -> None:
    switch = FaultWorld(2, 5.0, STRATEGY.build, [BY_ID["N05"]], book=BookKind.SWITCH)
    outcome = switch.run()
    assert outcome.passed, (outcome.violations, outcome.stuck, outcome.unmet)
    assert instruments_of(switch)[MOVE_STRATEGY] == {HEDGE, FUTURE}
