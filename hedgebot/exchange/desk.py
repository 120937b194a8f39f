"""Orders and what they do to accounts: admission, matching, cancelling. Tells each step as a notice.

Owns orders, accounts and histories. Every order that may not rest (market, IOC, FOK) has a terminal state before its
request is answered. Must not know time beyond the `now_ns` it is given, nor the wire.
"""

import math
from decimal import Decimal

import msgspec

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import OrderStatus, TimeInForce
from hedgebot.exchange.account import Account, fee_coin, trade_fee
from hedgebot.exchange.books import Books
from hedgebot.exchange.checks import is_post_only, refuse, rules_problem, state_problem
from hedgebot.exchange.faults import Fate
from hedgebot.exchange.fee_tiers import fee_rates
from hedgebot.exchange.funds import funds_problem
from hedgebot.exchange.history import OrderStore
from hedgebot.exchange.market import Market, Resting
from hedgebot.exchange.modes import as_understood, reducible
from hedgebot.exchange.position import booked_value
from hedgebot.exchange.selftrade import walk
from hedgebot.exchange.types import (
    Ack,
    EndReason,
    ExecKind,
    OrderChanged,
    OrderRequest,
    OrderType,
    Origin,
    Refusal,
    RefusalReason,
    SelfTrade,
    SimOrder,
)
from hedgebot.exchange.venue_rules import IdUniqueness, VenueRules


