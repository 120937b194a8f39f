"""What the gate asks of an order that may rest: a switch at the venue behind it.

Whatever the order is for: a hedge that may not rest goes immediate-or-cancel. That a kill reaches all that is alive in
time needs no rule here: an underlying has one order at a time, and the configuration bounds the underlyings of an
account (`open_orders_max`).
"""

from hedgebot.core import deadman
from hedgebot.core.candidate import Candidate, Finding, finding


def dead_man(one: Candidate) -> Finding:
    """An armed dead-man's switch stands behind it."""
    rests = one.intent.time_in_force in deadman.RESTING
    problem = deadman.resting_problem(one.state, one.account, one.at_ns) if rests else ""
    value = one.account.dead_man.status.value if rests else one.intent.time_in_force.value
    return finding("dead_man", value, "armed, for an order that rests", problem)
