"""Losses: soft limits alert, hard ones halt, unknown says nothing, and marks and plans are what they claim to be."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.core import loss_limits
from hedgebot.core.drift import Tracking, TrackingSums
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Mode, RaiseAlert, ResolveAlert
from hedgebot.domain.durations import NS_PER_DAY
from hedgebot.domain.operator_events import LimitRaised
from tests.support.playbook import ACCOUNT, Playbook, settings
from tests.support.stories import live, ready_pair


def ready(**limits: float) -> Playbook:
    book = Playbook(settings(**limits))
    book.ready()
    book.tick()
    return book


def equity(book: Playbook, usd: float | None) -> None:
    report = book.wallet(equity=None if usd is None else str(usd))
    book.send(ev.WalletUpdated(report=msgspec.structs.replace(report, venue_at_ns=book.at_ns), source=ev.Source.STREAM))
    book.tick()


def causes(book: Playbook) -> list[str]:
    return [cause for latch in book.state.latches.values() for cause in latch.causes]


# --- the day


def test_a_loss_alerts_at_its_soft_limit_and_halts_beyond_the_hard_one() -> None:
    book = ready()
    equity(book, 975_000)
    assert not book.is_up(AlertKind.DAILY_LOSS), "at the limit is not beyond it"
    equity(book, 974_999)
    assert book.is_up(AlertKind.DAILY_LOSS)
    assert book.mode() is Mode.ACTIVE
    equity(book, 949_999)
    assert book.mode() is Mode.HALTED
    assert f"daily_loss:{ACCOUNT}" in causes(book)


def test_a_loss_around_its_limit_is_one_alert() -> None:
    book = ready()
    heard: list[RaiseAlert | ResolveAlert] = []
    for loss in [25_001, 24_999, 25_001, 24_000, 25_500, 22_501] * 20:
        before = len(book.heard)
        equity(book, 1_000_000 - loss)
        heard += [one for one in book.heard[before:] if isinstance(one, RaiseAlert | ResolveAlert)]
    mine = [one for one in heard if one.kind is AlertKind.DAILY_LOSS]
    assert [type(one) for one in mine] == [RaiseAlert]
    equity(book, 1_000_000 - 22_500)
    assert not book.is_up(AlertKind.DAILY_LOSS), "well below it ends"


def test_a_drawdown_and_a_bleed_around_their_limits_are_one_alert_each() -> None:
    book = ready()
    equity(book, 899_000)
    bleed(book, 6_100.0, 1_000.0)
    assert book.is_up(AlertKind.DRAWDOWN)
    assert book.is_up(AlertKind.HEDGE_BLEED)
    equity(book, 905_000)
    bleed(book, 5_900.0, 1_000.0)
    assert book.is_up(AlertKind.DRAWDOWN)
    assert book.is_up(AlertKind.HEDGE_BLEED)
    equity(book, 911_000)
    bleed(book, 5_400.0, 1_000.0)
    assert not book.is_up(AlertKind.DRAWDOWN)
    assert not book.is_up(AlertKind.HEDGE_BLEED)


def test_a_limit_raised_just_above_the_loss_ends_its_alert_at_once() -> None:
    book = ready()
    equity(book, 960_000)
    book.send(LimitRaised(operator="ann", reason="known", limit="daily_loss_usd_alert", to=40_001.0, for_ms=3_600_000))
    assert not book.is_up(AlertKind.DAILY_LOSS)
    equity(book, 959_000)
    assert book.is_up(AlertKind.DAILY_LOSS)


def test_a_raised_soft_limit_is_quiet_and_the_hard_one_halts_all_the_same() -> None:
    book = ready()
    equity(book, 960_000)
    word = LimitRaised(operator="ann", reason="known", limit="daily_loss_usd_alert", to=50_000.0, for_ms=3_600_000)
    book.send(word)
    book.tick()
    assert not book.is_up(AlertKind.DAILY_LOSS)
    equity(book, 949_999)
    assert book.mode() is Mode.HALTED


def test_a_hard_limit_below_the_default_of_the_soft_one_takes_it_along() -> None:
    book = ready(daily_loss_usd_max=10.0)
    equity(book, 999_989)
    assert book.mode() is Mode.HALTED
    assert book.is_up(AlertKind.DAILY_LOSS)


def test_an_unkill_is_refused_while_the_loss_would_halt_again() -> None:
    book = ready()
    equity(book, 940_000)
    (word,) = [one for one in book.unkill() if one.__class__.__name__ == "RecordOperator"]
    assert "would fire again" in getattr(word, "explanation", "")
    assert book.mode() is Mode.HALTED


# --- from the mark


def test_a_drawdown_over_days_is_seen_where_no_day_lost_much() -> None:
    book = ready(daily_loss_usd_max=60_000.0, daily_loss_usd_alert=60_000.0)
    for day in range(1, 5):
        book.at_ns += NS_PER_DAY
        equity(book, 1_000_000 - 30_000 * day)
    assert loss_limits.drawdown_ratio(book.state, book.at_ns) == pytest.approx(0.12)
    assert book.is_up(AlertKind.DRAWDOWN)
    assert book.mode() is not Mode.HALTED
    for day in range(5, 8):
        book.at_ns += NS_PER_DAY
        equity(book, 1_000_000 - 30_000 * day)
    assert "drawdown" in causes(book)


def test_a_mark_leaves_the_window_after_its_days() -> None:
    book = ready(drawdown_window_days=2)
    book.at_ns += NS_PER_DAY
    equity(book, 995_000)
    assert loss_limits.drawdown_ratio(book.state, book.at_ns) == pytest.approx(0.005)
    book.at_ns += NS_PER_DAY
    equity(book, 995_000)
    assert loss_limits.drawdown_ratio(book.state, book.at_ns) == 0.0
    assert len(book.state.risk.marks) == 2


def test_unknown_equity_is_no_drawdown_and_no_end_of_one() -> None:
    book = ready()
    equity(book, 890_000)
    assert book.is_up(AlertKind.DRAWDOWN)
    equity(book, None)
    assert loss_limits.drawdown_ratio(book.state, book.at_ns) is None
    assert book.is_up(AlertKind.DRAWDOWN)


def test_no_equity_left_is_the_whole_of_it() -> None:
    book = ready()
    equity(book, -1.0)
    assert "drawdown" in causes(book)


@given(st.lists(st.floats(1.0, 1e9), min_size=1, max_size=30))
def test_the_drawdown_is_that_of_the_path(path: list[float]) -> None:
    book = ready(daily_loss_usd_max=1e12, drawdown_ratio_max=10.0)
    highest = 1_000_000.0
    for usd in path:
        equity(book, usd)
        # Money goes through text on its way: exact to its last digit.
        now = float(str(usd))
        highest = max(highest, now)
        expected = max(1.0 - now / highest, 0.0)
        assert loss_limits.drawdown_ratio(book.state, book.at_ns) == pytest.approx(expected, abs=1e-12)


# --- against the plan


def bleed(book: Playbook, cost_usd: float, planned_usd: float, *, days: float = 0.5, planned: float = 0.5) -> None:
    book.state.underlyings["BTC"].tracking = Tracking(
        at_ns=book.at_ns,
        since_ns=book.at_ns - round(days * NS_PER_DAY),
        sums=TrackingSums(days=days, cost_usd=cost_usd, predicted_cost_usd=planned_usd, predicted_days=planned),
        recorded_ns=book.at_ns,
    )
    book.tick()


def test_cost_beyond_the_plan_alerts_and_then_halts() -> None:
    book = ready()
    bleed(book, 5_900.0, 1_000.0)
    assert not book.is_up(AlertKind.HEDGE_BLEED)
    bleed(book, 6_100.0, 1_000.0)
    assert book.is_up(AlertKind.HEDGE_BLEED)
    assert book.mode() is Mode.ACTIVE
    bleed(book, 900.0, 1_000.0)
    assert not book.is_up(AlertKind.HEDGE_BLEED)
    bleed(book, 26_100.0, 1_000.0)
    assert "hedge_bleed:BTC" in causes(book)


def test_a_plan_is_carried_over_the_time_it_was_not_made_for_and_none_before_an_hour() -> None:
    book = ready()
    bleed(book, 6_100.0, 500.0, days=1.0, planned=0.5)
    assert loss_limits.bleed_usd(book.state.underlyings["BTC"]) == pytest.approx(5_100.0, rel=1e-3)
    bleed(book, 99_000.0, 0.1, planned=0.03)
    assert loss_limits.bleed_usd(book.state.underlyings["BTC"]) is None
    assert book.mode() is Mode.ACTIVE


def test_an_account_that_leaves_takes_its_equity_out_of_the_marks() -> None:
    """The rest of the book has lost nothing."""
    book = ready_pair()
    book.tick()
    assert book.state.risk.marks
    book.settings = settings()
    book.start(epoch=2)
    book.connect()
    book.send(book.ticker())
    book.adopt()
    live(book, 2.0)
    assert loss_limits.drawdown_ratio(book.state, book.at_ns) == 0.0
    assert not book.state.latches
