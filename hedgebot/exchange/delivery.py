"""What happens to positions and orders when an instrument ends: the venue closes them at the settlement price.

Owns the settlement of one market over all accounts, and what is remembered of it: at most 10,000 prices, and what each
account's log holds. Must not know when an instrument ends: the clockwork does.
"""

from collections import deque
from decimal import Decimal

from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.exchange.account import Account
from hedgebot.exchange.desk import Desk
from hedgebot.exchange.market import Market
from hedgebot.exchange.position import Position
from hedgebot.exchange.troubles.offbook import Fill, OffBook
from hedgebot.exchange.types import DeliveryPrice, DeliveryRecord, EndReason, ExecKind

PRICES_MAX = 10_000


class Deliveries:
    """The venue's settlements on a desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._books = desk.books
        self._venue = OffBook(desk.books, desk.orders)
        self.prices: deque[DeliveryPrice] = deque(maxlen=PRICES_MAX)

    def deliver(self, market: Market, price: Decimal) -> None:
        """End open orders and close positions at what they are worth when the underlying is delivered at `price`."""
        self.prices.append(DeliveryPrice(instrument=market.id, price=price, at_ns=self._books.now_ns))
        for account in self._books.accounts.values():
            for order in self._desk.orders.open_orders(account.name):
                if order.instrument == market.id:
                    self._desk.end(order, EndReason.SETTLED)
            for held in account.held(market.id):
                self._deliver_position(market, account, held, price)

    def _deliver_position(self, market: Market, account: Account, position: Position, price: Decimal) -> None:
        """Close one position; the delivery is an order of the venue, so that it has an id."""
        contracts, entry_price, before = position.contracts, position.entry_price, position.realised_pnl
        # docs/v5/enum.mdx, execType: Settle is the settlement of inverse futures, Delivery every other end.
        kind = ExecKind.SETTLE if market.instrument.kind is InstrumentKind.INVERSE_FUTURE else ExecKind.DELIVERY
        fill = Fill(
            side=Side.of(-contracts),
            contracts=abs(contracts),
            price=market.instrument.delivery_value(price),
            kind=kind,
            rate=market.listing.delivery_rate,
            index_price=price,
        )
        order = self._venue.trade(account.name, market, position.index, fill)
        self._books.logs[account.name].deliveries.append(
            DeliveryRecord(
                account=account.name,
                instrument=market.id,
                contracts=contracts,
                entry_price=entry_price,
                delivery_price=price,
                strike=market.instrument.strike,
                fee=order.fee,
                realised_pnl=position.realised_pnl - before,
                exec_id=self._books.logs[account.name].executions.last.exec_id,
                at_ns=self._books.now_ns,
            )
        )
