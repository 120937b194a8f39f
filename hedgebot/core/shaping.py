"""Shaping: from a wanted trade in coin to an order the venue can take. Owns lots, clips and the limit price.

Larger hedges are clipped, never refused: the rest is decided anew from the position that the first part leaves.
Quantities are floored, so that a hedge never crosses its target; what is less than a lot stays as a recorded residual.
"""

from decimal import Decimal
from typing import NamedTuple

import msgspec

from hedgebot.core import depth
from hedgebot.core.hedges import Way
from hedgebot.core.ledger import only_shrinks
from hedgebot.core.state import EngineState
from hedgebot.core.strategy import Proposal
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.instrument import Instrument, Side
from hedgebot.domain.orders import OrderIntent, TimeInForce
from hedgebot.domain.settings import UnderlyingSettings


class NoLot(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is sent of the wanted trade, as where it is less than the smallest order: a no-op, never an error."""

    residual_coin: float
    explanation: str


class Mandate(NamedTuple):
    """On which account something is traded, for which underlying, who asks for it and why."""

    account: str
    underlying: str
    strategy: str
    reason: str


class Clip(NamedTuple):
    """What one order trades: contracts (> 0) of an instrument, valued at the middle of its book, at a limit price."""

    rules: Instrument
    side: Side
    contracts: Decimal
    mid: Decimal
    limit_price: Decimal


def shape(
    state: EngineState,
    settings: UnderlyingSettings,
    way: Way,
    mid: Decimal,
    proposal: Proposal,
    trade_coin: float,
    at_ns: int,
) -> OrderIntent | NoLot:
    """Make an IOC limit order of a wanted trade (signed coin, not zero) around the middle of that way's book."""
    rules = state.instruments[way.instrument]
    side = Side.of(trade_coin)
    limit_price = collared_price(rules, mid, side, settings.collar_bps)
    # Sized at the middle, where delta is valued: an inverse contract stands for more coins at a lower price.
    wanted = rules.contracts(Decimal(repr(abs(trade_coin))), mid)
    ceiling = qty_ceiling(rules, settings, mid, limit_price)
    if way.contracts_max is not None:
        ceiling = min(ceiling, way.contracts_max)
    contracts = depth.cut(state, rules, side, rules.floor_qty(min(wanted, ceiling)), limit_price)
    problem = rules.order_problem(contracts, limit_price) if contracts else "it is less than one lot"
    if problem is not None:
        return NoLot(
            residual_coin=trade_coin,
            explanation=f"{abs(trade_coin):.6g} {settings.underlying} cannot be traded on {rules.symbol}: {problem}",
        )
    mandate = Mandate(settings.hedge_account, settings.underlying, proposal.strategy, proposal.reason)
    return ioc_order(state, mandate, Clip(rules, side, contracts, mid, limit_price), at_ns)


def ioc_order(state: EngineState, mandate: Mandate, clip: Clip, at_ns: int) -> OrderIntent:
    """The order of a clip; it says itself whether it can only shrink what is held."""
    rules, side, contracts, mid, limit_price = clip
    return OrderIntent(
        account=mandate.account,
        instrument=rules.id,
        underlying=mandate.underlying,
        strategy=mandate.strategy,
        side=side,
        qty_contracts=contracts,
        limit_price=limit_price,
        time_in_force=TimeInForce.IOC,
        reduce_only=only_shrinks(state, mandate.account, rules.id, side, contracts),
        delta_effect_coin=float(rules.coins(contracts, mid)) * side.sign,
        notional_usd=float(rules.notional_quote(contracts, limit_price)),
        deadline_ns=at_ns + state.limits.order_deadline_ms * NS_PER_MS,
        reason=mandate.reason,
    )


def collared_price(rules: Instrument, mid: Decimal, side: Side, collar_bps: float) -> Decimal:
    """Limit price at most `collar_bps` beyond the book's middle, rounded to the tick so that it never pays more."""
    reach = mid * (1 + side.sign * Decimal(repr(collar_bps)) / 10_000)
    return rules.protective_price(reach, side)


def qty_ceiling(rules: Instrument, settings: UnderlyingSettings, mid: Decimal, limit_price: Decimal) -> Decimal:
    """Largest quantity of one order: the operator's limits and the venue's maximum, whichever is least."""
    by_coin = rules.contracts(Decimal(repr(settings.order_qty_coin_max)), mid)
    by_notional = rules.contracts(Decimal(repr(settings.order_notional_usd_max)) / limit_price, limit_price)
    ceiling = min(by_coin, by_notional)
    return ceiling if rules.qty_max is None else min(ceiling, rules.qty_max)
