"""Market frames of the public streams -> BookTop, Ticker, OptionQuote.

Pure but for what deltas are merged into, which `MarketReader` holds per instrument.
Sources: [D] websocket/public/orderbook and websocket/public/ticker.
"""

from decimal import Decimal
from typing import Any

from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.events import BookTop, OptionQuote, Ticker
from hedgebot.domain.instrument import InstrumentId, instrument_id
from hedgebot.venues.reading import (
    FrameProblem,
    Raw,
    as_object,
    float_or_none,
    ns_from_ms,
    number,
    number_or_none,
    price_or_none,
    text,
)

Level = tuple[Decimal, Decimal]
MarketFact = BookTop | Ticker | OptionQuote
_LEVELS_MAX = 64


class _Book:
    """Both sides of a shallow book, price -> quantity."""

    def __init__(self) -> None:
        self.bids: dict[Decimal, Decimal] = {}
        self.asks: dict[Decimal, Decimal] = {}

    def apply(self, data: Raw, *, snapshot: bool) -> None:
        """Take a snapshot or a delta; a quantity of zero removes its price."""
        for side, field in ((self.bids, "b"), (self.asks, "a")):
            if snapshot:
                side.clear()
            for price, qty in _levels(data, field):
                if qty > 0:
                    side[price] = qty
                else:
                    side.pop(price, None)
            if len(side) > _LEVELS_MAX:
                msg = f"the book's side {field} grew beyond {_LEVELS_MAX} levels"
                raise FrameProblem(msg)

    def top(self, instrument: InstrumentId, at_ns: int) -> BookTop:
        """The best of both sides; a missing side is None."""
        bid, ask = max(self.bids, default=None), min(self.asks, default=None)
        return BookTop(
            instrument=instrument,
            bid=bid,
            bid_qty=None if bid is None else self.bids[bid],
            ask=ask,
            ask_qty=None if ask is None else self.asks[ask],
            venue_at_ns=at_ns,
        )


class MarketReader:
    """Reads the frames of one venue's public sockets. A new connection starts from snapshots: call `forget`."""

    def __init__(self, venue: str) -> None:
        self._venue = venue
        self._books: dict[InstrumentId, _Book] = {}
        self._tickers: dict[InstrumentId, dict[str, Any]] = {}

    def forget(self, category: str) -> None:
        """Drop what was merged for a category whose socket went down."""
        prefix = instrument_id(self._venue, category, "")
        for kept in (self._books, self._tickers):
            for key in [key for key in kept if key.startswith(prefix)]:
                del kept[key]

    def read(self, category: str, frame: Raw) -> MarketFact | None:
        """The fact in a data frame of the category's socket; None for topics that carry none of ours.

        Raises FrameProblem when a frame of ours cannot be read, or when a delta comes before its snapshot.
        """
        topic = text(frame, "topic")
        if topic.startswith("orderbook."):
            return self._book(category, frame)
        if not topic.startswith("tickers."):
            return None
        if category == "option":
            return option_quote(self._venue, frame)
        # Spot tickers carry no mark and no bid or ask; the spot book is what counts there.
        return None if category == "spot" else self._ticker(category, frame)

    def _book(self, category: str, frame: Raw) -> BookTop:
        data = as_object(frame.get("data"), "data")
        instrument = instrument_id(self._venue, category, text(data, "s"))
        snapshot = _is_snapshot(frame)
        book = self._books.get(instrument)
        if book is None:
            if not snapshot:
                msg = f"a book delta of {instrument} came before its snapshot"
                raise FrameProblem(msg)
            book = self._books[instrument] = _Book()
        book.apply(data, snapshot=snapshot)
        return book.top(instrument, ns_from_ms(frame, "ts"))

    def _ticker(self, category: str, frame: Raw) -> Ticker:
        data = as_object(frame.get("data"), "data")
        instrument = instrument_id(self._venue, category, text(data, "symbol"))
        known = self._tickers.get(instrument)
        if _is_snapshot(frame):
            merged = dict(data)
        elif known is None:
            msg = f"a ticker delta of {instrument} came before its snapshot"
            raise FrameProblem(msg)
        else:
            merged = {**known, **data}
        ticker = ticker_of(instrument, merged, ns_from_ms(frame, "ts"))
        # Kept only once it could be read: one bad delta must not spoil those after it.
        self._tickers[instrument] = merged
        return ticker


def ticker_of(instrument: InstrumentId, data: Raw, at_ns: int) -> Ticker:
    """A ticker from its whole set of fields. A dated future has no funding: its fields come empty."""
    next_funding_ms = number_or_none(data, "nextFundingTime")
    return Ticker(
        instrument=instrument,
        mark=price_or_none(data, "markPrice"),
        index=price_or_none(data, "indexPrice"),
        last=price_or_none(data, "lastPrice"),
        funding_rate=float_or_none(data, "fundingRate"),
        funding_interval_hours=float_or_none(data, "fundingIntervalHour"),
        next_funding_at_ns=int(next_funding_ms) * NS_PER_MS if next_funding_ms else None,
        venue_at_ns=at_ns,
    )


def option_quote(venue: str, frame: Raw) -> OptionQuote:
    """An option ticker of the stream (snapshots only). A price or volatility of zero means that there is none."""
    data = as_object(frame.get("data"), "data")
    forward, iv = price_or_none(data, "underlyingPrice"), price_or_none(data, "markPriceIv")
    return OptionQuote(
        instrument=instrument_id(venue, "option", text(data, "symbol")),
        bid=price_or_none(data, "bidPrice"),
        ask=price_or_none(data, "askPrice"),
        mark=price_or_none(data, "markPrice"),
        index=price_or_none(data, "indexPrice"),
        forward=None if forward is None else float(forward),
        iv=None if iv is None else float(iv),
        delta=float_or_none(data, "delta"),
        gamma=float_or_none(data, "gamma"),
        vega=float_or_none(data, "vega"),
        theta=float_or_none(data, "theta"),
        venue_at_ns=ns_from_ms(frame, "ts"),
    )


def _is_snapshot(frame: Raw) -> bool:
    match frame.get("type"):
        case "snapshot":
            return True
        case "delta":
            return False
        case other:
            msg = f"type is {other!r}, it must be snapshot or delta"
            raise FrameProblem(msg)


def _levels(data: Raw, field: str) -> list[Level]:
    levels = data.get(field, [])
    if not isinstance(levels, list):
        msg = f"{field} is not a list"
        raise FrameProblem(msg)
    found = []
    for level in levels:
        if not isinstance(level, list) or len(level) < 2:
            msg = f"a level of {field} is not a pair"
            raise FrameProblem(msg)
        price, qty = ({"price": level[0]}, {"qty": level[1]})
        found.append((number(price, "price"), number(qty, "qty")))
    return found
