"""Holds the book's tail risk against its limits, and keeps the closes that it is made from. Computes no risk number.

The number is the shell's, made beside the turn; here it is a fact with its age. Above the soft limit it is an alert,
above the hard one the book only reduces risk; unknown or too old is an alert, never a zero.
"""

from functools import partial

from hedgebot.core import market, raises, reducing
from hedgebot.core.risk_state import Closes
from hedgebot.core.state import EngineState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.risk_events import RiskMeasured

CAUSE = "tail_risk"
CLEAR_AT = 0.9
"""REDUCING ends when the number has come down to this share of the hard limit."""


def take(step: Step, event: RiskMeasured) -> None:
    """Take a number; one that was made from an older book than the last is ignored."""
    risk = step.state.risk
    if risk.measured is not None and event.book_at_ns <= risk.measured.book_at_ns:
        return
    risk.measured, risk.measured_at_ns = event, step.at_ns
    judge(step)


def sweep(step: Step) -> None:
    """Called by the timer: closes are kept, the number's age is looked at."""
    state = step.state
    for settings in state.settings.underlyings:
        price = state.underlyings[settings.underlying].price
        age_ms = market.book_age_ms(state, settings.hedge_instrument, step.at_ns)
        if price > 0.0 and age_ms <= state.limits.book_age_ms_max:
            state.risk.closes.setdefault(settings.underlying, Closes()).add(price, step.at_ns)
    step.check(AlertKind.TAIL_RISK_LIMIT, "measurement", _unknown(state, step.at_ns))
    assumed = state.risk.measured.assumed if state.risk.measured else ""
    step.check(AlertKind.TAIL_RISK_LIMIT, "history", assumed if assumed and holds_anything(state) else "")
    judge(step)


def es_ratio(state: EngineState, at_ns: int) -> float | None:
    """Expected shortfall over equity; None when unknown or too old, infinite when there is a risk and no equity."""
    measured = state.risk.measured
    if measured is None or measured.es_usd is None or measured.equity_usd is None:
        return None
    if at_ns - measured.book_at_ns > state.limits.risk_age_ms_max * NS_PER_MS:
        return None
    if measured.es_usd <= 0.0:
        return 0.0
    return measured.es_usd / measured.equity_usd if measured.equity_usd > 0.0 else float("inf")


def holds_anything(state: EngineState) -> bool:
    """Whether there is anything that could lose."""
    return any(one.contracts for one in state.positions.values()) or any(
        one.qty != ZERO for one in state.coins.values()
    )


def _unknown(state: EngineState, at_ns: int) -> str:
    """Why there is no number, in a sentence; empty where there is one or nothing to lose."""
    if not holds_anything(state):
        return ""
    measured, limit_ms = state.risk.measured, state.limits.risk_age_ms_max
    newest_ns = max(state.run_started_ns, measured.book_at_ns if measured else 0)
    if at_ns - newest_ns > limit_ms * NS_PER_MS:
        # One sentence for the whole episode: its length would make it a new alert each time.
        return f"the book's expected shortfall has not been measured for more than {limit_ms // 1_000} s"
    if measured is not None and measured.es_usd is None:
        return f"the book's expected shortfall is unknown: {measured.problem}"
    if measured is not None and measured.equity_usd is None:
        return "the book's expected shortfall cannot be held against equity, which is unknown"
    return ""


def _words(ratio: float, limit: float) -> str:
    return f"expected shortfall of a day is {ratio:.1%} of equity, alert above {limit:.1%}"


def judge(step: Step, *, fresh: bool = False) -> None:
    """While the number is unknown nothing is said anew: what was wrong is not known to be over.

    `fresh` when an operator has just changed the soft limit.
    """
    state, ratio = step.state, es_ratio(step.state, step.at_ns)
    if ratio is None:
        return
    hard = state.limits.es_ratio_max
    words = partial(_words, ratio)
    raises.judge(step, "es_ratio_alert", AlertKind.TAIL_RISK_LIMIT, "book", ratio, words, fresh=fresh)
    if ratio > hard:
        reducing.hold(step, CAUSE, f"expected shortfall of a day is {ratio:.1%} of equity, limit {hard:.1%}")
    elif ratio <= hard * CLEAR_AT:
        reducing.release(step, CAUSE, f"expected shortfall of a day is {ratio:.1%} of equity again")
