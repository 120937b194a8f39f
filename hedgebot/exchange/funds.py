"""Whether an account can afford an order or another leverage, by its margin mode. Changes nothing.

Owns the rule that what needs no more than before always passes, and the limits of borrowing. Answers with a Refusal
that has the numbers, or None. Must not know how an order is otherwise admitted: that is `checks.py`.
Sources: the error codes named in `wire/codes.py`; docs/v5/position/leverage.mdx; docs/v5/account/set-margin-mode.mdx.
"""

from decimal import Decimal

from hedgebot.domain.decimals import ZERO, is_multiple
from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.exchange.account import Account
from hedgebot.exchange.checks import refuse
from hedgebot.exchange.health import Health
from hedgebot.exchange.market import Market
from hedgebot.exchange.risk import Risk, Standing
from hedgebot.exchange.types import MarginMode, OrderRequest, Refusal, RefusalReason, SimOrder
from hedgebot.exchange.valuation import Sums

# Rates and margins are float: a requirement that is the same but for rounding is not more than before.
_SAME = 1.0 + 1e-12


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
        return _spot_problem(market, request, account, others, risk, replaced)
    if request.reduce_only:
        return None
    if market.instrument.kind.is_inverse and market.instrument.settle in account.margin.not_collateral:
        detail = f"{market.instrument.settle} is switched off as collateral, {market.id} settles in it"
        return refuse(RefusalReason.NOT_COLLATERAL, detail)
    if account.margin.mode is MarginMode.ISOLATED:
        return _isolated_problem(market, request, account, open_orders, others, risk)
    after = risk.standing(account, others, request)
    # What was needed before is only asked where it matters: almost every order is covered.
    if after.need.initial > after.balance and (
        after.need.initial > risk.requirement(account, open_orders).initial * _SAME
    ):
        detail = f"initial margin {after.need.initial:.2f} USD needed, margin balance {after.balance:.2f} USD"
        return refuse(RefusalReason.INSUFFICIENT_MARGIN, detail)
    return _borrow_problem(market.instrument.settle, account, after.sums, open_orders, risk)


def _spot_problem(
    market: Market,
    request: OrderRequest,
    account: Account,
    others: tuple[SimOrder, ...],
    risk: Risk,
    replaced: SimOrder | None,
) -> Refusal | None:
    buys = request.side is Side.BUY
    coin = market.instrument.quote if buys else market.instrument.underlying
    # A market buy is covered with the slippage that it may take.
    price = request.limit_price or risk.world.mark(market) * (1 + Decimal(str(market.listing.collar_ratio)))
    need = request.qty_contracts * (price if buys else 1)
    free = account.coins.get(coin, ZERO) - locked(risk, others, coin)
    if request.on_margin and account.margin.spot_margin:
        return _spot_margin_problem(coin, request, account, others, risk, replaced)
    if account.margin.mode is MarginMode.ISOLATED:
        free = min(free, Decimal(str(risk.free(account, coin, others, None))))
    had = locked(risk, (replaced,), coin) if replaced is not None else ZERO
    if need > max(free, had):
        return refuse(RefusalReason.INSUFFICIENT_BALANCE, f"{need} {coin} needed, {free} free")
    return None


def _spot_margin_problem(
    coin: str,
    request: OrderRequest,
    account: Account,
    others: tuple[SimOrder, ...],
    risk: Risk,
    replaced: SimOrder | None,
) -> Refusal | None:
    """What is missing is borrowed: the coin's limit and the margin of the debt decide.

    The order counts as it would be filled: what it buys is collateral after its haircut.
    """
    had = others if replaced is None else (*others, replaced)
    wanted = risk.valuation.sums(account, risk.valuation.working(others, request))
    problem = _borrow_problem(coin, account, wanted, had, risk)
    if problem is not None:
        return problem
    before, after = risk.standing(account, had), _spot_filled(request, account, others, risk)
    if after.need.initial > after.balance and after.need.initial > before.need.initial * _SAME:
        detail = f"initial margin {after.need.initial:.2f} USD needed, margin balance {after.balance:.2f} USD"
        return refuse(RefusalReason.INSUFFICIENT_MARGIN, detail)
    return None


def _spot_filled(request: OrderRequest, account: Account, others: tuple[SimOrder, ...], risk: Risk) -> Standing:
    """How the account would stand if the order had traded whole, before fees."""
    market, tried = risk.world.markets[request.instrument], account.copied()
    price = request.limit_price or risk.world.mark(market)
    tried.book_trade(market.instrument, request.side, request.qty_contracts, price, ZERO)
    return risk.standing(tried, others)


def locked(risk: Risk, open_orders: tuple[SimOrder, ...], coin: str) -> Decimal:
    """Coins that open spot orders have set aside."""
    amount = ZERO
    for order in open_orders:
        instrument = risk.world.markets[order.instrument].instrument
        buys = order.side is Side.BUY
        if instrument.kind is InstrumentKind.SPOT and coin == (instrument.quote if buys else instrument.underlying):
            amount += order.leaves_contracts * ((order.limit_price or ZERO) if buys else 1)
    return amount


