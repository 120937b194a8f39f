"""Everything that can be wrong with a new order but its money, in the order in which the exchange looks.

Owns the rules of admission; pure: it changes nothing and answers with a Refusal that has the numbers, or None. Whether
an account can afford something is `funds.py`.
"""

from decimal import Decimal

from hedgebot.domain.decimals import is_multiple
from hedgebot.domain.orders import TimeInForce
from hedgebot.exchange.account import Account
from hedgebot.exchange.market import Market, side_is_empty
from hedgebot.exchange.modes import reducible
from hedgebot.exchange.types import OrderRequest, OrderType, Refusal, RefusalReason, SimOrder
from hedgebot.exchange.venue_rules import ClientIdRules

OPEN_ORDERS_MAX = 500
OPEN_OPTION_ORDERS_MAX = 50


def refuse(reason: RefusalReason, detail: str) -> Refusal:
    """A refusal with its sentence."""
    return Refusal(reason=reason, detail=detail)


def rules_problem(market: Market, request: OrderRequest, mark: Decimal) -> Refusal | None:
    """Quantity, price and notional against the instrument's rules. `mark` is the mark price (spot: the index)."""
    rules, listing = market.instrument, market.listing
    qty, price = request.qty_contracts, request.limit_price
    if not qty.is_finite() or qty < rules.qty_min or not is_multiple(qty, rules.lot_size):
        return refuse(
            RefusalReason.BAD_QTY, f"quantity {qty}: a multiple of {rules.lot_size}, at least {rules.qty_min}"
        )
    qty_max = listing.market_qty_max if request.type is OrderType.MARKET else rules.qty_max
    if qty_max is not None and qty > qty_max:
        return refuse(RefusalReason.QTY_TOO_LARGE, f"quantity {qty} is above the maximum {qty_max}")
    if request.type is OrderType.LIMIT:
        if price is None or not price.is_finite() or not is_multiple(price, rules.tick_size):
            return refuse(RefusalReason.BAD_PRICE, f"price {price}: a multiple of {rules.tick_size}")
        if not listing.price_min <= price <= listing.price_max:
            return refuse(
                RefusalReason.BAD_PRICE, f"price {price} is not in {listing.price_min} to {listing.price_max}"
            )
        collar = Decimal(str(listing.collar_ratio))
        edge = mark * (1 + collar * request.side.sign)
        if collar and (price - edge) * request.side.sign > 0:
            return refuse(RefusalReason.PRICE_OUTSIDE_COLLAR, f"price {price} is beyond {edge}")
    value = rules.notional_quote(qty, price if price is not None else mark)
    if not request.reduce_only and value < rules.min_notional_quote:
        return refuse(
            RefusalReason.BELOW_MIN_NOTIONAL, f"value {value} is below the minimum {rules.min_notional_quote}"
        )
    return None


def state_problem(
    market: Market, request: OrderRequest, account: Account, open_orders: tuple[SimOrder, ...]
) -> Refusal | None:
    """Market state, order counts, reduce-only and an empty book."""
    if not market.trading:
        return refuse(RefusalReason.INSTRUMENT_NOT_TRADING, f"{market.id} is {market.listing.status}")
    is_option = market.instrument.kind.is_option
    limit = OPEN_OPTION_ORDERS_MAX if is_option else OPEN_ORDERS_MAX
    if sum(order.instrument == market.id for order in open_orders) >= limit:
        return refuse(RefusalReason.TOO_MANY_ORDERS, f"{limit} orders are open on {market.id}")
    if request.position_index not in account.modes.indices(market.instrument):
        mode = "hedge" if account.modes.is_hedged(market.instrument) else "one-way"
        detail = f"position index {request.position_index.value}: {market.id} is in {mode} mode"
        return refuse(RefusalReason.POSITION_INDEX_MISMATCH, detail)
    held = account.contracts(market.id, request.position_index)
    if request.reduce_only and not reducible(held, request.side):
        return refuse(RefusalReason.REDUCE_ONLY_VIOLATION, f"position {held}: nothing that a {request.side} reduces")
    if market.listing.reduce_only and not request.reduce_only and _opens(request, held):
        return refuse(RefusalReason.DELISTING, f"{market.id} is being delisted: position {held} can only be reduced")
    if request.type is OrderType.MARKET and side_is_empty(market, request.side):
        return refuse(RefusalReason.NO_LIQUIDITY, f"nobody is on the other side of {market.id}")
    return None


def is_post_only(request: OrderRequest) -> bool:
    """Whether the order must not take."""
    return request.type is OrderType.LIMIT and request.time_in_force is TimeInForce.POST_ONLY


def client_id_refusal(rules: ClientIdRules, client_id: str | None) -> Refusal | None:
    """What the venue's rules have against the form of a client id."""
    if client_id is None or rules.fits(client_id):
        return None
    return refuse(RefusalReason.BAD_CLIENT_ID, f"client id {client_id!r} is not {rules.pattern}")


def _opens(request: OrderRequest, held: Decimal) -> bool:
    """Whether an order does more than reduce a position."""
    qty = request.qty_contracts
    return qty.is_finite() and qty > reducible(held, request.side)
