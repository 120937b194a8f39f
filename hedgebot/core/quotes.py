"""The newest market of instruments, as values of the state. Owns their shape; sanity and ages are market's."""

from decimal import Decimal

import msgspec

from hedgebot.domain.instrument import Side


class Quote(msgspec.Struct, kw_only=True):
    """Newest market of one instrument. `*_at_ns` is when the content last advanced (our clock), 0 = never.

    `still_since_ns` is when the book's prices last changed, `still_mark` the mark at that moment; `wide_since_ns` is
    since when the spread of each book is beyond its limit, 0 while it is not. `index` is the last one that was a price:
    where its feed goes without, it is held and ages. `ticker_problem`: why the newest ticker cannot be believed.
    `bid_qty` and `ask_qty` are in contracts, as orders are; None where the book did not say.
    """

    bid: Decimal | None = None
    bid_qty: Decimal | None = None
    ask: Decimal | None = None
    ask_qty: Decimal | None = None
    book_at_ns: int = 0
    book_venue_ns: int = 0
    book_problem: str = ""
    still_since_ns: int = 0
    still_mark: Decimal | None = None
    wide_since_ns: int = 0
    mark: Decimal | None = None
    index: Decimal | None = None
    mark_at_ns: int = 0
    mark_venue_ns: int = 0
    index_at_ns: int = 0
    index_venue_ns: int = 0
    ticker_problem: str = ""
    funding_rate: float | None = None
    funding_interval_hours: float | None = None
    funding_at_ns: int = 0

    @property
    def mid(self) -> Decimal | None:
        """Middle of a two-sided book, None otherwise."""
        return None if self.bid is None or self.ask is None else (self.bid + self.ask) / 2

    def shown_contracts(self, side: Side) -> Decimal | None:
        """What stands at the best price that an order of this side hits; None where the book did not say."""
        return self.ask_qty if side is Side.BUY else self.bid_qty

    @property
    def newest_index(self) -> Decimal | None:
        """The index that came with the mark, None where none did: of one that is held nothing is worked out."""
        return self.index if self.index_venue_ns == self.mark_venue_ns else None


class OptionMark(msgspec.Struct, kw_only=True):
    """Newest surface point of one option. `underlying_price` is the hedge's mid at its forward (0 = unknown)."""

    iv: float
    forward: float
    underlying_price: float
    mark_coin: float
    suspect: bool = False
    at_ns: int
    venue_ns: int
