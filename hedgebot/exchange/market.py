"""One instrument's market: the crowd's ladder, participants' resting orders, the tape's statistics, its book.

Owns the price-time order of one book, each order's place in its queue, and how a taking order walks it. Knows no
accounts and no money: it says which lots trade at which tick against whom, and the model books them.
"""

from bisect import insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

import msgspec

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument, InstrumentId, Side
from hedgebot.exchange.ladder import Ladder
from hedgebot.exchange.position import booked_value
from hedgebot.exchange.types import Book, InstrumentStatus, Level, Listing, Trade

TRADES_MAX = 1_000
CROWD_WALK_MAX = 12
# Behind a taker who ate all of a price, recorded spreads are back at a tick within 20 to 200 ms (m04), in small size.
_EATEN_MAX = 0.95


@dataclass(slots=True)
class Resting:
    """A participant's order in the book; `lots` is what is left of it, `ahead` what the market keeps of its queue."""

    order_id: str
    side: Side
    tick: int
    lots: int
    seq: int
    # The crowd's lots that stand before it in the queue at its price, as of a step; cancels and trades make it fewer.
    ahead: float = 0.0
    ahead_step: int = 0

    def __lt__(self, other: "Resting") -> bool:
        """Better price first, then older."""
        return (-self.side.sign * self.tick, self.seq) < (-other.side.sign * other.tick, other.seq)


