"""Market data to subscribed sockets: snapshots first, then deltas, each topic rendered once for all subscribers.

Owns what each topic sent last. Market notices are conflated by instrument until the next flush. Source:
docs/v5/websocket/public/{ticker, orderbook, trade, kline}.mdx.
"""

import time
from collections.abc import Callable
from typing import Protocol

import orjson

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.types import BookChanged, Listing, Notice, PublicTrade, TickerChanged, Trade
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.bars import INTERVALS, bounds_ms
from hedgebot.exchange.wire.fields_market import (
    Fields,
    contract_stream_fields,
    level_texts,
    option_stream_fields,
    spot_stream_fields,
    trade_stream_fields,
)
from hedgebot.exchange.wire.sampling import sample
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


class Topic(Protocol):
    """One subscribed topic of one channel. `fresh` subscribers still owe their first snapshot."""

    name: str
    instrument: InstrumentId
    subscribers: dict[Session, None]
    fresh: set[Session]

    def publish(self, api: Api) -> None:
        """Send what changed since the last time."""


class _Topic:
    def __init__(self, name: str, listing: Listing) -> None:
        self.name = name
        self.listing = listing
        self.instrument = listing.instrument.id
        self.channel = listing.instrument.category
        self.subscribers: dict[Session, None] = {}
        self.fresh: set[Session] = set()

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


class TickerTopic(_Topic):
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


class BookTopic(_Topic):
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


class TradeTopic(_Topic):
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


class KlineTopic(_Topic):
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


class Publisher:
    """All public topics that anyone subscribed."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._topics: dict[tuple[str, str], Topic] = {}
        self._by_instrument: dict[InstrumentId, list[Topic]] = {}
        self._dirty: dict[InstrumentId, None] = {}
        self._looked_s = 0.0

    def on_notice(self, notice: Notice) -> None:
        """Take note of what moved."""
        match notice:
            case BookChanged() | TickerChanged():
                self._dirty[notice.instrument] = None
            case PublicTrade():
                trade = notice.trade
                listing = self._api.exchange.listing(trade.instrument)
                self._api.bars.add(trade, listing.instrument if listing is not None else None)
                self._dirty[trade.instrument] = None
                for topic in self._by_instrument.get(trade.instrument, ()):
                    if isinstance(topic, TradeTopic):
                        topic.trades.append(trade)
            case _:
                pass

    def subscribe(self, session: Session, name: str) -> bool:
        """Add a subscriber; False when there is no such topic on its channel."""
        topic = self._topics.get((session.channel, name)) or self._make(session.channel, name)
        if topic is None:
            return False
        topic.subscribers[session] = None
        topic.fresh.add(session)
        session.topics[name] = None
        self._dirty[topic.instrument] = None
        return True

    def unsubscribe(self, session: Session, name: str) -> None:
        """Remove a subscriber; the last one takes the topic with it."""
        session.topics.pop(name, None)
        topic = self._topics.get((session.channel, name))
        if topic is None:
            return
        topic.subscribers.pop(session, None)
        topic.fresh.discard(session)
        if not topic.subscribers:
            del self._topics[session.channel, name]
            self._by_instrument[topic.instrument].remove(topic)

    def _make(self, channel: str, name: str) -> Topic | None:
        kind, _, rest = name.partition(".")
        argument, _, symbol = rest.partition(".")
        listing = self._api.find(channel, symbol or argument)
        if listing is None:
            return None
        topic: Topic | None = None
        if kind == "tickers" and not symbol:
            topic = TickerTopic(name, listing)
        elif kind == "publicTrade" and not symbol:
            topic = TradeTopic(name, listing)
        elif kind == "orderbook" and argument in map(str, DEPTHS[channel]):
            topic = BookTopic(name, listing, int(argument))
        elif kind == "kline" and argument in INTERVALS:
            topic = KlineTopic(name, listing, argument)
        if topic is not None:
            self._topics[channel, name] = topic
            self._by_instrument.setdefault(topic.instrument, []).append(topic)
        return topic

    def flush(self) -> None:
        """Publish every topic of what moved; once a second also the quiet ones (level 1 repeats, lagging sockets)."""
        now_s = time.monotonic()
        quiet = now_s - self._looked_s >= 1.0
        if quiet:
            self._looked_s = now_s
            sample(self._api.exchange, self._api.bars)
            self._resync()
        dirty, self._dirty = self._dirty, {}
        for instrument in list(self._by_instrument) if quiet else dirty:
            for topic in tuple(self._by_instrument.get(instrument, ())):
                topic.publish(self._api)

    def _resync(self) -> None:
        """Owe a snapshot to sockets that lost frames and have caught up."""
        for topic in self._topics.values():
            topic.fresh |= {one for one in topic.subscribers if one.lagging and not one.waiting}
        for topic in self._topics.values():
            for session in topic.fresh:
                session.lagging = False
