"""Smaller orders for the first hours after a change: a new version, or a new configuration, is tried on a small scale.

Owns the moment of the change and the caps while it is new. No hedge is refused for it, a larger one goes out in more
pieces, and as many more of them are allowed: what a wrong build or a slip does before a breaker stops it is smaller by
the same share. The orders of a flatten, which an operator chose, keep their size.
"""

import math

import msgspec

from hedgebot.core.state import EngineState
from hedgebot.domain.durations import NS_PER_HOUR
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.settings import EngineSettings, UnderlyingSettings


def note(state: EngineState, settings: EngineSettings, version: str, at_ns: int) -> None:
    """Take note of a version or of settings that differ from what ran; to be called before these are adopted."""
    if (version, settings.config_hash) != (state.version, state.settings.config_hash):
        state.version, state.changed_at_ns = version, at_ns


def until_ns(state: EngineState) -> int:
    """When orders may have their whole size again; in the past while they may."""
    return state.changed_at_ns + round(state.limits.canary_hours * NS_PER_HOUR)


def pieces(state: EngineState, orders: int) -> int:
    """So many orders of whole size, as a number of orders now: those that are smaller may be more."""
    return orders if state.at_ns >= until_ns(state) else math.ceil(orders / state.limits.canary_ratio)


def capped(state: EngineState, settings: UnderlyingSettings) -> UnderlyingSettings:
    """How an underlying is hedged now, with the most that one order may be.

    The smallest order that each of its instruments takes always may: a cap below it would stop the hedge.
    """
    price = state.underlyings[settings.underlying].price
    if state.at_ns >= until_ns(state) or price <= 0.0:
        return settings
    hedges = [state.instruments[one] for one in settings.hedge_instruments if one in state.instruments]
    least_usd = max((_least_usd(rules, price) for rules in hedges), default=0.0)
    ratio, coins, usd = state.limits.canary_ratio, settings.order_qty_coin_max, settings.order_notional_usd_max
    return msgspec.structs.replace(
        settings,
        order_qty_coin_max=min(coins, max(coins * ratio, least_usd / price)),
        order_notional_usd_max=min(usd, max(usd * ratio, least_usd)),
    )


def _least_usd(rules: Instrument, price: float) -> float:
    """What the smallest order is worth, with a lot more for rounding and for a price that is not the limit's."""
    smallest_usd = abs(rules.delta_coin(float(rules.qty_min), price)) * price
    return max(smallest_usd, float(rules.min_notional_quote)) + 2.0 * rules.lot_coin(price) * price
