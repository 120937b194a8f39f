"""The hedge instruments of an underlying for people: which is there for what, what stands in it, how old its market is.

A pure function of state and time; the choice among them is `hedges.py`'s.
"""

import msgspec

from hedgebot.core import hedges, market
from hedgebot.core.cost_state import CostEstimate, band_cost_bps
from hedgebot.core.state import EngineState
from hedgebot.domain.settings import UnderlyingSettings


class HedgeLegView(msgspec.Struct, frozen=True, kw_only=True):
    """One hedge instrument. `held_coin` is its delta (long positive); None: not known.

    `in_use`: the hedge depends on it; an alternative that is neither held nor chosen only stands by. `measured_bps` is
    what our `cost_fills` fills in it cost one way; None before the first.
    """

    instrument: str
    role: str
    held_coin: float | None
    book_age_ms: int | None
    mark_age_ms: int | None
    in_use: bool
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
    costs, none = state.underlyings[settings.underlying].drift.costs.instruments, CostEstimate()
    return tuple(
        HedgeLegView(
            instrument=one.instrument,
            role=one.role.value,
            held_coin=held.get(one.instrument),
            book_age_ms=market.known_age_ms(market.book_age_ms(state, one.instrument, at_ns)),
            mark_age_ms=market.known_age_ms(market.mark_age_ms(state, one.instrument, at_ns)),
            in_use=one.instrument in in_use,
            measured_bps=costs.get(one.instrument, none).measured_bps,
            cost_fills=costs.get(one.instrument, none).fills,
        )
        for one in settings.hedge_legs
    )


def cost(state: EngineState, settings: UnderlyingSettings) -> CostView:
    """Of all its hedges together."""
    costs = state.underlyings[settings.underlying].drift.costs
    return CostView(
        source=settings.cost_source.value,
        configured_bps=settings.cost_bps,
        measured_bps=costs.whole.measured_bps,
        fills=costs.whole.fills,
        in_force_bps=band_cost_bps(costs, settings),
    )
