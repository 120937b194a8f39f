"""The choice among several hedge instruments by what they are forecast to cost a day: `funding_action` = switch.

Owns when the choice changes. Costs are ratios of notional a day for the side that is held: funding of a perpetual, the
basis of a dated future (positive funding is paid by longs), what the risk of its basis is worth, and for what is opened
both its trades over the days that a hedge is held: 2 kappa / H + carry + risk, each instrument's own (hedging reference
section 9.2). The choice stays until another one is cheaper by `funding_saving_day_min` and at least an hour has passed,
so that rates near each other do not make it swing; where that rests on the trades (a spread, an impact) it must have
lasted, so that one wide moment of a book does not either. What must be left (a delivery is near, its rate is beyond its
limit) is left for any permitted one. Trades nothing: `moving.py` does.
"""

from hedgebot.core import costs, forced, hedges
from hedgebot.core.raises import in_force
from hedgebot.core.state import EngineState
from hedgebot.core.step import Step
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.settings import FundingAction, UnderlyingSettings

CHOICE_NS = 3_600 * 1_000_000_000
LASTS_NS = 600 * 1_000_000_000
"""So long what trades cost must speak for another instrument at each look: a spread widens for seconds."""

SETTLING_FACTOR = 4
"""So many times `settling_ms_halt` before its delivery a hedge is left: at that limit its underlying is frozen."""

WINDOW_FACTOR = 2
"""And at least so many times the span over which its delivery price is averaged, in which it loses its delta."""

_MS_PER_S, _MS_PER_DAY, _DAYS_MIN = 1_000.0, 86_400_000.0, 1.0 / 24.0


def sweep(step: Step) -> None:
    """Look at the choice of every underlying that may switch; called by the timer."""
    for settings in step.state.settings.underlyings:
        if settings.funding_action is FundingAction.SWITCH and settings.underlying in step.state.underlyings:
            for side in Side:
                _choose(step, settings, side)


def cost_day(
    state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, side: Side, at_ns: int
) -> float | None:
    """What a hedge of that side pays a day in an instrument, as a ratio of notional; None while it is not known."""
    carry = hedges.carry_day(state, settings, hedge, at_ns)
    return None if carry is None else side.sign * carry


def holding_cost_day(
    state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, side: Side, at_ns: int
) -> float | None:
    """What a hedge costs a day while all of its side stands in an instrument: with the risk of its basis."""
    cost = cost_day(state, settings, hedge, side, at_ns)
    return None if cost is None else cost + basis_risk_day(state, settings, hedge, side)


def basis_risk_day(state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, side: Side) -> float:
    """What the risk of a basis is worth a day, per notional, were all hedges of a side in its instrument."""
    held = (one for one in hedges.held_coins(state, settings).values() if one * side.sign > 0.0)
    return costs.basis_risk_day(state, settings, hedge, sum(held))


def must_leave(state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, side: Side, at_ns: int) -> str:
    """Why an instrument is given up whatever another one costs; empty when it may be kept."""
    if delivers_soon(state, settings, hedge, at_ns):
        return "its delivery is near"
    cost, limit = cost_day(state, settings, hedge, side, at_ns), in_force(state, "funding_ratio_day_alert", at_ns)
    return f"it costs {cost:.3%} a day, limit {limit:.3%}" if cost is not None and cost > limit else ""


def delivers_soon(state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, at_ns: int) -> bool:
    """Whether the venue is about to end an instrument: what stands in it is moved, whatever that costs."""
    return _stays_ms(state, settings, hedge, at_ns) <= 0.0


def opening_cost_day(
    state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, side: Side, at_ns: int
) -> float | None:
    """What a hedge costs a day in an instrument that it is not in yet; None while it is not known.

    One that will be left for its delivery before the hedge is over has to pay for leaving, too: closing it, and opening
    another one.
    """
    cost = holding_cost_day(state, settings, hedge, side, at_ns)
    days = _stays_ms(state, settings, hedge, at_ns) / _MS_PER_DAY
    if cost is None or days >= settings.hedge_hold_days:
        return cost
    return cost + 2.0 * trade_cost(state, settings, hedge) / max(days, _DAYS_MIN)


