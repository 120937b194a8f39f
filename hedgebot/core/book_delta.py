"""The cap on the delta of the whole book, in USD over all underlyings: its rule of the gate, and its alert.

Each underlying counts with its worst-case delta (safety reference section 2) at its live price, whichever way it
points: a long of one coin is no hedge of a short of another. Unknown adds no risk. Sends nothing and changes no mode.
"""

from hedgebot.core import hedges, order_table
from hedgebot.core.candidate import Candidate, Finding, finding
from hedgebot.core.exposure import exposure_problem, net_delta_coin
from hedgebot.core.state import EngineState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.settings import LimitSettings, UnderlyingSettings

NO_CAP_USD = LimitSettings().book_delta_usd_max
SUBJECT = "book"


def is_capped(state: EngineState) -> bool:
    """Whether an operator set a cap."""
    return state.limits.book_delta_usd_max < NO_CAP_USD


def delta_usd(state: EngineState, at_ns: int) -> float | None:
    """Absolute net delta of all underlyings together; None while one of them is unknown, or its market is."""
    found = [_usd(state, one, at_ns, 0.0, 0.0) for one in state.settings.underlyings]
    known = [one for one in found if one is not None]
    return sum(known) if len(known) == len(found) else None


def book_delta(one: Candidate) -> Finding:
    """An order must not be able to take the worst case of the whole book beyond its cap, or further beyond it."""
    limit = one.state.limits.book_delta_usd_max
    worst = _worst_usd(one)
    if one.reduces_delta or not is_capped(one.state):
        return finding("book_delta_usd", "unknown" if worst is None else worst, limit)
    if worst is None:
        return finding("book_delta_usd", "unknown", limit, "the delta of another underlying is unknown, or its price")
    problem = f"the net deltas of the book could reach {worst:,.0f} USD together" if worst > limit else ""
    return finding("book_delta_usd", worst, limit, problem)


def watch(step: Step) -> None:
    """Hold the alert up while the deltas are beyond the cap. Unknown says nothing anew. Called by the timer."""
    if not is_capped(step.state):
        return
    found, most = delta_usd(step.state, step.at_ns), step.state.limits.book_delta_usd_max
    if found is not None:
        words = f"the net deltas of the book come to {found:,.0f} USD together, limit {most:,.0f}"
        step.watch(AlertKind.DELTA_OUTSIDE_LIMIT, SUBJECT, words if found > most else "")


def _worst_usd(one: Candidate) -> float | None:
    """The worst that the whole book can come to with the order or any part of it filled."""
    after_coin = one.worst_delta_coin(one.intent.delta_effect_coin)
    total = (after_coin if one.reduces_delta else max(one.worst_delta_coin(), after_coin)) * one.underlying.price
    for other in one.state.settings.underlyings:
        if other.underlying == one.underlying.name:
            continue
        usd = _usd(one.state, other, one.at_ns, *order_table.pending_delta_coin(one.state, other.underlying))
        if usd is None:
            return None
        total += usd
    return total if one.underlying.price > 0.0 else None


def _usd(state: EngineState, settings: UnderlyingSettings, at_ns: int, down: float, up: float) -> float | None:
    underlying = state.underlyings[settings.underlying]
    if exposure_problem(underlying) or underlying.price <= 0.0 or hedges.stale(state, settings, at_ns):
        return None
    delta_coin = net_delta_coin(underlying)
    return max(abs(delta_coin + down), abs(delta_coin + up)) * underlying.price
