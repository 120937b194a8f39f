"""What happens to positions and orders when an instrument ends: the venue closes them at the settlement price.

Owns the settlement of one market over all accounts. Must not know when an instrument ends: the calendar does.
"""

from decimal import Decimal

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument, OptionType, Side
from hedgebot.domain.orders import OrderStatus, TimeInForce
from hedgebot.exchange.account import Account, fee_coin, trade_fee
from hedgebot.exchange.desk import Desk
from hedgebot.exchange.market import Market
from hedgebot.exchange.position import Position, booked_value
from hedgebot.exchange.types import EndReason, ExecKind, OrderType, Origin, SimOrder


class Deliveries:
    """The venue's settlements on a desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._books = desk.books

    def deliver(self, market: Market, price: Decimal) -> None:
        """Settle an option or future at its expiry: open orders end, positions close at what they are worth.

        `price` is the underlying's price of delivery.
        """
        value = delivery_value(market.instrument, price)
        for account in self._books.accounts.values():
            for order in self._desk.orders.open_orders(account.name):
                if order.instrument == market.id:
                    self._desk.end(order, EndReason.SETTLED)
            for held in account.held(market.id):
                self._deliver_position(market, account, held, value, price)

    def _deliver_position(
        self, market: Market, account: Account, position: Position, value: Decimal, price: Decimal
    ) -> None:
        """Close one position at the delivery price; the delivery is an order of the venue, so that it has an id."""
        side, qty = Side.of(-position.contracts), abs(position.contracts)
        rate = market.listing.delivery_rate
        fee = trade_fee(market.instrument, side, qty, value, price, rate)
        order = SimOrder(
            order_id=self._books.new_id("order"),
            account=account.name,
            instrument=market.id,
            client_id=None,
            origin=Origin.VENUE,
            side=side,
            type=OrderType.MARKET,
            qty_contracts=qty,
            limit_price=None,
            time_in_force=TimeInForce.IOC,
            reduce_only=True,
            status=OrderStatus.FILLED,
            filled_contracts=qty,
            filled_value=booked_value(market.instrument, qty, value),
            average_price=value,
            fee=fee,
            fee_coin=fee_coin(market.instrument, side),
            position_index=position.index,
            created_at_ns=self._books.now_ns,
            updated_at_ns=self._books.now_ns,
            seq=self._books.next_seq(),
        )
        self._desk.orders.put(order)
        self._books.book(market, order, qty, value, fee, rate, ExecKind.DELIVERY, is_maker=False)


def delivery_value(instrument: Instrument, price: Decimal) -> Decimal:
    """What a contract is closed at when the underlying is delivered at `price`: an option at its intrinsic value."""
    if instrument.strike is None:
        return price
    above = price - instrument.strike
    return max(above if instrument.option_type is OptionType.CALL else -above, ZERO)
