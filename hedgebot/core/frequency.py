"""How often one strategy may trade one instrument, both ways together: a soft limit below the throttle's hard one.

The throttle latches off a strategy that repeats one side; this makes one wait that goes to and fro. The pieces of one
large hedge count once, and an urgent one does not wait.
"""

from hedgebot.core import breakers, canary, proof, raises
from hedgebot.core.candidate import Candidate, Finding, finding
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.orders import Refused

RULE = "strategy_orders"


def frequency(one: Candidate) -> Finding:
    """Hedges of the strategy on the instrument within the throttle's window, this one with them."""
    state, intent = one.state, one.intent
    limit = canary.pieces(state, round(raises.in_force(state, "strategy_orders_max", one.at_ns)))
    count = breakers.repeats(state, intent.strategy, intent.instrument, one.at_ns) + 1
    waits = count > limit and not one.is_urgent and not breakers.goes_on(state, intent, one.delta_coin)
    seconds = state.limits.repeat_window_ms / 1_000
    problem = ""
    if waits and proof.unproven_shrinking(one):
        problem = f"it would be hedge {count} of {intent.strategy} on {one.rules.id} within {seconds:g} s"
    return finding(RULE, count, limit, problem)


def tell(step: Step, refused: Refused) -> None:
    """Hold an alert up while hedges wait for this."""
    if refused.check.rule == RULE:
        subject = f"{refused.intent.strategy} on {refused.intent.instrument}"
        step.watch(AlertKind.EXECUTION_FREQUENCY, subject, refused.explanation)


def watch(step: Step) -> None:
    """End it a while after the last hedge that had to wait."""
    for one in list(step.state.alerts.values()):
        if one.kind is AlertKind.EXECUTION_FREQUENCY:
            step.watch(one.kind, one.subject, "")
