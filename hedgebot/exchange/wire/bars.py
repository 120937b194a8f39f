"""One-minute bars from public trades, for candles. Owns the counting; at most 1,440 bars per instrument (a day)."""

from collections import deque
from dataclasses import dataclass
from decimal import Decimal

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.types import Trade
from hedgebot.exchange.wire.words import NS_PER_MS, dec

MINUTE_MS = 60_000
BARS_MAX = 1_440
INTERVALS_MIN = {"1": 1, "3": 3, "5": 5, "15": 15, "30": 30, "60": 60, "120": 120, "240": 240, "360": 360, "720": 720}
INTERVALS_MIN |= {"D": 1_440}


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
        """As the venue lists it."""
        prices = [dec(value) for value in (self.open, self.high, self.low, self.close, self.volume, self.turnover)]
        return [str(self.start_ms), *prices]


class Bars:
    """Bars of all instruments."""

    def __init__(self) -> None:
        self._bars: dict[InstrumentId, deque[Bar]] = {}

    def add(self, trade: Trade) -> None:
        """Count a trade."""
        start_ms = trade.at_ns // NS_PER_MS // MINUTE_MS * MINUTE_MS
        price, qty = trade.price, trade.qty_contracts
        fresh = Bar(start_ms, price, price, price, price, qty, price * qty)
        bars = self._bars.setdefault(trade.instrument, deque(maxlen=BARS_MAX))
        if bars and bars[-1].start_ms == start_ms:
            bars[-1].merge(fresh)
        else:
            bars.append(fresh)

    def rows(self, instrument: InstrumentId, minutes: int, limit: int) -> list[Bar]:
        """The newest `limit` bars of an interval, newest first. Minutes without a trade have no bar."""
        length_ms = minutes * MINUTE_MS
        merged: list[Bar] = []
        for bar in self._bars.get(instrument, ()):
            start_ms = bar.start_ms // length_ms * length_ms
            if merged and merged[-1].start_ms == start_ms:
                merged[-1].merge(bar)
            else:
                merged.append(Bar(start_ms, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover))
        return merged[::-1][:limit]
