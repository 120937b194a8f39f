"""What an order would do to an account's margin, tried on a copy of its books. Changes nothing; knows no order book.

The order counts as filled whole: at its limit, or at the mark for a market order, with the taker's fee. A reduce-only
order counts up to the position that it reduces.
"""

from hedgebot.exchange.account import Account, trade_fee
from hedgebot.exchange.checks import rules_problem
from hedgebot.exchange.fee_tiers import fee_rates
from hedgebot.exchange.market import Market
from hedgebot.exchange.modes import reducible
from hedgebot.exchange.risk import Risk
from hedgebot.exchange.types import OrderRequest, Refusal, RefusalReason, SimOrder, WhatIf

Rates = tuple[float | None, float | None]
_UNCOUNTABLE = frozenset({RefusalReason.BAD_QTY, RefusalReason.QTY_TOO_LARGE, RefusalReason.BAD_PRICE})


def what_if(
    market: Market,
    account: Account,
    request: OrderRequest,
    open_orders: tuple[SimOrder, ...],
    risk: Risk,
    refusal: Refusal | None,
) -> WhatIf:
    """Rates before and after the order; `refusal` is handed through."""
    before = _rates(account, open_orders, risk)
    qty = request.qty_contracts
    price = request.limit_price if request.limit_price is not None else risk.world.mark(market)
    tried = account.copied()
    # What cannot be counted is refused; its rates are those before.
    unfit = rules_problem(market, request, risk.world.mark(market))
    if unfit is None or unfit.reason not in _UNCOUNTABLE:
        if request.reduce_only:
            qty = min(qty, reducible(account.contracts(market.id, request.position_index), request.side))
        rate = fee_rates(account.fee_tier, market.instrument.kind).taker
        fee = trade_fee(market.instrument, request.side, qty, price, risk.world.index(market), rate)
        tried.book_trade(market.instrument, request.side, qty, price, fee, request.position_index)
    after = _rates(tried, open_orders, risk)
    return WhatIf(
        refusal=refusal,
        initial_rate_before=before[0],
        maintenance_rate_before=before[1],
        initial_rate_after=after[0],
        maintenance_rate_after=after[1],
    )


def _rates(account: Account, open_orders: tuple[SimOrder, ...], risk: Risk) -> Rates:
    standing = risk.standing(account, open_orders)
    return standing.initial_rate, standing.maintenance_rate