def trade_cost(state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId) -> float:
    """What it costs one way to trade the whole hedge in an instrument, as a ratio of notional."""
    return costs.one_way(state, settings, hedge, hedges.held_coin(state, settings)).ratio


def _trades_day(state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId) -> float:
    """Opening and closing it, spread over the days that a hedge is held."""
    return 2.0 * trade_cost(state, settings, hedge) / settings.hedge_hold_days


def hold_days(state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, at_ns: int) -> float:
    """For how many days a hedge would stand in an instrument: as long as hedges are held, or until it is left."""
    return min(settings.hedge_hold_days, _stays_ms(state, settings, hedge, at_ns) / _MS_PER_DAY)


def _stays_ms(state: EngineState, settings: UnderlyingSettings, hedge: InstrumentId, at_ns: int) -> float:
    """Milliseconds until an instrument is left because of its delivery; not above zero when that has come."""
    window_ms = WINDOW_FACTOR * settings.settlement_window_s * _MS_PER_S
    return forced.settles_in_ms(state, hedge, at_ns) - max(SETTLING_FACTOR * state.limits.settling_ms_halt, window_ms)


def stands(state: EngineState, settings: UnderlyingSettings, side: Side, at_ns: int) -> bool:
    """Whether the choice of a side is as old as a choice must be before costs alone change it."""
    chosen_at_ns = state.underlyings[settings.underlying].switch.chosen_at_ns.get(side.value, 0)
    return at_ns - chosen_at_ns >= CHOICE_NS


def _choose(step: Step, settings: UnderlyingSettings, side: Side) -> None:
    state, at_ns = step.state, step.at_ns
    switch = state.underlyings[settings.underlying].switch
    current = hedges.opened(state, settings, side)
    left = must_leave(state, settings, current, side, at_ns)
    now = holding_cost_day(state, settings, current, side, at_ns)
    if now is None and not left:
        return
    best, cost = _cheapest(state, settings, current, side, at_ns)
    saving = (now or 0.0) + _trades_day(state, settings, current) - cost
    if best is not None and saving >= settings.funding_saving_day_min:
        if switch.cheaper.get(side.value) != best:
            switch.cheaper[side.value], switch.cheaper_since_ns[side.value] = best, at_ns
        paid = cost_day(state, settings, current, side, at_ns) or 0.0
        settled = stands(state, settings, side, at_ns) and _lasts(state, settings, best, side, at_ns, paid)
    else:
        switch.cheaper.pop(side.value, None)
        settled = False
    if best is not None and (left or settled):
        switch.chosen[side.value], switch.chosen_at_ns[side.value] = best, at_ns


def _lasts(
    state: EngineState, settings: UnderlyingSettings, best: InstrumentId, side: Side, at_ns: int, paid: float
) -> bool:
    """Whether a saving is no moment's: it rests on the carry alone, or has been there at each look for a while.

    The risk of a basis is that of what is held now: one large position must not speak for it either.
    """
    since_ns = state.underlyings[settings.underlying].switch.cheaper_since_ns[side.value]
    then = opening_cost_day(state, settings, best, side, at_ns)
    risk = basis_risk_day(state, settings, best, side)
    by_carry = then is not None and paid - (then - risk) >= settings.funding_saving_day_min
    return by_carry or at_ns - since_ns >= LASTS_NS


def _cheapest(
    state: EngineState, settings: UnderlyingSettings, current: InstrumentId, side: Side, at_ns: int
) -> tuple[InstrumentId | None, float]:
    """The cheapest other instrument that may be opened now; of equals the one that the operator prefers."""
    found: list[tuple[InstrumentId, float]] = []
    for one in hedges.choices(settings, side):
        cost = opening_cost_day(state, settings, one, side, at_ns)
        if one == current or cost is None or must_leave(state, settings, one, side, at_ns):
            continue
        if hedges.is_open(state, settings, one, at_ns):
            found.append((one, cost + _trades_day(state, settings, one)))
    return min(found, key=lambda pair: pair[1], default=(None, 0.0))