class Match(NamedTuple):
    """Lots traded at a tick; `maker` is None when the crowd was on the other side.

    `ahead` marks crowd's lots that stand before a participant's order at their price.
    """

    tick: int
    lots: int
    maker: Resting | None
    ahead: bool = False

    def pieces(self, count: int) -> "list[Match]":
        """The same lots as at most `count` matches, as even as lots allow."""
        count = min(count, self.lots)
        sizes = [self.lots // count + (number < self.lots % count) for number in range(count)]
        return [self] if count == 1 else [Match(self.tick, size, self.maker) for size in sizes]


@dataclass(slots=True)
class Tape:
    """Statistics of trades since the start. A seed volume stands for what was before."""

    last: Decimal
    open: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal
    turnover: Decimal
    trades: deque[Trade] = field(default_factory=lambda: deque(maxlen=TRADES_MAX))

    def start_at(self, price: Decimal) -> None:
        """Begin at a price."""
        self.last = self.open = self.high = self.low = price

    def print(self, trade: Trade, value: Decimal) -> None:
        """Count a trade; `value` is in the settlement coin (spot: quote)."""
        self.last = trade.price
        if trade.price > self.high:
            self.high = trade.price
        elif trade.price < self.low:
            self.low = trade.price
        self.volume += trade.qty_contracts
        self.turnover += value
        self.trades.append(trade)


OPEN_INTEREST_QUOTE = 4e9
"""What others hold of each contract, in quote currency."""


class Market:
    """Book and tape of one instrument. Prices inside are ticks, quantities lots, both integers."""

    def __init__(self, listing: Listing, ladder: Ladder, start_price: Decimal, seed_volume: Decimal) -> None:
        self.listing = listing
        self.instrument = listing.instrument
        # The instrument's id, which no other listing of it changes.
        self.id: InstrumentId = listing.instrument.id
        self.tick_size = listing.instrument.tick_size
        self.lot_size = listing.instrument.lot_size
        self.ladder = ladder
        self.update_id = 1
        # Middle price that the crowd quotes around, in quote currency.
        self.middle = float(start_price)
        turnover = booked_value(listing.instrument, seed_volume, start_price).normalize()
        self.tape = Tape(start_price, start_price, start_price, start_price, seed_volume, turnover)
        self._eaten_kept = ladder.shape.eaten_kept
        self._bids: list[Resting] = []
        self._asks: list[Resting] = []
        self._interest = (ZERO, ZERO)

    def open_interest(self) -> Decimal:
        """Contracts that stand for what others hold: a function of the first price, worked out once."""
        opened = self.tape.open
        if self._interest[0] != opened:
            self._interest = (opened, seed_volume(self.instrument, float(opened), OPEN_INTEREST_QUOTE))
        return self._interest[1]

    @property
    def trading(self) -> bool:
        """Whether orders are taken."""
        return self.listing.status is InstrumentStatus.TRADING

    def set_status(self, status: InstrumentStatus) -> None:
        """Change the listing's status."""
        self.listing = msgspec.structs.replace(self.listing, status=status)

    def relist(self, listing: Listing) -> None:
        """Another listing of the same instrument, with the same ticks and lots."""
        self.listing, self.instrument, self._interest = listing, listing.instrument, (ZERO, ZERO)

    def respecify(self, listing: Listing, ladder: Ladder) -> tuple[str, ...]:
        """Other ticks and lots, and a crowd that quotes in them; the ids of orders that do not fit, taken out."""
        ticks, lots = (
            self.tick_size / listing.instrument.tick_size,
            self.lot_size / listing.instrument.lot_size,
        )
        unfit: list[str] = []
        for side in (self._bids, self._asks):
            kept: list[Resting] = []
            for order in side:
                tick, left = order.tick * ticks, order.lots * lots
                if tick % 1 or left % 1:
                    unfit.append(order.order_id)
                    continue
                order.tick, order.lots = int(tick), int(left)
                order.ahead = self.ahead_of(order) * float(lots)
                kept.append(order)
            side[:] = kept
        self.relist(listing)
        self.tick_size, self.lot_size = listing.instrument.tick_size, listing.instrument.lot_size
        ladder.step = self.ladder.step
        self.ladder, self._eaten_kept = ladder, ladder.shape.eaten_kept
        self.update_id += 1
        return tuple(unfit)

    def deliver(self, price: Decimal) -> None:
        """End trading for good, at the underlying's price of delivery."""
        self.listing = msgspec.structs.replace(self.listing, status=InstrumentStatus.DELIVERING, settlement_price=price)

    def close(self) -> None:
        """Nothing happens here any more: only the listing is kept."""
        self.set_status(InstrumentStatus.SETTLED)
        self.tape.trades.clear()

    def price(self, tick: int) -> Decimal:
        """Exact price of a tick."""
        return self.tick_size * tick

    def qty(self, lots: int) -> Decimal:
        """Exact quantity of lots."""
        return self.lot_size * lots

    # --- resting orders

    def resting(self, side: Side) -> list[Resting]:
        """Participants' orders of one side, best first."""
        return self._bids if side is Side.BUY else self._asks

    @property
    def has_resting(self) -> bool:
        """Whether any participant's order stands in the book."""
        return bool(self._bids or self._asks)

    def rest(self, order: Resting) -> None:
        """Put an order into the book, behind everything that stands at its price."""
        others = (self.ahead_of(one) for one in self.resting(order.side) if one.tick == order.tick)
        order.ahead = max(float(self.ladder.queue_at(order.side, order.tick)), *others, 0.0)
        order.ahead_step = self.ladder.step
        insort(self.resting(order.side), order)
        self.update_id += 1

    def remove(self, order_id: str) -> None:
        """Take an order out of the book, if it is there."""
        for side in (self._bids, self._asks):
            for number, order in enumerate(side):
                if order.order_id == order_id:
                    del side[number]
                    self.update_id += 1
                    return

    def shrink(self, order_id: str, side: Side, lots: int) -> None:
        """Leave fewer lots of a resting order where it stands: it keeps its place."""
        for order in self.resting(side):
            if order.order_id == order_id:
                order.lots = lots
                self.update_id += 1

    def reduce(self, order: Resting, lots: int) -> None:
        """Fill lots of a resting order; a whole fill takes it out of the book."""
        order.lots -= lots
        self.update_id += 1
        if order.lots == 0:
            self.resting(order.side).remove(order)

    def ahead_of(self, order: Resting) -> float:
        """The crowd's lots that stand before an order at its price, now."""
        steps = self.ladder.step - order.ahead_step
        if steps:
            order.ahead *= self.ladder.shape.ahead_kept**steps
            order.ahead_step = self.ladder.step
        return order.ahead

    def _advance(self, side: Side, tick: int, lots: int) -> None:
        """Let the queues at a price move on by lots of the crowd that traded there."""
        for order in self.resting(side):
            if order.tick == tick:
                order.ahead = max(self.ahead_of(order) - lots, 0.0)

    # --- matching

    def offers(self, taker: Side) -> Iterator[Match]:
        """What a taker of this side finds, best first; at one price in the order of the queue.

        Of the crowd's lots at a participant's price, those that were there first stand before it and the rest behind.
        """
        crowd = self.ladder.levels(taker.opposite)
        level, passed = next(crowd, None), 0
        for order in tuple(self.resting(taker.opposite)):
            while level is not None and (level[0] - order.tick) * taker.sign < 0:
                if level[1] > passed:
                    yield Match(level[0], level[1] - passed, None)
                level, passed = next(crowd, None), 0
            if level is not None and level[0] == order.tick:
                before = min(int(self.ahead_of(order)), level[1]) - passed
                if before > 0:
                    yield Match(order.tick, before, None, ahead=True)
                    passed += before
            yield Match(order.tick, order.lots, order)
        while level is not None:
            if level[1] > passed:
                yield Match(level[0], level[1] - passed, None)
            level, passed = next(crowd, None), 0

    def walk(self, taker: Side, lots: int, limit_tick: int) -> list[Match]:
        """Matches of a taking order up to its limit, without carrying them out; fewer lots when the book ends."""
        found: list[Match] = []
        for offer in self.offers(taker):
            if lots <= 0 or (offer.tick - limit_tick) * taker.sign > 0:
                break
            taken = min(lots, offer.lots)
            found.append(Match(offer.tick, taken, offer.maker))
            lots -= taken
        return found

    @staticmethod
    def any_tick(taker: Side) -> int:
        """A limit that stops nobody."""
        return 2**62 if taker is Side.BUY else 0

    def carry_out(self, match: Match) -> None:
        """Take the lots that a participant's order matched out of the book."""
        if match.maker is not None:
            self.reduce(match.maker, match.lots)
            return
        side = Side.BUY if match.tick <= self.ladder.bid_tick else Side.SELL
        self.ladder.take(side, match.tick, match.lots)
        self.ladder.press(side.opposite, match.lots)
        self._advance(side, match.tick, match.lots)
        self.update_id += 1

    def crowd_takes(self, taker: Side, lots: int) -> list[Match]:
        """Let an aggressive order of the crowd walk the book; the caller prints it and fills the makers.

        What of the crowd is not ahead of a participant grows back while the step lasts, so more than is shown there can
        trade, and some of it is there again at the step's end. Beyond `CROWD_WALK_MAX` matches the order ends.
        """
        side = taker.opposite
        if not self.resting(side):
            return self._crowd_alone(side, lots)
        found: list[Match] = []
        for offer in islice(self.offers(taker), CROWD_WALK_MAX):
            elastic = offer.maker is None and not offer.ahead
            taken = min(lots, max(int(offer.lots / self._eaten_kept), 1) if elastic else offer.lots)
            found.append(Match(offer.tick, taken, offer.maker))
            if offer.maker is not None:
                self.reduce(offer.maker, taken)
                self.ladder.press(offer.maker.side, taken)
            else:
                self.ladder.graze(side, offer.tick, self._eaten(taken, offer.lots) if elastic else taken)
            lots -= taken
            if lots <= 0:
                break
        # Only now: the queues were read as they stood before.
        for match in found:
            if match.maker is None:
                self._advance(side, match.tick, match.lots)
        self.update_id += 1
        return found

    def _crowd_alone(self, side: Side, lots: int) -> list[Match]:
        """The same where no participant stands."""
        found: list[Match] = []
        for tick, shown in islice(self.ladder.levels(side), CROWD_WALK_MAX):
            taken = min(lots, max(int(shown / self._eaten_kept), 1))
            found.append(Match(tick, taken, None))
            self.ladder.graze(side, tick, self._eaten(taken, shown))
            lots -= taken
            if lots <= 0:
                break
        self.update_id += 1
        return found

    def _eaten(self, taken: int, shown: int) -> int:
        """What the crowd's own taking leaves eaten at the step's end: never all, the recorded gaps close at once."""
        return int(min(taken * self._eaten_kept, shown * _EATEN_MAX))

    def crossed(self) -> list[tuple[Resting, int]]:
        """Resting orders that the crowd now trades through, with the lots that the crowd has for each.

        The crowd's lots are eaten while this is asked; the caller fills the orders. After it the book is not crossed.
        """
        filled: list[tuple[Resting, int]] = []
        for side in (Side.BUY, Side.SELL):
            touch = self.ladder.touch(side.opposite)
            for order in [one for one in self.resting(side) if (one.tick - touch) * side.sign >= 0]:
                lots = 0
                for tick, available in self.ladder.levels(side.opposite):
                    if (order.tick - tick) * side.sign < 0 or lots == order.lots:
                        break
                    taken = min(available, order.lots - lots)
                    self.ladder.take(side.opposite, tick, taken)
                    lots += taken
                if lots:
                    self.ladder.press(side, lots)
                    filled.append((order, lots))
        return filled

    def best_tick(self, side: Side) -> int | None:
        """Best price of a side; None when it is empty."""
        return next((match.tick for match in self.offers(side.opposite)), None)

    def top(self, side: Side) -> Level | None:
        """Best price of a side and the quantity there; None when it is empty."""
        levels = self.depth(side, 1)
        return levels[0] if levels else None

    def depth(self, side: Side, count: int) -> tuple[Level, ...]:
        """Price levels of a side, best first, participants' orders included."""
        if not self.resting(side):
            # The crowd alone, as nearly always: its levels are whole prices, best first.
            found = islice(self.ladder.levels(side), count)
            return tuple([(self.tick_size * tick, self.lot_size * lots) for tick, lots in found])
        merged: dict[int, int] = {}
        for match in self.offers(side.opposite):
            if match.tick not in merged and len(merged) == count:
                break
            merged[match.tick] = merged.get(match.tick, 0) + match.lots
        return tuple((self.price(tick), self.qty(lots)) for tick, lots in merged.items())

    def book(self, count: int, seq: int, at_ns: int) -> Book:
        """The book's first `count` levels."""
        return Book(
            instrument=self.id,
            bids=self.depth(Side.BUY, count),
            asks=self.depth(Side.SELL, count),
            update_id=self.update_id,
            seq=seq,
            at_ns=at_ns,
        )


def side_is_empty(market: Market, taker: Side) -> bool:
    """Whether a taker of this side would find nothing at all."""
    return next(market.offers(taker), None) is None


def seed_volume(instrument: Instrument, market_price: float, turnover_quote: float) -> Decimal:
    """Contracts traded before the start that make up a turnover in quote currency, a whole number."""
    each = float(instrument.notional_quote(Decimal(1), Decimal(str(market_price))))
    return Decimal(max(int(turnover_quote / each), 0)) if each > 0 else ZERO
