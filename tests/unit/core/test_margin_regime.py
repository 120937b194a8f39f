"""The floor's regime: wild markets and configured events, recorded when it changes, with the words for people."""

import math

import msgspec
import pytest

from hedgebot.core import margin_gate, margin_regime
from hedgebot.domain.commands import Mode, RecordRegime
from hedgebot.domain.settings import MarginEvent
from tests.support.margins import account_of, held, margined, report
from tests.support.playbook import START_NS, Playbook, of_type

HOUR_NS = 3_600_000_000_000
FOMC = MarginEvent(name="FOMC", start_ns=START_NS + 5_000_000_000, end_ns=START_NS + 10_000_000_000)


def book_with(*events: MarginEvent) -> Playbook:
    plain = margined(hedges=False, liquidation_distance_min=0.0)
    book = Playbook(msgspec.structs.replace(plain, margin_events=events))
    book.ready(positions=[held(book, "-10")])
    report(book, 10_000.0, maintenance=6_000.0)
    return book


def until(book: Playbook, at_ns: int) -> tuple[RecordRegime, ...]:
    """Looks until a moment; what was recorded of regimes."""
    before = len(book.heard)
    while book.at_ns < at_ns:
        report(book, 10_000.0, maintenance=6_000.0)
        book.tick(after_ms=500)
    return tuple(of_type(book.heard[before:], RecordRegime))


def test_an_event_takes_the_floor_to_half_for_its_window_and_no_longer() -> None:
    book = book_with(FOMC)
    assert until(book, FOMC.start_ns - 500_000_000) == ()
    assert (book.mode(), margin_gate.floor_use(book.state, account_of(book))) == (Mode.ACTIVE, 0.80)
    assert "next event FOMC at" in margin_regime.describe(book.state, account_of(book), book.at_ns)
    (began,) = until(book, FOMC.start_ns + 1_000_000_000)
    assert (began.before, began.after, began.floor_use) == ("normal", "event", 0.50)
    assert began.why.startswith("event FOMC until ")
    assert margin_gate.risk_use(book.state, account_of(book)) == 0.50
    assert book.mode() is Mode.REDUCING  # a use of 60 % is beyond the floor of an event
    words = margin_regime.describe(book.state, account_of(book), book.at_ns)
    assert words.startswith("buffer floor 50%: event FOMC until ")
    (ended,) = until(book, FOMC.end_ns + 1_000_000_000)
    assert (ended.before, ended.after, ended.why) == ("event", "normal", "event FOMC is over")
    assert margin_gate.floor_use(book.state, account_of(book)) == 0.80


def test_reducing_ends_at_a_line_that_sinks_with_the_floor_and_says_which() -> None:
    book = book_with(FOMC)
    until(book, FOMC.start_ns + 1_000_000_000)
    assert book.mode() is Mode.REDUCING
    for equity, mode in ((15_000.0, Mode.REDUCING), (20_000.0, Mode.ACTIVE)):
        report(book, equity, maintenance=6_000.0)
        book.tick(after_ms=500)
        assert book.mode() is mode
    assert book.state.mode_reason == "margin use 30% is below 38% again"


def test_events_that_overlap_are_one_regime_told_by_their_names() -> None:
    later = MarginEvent(name="CPI", start_ns=FOMC.end_ns - 2_000_000_000, end_ns=FOMC.end_ns + 4_000_000_000)
    book = book_with(FOMC, later)
    changes = until(book, later.end_ns + 1_000_000_000)
    assert [(one.before, one.after) for one in changes] == [
        ("normal", "event"),
        ("event", "event"),
        ("event", "normal"),
    ]
    assert "CPI" in changes[1].why


@pytest.mark.parametrize(("offset_ns", "on"), [(-1, False), (0, True), (4_999_999_999, True), (5_000_000_000, False)])
def test_a_window_has_its_first_moment_and_not_its_last(offset_ns: int, on: bool) -> None:
    state = book_with(FOMC).state
    assert (margin_regime.event_on(state, FOMC.start_ns + offset_ns) is not None) is on


def test_a_wild_market_is_recorded_and_calm_again_only_well_below() -> None:
    book = book_with()
    underlying = book.state.underlyings["BTC"]
    for vol, regime in ((1.1, "high_vol"), (0.9, "high_vol"), (0.7, "normal")):
        underlying.drift.log_var, underlying.drift.log_weight = (vol / math.sqrt(365.0)) ** 2, 1.0
        until(book, book.at_ns + 300_000_000)
        assert margin_regime.regime(account_of(book)) == regime
    assert [(one.after, one.floor_use) for one in of_type(book.heard, RecordRegime)] == [
        ("high_vol", 0.50),
        ("normal", 0.80),
    ]
    assert margin_regime.clock(START_NS).endswith(" UTC")


def test_a_wild_market_stays_wild_while_its_volatility_is_unknown() -> None:
    book = book_with()
    drift = book.state.underlyings["BTC"].drift
    for weight, regime in ((1.0, "high_vol"), (0.0, "high_vol"), (1.0, "high_vol")):
        drift.log_var, drift.log_weight = (1.1 / math.sqrt(365.0)) ** 2 * weight, weight
        until(book, book.at_ns + 300_000_000)
        assert margin_regime.regime(account_of(book)) == regime
    assert [one.after for one in of_type(book.heard, RecordRegime)] == ["high_vol"]
