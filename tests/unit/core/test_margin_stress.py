"""The standing stresses: the worst coin of the collateral loses a third, the venue raises its rates."""

import math
from typing import Any

import msgspec
import pytest

from hedgebot.core import margin_gate, margin_stress
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Mode
from hedgebot.domain.settings import MarginMode
from tests.support.margins import account_of, held, margined, report
from tests.support.playbook import Playbook
from tests.support.watched import read, watched_account, watched_book


def book_with(
    equity: float, mode: MarginMode | None = MarginMode.CROSS, *, in_floor: bool = False, **coins: str
) -> Playbook:
    """Ten BTC short at 100,000 (5,000 USD of maintenance margin); wallet as given."""
    settings = margined(mode, hedges=False, liquidation_distance_min=0.0)
    limits = msgspec.structs.replace(settings.limits, collateral_shock_in_floor=in_floor)
    book = Playbook(msgspec.structs.replace(settings, limits=limits))
    book.ready(positions=[held(book, "-10")])
    look(book, equity, coins)
    return book


def look(book: Playbook, equity: float, coins: dict[str, str]) -> None:
    report(book, equity, maintenance=5_000.0, initial=20_000.0, coins=coins, prices={"USDE": 0.99, "USDT": 1.0})
    book.tick(after_ms=300)


def test_the_worst_coin_is_the_one_that_counts_most() -> None:
    book = book_with(12_000.0, USDT="9000", USDC="3000", BTC="4")
    found = account_of(book).margin.standing_stress
    assert found is not None
    # The coin of an underlying moves with the market: that is the distance to liquidation.
    assert found.coin == "USDT"
    assert found.shock_loss_usd == pytest.approx(9_000 * 0.3333)
    assert found.shock_use == pytest.approx(5_000 / (12_000 - 2_999.7))
    assert found.hike_use == pytest.approx(7_500 / 12_000)
    shock, hike = margin_stress.describe(book.state, account_of(book))
    assert shock == "USDT losing 33% costs 3,000 USD: margin use 56%"
    assert hike == "margin rates x 1.5: margin use 62%"
    assert not book.is_up(AlertKind.COLLATERAL_SHOCK)


def test_what_would_take_an_account_under_its_floor_is_told_and_ends() -> None:
    book = book_with(9_000.0, USDT="9000")
    assert book.is_up(AlertKind.COLLATERAL_SHOCK)  # 5,000 / 6,000
    assert book.is_up(AlertKind.VENUE_MARGIN_HIKE)  # 7,500 / 9,000
    summaries = {one.kind: one.summary for one in book.state.alerts.values()}
    assert summaries[AlertKind.COLLATERAL_SHOCK].endswith(
        "margin use 83%, the floor is 80%, 250 USD in other coins are missing"
    )
    assert (AlertKind.COLLATERAL_SHOCK.runbook, AlertKind.VENUE_MARGIN_HIKE.runbook) == ("RB-13", "RB-52")
    for _ in range(6):
        look(book, 20_000.0, {"USDT": "20000"})
        book.tick(after_ms=2_500)
    assert not book.is_up(AlertKind.COLLATERAL_SHOCK)
    assert not book.is_up(AlertKind.VENUE_MARGIN_HIKE)


def test_an_account_that_is_under_its_floor_already_is_told_by_its_use() -> None:
    book = book_with(6_000.0, USDT="6000")
    assert not book.is_up(AlertKind.COLLATERAL_SHOCK)
    floors = [one.summary for one in book.state.alerts.values() if one.subject == "main floor"]
    assert floors == ["margin use of main is 83%, beyond its floor of 80%: the book only reduces risk"]


def test_a_shock_that_leaves_nothing_is_infinite_and_unknown_stays_unknown() -> None:
    book = book_with(2_000.0, USDT="9000")
    found = account_of(book).margin.standing_stress
    assert found is not None
    assert found.shock_use == math.inf
    book.tick(after_ms=100_000)
    assert account_of(book).margin.standing_stress is None
    assert margin_stress.describe(book.state, account_of(book)) == ("", "")


