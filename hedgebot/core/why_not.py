"""Why an underlying is not being hedged at this moment, in one sentence. A pure function of state and time."""

from hedgebot.core import convention, holdings, latches, policy
from hedgebot.core.exposure import exposure_problem, net_delta_coin
from hedgebot.core.order_table import order_of
from hedgebot.core.state import EngineState
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.settings import UnderlyingSettings


def why_not(state: EngineState, settings: UnderlyingSettings, at_ns: int) -> str:
    """Say in one sentence why an underlying is not being hedged at this moment."""
    underlying = state.underlyings[settings.underlying]
    name = settings.underlying
    if state.mode.value == "recovering":
        return f"the book is {state.mode}: {state.mode_reason}"
    if frozen := latches.is_frozen(state, settings):
        return frozen
    stopped = [
        latches.strategy_problem(state, one.name) for one in state.settings.strategies if name in one.underlyings
    ]
    if any(stopped) and not latches.flat_proposal(state, settings):
        return next(one for one in stopped if one)
    if not any(one.enabled and name in one.underlyings for one in state.settings.strategies):
        return f"no strategy for {name} is enabled"
    for strategy, why in state.tripped.items():
        if any(one.name == strategy and name in one.underlyings for one in state.settings.strategies):
            return f"strategy {strategy} is latched off until an operator enables it: {why}"
    problem = exposure_problem(underlying)
    if problem:
        return f"the exposure is unknown: {problem}"
    delta = net_delta_coin(underlying)
    distance = delta - underlying.centre_coin
    band_coin = policy.edges(underlying, distance)[0] or settings.band_coin
    if abs(distance) <= band_coin:
        around = f" around {underlying.centre_coin:.4g}" if underlying.centre_coin else ""
        return f"abs delta {abs(delta):.4f} {name} is inside the band {band_coin:g} {name}{around}"
    if owed := convention.problem(state, settings) or holdings.problem(state, name, at_ns):
        return owed
    live = order_of(state, name)
    if live:
        record = state.orders[live]
        return f"order {record.client_id} is {record.status} since {(at_ns - record.sent_at_ns) // NS_PER_MS} ms"
    if at_ns < underlying.retry_at_ns:
        return f"waiting {(underlying.retry_at_ns - at_ns) // NS_PER_MS} ms after {underlying.rejects} refused orders"
    if underlying.waits_for:
        return underlying.waits_for
    last = underlying.last_decision
    return last.explanation if last is not None and underlying.note else "it is: a decision is due with the next event"
