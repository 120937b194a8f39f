"""Candles from trades."""

from datetime import UTC, datetime
from decimal import Decimal

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.types import Trade
from hedgebot.exchange.wire.bars import BARS_MAX, BarKind, Bars, bounds_ms

PERP = InstrumentId("bybit:linear:BTCUSDT")
MINUTE_NS = 60_000_000_000


def trade(minute: float, price: str, qty: str = "1") -> Trade:
    return Trade(
        trade_id="t",
        instrument=PERP,
        side=Side.BUY,
        price=Decimal(price),
        qty_contracts=Decimal(qty),
        at_ns=int(minute * MINUTE_NS),
        seq=1,
    )


def test_a_minute_is_one_bar() -> None:
    bars = Bars()
    for minute, price in ((10.0, "5"), (10.3, "9"), (10.6, "3"), (10.9, "4")):
        bars.add(trade(minute, price, "2"))
    (bar,) = bars.rows(PERP, "1", 10)
    assert bar.row() == [str(10 * 60_000), "5", "9", "3", "4", "8", "42"]


def test_longer_intervals_are_merged_newest_first() -> None:
    bars = Bars()
    for minute in range(9):
        bars.add(trade(minute, str(minute + 1)))
    newest, oldest = bars.rows(PERP, "5", 10)
    assert (newest.start_ms, newest.open, newest.close) == (300_000, Decimal(6), Decimal(9))
    assert (oldest.start_ms, oldest.high, oldest.volume) == (0, Decimal(5), Decimal(5))
    assert len(bars.rows(PERP, "1", 3)) == 3


def test_bars_are_bounded() -> None:
    bars = Bars()
    for minute in range(BARS_MAX + 5):
        bars.add(trade(minute, "1"))
    assert len(bars.rows(PERP, "1", 10_000)) == BARS_MAX


def test_merging_does_not_change_what_is_kept() -> None:
    bars = Bars()
    bars.add(trade(0, "1"))
    bars.add(trade(1, "5"))
    assert bars.rows(PERP, "5", 1)[0].high == Decimal(5)
    assert bars.rows(PERP, "1", 5)[-1].high == Decimal(1)


def test_sampled_kinds_do_not_mix() -> None:
    bars = Bars()
    bars.note(PERP, BarKind.MARK, 60_000, Decimal(7))
    bars.note(PERP, BarKind.MARK, 61_000, Decimal(9))
    bars.note(PERP, BarKind.INDEX, 61_000, Decimal(8))
    assert bars.rows(PERP, "1", 5) == []
    (mark,) = bars.rows(PERP, "1", 5, BarKind.MARK)
    assert mark.prices() == ["60000", "7", "9", "7", "9"]
    assert bars.rows(PERP, "D", 5, BarKind.INDEX)[0].prices() == ["0", "8", "8", "8", "8"]


def test_days_weeks_and_months_are_the_calendars() -> None:
    def ms(*day: int) -> int:
        return int(datetime(*day, tzinfo=UTC).timestamp()) * 1_000  # type: ignore[arg-type, misc]

    at_ms = ms(2026, 11, 25, 13, 5)
    assert bounds_ms(at_ms, "D") == (ms(2026, 11, 25), ms(2026, 11, 26) - 1)
    assert bounds_ms(at_ms, "W") == (ms(2026, 11, 23), ms(2026, 11, 30) - 1)  # a Monday
    assert bounds_ms(at_ms, "M") == (ms(2026, 11, 1), ms(2026, 12, 1) - 1)
    assert bounds_ms(ms(2026, 12, 31), "M") == (ms(2026, 12, 1), ms(2027, 1, 1) - 1)
    assert bounds_ms(at_ms, "15") == (ms(2026, 11, 25, 13, 0), ms(2026, 11, 25, 13, 15) - 1)
