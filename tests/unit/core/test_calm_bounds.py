"""Each bound of a calm claim has a day on which it matters: without it that day's journal or state would be another.

A script is a conversation in which the gate acts by time or price alone. It is stepped by the engine, and by an engine
that uses every claim it can make. Both must agree; with the bound taken out (the mutant) they must not.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

import msgspec
import pytest

from hedgebot.core import calm, calm_rules, calms, shut
from hedgebot.core.calm import Claim
from hedgebot.core.calm_bounds import ALIVE_BOUNDS, BOOK_BOUNDS, TICKED, TIMER_BOUNDS, prices_within, room_of
from hedgebot.core.calm_look import NEVER_NS, Bound, BoundOf
from hedgebot.core.engine import TIMER_LOOKS, Engine, LoadStrategy
from hedgebot.core.quick import QuickEngine
from hedgebot.core.state import UnderlyingState, state_digest
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.settings import EngineSettings, StrategySettings
from strategies import delta_neutral, patience
from tests.support import moving_days
from tests.support import quiet_days as days
from tests.support.playbook import BTC_PERP, PRICE, Playbook


def differs(play: Playbook, load_strategy: LoadStrategy = delta_neutral.STRATEGY.build) -> bool:
    """Whether an engine with claims says or knows anything else than the one without, at any event."""
    full, quick = Engine(load_strategy), QuickEngine(load_strategy)
    for stamped in play.log:
        expected = full.step(stamped)
        if stamped.seq > 1:
            quick.claim()
        if quick.step(stamped) != expected or state_digest(quick.state) != state_digest(full.state):
            return True
    return False


def covered(play: Playbook, load_strategy: LoadStrategy = delta_neutral.STRATEGY.build) -> int:
    """Events that were not stepped."""
    quick, steps = QuickEngine(load_strategy), 0
    original = quick._step

    def counted(stamped: ev.Stamped) -> tuple[Command, ...]:
        nonlocal steps
        steps += 1
        return original(stamped)

    quick._step = counted  # type: ignore[method-assign]
    for stamped in play.log:
        if stamped.seq > 1:
            quick.claim()
        quick.step(stamped)
    return len(play.log) - steps


SCRIPTS: dict[str, days.Script] = {
    "mode": days.halted,
    "orders": days.order_out,
    "exposure": days.option_held,
    "jump": days.jumping,
    "frozen": days.standing_still,
    "band": days.leaving_the_band,
    "book_cap": days.beyond_the_cap,
    "alerts": days.alert_ends,
    "snapshots": days.snapshot_never_comes,
    "silence": days.stream_silent,
    "marks": moving_days.tickers_stop,
    "clocks": moving_days.clock_unmeasured,
    "raised": days.limit_comes_down,
    "gap": days.off_the_mark,
    "width": days.wide_for_a_moment,
    "settling": days.delisted_tomorrow,
    "margin": days.margin_ages,
    "money": moving_days.equity_is_lost,
    "events": days.event_begins,
    "volatility": lambda: moving_days.becomes_wild(stepped=True),
    "hours": days.hour_ends,
    "tail_risk": days.risk_ages,
    "funding_cost": days.funding_share_grows,
    "bleed": moving_days.plan_is_known,
    "blind": days.clock_off,
    "switches": days.switch_due,
    "top_ups": days.treasury_looks,
}


SWEEPS: dict[str, str] = {
    "order_table.sweep": "orders",
    "reconcile.sweep": "snapshots",
    "connections.sweep": "snapshots; clocks; orders for markets that refused and rows of orders that did nothing",
    "dropcopy.sweep": "snapshots",
    "raises.sweep": "raised",
    "frequency.watch": "alerts",
    "limits.watch": "silence, snapshots",
    "market_watch.watch": "marks, gap, width, settling, band, book_cap, and the ages held against each timer",
    "margin_watch.watch": "margin, money, events, volatility",
    "venue_risk.watch": "margin, money, raised; equity stands and holdings outside are not claimed",
    "risk_limits.sweep": "tail_risk, hours",
    "convention.watch": "settings alone",
    "hedges.watch": "one hedge instrument alone is claimed",
    "loss_limits.sweep": "hours, margin, money, bleed",
    "holdings.watch": "exposure",
    "funding.sweep": "funding_cost",
    "treasury.sweep": "top_ups",
    "switching.sweep": "one hedge instrument alone is claimed",
    "tracking.sweep": "volatility, hours; the look itself is made",
    "kill_rules.watch": "blind, settling, and the others' bounds",
    "latches.sweep": "mode",
    "flatten.sweep": "mode",
    "deadman.watch": "switches",
}
"""What the timer does, and the bounds that speak for it. A new sweep needs one of its own before it stands here."""


def test_every_sweep_of_the_timer_has_a_bound() -> None:
    body = ast.parse(textwrap.dedent(inspect.getsource(Engine._on_timer)))
    looks = [f"{one.__module__.rpartition('.')[2]}.{one.__name__}" for one in TIMER_LOOKS]
    calls = {
        ast.unparse(one.func): [*map(ast.unparse, one.args)] for one in ast.walk(body) if isinstance(one, ast.Call)
    }
    own = {"kill_rules.guarded_each", "self._enter_active", "self._finish_stop", "step.touch"}
    assert looks == list(SWEEPS)
    assert set(calls) == own
    assert calls["kill_rules.guarded_each"] == ["step", "TIMER_LOOKS"]


BEHIND: dict[str, tuple[str, ...]] = {"mode": ("alerts",), "blind": ("alerts",)}
"""Bounds that another one stands before: the alert that comes with a halt, or with a clock that is off."""


def test_every_bound_has_its_script() -> None:
    assert set(SCRIPTS) == {one.__name__ for one in (*BOOK_BOUNDS, *TIMER_BOUNDS, *ALIVE_BOUNDS)}


@pytest.mark.parametrize("name", SCRIPTS)
def test_with_its_bound_the_journal_is_the_same(name: str) -> None:
    play = SCRIPTS[name]()
    assert not differs(play)
    assert covered(play) > 0 or name == "exposure"


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Take bounds out."""
    for module, group in ((calms, "BOOK_BOUNDS"), (calms, "TIMER_BOUNDS"), (calm, "ALIVE_BOUNDS")):
        kept = tuple(one for one in getattr(module, group) if one.__name__ not in names)
        monkeypatch.setattr(module, group, kept)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_mutant_without_the_bound_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    play = SCRIPTS[name]()
    before = BEHIND.get(name, ())
    without(monkeypatch, *before)
    assert not before or not differs(play)
    without(monkeypatch, name)
    assert differs(play)


