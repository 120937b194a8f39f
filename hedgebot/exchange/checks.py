"""Everything that can be wrong with a new order, in the order in which the exchange looks.

Owns the rules of admission; pure: it changes nothing and answers with a Refusal that has the numbers, or None.
"""

from decimal import Decimal

from hedgebot.domain.decimals import ZERO, is_multiple
from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.domain.orders import TimeInForce
from hedgebot.exchange.account import Account
from hedgebot.exchange.market import Market, side_is_empty
from hedgebot.exchange.modes import reducible
from hedgebot.exchange.risk import Risk
from hedgebot.exchange.types import OrderRequest, OrderType, Refusal, RefusalReason, SimOrder

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


def leverage_problem(
    market: Market, account: Account, leverage: Decimal, open_orders: tuple[SimOrder, ...], risk: Risk
) -> Refusal | None:
    """Range and step (0.01), the tier that the position stands in, and the margin that a lower leverage needs."""
    if not (market.instrument.kind.is_perp or market.instrument.kind.is_future):
        return refuse(RefusalReason.LEVERAGE_OUT_OF_RANGE, f"{market.id} has no leverage")
    most = market.listing.leverage_max
    if not leverage.is_finite() or not 1 <= leverage <= most or not is_multiple(leverage, Decimal("0.01")):
        return refuse(RefusalReason.LEVERAGE_OUT_OF_RANGE, f"leverage {leverage}: 1 to {most} in steps of 0.01")
    if leverage == account.leverage_of(market.id):
        return refuse(RefusalReason.NOT_MODIFIED, f"leverage is {leverage} already")
    ladder = risk.ladder(market)
    value = max((float(abs(one.contracts)) for one in account.held(market.id)), default=0.0) * risk.contract_usd(market)
    tier = ladder.tiers[ladder.tier_of(value)]
    if float(leverage) * tier.initial_rate > 1.0 + 1e-9:
        detail = f"a position of {value:.0f} USD allows leverage up to {1.0 / tier.initial_rate:.2f}"
        return refuse(RefusalReason.LEVERAGE_OUT_OF_RANGE, detail)
    before, balance = risk.requirement(account, open_orders).initial, risk.margin_balance(account)
    tried = account.copied()
    tried.leverages[market.id] = leverage
    after = risk.requirement(tried, open_orders).initial
    if after > balance and after > before:
        detail = f"initial margin {after:.2f} USD needed, margin balance {balance:.2f} USD"
        return refuse(RefusalReason.INSUFFICIENT_MARGIN, detail)
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
    if request.type is OrderType.MARKET and side_is_empty(market, request.side):
        return refuse(RefusalReason.NO_LIQUIDITY, f"nobody is on the other side of {market.id}")
    return None


def funds_problem(
    market: Market,
    request: OrderRequest,
    account: Account,
    open_orders: tuple[SimOrder, ...],
    risk: Risk,
    replaced: SimOrder | None = None,
) -> Refusal | None:
    """Spot against free coins, everything else against initial margin. What needs no more than before always passes.

    `replaced` is the open order that the request amends; the request's quantity is then what would be left of it.
    """
    others = open_orders if replaced is None else tuple(one for one in open_orders if one is not replaced)
    if market.instrument.kind is InstrumentKind.SPOT:
        buys = request.side is Side.BUY
        coin = market.instrument.quote if buys else market.instrument.underlying
        # A market buy is covered with the slippage that it may take.
        price = request.limit_price or risk.world.mark(market) * (1 + Decimal(str(market.listing.collar_ratio)))
        need = request.qty_contracts * (price if buys else 1)
        free = account.coins.get(coin, ZERO) - risk.locked(others).get(coin, ZERO)
        had = risk.locked((replaced,)).get(coin, ZERO) if replaced is not None else ZERO
        if need > max(free, had):
            return refuse(RefusalReason.INSUFFICIENT_BALANCE, f"{need} {coin} needed, {free} free")
        return None
    if request.reduce_only:
        return None
    before = risk.requirement(account, open_orders).initial
    after = risk.requirement(account, others, request).initial
    balance = risk.margin_balance(account)
    if after > balance and after > before * (1 + 1e-12):
        return refuse(
            RefusalReason.INSUFFICIENT_MARGIN,
            f"initial margin {after:.2f} USD needed, margin balance {balance:.2f} USD",
        )
    return None


def is_post_only(request: OrderRequest) -> bool:
    """Whether the order must not take."""
    return request.type is OrderType.LIMIT and request.time_in_force is TimeInForce.POST_ONLY
