"""Topics of market data: what each sent last, and what it sends next. Rendered once for all subscribers.

Owns snapshots and deltas of tickers, books, trades and candles; `publish.py` decides when. Source:
docs/v5/websocket/public/{ticker, orderbook, trade, kline}.mdx.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable

import orjson

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.types import Listing, Trade
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.bars import bounds_ms
from hedgebot.exchange.wire.fields_market import (
    Fields,
    contract_stream_fields,
    level_texts,
    option_stream_fields,
    spot_stream_fields,
    trade_stream_fields,
)
from hedgebot.exchange.wire.sessions import Session
from hedgebot.exchange.wire.words import ms

REPEAT_S = 3.0
DEPTHS = {
    "spot": (1, 50, 200, 1_000),
    "option": (25, 100),
    "linear": (1, 50, 200, 1_000),
    "inverse": (1, 50, 200, 1_000),
}
# The model's books have at most this many levels that anyone can see.
DEPTH_SHOWN = 200


class Topic(ABC):
    """One subscribed topic of one channel. `fresh` subscribers still owe their first snapshot."""

    # What it is about; None for a group of contracts.
    instrument: InstrumentId | None = None

    def __init__(self, name: str) -> None:
        self.name = name
        self.subscribers: dict[Session, None] = {}
        self.fresh: set[Session] = set()

    @abstractmethod
    def publish(self, api: Api) -> None:
        """Send what changed since the last time."""

    def _send(self, snapshot: Callable[[], Fields], delta: Fields | None) -> None:
        """Give fresh subscribers the snapshot and the others the delta, each rendered at most once."""
        whole = orjson.dumps(snapshot()) if self.fresh else b""
        change = orjson.dumps(delta) if delta is not None else b""
        for session in self.subscribers:
            if session in self.fresh:
                session.push(self.name, whole)
            elif change:
                session.push(self.name, change)
        self.fresh.clear()


class InstrumentTopic(Topic):
    """A topic about one instrument."""

    def __init__(self, name: str, listing: Listing) -> None:
        super().__init__(name)
        self.listing = listing
        self.instrument: InstrumentId = listing.instrument.id
        self.channel = listing.instrument.category


class TickerTopic(InstrumentTopic):
    """`tickers.SYMBOL`: deltas for contracts, always whole for spot and options."""

    def __init__(self, name: str, listing: Listing) -> None:
        super().__init__(name, listing)
        self._last: Fields = {}

    def publish(self, api: Api) -> None:
        """Send the ticker if it moved."""
        fields, sequence = self._fields(api), api.exchange.book(self.instrument, 1).seq
        changed = {name: value for name, value in fields.items() if self._last.get(name) != value}
        self._last = fields
        if not changed and not self.fresh:
            return

        def frame(kind: str, data: Fields) -> Fields:
            ts_ms = api.venue_ms
            if self.channel == "option":
                ident = f"{self.name}-{sequence}-{ts_ms}"
                return {"id": ident, "topic": self.name, "ts": ts_ms, "data": data, "type": kind}
            return {"topic": self.name, "type": kind, "data": data, "cs": sequence, "ts": ts_ms}

        delta: Fields | None = None
        if changed and self.channel in {"spot", "option"}:
            delta = frame("snapshot", fields)
        elif changed:
            delta = frame("delta", {"symbol": fields["symbol"], **changed})
        self._send(lambda: frame("snapshot", fields), delta)

    def _fields(self, api: Api) -> Fields:
        one = self.listing.instrument
        if one.kind.is_option:
            return option_stream_fields(api.exchange.option_ticker(one.id), one)
        ticker = api.exchange.ticker(one.id)
        return (
            spot_stream_fields(ticker, one) if self.channel == "spot" else contract_stream_fields(ticker, self.listing)
        )


class BookTopic(InstrumentTopic):
    """`orderbook.DEPTH.SYMBOL`: level 1 is snapshots only (repeated after 3 s of quiet), deeper ones have deltas."""

    def __init__(self, name: str, listing: Listing, depth: int) -> None:
        super().__init__(name, listing)
        self.depth = min(depth, DEPTH_SHOWN)
        self._bids: dict[str, str] = {}
        self._asks: dict[str, str] = {}
        self._number = 1
        self._sent_s = 0.0

    def publish(self, api: Api) -> None:
        """Send the book if it changed, or if level 1 was quiet for 3 s."""
        book = api.exchange.book(self.instrument, self.depth)
        bids, asks = level_texts(book.bids), level_texts(book.asks)
        now_bids, now_asks = _levels(bids), _levels(asks)
        bid_moves, ask_moves = _moves(self._bids, now_bids), _moves(self._asks, now_asks)
        self._bids, self._asks = now_bids, now_asks
        changed = bool(bid_moves or ask_moves)
        if changed:
            self._number += 1
        now_s = time.monotonic()
        repeats = self.depth == 1 and now_s - self._sent_s >= REPEAT_S
        if not (changed or repeats or self.fresh):
            return
        if changed or repeats:
            self._sent_s = now_s
        number, symbol, at_ms = self._number, self.listing.instrument.symbol, ms(book.at_ns)

        def frame(kind: str, bid: list[list[str]], ask: list[list[str]]) -> Fields:
            data: Fields = {"s": symbol, "b": bid, "a": ask, "u": number, "seq": book.seq}
            return {"topic": self.name, "type": kind, "ts": api.venue_ms, "data": data, "cts": at_ms}

        delta: Fields | None = None
        if self.depth == 1:
            delta = frame("snapshot", bids, asks) if changed or repeats else None
        elif changed:
            delta = frame("delta", bid_moves, ask_moves)
        self._send(lambda: frame("snapshot", bids, asks), delta)


def _levels(rows: list[list[str]]) -> dict[str, str]:
    return {price: qty for price, qty in rows}  # noqa: C416 -- dict() of lists of two does not type


def _moves(before: dict[str, str], now: dict[str, str]) -> list[list[str]]:
    """Levels that are new or have another size, and those that are gone with size 0."""
    moved = [[price, qty] for price, qty in now.items() if before.get(price) != qty]
    return moved + [[price, "0"] for price in before if price not in now]


class TradeTopic(InstrumentTopic):
    """`publicTrade.SYMBOL`: what was printed since the last flush; who comes late does not get the past."""

    def __init__(self, name: str, listing: Listing) -> None:
        super().__init__(name, listing)
        self.trades: list[Trade] = []

    def publish(self, api: Api) -> None:
        """Send the trades."""
        trades, self.trades = self.trades, []
        self.fresh.clear()
        if trades:
            symbol = self.listing.instrument.symbol
            data = [trade_stream_fields(trade, symbol) for trade in trades]
            self._send(dict, {"topic": self.name, "type": "snapshot", "ts": api.venue_ms, "data": data})


class KlineTopic(InstrumentTopic):
    """`kline.INTERVAL.SYMBOL`: the running candle."""

    def __init__(self, name: str, listing: Listing, interval: str) -> None:
        super().__init__(name, listing)
        self.interval = interval
        self._last: list[str] = []

    def publish(self, api: Api) -> None:
        """Send the candle if it moved."""
        bars = api.bars.rows(self.instrument, self.interval, 1)
        if not bars or (bars[0].row() == self._last and not self.fresh):
            return
        bar = bars[0]
        self._last = row = bar.row()
        ts_ms = api.venue_ms
        names = ("open", "high", "low", "close", "volume", "turnover")
        candle: Fields = {
            "start": bar.start_ms,
            "end": bounds_ms(bar.start_ms, self.interval)[1],
            "interval": self.interval,
            **dict(zip(names, row[1:], strict=True)),
            "confirm": False,
            "timestamp": ts_ms,
        }
        frame: Fields = {"topic": self.name, "type": "snapshot", "ts": ts_ms, "data": [candle]}
        self._send(lambda: frame, frame)