def test_a_market_that_refused_is_forgotten_by_the_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shut, "FORGOTTEN_NS", 4_000_000_000)
    play = days.order_refused()
    assert not play.state.shut
    assert not play.state.underlyings["BTC"].rejects
    assert not differs(play)
    assert covered(play) > 0
    settled = tuple(
        (lambda look: None if look.state.unsettled else Bound()) if one.__name__ == "orders" else one
        for one in BOOK_BOUNDS
    )
    monkeypatch.setattr(calms, "BOOK_BOUNDS", settled)
    assert differs(play)


def test_a_row_of_orders_that_did_nothing_is_ended_by_the_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shut, "FORGOTTEN_NS", 4_000_000_000)
    play = days.order_missed()
    assert not play.state.underlyings["BTC"].rejects
    assert not differs(play)
    assert covered(play) > 0
    without(monkeypatch, "orders")
    assert differs(play)


def test_a_collateral_shock_in_the_floor_stands_as_long_as_the_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is of coins that the venue prices in its wallet report: the market does not move it."""
    play = days.shocked_margin_ages()
    assert not differs(play)
    assert covered(play) == covered(days.shocked_margin_ages(in_floor=False))
    without(monkeypatch, "margin")
    assert differs(play)


def test_a_claim_asks_for_the_snapshot_that_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    play = days.snapshot_due()
    assert not differs(play)
    assert covered(play) > 0.8 * len(play.log)
    monkeypatch.setattr(Claim, "ask", lambda *_: ())
    assert differs(play)


# --- the minute's step of the volatility


def steps_on(claim: Claim, price: float, at_ns: int) -> None:
    """Moves the volatility, and claims on whatever it makes of the regime."""
    claim.underlying.drift.add_price(price, at_ns)


def test_what_a_claim_made_of_the_regime_is_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    play = moving_days.rate_before_the_regime_is_told()
    assert not differs(play)
    monkeypatch.setattr(calms, "TICKED", tuple(one for one in TICKED if one.__name__ != "volatility"))
    assert differs(play)


STEPS: dict[Callable[..., None], days.Script] = {
    steps_on: moving_days.becomes_wild,
    lambda *_: None: days.minute_passes,
}


@pytest.mark.parametrize("mutant", STEPS)
def test_a_claim_steps_the_volatility_itself(mutant: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    play = STEPS[mutant]()
    assert not differs(play)
    assert covered(play) > 0.9 * len(play.log)
    monkeypatch.setattr(Claim, "step_volatility", mutant)
    assert differs(play)


# --- what a mark may do meanwhile


ROOM: dict[str, days.Script] = {
    "frozen": days.marked_while_still,
    "gap": days.marked_away_from_the_book,
    "jump": lambda: days.marked_away_from_the_book(9_999.0, 0.02),
    "funding_cost": days.marked_dearer,
}


@pytest.mark.parametrize("name", ROOM)
def test_a_bound_that_leaves_the_mark_no_room_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    play = ROOM[name]()
    assert not differs(play)
    monkeypatch.setattr(calms, "room_of", lambda _state, _quote: 0.0012)
    assert not differs(play)

    def of(bound_of: BoundOf) -> BoundOf:
        return (lambda look: bound_of(look._replace(room=0.0))) if bound_of.__name__ == name else bound_of

    for group in ("BOOK_BOUNDS", "TIMER_BOUNDS"):
        monkeypatch.setattr(calms, group, tuple(of(one) for one in getattr(calms, group)))
    assert differs(play)


def test_the_room_of_a_mark_ends_where_the_book_would_be_frozen() -> None:
    play = days.begun(days.Talk())
    quote = play.state.quotes[BTC_PERP]
    whole = room_of(play.state, quote)
    assert 0.0 < whole < 25e-4 / 2.0
    assert quote.mark is not None
    quote.still_mark = quote.mark * Decimal("0.9985")
    assert 0.0 < room_of(play.state, quote) < whole
    quote.still_mark = quote.mark * Decimal("0.99")
    assert room_of(play.state, quote) == 0.0


def test_signs_of_life_and_tickers_go_by() -> None:
    play = days.begun(days.Talk())
    for number in range(8):
        play.quiet(5)
        play.send(play.ticker(PRICE + number))
    steps = len(play.log) - covered(play)
    assert steps < 0.1 * len(play.log)


# --- what is held against each event


RULES: dict[str, tuple[days.Script, int | float]] = {
    "pause_ns": (days.late_books, NEVER_NS),
    "ahead_ns": (days.from_the_future, NEVER_NS),
    "fresh_ns": (days.alert_ends, NEVER_NS),
    "spread_bps": (days.wide_at_a_timer, 1.0),
}


@pytest.mark.parametrize("name", RULES)
def test_what_is_held_against_each_event_matters(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    script, mutant = RULES[name]
    assert not differs(script())
    original, changed = calm_rules.rules_of, cast("dict[str, Any]", {name: mutant})
    monkeypatch.setattr(calm, "rules_of", lambda look: original(look)._replace(**changed))
    assert differs(script())


def test_how_long_a_mark_is_fresh_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not differs(days.mark_ages())
    monkeypatch.setattr(calm, "mark_until_ns", lambda _look, _rules: NEVER_NS)
    assert differs(days.mark_ages())


# --- strategies


def with_strategies(*more: StrategySettings) -> Playbook:
    play = days.Talk(strategies=more)
    log = play.log
    # The playbook's own engine knows one strategy; the log is what counts.
    play.engine = QuickEngine(days.load)
    for stamped in log:
        play.engine.step(stamped)
    play.ready()
    play.quiet(4)
    return play


def strategy(name: str, **params: float | str | bool) -> StrategySettings:
    return StrategySettings(name=name, enabled=True, underlyings=("BTC",), params=params)


def test_patience_claims_until_its_end_and_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    play = with_strategies(strategy("patience", dwell_s=5.0, end_at="2025-10-09T08:53:22"))
    assert not differs(play, days.load)
    assert covered(play, days.load) > 20
    monkeypatch.setattr(patience.Waiting, "steady", lambda _self, _settings, previous: previous)
    assert differs(play, days.load)


def test_a_moved_centre_is_claimed_and_a_share_of_the_exposure_is_not() -> None:
    moved = with_strategies(strategy("target", target_coin=0.01, up_ratio=2.0, down_ratio=0.5))
    assert not differs(moved, days.load)
    assert covered(moved, days.load) > 20
    share = with_strategies(strategy("target", hedge_ratio=0.5))
    assert not differs(share, days.load)
    assert covered(share, days.load) == 0


def test_two_underlyings_are_not_claimed() -> None:
    class Two(days.Talk):
        def changed(self, chosen: EngineSettings) -> EngineSettings:
            other = msgspec.structs.replace(
                chosen.underlyings[0], underlying="ETH", hedge_instrument=InstrumentId("bybit:linear:ETHUSDT")
            )
            return msgspec.structs.replace(chosen, underlyings=(*chosen.underlyings, other))

    play = Two()
    play.ready()
    play.quiet(2)
    assert covered(play) == 0


# --- prices


@pytest.mark.parametrize(
    ("coins", "quote", "low", "high", "expected"),
    [
        ("-1", "100000", -0.05, 0.05, (100_000 / 1.05, 100_000 / 0.95)),
        ("1", "-100000", -0.05, 0.05, (100_000 / 1.05, 100_000 / 0.95)),
        ("0", "100000", -0.05, 2.0, (50_000.0, float("inf"))),
        ("0.01", "0", -0.05, 0.05, (0.0, float("inf"))),
    ],
)
def test_prices_at_which_the_delta_is_within(
    coins: str, quote: str, low: float, high: float, expected: tuple[float, float]
) -> None:
    one = UnderlyingState(name="BTC", linear_coin=Decimal(coins), inverse_quote=Decimal(quote))
    found = prices_within(one, low, high)
    assert found is not None
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-7)


def test_no_price_brings_a_delta_without_one_into_the_band() -> None:
    assert prices_within(UnderlyingState(name="BTC", linear_coin=Decimal(1)), -0.05, 0.05) is None
    long = UnderlyingState(name="BTC", linear_coin=Decimal(1), inverse_quote=Decimal(100_000))
    assert prices_within(long, -0.05, 0.05) is None
    assert Bound().until_ns == NEVER_NS