def test_without_a_model_the_venues_own_numbers_are_stressed() -> None:
    book = book_with(12_000.0, None, USDT="9000")
    found = account_of(book).margin.standing_stress
    assert found is not None
    assert found.hike_use == pytest.approx(7_500 / 12_000)
    assert book_with(12_000.0, None, BTC="4").state.accounts["main"].margin.standing_stress is not None
    only_coins = account_of(book_with(12_000.0, None, BTC="4"))
    assert only_coins.margin.standing_stress is not None
    assert only_coins.margin.standing_stress.coin == ""


@pytest.mark.parametrize("in_floor", [False, True])
def test_the_missing_amount_is_shown_whether_the_floor_is_held_after_the_shock_or_not(in_floor: bool) -> None:
    book = book_with(9_000.0, USDT="9000", in_floor=in_floor)
    found = account_of(book).margin.standing_stress
    assert found is not None
    assert found.shock_missing_usd == pytest.approx(5_000 / 0.8 - (9_000 - 2_999.7))
    shock, _ = margin_stress.describe(book.state, account_of(book))
    words = "USDT losing 33% costs 3,000 USD: margin use 83%, 250 USD in other coins are missing"
    assert shock == words + (" (the floor is held after it)" if in_floor else "")


def test_the_floor_is_held_after_the_shock_only_where_that_is_configured() -> None:
    """5,000 of 9,000 is 56 %; of what a third less of the collateral leaves it is 83 %, beyond the floor of 80 %."""
    assert book_with(9_000.0, USDT="9000").mode() is Mode.ACTIVE
    book = book_with(9_000.0, USDT="9000", in_floor=True)
    assert book.mode() is Mode.REDUCING
    floors = [one.summary for one in book.state.alerts.values() if one.subject == "main floor"]
    words = "margin use of main is 56% and 83% after the collateral shock, beyond its floor of 80%"
    assert floors == [f"{words}: the book only reduces risk"]
    # It ends by the same number: 5,000 of 12,000 is 42 %, after the shock 62 %; the clear level is 60 %.
    look(book, 12_000.0, {"USDT": "12000"})
    assert book.mode() is Mode.REDUCING
    look(book, 13_000.0, {"USDT": "13000"})
    assert book.mode() is Mode.ACTIVE


def test_coins_that_keep_their_worth_are_the_cure() -> None:
    book = book_with(9_250.0, USDT="9000", BTC="0.0025", in_floor=True)
    assert book.mode() is Mode.ACTIVE


def test_with_the_shock_in_the_floor_an_unknown_shock_is_an_unknown_use() -> None:
    book = book_with(9_000.0, USDT="9000", in_floor=True)
    account = account_of(book)
    account.margin.standing_stress = None
    assert margin_gate.judged_use(book.state, account, 0.1) is None
    assert margin_gate.floor_shock_usd(book.state, account) is None
    off = book_with(9_000.0, USDT="9000")
    assert margin_gate.judged_use(off.state, account_of(off), 0.1) == 0.1
    assert margin_gate.floor_shock_usd(off.state, account_of(off)) == 0.0


@pytest.mark.parametrize("changes", [{"coins_known": False}, {"coins": {"FDUSD": "1000"}}])
def test_coins_that_are_not_known_are_no_comfort(changes: dict[str, Any]) -> None:
    book = watched_book(collateral_shock_in_floor=True)
    read(book, **changes)
    book.tick(300.0)
    account = watched_account(book)
    found = account.margin.standing_stress
    assert found is not None
    assert (found.shock_loss_usd, found.shock_use, found.shock_missing_usd) == (None, None, None)
    assert found.hike_use == pytest.approx(0.07875)
    assert margin_gate.floor_shock_usd(book.state, account) is None
    assert margin_gate.judged_use(book.state, account, 0.1) is None
    assert margin_stress.describe(book.state, account)[0] == "unknown: its coins are not all known"
    read(book, coins={"USDC": "1000"})
    book.tick(300.0)
    assert margin_gate.floor_shock_usd(book.state, account) == pytest.approx(333.3)
