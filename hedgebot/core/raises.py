"""Soft limits that an operator raised for a while: which may be, what is in force, when it ends.

Owns the raises; the limits themselves stand in the settings. A hard limit is never raised here: it needs its file and a
restart (safety reference section 11).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from hedgebot.core.risk_state import Raised
from hedgebot.core.state import EngineState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.operator_events import LimitRaised, LimitRestored
from hedgebot.domain.settings import LimitSettings


class Soft(NamedTuple):
    """A soft limit as configured, and the hard one that it may be raised up to."""

    configured: float
    hard: str
    ceiling: float


_SOFT: dict[str, tuple[Callable[[LimitSettings], float], str]] = {
    "es_ratio_alert": (lambda one: one.es_ratio_alert, "es_ratio_max"),
    "daily_loss_usd_alert": (lambda one: one.daily_loss_usd_alert, "daily_loss_usd_max"),
    "drawdown_ratio_alert": (lambda one: one.drawdown_ratio_alert, "drawdown_ratio_max"),
    "bleed_usd_alert": (lambda one: one.bleed_usd_alert, "bleed_usd_max"),
    # Of a venue's cap there is no harder one.
    "venue_equity_share_max": (lambda one: one.venue_equity_share_max, ""),
    "venue_equity_usd_max": (lambda one: one.venue_equity_usd_max, ""),
    # A rate has no hard limit of its own: the day's budget and the share are.
    "funding_ratio_day_alert": (lambda one: one.funding_ratio_day_alert, ""),
    # Beyond it orders wait; what repeats one side has the throttle above it.
    "strategy_orders_max": (lambda one: one.strategy_orders_max, ""),
}
"""Every limit that may be raised: how it is read, and the hard one above it."""


def soft_limits(limits: LimitSettings) -> dict[str, Soft]:
    """Every limit that may be raised, by its name."""
    return {name: _soft(limits, name) for name in _SOFT}


def _soft(limits: LimitSettings, name: str) -> Soft:
    """One of them, alone: the timer asks for several each time. KeyError for a hard one."""
    hard = _SOFT[name][1]
    return Soft(_configured(limits, name), hard or "any value", getattr(limits, hard) if hard else math.inf)


def _configured(limits: LimitSettings, name: str) -> float:
    """Where only the hard one was set, below the soft one's default, the alert comes with it. KeyError as above."""
    read, hard = _SOFT[name]
    found, ceiling = read(limits), getattr(limits, hard) if hard else math.inf
    return min(found, ceiling)


CLEAR_AT = 0.9
"""An alert of a soft limit ends when its figure has come down to this share of it."""

FOR_MS_MAX = 24 * 3_600_000
"""A limit that is raised for longer is a changed limit: it belongs into the file."""


def in_force(state: EngineState, name: str, at_ns: int) -> float:
    """A soft limit as it stands now."""
    raised = state.risk.raised.get(name)
    configured = _configured(state.limits, name)
    return raised.to if raised is not None and at_ns < raised.until_ns and raised.to > configured else configured


def judge(
    step: Step, name: str, kind: AlertKind, subject: str, figure: float, words: Callable[[float], str], *, fresh: bool
) -> None:
    """Hold an alert up from beyond a soft limit until the figure is well below it: one around it is one alert.

    `words` says it, given the limit. With `fresh` the limit itself has just changed: what is not beyond the new one is
    over, however near it is.
    """
    limit = in_force(step.state, name, step.at_ns)
    up = not fresh and f"{kind}|{subject}" in step.state.alerts
    beyond = figure > (limit * CLEAR_AT if up else limit)
    step.check(kind, subject, words(limit) if beyond else "")


def raise_limit(step: Step, event: LimitRaised) -> None:
    """Take an operator's word, or say why not."""
    problem = _problem(step.state, event)
    action = f"limit raise {event.limit}"
    if problem:
        step.operator(event.operator, action, accepted=False, explanation=problem)
        return
    before = in_force(step.state, event.limit, step.at_ns)
    until_ns = step.at_ns + event.for_ms * NS_PER_MS
    step.state.risk.raised[event.limit] = Raised(
        to=event.to, until_ns=until_ns, operator=event.operator, reason=event.reason
    )
    words = f"{event.limit} is {event.to:g} (was {before:g}) for {_length(event.for_ms)}: {event.reason}"
    step.operator(event.operator, action, accepted=True, explanation=words)


def restore_limit(step: Step, event: LimitRestored) -> None:
    """End a raise before its time."""
    action = f"limit restore {event.limit}"
    if step.state.risk.raised.pop(event.limit, None) is None:
        words = f"{event.limit} is not raised; raised: {', '.join(step.state.risk.raised) or 'none'}"
        step.operator(event.operator, action, accepted=False, explanation=words)
        return
    now = in_force(step.state, event.limit, step.at_ns)
    step.operator(event.operator, action, accepted=True, explanation=f"{event.limit} is {now:g} again: {event.reason}")


def sweep(step: Step) -> None:
    """End what has run out; recorded, so that the journal says until when."""
    for name, raised in list(step.state.risk.raised.items()):
        if step.at_ns >= raised.until_ns:
            del step.state.risk.raised[name]
            now = in_force(step.state, name, step.at_ns)
            words = f"the time is over: {name} is {now:g} again"
            step.operator(raised.operator, f"limit restore {name}", accepted=True, explanation=words)


def _problem(state: EngineState, event: LimitRaised) -> str:
    soft = soft_limits(state.limits)
    if event.limit not in soft:
        hard = " It is a hard limit: that needs its file and a restart." if hasattr(state.limits, event.limit) else ""
        return f"{event.limit} is no soft limit; those are {', '.join(soft)}.{hard}"
    configured, hard, ceiling = soft[event.limit]
    if not configured < event.to <= ceiling:
        return f"{event.limit} is {configured:g} and may be raised up to {hard} ({ceiling:g}), not to {event.to:g}"
    if not 0 < event.for_ms <= FOR_MS_MAX:
        return f"a limit is raised for up to {_length(FOR_MS_MAX)}, not for {_length(event.for_ms)}"
    return "" if event.reason else "it needs a reason"


def _length(for_ms: int) -> str:
    return f"{for_ms / 3_600_000:g} h"
