"""One-minute bars from public trades and from what is sampled (marks, indices), for candles and histories.

Owns the counting and the venue's intervals; at most 1,440 bars of each kind per instrument (a day).
"""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.instrument import Instrument, InstrumentId
from hedgebot.exchange.types import Trade
from hedgebot.exchange.wire.words import dec

MINUTE_MS = 60_000
DAY_MS = 1_440 * MINUTE_MS
BARS_MAX = 1_440
INTERVALS_MIN = {"1": 1, "3": 3, "5": 5, "15": 15, "30": 30, "60": 60, "120": 120, "240": 240, "360": 360, "720": 720}
INTERVALS = (*INTERVALS_MIN, "D", "W", "M")
# The epoch was a Thursday; weeks start on Mondays.
_MONDAY_MS = 4 * DAY_MS


class BarKind(StrEnum):
    """What a series of bars is made of."""

    TRADES = "trades"
    MARK = "mark"
    INDEX = "index"
    PREMIUM = "premium"
    OPEN_INTEREST = "open_interest"


@dataclass(slots=True)
class Bar:
    """Open, high, low, close, volume and turnover from `start_ms` on."""

    start_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    turnover: Decimal

    def merge(self, later: "Bar") -> None:
        """Add a bar that follows."""
        self.high, self.low = max(self.high, later.high), min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.turnover += later.turnover

    def row(self) -> list[str]:
        """As the venue lists a candle of trades."""
        return [*self.prices(), dec(self.volume), dec(self.turnover)]

    def prices(self) -> list[str]:
        """As the venue lists a candle of marks or indices."""
        return [str(self.start_ms), *(dec(value) for value in (self.open, self.high, self.low, self.close))]


class Bars:
    """Bars of all instruments."""

    def __init__(self) -> None:
        self._bars: dict[tuple[InstrumentId, BarKind], deque[Bar]] = {}

    def add(self, trade: Trade, instrument: Instrument | None = None) -> None:
        """Count a trade; turnover is in quote currency, of an inverse `instrument` in coin."""
        price, qty = trade.price, trade.qty_contracts
        turnover = qty / price if instrument is not None and instrument.kind.is_inverse else qty * price
        self._count(trade.instrument, BarKind.TRADES, trade.at_ns // NS_PER_MS, price, qty, turnover)

    def note(self, instrument: InstrumentId, kind: BarKind, at_ms: int, value: Decimal) -> None:
        """Count a sampled value."""
        self._count(instrument, kind, at_ms, value, ZERO, ZERO)

    def _count(
        self, instrument: InstrumentId, kind: BarKind, at_ms: int, value: Decimal, qty: Decimal, turnover: Decimal
    ) -> None:
        start_ms = at_ms // MINUTE_MS * MINUTE_MS
        fresh = Bar(start_ms, value, value, value, value, qty, turnover)
        bars = self._bars.setdefault((instrument, kind), deque(maxlen=BARS_MAX))
        if bars and bars[-1].start_ms == start_ms:
            bars[-1].merge(fresh)
        else:
            bars.append(fresh)

    def rows(self, instrument: InstrumentId, interval: str, limit: int, kind: BarKind = BarKind.TRADES) -> list[Bar]:
        """The newest `limit` bars of an interval, newest first. Minutes without a trade have no bar."""
        merged: list[Bar] = []
        for bar in self._bars.get((instrument, kind), ()):
            start_ms, _ = bounds_ms(bar.start_ms, interval)
            if merged and merged[-1].start_ms == start_ms:
                merged[-1].merge(bar)
            else:
                merged.append(Bar(start_ms, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover))
        return merged[::-1][:limit]


def bounds_ms(at_ms: int, interval: str) -> tuple[int, int]:
    """First and last millisecond of the interval that holds a moment; days, weeks and months are those of UTC."""
    if interval == "M":
        month = datetime.fromtimestamp(at_ms / 1_000, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        later = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
        return int(month.timestamp()) * 1_000, int(later.timestamp()) * 1_000 - 1
    if interval == "W":
        start_ms = (at_ms - _MONDAY_MS) // (7 * DAY_MS) * 7 * DAY_MS + _MONDAY_MS
        return start_ms, start_ms + 7 * DAY_MS - 1
    length_ms = INTERVALS_MIN.get(interval, 1_440) * MINUTE_MS
    start_ms = at_ms // length_ms * length_ms
    return start_ms, start_ms + length_ms - 1
