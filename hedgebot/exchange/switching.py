"""Switching an account between one-way and hedge mode, by instrument or for a whole settlement coin.

Owns when that is refused (docs/v5/position/position-mode.mdx and error.mdx: 110024, 110025, 110028, 110029). Must not
know what the modes allow: `modes.py` does.
"""

from hedgebot.domain.instrument import Instrument, InstrumentId
from hedgebot.exchange.account import Account
from hedgebot.exchange.checks import refuse
from hedgebot.exchange.modes import has_hedge_mode
from hedgebot.exchange.types import Refusal, RefusalReason, SimOrder
from hedgebot.exchange.world import World


def switch_mode(
    world: World, account: Account, open_orders: tuple[SimOrder, ...], chosen: InstrumentId | str, *, hedged: bool
) -> Refusal | None:
    """Switch one instrument, or everything of a settlement coin that has no position or order; None when done."""
    market = world.markets.get(InstrumentId(chosen))
    if market is not None:
        return _switch_one(market.instrument, account, open_orders, hedged=hedged)
    if ":" in chosen:
        return refuse(RefusalReason.UNKNOWN_INSTRUMENT, f"no instrument {chosen!r}")
    return _switch_coin(world, account, open_orders, chosen, hedged=hedged)


def _switch_one(
    instrument: Instrument, account: Account, open_orders: tuple[SimOrder, ...], *, hedged: bool
) -> Refusal | None:
    if hedged and not has_hedge_mode(instrument):
        return refuse(RefusalReason.HEDGE_MODE_UNSUPPORTED, f"{instrument.id} has one-way mode only")
    if account.modes.is_hedged(instrument) is hedged:
        return refuse(RefusalReason.NOT_MODIFIED, f"{instrument.id} is in that mode already")
    if account.held(instrument.id):
        return refuse(RefusalReason.POSITION_OPEN, f"{instrument.id} has a position")
    if any(order.instrument == instrument.id for order in open_orders):
        return refuse(RefusalReason.ORDERS_OPEN, f"{instrument.id} has open orders")
    account.modes.by_instrument[instrument.id] = hedged
    return None


def _switch_coin(
    world: World, account: Account, open_orders: tuple[SimOrder, ...], coin: str, *, hedged: bool
) -> Refusal | None:
    modes = account.modes
    concerned = [
        market.instrument
        for market in world.markets.values()
        if market.instrument.settle == coin and has_hedge_mode(market.instrument)
    ]
    if not concerned:
        return refuse(RefusalReason.HEDGE_MODE_UNSUPPORTED, f"nothing that settles in {coin!r} has a hedge mode")
    if modes.by_coin.get(coin, False) is hedged and all(modes.is_hedged(one) is hedged for one in concerned):
        return refuse(RefusalReason.NOT_MODIFIED, f"{coin} is in that mode already")
    busy = {order.instrument for order in open_orders} | {
        one.instrument.id for one in account.positions.values() if one.contracts
    }
    kept = {one.id: modes.is_hedged(one) for one in concerned if one.id in busy}
    modes.by_coin[coin] = hedged
    for one in concerned:
        modes.by_instrument.pop(one.id, None)
    modes.by_instrument.update(kept)
    return None