def _isolated_problem(
    market: Market,
    request: OrderRequest,
    account: Account,
    open_orders: tuple[SimOrder, ...],
    others: tuple[SimOrder, ...],
    risk: Risk,
) -> Refusal | None:
    """An isolated position's margin comes out of its settlement coin's free balance alone."""
    if market.instrument.kind.is_option:
        return refuse(RefusalReason.NOT_IN_MARGIN_MODE, f"{market.id} cannot be traded in isolated margin")
    coin = market.instrument.settle
    before, after = risk.free(account, coin, open_orders, None), risk.free(account, coin, others, request)
    if after < 0.0 and after < before - 1e-9 * abs(before):
        detail = f"{before - after:.8g} {coin} needed, {max(before, 0.0):.8g} free"
        return refuse(RefusalReason.INSUFFICIENT_MARGIN, detail)
    return None


def _borrow_problem(
    coin: str, account: Account, after: Sums, open_orders: tuple[SimOrder, ...], risk: Risk
) -> Refusal | None:
    """What an order would have borrowed more may not go over the coin's limit; `after` has the order's coins in it."""
    owes, limit = _debt(account, after, coin), Decimal(str(risk.parameters.borrowing_of(coin).amount_max))
    if owes <= limit:
        return None
    before = risk.valuation.sums(account, risk.valuation.working(open_orders))
    if owes > _debt(account, before, coin):
        return refuse(RefusalReason.BORROW_LIMIT, f"{owes} {coin} would be borrowed, the limit is {limit}")
    return None


def _debt(account: Account, sums: Sums, coin: str) -> Decimal:
    return sums[coin].debt(account.margin.mode) if coin in sums else ZERO


def leverage_problem(
    market: Market, account: Account, leverage: Decimal, open_orders: tuple[SimOrder, ...], risk: Risk
) -> Refusal | None:
    """Mode, range and step (0.01), the tier that the position stands in, and the margin that a lower leverage needs."""
    if not (market.instrument.kind.is_perp or market.instrument.kind.is_future):
        return refuse(RefusalReason.LEVERAGE_OUT_OF_RANGE, f"{market.id} has no leverage")
    if account.margin.mode is MarginMode.PORTFOLIO:
        return refuse(RefusalReason.LEVERAGE_FIXED, "portfolio margin knows no leverage by instrument")
    most = market.listing.leverage_max
    if not leverage.is_finite() or not 1 <= leverage <= most or not is_multiple(leverage, Decimal("0.01")):
        return refuse(RefusalReason.LEVERAGE_OUT_OF_RANGE, f"leverage {leverage}: 1 to {most} in steps of 0.01")
    if leverage == account.leverage_of(market.id):
        return refuse(RefusalReason.NOT_MODIFIED, f"leverage is {leverage} already")
    ladder, each = risk.ladder(market), risk.value_each(market)
    value = max((float(abs(one.contracts)) * each for one in account.held(market.id)), default=0.0)
    tier = ladder.tiers[ladder.tier_of(value)]
    if float(leverage) * tier.initial_rate > 1.0 + 1e-4:  # the tables round rates of odd leverages
        detail = (
            f"a position of {value:.8g} {market.instrument.settle} allows leverage up to {1 / tier.initial_rate:.2f}"
        )
        return refuse(RefusalReason.LEVERAGE_OUT_OF_RANGE, detail)
    tried = account.copied()
    tried.leverages[market.id] = leverage
    if account.margin.mode is MarginMode.ISOLATED:
        return _isolated_leverage_problem(market, account, tried, open_orders, risk)
    before, after = risk.requirement(account, open_orders).initial, risk.standing(tried, open_orders)
    if after.need.initial > after.balance and after.need.initial > before:
        detail = f"initial margin {after.need.initial:.2f} USD needed, margin balance {after.balance:.2f} USD"
        return refuse(RefusalReason.INSUFFICIENT_MARGIN, detail)
    return None


def _isolated_leverage_problem(
    market: Market, account: Account, tried: Account, open_orders: tuple[SimOrder, ...], risk: Risk
) -> Refusal | None:
    """A lower leverage takes margin out of the free balance, a higher one must leave the position alive."""
    coin = market.instrument.settle
    before, after = risk.free(account, coin, open_orders, None), risk.free(tried, coin, open_orders, None)
    if after < 0.0 and after < before:
        return refuse(RefusalReason.INSUFFICIENT_MARGIN, f"{before - after:.8g} {coin} needed, {before:.8g} free")
    dead = [one for one in Health(risk).isolated_positions(tried) if one.key[0] == market.id and one.is_liquidatable]
    if dead:
        detail = (
            f"{dead[0].equity:.8g} {coin} would be left for a maintenance margin of {dead[0].maintenance_margin:.8g}"
        )
        return refuse(RefusalReason.WOULD_LIQUIDATE, detail)
    return None
