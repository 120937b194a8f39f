"""The liquidation engine: it trades for accounts that are being reduced, and gets rid of what it took over.

Owns who bears the difference between a bankruptcy price and the market: the insurance fund while it can, then those who
hold the other side (auto-deleveraging), and the fund again for what nobody holds. Must not know margin.
"""

from decimal import Decimal

import msgspec

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderStatus, TimeInForce
from hedgebot.exchange.account import Account, fee_coin
from hedgebot.exchange.desk import Desk
from hedgebot.exchange.market import Market
from hedgebot.exchange.position import booked_value
from hedgebot.exchange.troubles.adl import Deleveraging
from hedgebot.exchange.troubles.insurance import Insurance
from hedgebot.exchange.types import OrderType, Origin, PositionIndex, SimOrder


class Engine:
    """Trades of the venue's own on a desk."""

    def __init__(self, desk: Desk, insurance: Insurance, deleveraging: Deleveraging) -> None:
        self._desk = desk
        self._books = desk.books
        self._insurance = insurance
        self._deleveraging = deleveraging

    def step(  # one value for each column of an order
        self, account: Account, market: Market, index: PositionIndex, side: Side, contracts: Decimal, limit: Decimal
    ) -> bool:
        """One step down a ladder: a fill-or-kill order in the account's name; whether it was filled."""
        order = self._order(account, market, index, side, contracts, limit)
        return self._desk.enter(order).status is OrderStatus.FILLED

    def exchange(self, account: Account, market: Market, side: Side, contracts: Decimal, limit: Decimal) -> None:
        """Exchange coins in a spot market, as far as it goes: an immediate order in the account's name."""
        order = self._order(account, market, PositionIndex.ONE_WAY, side, contracts, limit)
        self._desk.enter(msgspec.structs.replace(order, time_in_force=TimeInForce.IOC, reduce_only=False))

    def _order(  # one value for each column of an order
        self, account: Account, market: Market, index: PositionIndex, side: Side, contracts: Decimal, limit: Decimal
    ) -> SimOrder:
        return SimOrder(
            order_id=self._books.new_id("order"),
            account=account.name,
            instrument=market.id,
            client_id=None,
            origin=Origin.LIQUIDATION,
            side=side,
            type=OrderType.LIMIT,
            qty_contracts=contracts,
            limit_price=limit,
            time_in_force=TimeInForce.FOK,
            reduce_only=True,
            status=OrderStatus.OPEN,
            fee_coin=fee_coin(market.instrument, side),
            position_index=index,
            created_at_ns=self._books.now_ns,
            updated_at_ns=self._books.now_ns,
            seq=self._books.next_seq(),
        )

    def unload(self, market: Market, side: Side, contracts: Decimal, price: Decimal) -> None:
        """Close what was taken over at `price` by an order of `side`: market first, then deleveraging."""
        bearable, lost, lots = self._insurance.bearable(market), ZERO, int(contracts / market.lot_size)
        taken = 0
        for match in market.walk(side, lots, market.any_tick(side)):
            each, found = self._gain(market, side, market.lot_size, price, market.price(match.tick)), match.lots
            if each < ZERO:
                found = min(found, int((bearable - lost) / -each))
                lost -= each * found
            if found <= 0:
                break
            taken += found
        if taken:
            self._sell_off(market, side, taken, price)
        rest = contracts - market.qty(taken)
        if rest > ZERO:
            self._insurance.exhausted(market)
            # An order of `side` closes the position that was taken over: those deleveraged hold the order's own side.
            left = self._deleveraging.deleverage(market, side.opposite, rest, price)
            if left > ZERO:
                self._book(market, self._gain(market, side, left, price, self._desk.world.mark(market)))

    def _sell_off(self, market: Market, side: Side, lots: int, price: Decimal) -> None:
        """Trade lots in the market and have the fund gain or lose the difference, exactly."""
        for tick, done in self._desk.sweep(market, side, lots):
            self._book(market, self._gain(market, side, market.qty(done), price, market.price(tick)))

    def _book(self, market: Market, amount: Decimal) -> None:
        self._insurance.book(market, amount, self._books.deal)

    @staticmethod
    def _gain(market: Market, side: Side, contracts: Decimal, taken_at: Decimal, closed_at: Decimal) -> Decimal:
        """Profit in the settlement coin of closing by `side` what was taken over at `taken_at`."""
        before = booked_value(market.instrument, contracts, taken_at)
        after = booked_value(market.instrument, contracts, closed_at)
        sold = after - before if side is Side.SELL else before - after
        return -sold if market.instrument.kind.is_inverse else sold
