"""What happens by itself as time passes: prices, the crowd's trades, fills, funding, deliveries, the client.

Owns the order within one grid step. Must not know requests, nor anything of the wire.
"""

from collections import deque
from collections.abc import Callable

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.books import Books
from hedgebot.exchange.borrowing import Lending
from hedgebot.exchange.clientflow import ClientFlow
from hedgebot.exchange.delivery import Deliveries
from hedgebot.exchange.desk import Desk
from hedgebot.exchange.margin_desk import MarginDesk
from hedgebot.exchange.market import Market
from hedgebot.exchange.roll import Roll
from hedgebot.exchange.types import (
    BookChanged,
    DeliveryPrice,
    Executed,
    InstrumentStatus,
    ListingChanged,
    Notice,
    Origin,
    TickerChanged,
)

FUNDING_RATES_MAX = 200
# As the venue has it for options (docs/v5/market/delivery-price.mdx): delivering from 08:00 to 12:00 UTC.
DELIVERING_NS = 4 * 3_600_000_000_000
RETIRE_NS = 7 * 86_400_000_000_000
_OPEN = (InstrumentStatus.TRADING, InstrumentStatus.STALE)


class Clockwork:
    """The part of an exchange that time moves. `step` carries it to the world's next grid point."""

    def __init__(
        self,
        books: Books,
        desk: Desk,
        flow: ClientFlow | None,
        tell: Callable[[Notice], None],
        watch: Callable[[], None],
    ) -> None:
        self.flow = flow
        self._flow_running = False
        # Whether anybody listens: what moved is told to nobody otherwise.
        self.heeded = False
        self._world = books.world
        self._books = books
        self._desk = desk
        self._deliveries = Deliveries(desk)
        self._lending = Lending(books, desk.orders)
        self._margin = MarginDesk(books, desk.orders)
        world = books.world
        self._rolls = {
            name: Roll(coin.spec, world.start_ns, options=not world.has_recorded_chain(name))
            for name, coin in world.coins.items()
        }
        self._closed: deque[Market] = deque()
        self._tell = tell
        self._watch = watch
        self._funding: dict[InstrumentId, list[tuple[int, float]]] = {}

    def funding_rates(self, instrument: InstrumentId) -> tuple[tuple[int, float], ...]:
        """Past settlements as (at_ns, rate), oldest first. KeyError for an unknown instrument."""
        self._world.markets[instrument]
        return tuple(self._funding.get(instrument, ()))

    def delivery_prices(self) -> tuple[DeliveryPrice, ...]:
        """At which prices what has ended was delivered, oldest first; at most the last 10,000."""
        return tuple(self._deliveries.prices)

    def heard(self, notice: Notice) -> None:
        """Count what the client's own orders traded into its inventory; called with every notice."""
        if self.flow is not None and self._flow_running and isinstance(notice, Executed):
            execution = notice.execution
            if execution.order.origin is Origin.CLIENT_FLOW:
                market = self._world.markets[execution.instrument]
                self.flow.traded(market.instrument, execution.side, execution.qty_contracts)

    def step(self) -> None:
        """One grid step: prices, fills of resting orders, the crowd's trades, options, settlements, the client."""
        world = self._world
        relisted = world.step()
        self._books.now_ns = world.now_ns
        for coin in relisted:
            for market in (*coin.linear, *coin.options):
                self._set_status(market, world.status(market))
        second = world.step_number % world.steps_per_second == 0
        for coin in world.coins.values():
            if not coin.live:
                continue
            for market in coin.linear:
                if market.trading:
                    self._move(market)
            if second:
                for listing in world.relist_options(coin):
                    self._tell(ListingChanged(listing=listing))
                world.remark_options(coin)
                for market in coin.options:
                    if market.trading:
                        self._desk.fill_crossed(market)
                        self._changed(market)
        if second:
            self._settle()
            self._lending.charge()
            self._margin.replenish()
            self._watch()
        self._run_client_flow()

    def _move(self, market: Market) -> None:
        inside = self._world.inside(market) if market.has_resting else None
        for middle in inside or ():
            # A resting order is filled where the crowd's other side came to its price inside the step, at its own
            # price. Taking orders see grid points only.
            self._world.visit(market, middle)
            self._desk.fill_crossed(market)
        self._desk.fill_crossed(market)
        for taker, lots in self._world.prints(market):
            self._desk.crowd_trade(market, taker, lots)
        self._changed(market)

    def _changed(self, market: Market) -> None:
        if not self.heeded:
            return
        self._tell(BookChanged(instrument=market.id))
        self._tell(TickerChanged(instrument=market.id))

    def _settle(self) -> None:
        """Funding and deliveries that are due, in listing order. A stale market is settled at its held prices."""
        now_ns = self._world.now_ns
        for name, perp in self._world.perps.items():
            if perp.next_funding_at_ns <= now_ns:
                rate = perp.settled_rate()
                self._books.settle_funding(self._world.markets[name], rate)
                rates = self._funding.setdefault(name, [])
                rates.append((perp.next_funding_at_ns, rate))
                del rates[:-FUNDING_RATES_MAX]
                perp.start_interval(perp.next_funding_at_ns)
        for coin in self._world.coins.values():
            ended = False
            for market in (*coin.linear, *coin.options):
                ended |= self._age(market, now_ns)
            if ended:
                self._world.revalue(coin)
                fresh = self._rolls[coin.spec.name].successors(coin.index, now_ns)
                self._world.add(fresh)
                for listing in fresh:
                    self._tell(ListingChanged(listing=listing))
        while self._closed and (self._closed[0].instrument.expiry_ns or 0) + RETIRE_NS <= now_ns:
            self._retire(self._closed.popleft())

    def _age(self, market: Market, now_ns: int) -> bool:
        """Launch, deliver or close an instrument whose time has come; whether it was delivered."""
        listing, expiry_ns = market.listing, market.instrument.expiry_ns
        if listing.status is InstrumentStatus.PRE_LAUNCH and listing.launched_at_ns <= now_ns:
            market.set_status(self._world.status(market))
            self._tell(ListingChanged(listing=market.listing))
        if expiry_ns is None or expiry_ns > now_ns:
            return False
        if listing.settlement_price is None:
            price = self._world.settlement_price(market)
            self._deliveries.deliver(market, price)
            market.deliver(price)
            self._tell(ListingChanged(listing=market.listing))
            return True
        if expiry_ns + DELIVERING_NS <= now_ns:
            self._world.close(market)
            self._closed.append(market)
            self._tell(ListingChanged(listing=market.listing))
        return False

    def _retire(self, market: Market) -> None:
        """Forget what closed long ago: a world that runs for months keeps its size."""
        self._world.retire(market)
        for account in self._books.accounts.values():
            account.forget(market.id)

    def _set_status(self, market: Market, status: InstrumentStatus) -> None:
        if market.listing.status is status or market.listing.status not in _OPEN:
            return
        market.set_status(status)
        self._tell(ListingChanged(listing=market.listing))

    def _run_client_flow(self) -> None:
        if self.flow is None:
            return
        request = self.flow.due(self._world.now_ns)
        if request is not None:
            self._flow_running = True
            self._desk.place(request, Origin.CLIENT_FLOW)
            self._flow_running = False
