"""Candles from trades."""

from decimal import Decimal

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.types import Trade
from hedgebot.exchange.wire.bars import BARS_MAX, Bars

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
    (bar,) = bars.rows(PERP, 1, 10)
    assert bar.row() == [str(10 * 60_000), "5", "9", "3", "4", "8", "42"]


def test_longer_intervals_are_merged_newest_first() -> None:
    bars = Bars()
    for minute in range(9):
        bars.add(trade(minute, str(minute + 1)))
    newest, oldest = bars.rows(PERP, 5, 10)
    assert (newest.start_ms, newest.open, newest.close) == (300_000, Decimal(6), Decimal(9))
    assert (oldest.start_ms, oldest.high, oldest.volume) == (0, Decimal(5), Decimal(5))
    assert len(bars.rows(PERP, 1, 3)) == 3


def test_bars_are_bounded() -> None:
    bars = Bars()
    for minute in range(BARS_MAX + 5):
        bars.add(trade(minute, "1"))
    assert len(bars.rows(PERP, 1, 10_000)) == BARS_MAX


def test_merging_does_not_change_what_is_kept() -> None:
    bars = Bars()
    bars.add(trade(0, "1"))
    bars.add(trade(1, "5"))
    assert bars.rows(PERP, 5, 1)[0].high == Decimal(5)
    assert bars.rows(PERP, 1, 5)[-1].high == Decimal(1)
