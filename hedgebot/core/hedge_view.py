"""The hedge instruments of an underlying for people: which is there for what, what stands in it, how old its market is.

A pure function of state and time; the choice among them is `hedges.py`'s.
"""

import msgspec

from hedgebot.core import costs, hedges, market
from hedgebot.core.cost_state import band_cost_bps
from hedgebot.core.state import EngineState
from hedgebot.domain.settings import UnderlyingSettings


class HedgeLegView(msgspec.Struct, frozen=True, kw_only=True):
    """One hedge instrument. `held_coin` is its delta (long positive); None: not known.

    `in_use`: the hedge depends on it; an alternative that is neither held nor chosen only stands by. `cost_bps` is what
    a small trade in it is taken to cost one way, `measured_bps` what our `cost_fills` fills did (None: none yet).
    """

    instrument: str
    role: str
    held_coin: float | None
    book_age_ms: int | None
    mark_age_ms: int | None
    in_use: bool
    cost_bps: float
    measured_bps: float | None
    cost_fills: int


class CostView(msgspec.Struct, frozen=True, kw_only=True):
    """What a hedge costs one way, in basis points: as configured, by our own fills alone, and as bands have it."""

    source: str
    configured_bps: float
    measured_bps: float | None
    fills: int
    in_force_bps: float


def legs(state: EngineState, settings: UnderlyingSettings, at_ns: int) -> tuple[HedgeLegView, ...]:
    """All of them, the main one first."""
    held, in_use = hedges.held_coins(state, settings), hedges.in_use(state, settings)
    found = {one: costs.one_way(state, settings, one) for one in settings.hedge_instruments}
    return tuple(
        HedgeLegView(
            instrument=one.instrument,
            role=one.role.value,
            held_coin=held.get(one.instrument),
            book_age_ms=market.known_age_ms(market.book_age_ms(state, one.instrument, at_ns)),
            mark_age_ms=market.known_age_ms(market.mark_age_ms(state, one.instrument, at_ns)),
            in_use=one.instrument in in_use,
            cost_bps=found[one.instrument].cost_bps,
            measured_bps=found[one.instrument].measured_bps,
            cost_fills=found[one.instrument].fills,
        )
        for one in settings.hedge_legs
    )


def cost(state: EngineState, settings: UnderlyingSettings) -> CostView:
    """Of all its hedges together."""
    own = state.underlyings[settings.underlying].drift.costs
    return CostView(
        source=settings.cost_source.value,
        configured_bps=settings.cost_bps,
        measured_bps=own.whole.measured_bps,
        fills=own.whole.fills,
        in_force_bps=band_cost_bps(own, settings),
    )
