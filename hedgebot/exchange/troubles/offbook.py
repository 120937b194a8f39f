"""Executions without a book: what the venue trades or moves by its own rules, booked exactly like any other.

Owns the order that stands behind such an execution, so that it has an id like every other. Must not know why it came.
"""

from dataclasses import dataclass
from decimal import Decimal

from hedgebot.domain.decimals import ZERO, is_multiple
from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.domain.orders import OrderStatus, TimeInForce
from hedgebot.exchange.account import Account, fee_coin, trade_fee
from hedgebot.exchange.books import Books
from hedgebot.exchange.fee_tiers import fee_rates
from hedgebot.exchange.history import OrderStore
from hedgebot.exchange.market import Market
from hedgebot.exchange.position import booked_value
from hedgebot.exchange.trouble import OffBookTrade
from hedgebot.exchange.types import ExecKind, OrderType, Origin, PositionIndex, SimOrder

_ORIGIN = {
    ExecKind.ADL: Origin.ADL,
    ExecKind.BUST: Origin.TAKEOVER,
    ExecKind.DELIVERY: Origin.VENUE,
    ExecKind.SETTLE: Origin.VENUE,
    ExecKind.BLOCK_TRADE: Origin.BLOCK_TRADE,
    ExecKind.MOVE_POSITION: Origin.MOVE_POSITION,
    ExecKind.FUTURE_SPREAD: Origin.SPREAD,
    ExecKind.CORPORATE_ACTION: Origin.ADMIN,
}
# The parties of these asked for them, and pay; the rest befalls an account.
_CHARGED = frozenset({ExecKind.BLOCK_TRADE, ExecKind.FUTURE_SPREAD})
# Larger values or finer prices could not be booked to the last decimal.
VALUE_MAX, PRICE_STEP = Decimal(10) ** 15, Decimal("1e-8")


@dataclass(frozen=True, slots=True)
class Fill:
    """What is to be booked; `rate` is the fee's share of the value (an option's: of the index; None is that of now)."""

    side: Side
    contracts: Decimal
    price: Decimal
    kind: ExecKind
    rate: Decimal = ZERO
    index_price: Decimal | None = None


class OffBook:
    """Books trades that no order of a client made."""

    def __init__(self, books: Books, orders: OrderStore) -> None:
        self._books = books
        self._orders = orders

    def strike(self, trouble: OffBookTrade) -> None:
        """Book both sides; ValueError says what cannot be, and then nothing was booked."""
        market = self._books.world.markets.get(trouble.instrument)
        if market is None:
            raise ValueError(f"instrument is {trouble.instrument!r}: there is none of that name")
        problem = self._problem(trouble, market)
        if problem is not None:
            raise ValueError(problem)
        self._books.new_deal()
        price = self._books.world.mark(market) if trouble.price is None else trouble.price
        sides = ((trouble.account, trouble.side), (trouble.counterparty, trouble.side.opposite))
        for name, side in sides:
            if name is not None:
                tier = self._books.accounts[name].fee_tier
                usual = fee_rates(tier, market.instrument.kind).taker if trouble.kind in _CHARGED else ZERO
                rate = usual if trouble.fee_rate is None else trouble.fee_rate
                index = _leg(self._books.accounts[name], market, side, trouble.contracts)
                self.trade(name, market, index, Fill(side, trouble.contracts, price, trouble.kind, rate))

    def _problem(self, trouble: OffBookTrade, market: Market) -> str | None:
        for name in filter(None, (trouble.account, trouble.counterparty)):
            if name not in self._books.accounts:
                return f"account is {name!r}, it must be one of {', '.join(self._books.accounts)}"
        if trouble.account == trouble.counterparty:
            return f"counterparty is {trouble.counterparty!r}, it must be another account than the trade's own"
        if market.listing.settlement_price is not None:
            return f"instrument is {market.id}: it has been delivered"
        qty, price = trouble.contracts, trouble.price
        if not qty.is_finite() or qty <= 0 or not is_multiple(qty, market.lot_size):
            return f"contracts is {qty}, it must be a positive multiple of {market.lot_size}"
        problem = bounds_problem(market, qty, self._books.world.mark(market) if price is None else price)
        if problem is not None:
            return problem
        if price == 0 and market.instrument.kind.is_inverse:
            return "price is 0: an inverse contract has no value at zero"
        if trouble.fee_rate is not None and (not trouble.fee_rate.is_finite() or abs(trouble.fee_rate) > 1):
            return f"fee_rate is {trouble.fee_rate}, it must be a share of the value, -1 to 1"
        if trouble.kind is ExecKind.TRADE:
            return "kind is 'trade': trades happen in the book, place an order for one"
        if trouble.kind is ExecKind.ROLLBACK:
            return "kind is 'rollback': that is a trouble of its own"
        if market.instrument.kind is InstrumentKind.SPOT and trouble.kind is not ExecKind.BLOCK_TRADE:
            return f"kind is {trouble.kind.value!r}: a spot pair has block trades only"
        return None

    def trade(self, account: str, market: Market, index: PositionIndex, fill: Fill) -> SimOrder:
        """Book one execution of the whole of an order that the venue made for it; the order, filled."""
        books, side, qty, price = self._books, fill.side, fill.contracts, fill.price
        fee = trade_fee(
            market.instrument,
            side,
            qty,
            price,
            books.world.index(market) if fill.index_price is None else fill.index_price,
            fill.rate,
        )
        order = SimOrder(
            order_id=books.new_id("order"),
            account=account,
            instrument=market.id,
            client_id=None,
            origin=_ORIGIN[fill.kind],
            side=side,
            type=OrderType.MARKET,
            qty_contracts=qty,
            limit_price=None,
            time_in_force=TimeInForce.IOC,
            reduce_only=False,
            status=OrderStatus.FILLED,
            filled_contracts=qty,
            filled_value=booked_value(market.instrument, qty, price),
            average_price=price,
            fee=fee,
            fee_coin=fee_coin(market.instrument, side),
            position_index=index,
            created_at_ns=books.now_ns,
            updated_at_ns=books.now_ns,
            seq=books.next_seq(),
        )
        self._orders.put(order)
        books.book(market, order, qty, price, fee, fill.rate, fill.kind, is_maker=False)
        return order


def bounds_problem(market: Market, qty: Decimal, price: Decimal) -> str | None:
    """What is wrong with the price (>= 0) that a quantity is booked at off the book."""
    if not price.is_finite() or price < 0 or not is_multiple(price, PRICE_STEP):
        return f"price is {price}, it must be zero or more, in steps of {PRICE_STEP:f}"
    if qty * max(price, market.tick_size) > VALUE_MAX:
        return f"{qty} contracts at {price} are worth more than {VALUE_MAX:f}"
    return None


def _leg(account: Account, market: Market, side: Side, qty: Decimal) -> PositionIndex:
    """The position that a trade is about: in hedge mode the one that it reduces, if it can, else the one it adds to."""
    if not account.modes.is_hedged(market.instrument):
        return PositionIndex.ONE_WAY
    adds, reduces = PositionIndex.LONG, PositionIndex.SHORT
    if side is Side.SELL:
        adds, reduces = reduces, adds
    return reduces if qty <= abs(account.contracts(market.id, reduces)) else adds