class Desk:
    """All accounts' trading on a world."""

    def __init__(self, books: Books, rules: VenueRules) -> None:
        self.world = books.world
        self.books = books
        self.orders = OrderStore()
        self._uniqueness = rules.client_id.uniqueness
        self._self_trade = tuple(SelfTrade(name) for name in rules.self_trade)

    # --- requests

    def place(self, request: OrderRequest, origin: Origin, fate: Fate | None = None) -> Ack | Refusal:
        """Admit an order and match it at once, as `fate` has it where there is one."""
        market, account = self.world.markets.get(request.instrument), self.books.accounts.get(request.account)
        if account is None:
            return refuse(RefusalReason.UNKNOWN_ACCOUNT, f"no account {request.account!r}")
        if market is None:
            return refuse(RefusalReason.UNKNOWN_INSTRUMENT, f"no instrument {request.instrument!r}")
        request = as_understood(request)
        problem = self.problem(market, account, request)
        if problem is not None:
            return problem
        order = SimOrder(
            order_id=self.books.new_id("order"),
            account=request.account,
            instrument=request.instrument,
            client_id=request.client_id,
            origin=origin,
            side=request.side,
            type=request.type,
            qty_contracts=request.qty_contracts,
            limit_price=request.limit_price if request.type is OrderType.LIMIT else None,
            time_in_force=request.time_in_force if request.type is OrderType.LIMIT else TimeInForce.IOC,
            reduce_only=request.reduce_only,
            status=OrderStatus.OPEN,
            fee_coin=fee_coin(market.instrument, request.side),
            position_index=request.position_index,
            self_trade=request.self_trade or self._self_trade[0],
            self_trade_group=account.self_trade_group,
            on_margin=request.on_margin,
            created_at_ns=self.books.now_ns,
            updated_at_ns=self.books.now_ns,
            seq=self.books.next_seq(),
        )
        self.orders.put(order)
        if fate is not None and fate.rejected:
            self.end(order, EndReason.REJECTED)
        else:
            self._match(market, order, post_only=is_post_only(request), fate=fate)
        return Ack(order_id=order.order_id, client_id=order.client_id)

    def problem(self, market: Market, account: Account, request: OrderRequest) -> Refusal | None:
        """What is wrong with a new order; None if it would be taken."""
        if request.client_id is not None:
            refusal = self._client_id_problem(request.account, request.client_id)
            if refusal is not None:
                return refusal
        if request.self_trade is not None and request.self_trade not in self._self_trade:
            offered = ", ".join(self._self_trade)
            return refuse(RefusalReason.SELF_TRADE_POLICY, f"{request.self_trade}: the venue offers {offered}")
        open_orders = self.orders.open_orders(request.account)
        return (
            state_problem(market, request, account, open_orders)
            or rules_problem(market, request, self.world.mark(market))
            or funds_problem(market, request, account, open_orders, self.books.risk)
        )

    def _client_id_problem(self, account: str, client_id: str) -> Refusal | None:
        """Whether a client id repeats one that the venue's rules do not let it repeat."""
        match self._uniqueness:
            case IdUniqueness.ALWAYS if self.orders.used(account, client_id):
                return refuse(RefusalReason.DUPLICATE_CLIENT_ID, f"client id {client_id} was used before")
            case IdUniqueness.OPEN_ORDERS:
                found = self.orders.find(account, None, client_id)
                if found is not None and not found.status.is_terminal:
                    return refuse(RefusalReason.DUPLICATE_CLIENT_ID, f"client id {client_id} is on an open order")
            case _:
                pass
        return None

    def cancel(
        self, account: str, instrument: InstrumentId, order_id: str | None, client_id: str | None
    ) -> Ack | Refusal:
        """Cancel one order."""
        order = self.orders.find(account, order_id, client_id)
        if order is None or order.instrument != instrument:
            return refuse(RefusalReason.UNKNOWN_ORDER, f"no order {order_id or client_id} on {instrument}")
        if order.status.is_terminal:
            return refuse(RefusalReason.ALREADY_TERMINAL, f"order {order.order_id} is {order.status}")
        self.end(order, EndReason.BY_USER)
        return Ack(order_id=order.order_id, client_id=order.client_id)

    def amend(
        self,
        account: str,
        instrument: InstrumentId,
        order_id: str | None,
        client_id: str | None,
        *,
        qty_contracts: Decimal | None,
        limit_price: Decimal | None,
    ) -> Ack | Refusal:
        """Change a resting order (`Exchange.amend` has the rules of priority)."""
        order = self.orders.find(account, order_id, client_id)
        if order is None or order.instrument != instrument:
            return refuse(RefusalReason.UNKNOWN_ORDER, f"no order {order_id or client_id} on {instrument}")
        if order.status.is_terminal:
            return refuse(RefusalReason.ALREADY_TERMINAL, f"order {order.order_id} is {order.status}")
        market = self.world.markets[instrument]
        qty = order.qty_contracts if qty_contracts is None else qty_contracts
        price = order.limit_price if limit_price is None else limit_price
        problem = self._amend_problem(market, order, qty, price)
        if problem is not None:
            return problem
        keeps_place = price == order.limit_price and qty < order.qty_contracts
        order = msgspec.structs.replace(
            order,
            qty_contracts=qty,
            limit_price=price,
            updated_at_ns=self.books.now_ns,
            seq=self.books.next_seq(),
        )
        self.orders.put(order)
        if keeps_place:
            market.shrink(order.order_id, order.side, self._lots(market, order.leaves_contracts))
            self.books.tell(OrderChanged(order=order))
        else:
            market.remove(order.order_id)
            self._match(market, order, post_only=order.time_in_force is TimeInForce.POST_ONLY)
        return Ack(order_id=order.order_id, client_id=order.client_id)

    def _amend_problem(self, market: Market, order: SimOrder, qty: Decimal, price: Decimal | None) -> Refusal | None:
        """What is wrong with an order's new quantity and price, by the rules for new orders."""
        if not market.trading:
            return refuse(RefusalReason.INSTRUMENT_NOT_TRADING, f"{market.id} is {market.listing.status}")
        if (qty, price) == (order.qty_contracts, order.limit_price):
            return refuse(RefusalReason.NOT_MODIFIED, f"order {order.order_id} has quantity {qty} and price {price}")
        wanted = OrderRequest(
            account=order.account,
            instrument=order.instrument,
            side=order.side,
            type=order.type,
            qty_contracts=qty,
            limit_price=price,
            time_in_force=order.time_in_force,
            reduce_only=order.reduce_only,
            position_index=order.position_index,
            on_margin=order.on_margin,
        )
        problem = rules_problem(market, wanted, self.world.mark(market))
        if problem is not None:
            return problem
        if qty <= order.filled_contracts:
            return refuse(RefusalReason.QTY_NOT_ABOVE_FILLED, f"{order.filled_contracts} of {qty} are filled already")
        left = msgspec.structs.replace(wanted, qty_contracts=qty - order.filled_contracts)
        open_orders = self.orders.open_orders(order.account)
        account = self.books.accounts[order.account]
        return funds_problem(market, left, account, open_orders, self.books.risk, order)

    # --- the venue's own trading

    def enter(self, order: SimOrder) -> SimOrder:
        """Match an order that no client sent, without asking whether it may be; the order as it is then."""
        self.orders.put(order)
        self._match(self.world.markets[order.instrument], order, post_only=False)
        return self.orders.get(order.order_id) or order

    def sweep(self, market: Market, side: Side, lots: int) -> list[tuple[int, int]]:
        """Take lots out of a book for the venue itself, at any price; (tick, lots) of what was there."""
        matches = market.walk(side, lots, market.any_tick(side))
        # All of it stands against what was taken over: one deal.
        for match in matches:
            market.carry_out(match)
            self.books.print(market, side, market.price(match.tick), market.qty(match.lots))
            if match.maker is not None:
                self._fill_maker(market, match.maker, match.lots)
        return [(match.tick, match.lots) for match in matches]

    # --- matching

    def _match(self, market: Market, order: SimOrder, *, post_only: bool, fate: Fate | None = None) -> None:
        lots = self._lots(market, order.leaves_contracts)
        wanted = min(lots, self._lots(market, self._reducible(market, order))) if order.reduce_only else lots
        if fate is not None and fate.share is not None:
            wanted = min(wanted, int(lots * fate.share))
        found = walk(market, order, wanted, self._limit_tick(market, order), self.orders.get)
        if post_only and (found.matches or found.met):
            self.end(order, EndReason.POST_ONLY_WOULD_CROSS)
            return
        if order.time_in_force is TimeInForce.FOK and sum(match.lots for match in found.matches) < lots:
            self.end(order, EndReason.FOK_NOT_FILLABLE)
            return
        if order.self_trade is not SelfTrade.CANCEL_TAKER:
            for resting in found.met:
                self._end_own(resting.order_id, order.order_id)
        pieces = 1 if fate is None else fate.pieces
        for match in (piece for one in found.matches for piece in one.pieces(pieces)):
            self.books.new_deal()
            market.carry_out(match)
            order = self._trade(market, order, match.tick, match.lots, is_maker=False)
            if match.maker is not None:
                self._fill_maker(market, match.maker, match.lots)
        if found.stops:
            self._end_own(order.order_id, found.met[0].order_id)
        else:
            self._after_match(market, order)

    def _end_own(self, order_id: str, met: str) -> None:
        """End an order because it met another one of its own party."""
        order = self.orders.get(order_id)
        if order is not None and not order.status.is_terminal:
            self.end(msgspec.structs.replace(order, self_trade_order_id=met), EndReason.SELF_MATCH)

    def _after_match(self, market: Market, order: SimOrder) -> None:
        """Tell how the order stands, let what is left rest, or end it."""
        if order.status is OrderStatus.FILLED:
            self.books.tell(OrderChanged(order=order))
        elif order.reduce_only and not self._reducible(market, order):
            self.end(order, EndReason.REDUCE_ONLY)
        elif order.type is OrderType.MARKET:
            self.end(order, EndReason.MARKET_REMAINDER)
        elif order.time_in_force in {TimeInForce.IOC, TimeInForce.FOK}:
            self.end(order, EndReason.IOC_REMAINDER)
        else:
            leaves = self._lots(market, order.leaves_contracts)
            tick = self._limit_tick(market, order)
            market.rest(Resting(order.order_id, order.side, tick, leaves, self.books.next_seq()))
            self.books.tell(OrderChanged(order=order))

    def _limit_tick(self, market: Market, order: SimOrder) -> int:
        """Worst tick of an order; a market order may slip as far as the collar (an option: three times its mark)."""
        if order.limit_price is not None:
            return int(order.limit_price / market.tick_size)
        ratio = market.listing.collar_ratio or (2.0 if order.side is Side.BUY else 1.0)
        edge = float(self.world.mark(market)) * (1.0 + ratio * order.side.sign) / float(market.tick_size)
        best = market.best_tick(order.side.opposite) or 1
        return max(math.ceil(edge), best) if order.side is Side.BUY else min(max(math.floor(edge), 1), best)

    def _reducible(self, market: Market, order: SimOrder) -> Decimal:
        """Contracts of its position that an order can close."""
        return reducible(self.books.accounts[order.account].contracts(market.id, order.position_index), order.side)

    @staticmethod
    def _lots(market: Market, qty: Decimal) -> int:
        return int(qty / market.lot_size)

    def fill_crossed(self, market: Market) -> None:
        """Fill resting orders that the crowd trades through, at their own price."""
        if not market.has_resting:
            return
        for order, lots in market.crossed():
            self.books.new_deal()
            market.reduce(order, lots)
            self._fill_maker(market, order, lots)

    def crowd_trade(self, market: Market, taker: Side, lots: int) -> None:
        """An aggressive order of the crowd; participants whose turn it is are filled by it."""
        for match in market.crowd_takes(taker, lots):
            self.books.new_deal()
            self.books.print(market, taker, market.price(match.tick), market.qty(match.lots))
            if match.maker is not None:
                self._fill_maker(market, match.maker, match.lots)

    def _fill_maker(self, market: Market, resting: Resting, lots: int) -> None:
        order = self.orders.get(resting.order_id)
        if order is None or order.status.is_terminal:
            return
        if order.reduce_only:
            lots = min(lots, self._lots(market, self._reducible(market, order)))
        if lots:
            order = self._trade(market, order, resting.tick, lots, is_maker=True)
        if order.reduce_only and not order.status.is_terminal and not self._reducible(market, order):
            self.end(order, EndReason.REDUCE_ONLY)
            return
        self.books.tell(OrderChanged(order=order))

    def end(self, order: SimOrder, reason: EndReason) -> SimOrder:
        """End an order that is not filled whole."""
        self.world.markets[order.instrument].remove(order.order_id)
        order = msgspec.structs.replace(
            order,
            status=OrderStatus.REJECTED if reason is EndReason.REJECTED else OrderStatus.CANCELLED,
            end_reason=reason,
            updated_at_ns=self.books.now_ns,
            seq=self.books.next_seq(),
        )
        self.orders.put(order)
        self.books.tell(OrderChanged(order=order))
        return order

    def fill_resting(self, order: SimOrder, share: Decimal) -> SimOrder:
        """Fill a share of what rests of an order at its own price, at least a lot; the order as it is after that."""
        market = self.world.markets[order.instrument]
        for resting in market.resting(order.side):
            if resting.order_id == order.order_id:
                self.books.new_deal()
                lots = max(int(resting.lots * share), 1)
                market.reduce(resting, lots)
                self._fill_maker(market, resting, lots)
                break
        return self.orders.get(order.order_id) or order

    # --- booking

    def _trade(self, market: Market, order: SimOrder, tick: int, lots: int, *, is_maker: bool) -> SimOrder:
        """Book one execution of an order and tell it."""
        price, qty = market.price(tick), market.qty(lots)
        rates = fee_rates(self.books.accounts[order.account].fee_tier, market.instrument.kind)
        rate = rates.maker if is_maker else rates.taker
        fee = trade_fee(market.instrument, order.side, qty, price, self.world.index(market), rate)
        if not is_maker:
            self.books.print(market, order.side, price, qty)
        filled = order.filled_contracts + qty
        value = order.filled_value + booked_value(market.instrument, qty, price)
        order = msgspec.structs.replace(
            order,
            status=OrderStatus.FILLED if filled == order.qty_contracts else OrderStatus.PARTIAL,
            filled_contracts=filled,
            filled_value=value,
            average_price=market.instrument.average_price(filled, value),
            fee=order.fee + fee,
            updated_at_ns=self.books.now_ns,
            seq=self.books.next_seq(),
        )
        self.orders.put(order)
        self.books.book(market, order, qty, price, fee, rate, ExecKind.TRADE, is_maker=is_maker)
        return order
