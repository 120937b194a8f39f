"""What happens by itself as time passes: prices, the crowd's trades, fills, funding, deliveries, the client.

Owns the order within one grid step. Must not know requests, nor anything of the wire.
"""

from collections.abc import Callable

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.books import Books
from hedgebot.exchange.borrowing import Lending
from hedgebot.exchange.clientflow import ClientFlow
from hedgebot.exchange.delivery import Deliveries
from hedgebot.exchange.desk import Desk
from hedgebot.exchange.margin_desk import MarginDesk
from hedgebot.exchange.market import Market
from hedgebot.exchange.types import (
    BookChanged,
    Executed,
    InstrumentStatus,
    ListingChanged,
    Notice,
    Origin,
    TickerChanged,
)

FUNDING_RATES_MAX = 200
SETTLED = InstrumentStatus.SETTLED


class Clockwork:
    """The part of an exchange that time moves. `step` carries it to the world's next grid point."""

    def __init__(self, books: Books, desk: Desk, flow: ClientFlow | None, tell: Callable[[Notice], None]) -> None:
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
        self._tell = tell
        self._funding: dict[InstrumentId, list[tuple[int, float]]] = {}

    def funding_rates(self, instrument: InstrumentId) -> tuple[tuple[int, float], ...]:
        """Past settlements as (at_ns, rate), oldest first. KeyError for what is no perpetual."""
        self._world.perps[instrument]
        return tuple(self._funding.get(instrument, ()))

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
            for market in (*coin.linear, *coin.options):
                expiry = market.instrument.expiry_ns
                if expiry is not None and expiry <= now_ns and market.listing.status is not SETTLED:
                    price = self._world.settlement_price(market)
                    self._deliveries.deliver(market, price)
                    market.settle(price)
                    self._tell(ListingChanged(listing=market.listing))

    def _set_status(self, market: Market, status: InstrumentStatus) -> None:
        if market.listing.status in {status, SETTLED}:
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
