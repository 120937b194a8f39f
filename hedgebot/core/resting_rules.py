"""What the gate asks of an order that may rest: a switch at the venue behind it, and that a kill still reaches it.

Whatever the order is for: a hedge that may not rest goes immediate-or-cancel.
"""

from hedgebot.core import deadman
from hedgebot.core.candidate import Candidate, Finding, finding


def dead_man(one: Candidate) -> Finding:
    """An armed dead-man's switch stands behind it."""
    rests = one.intent.time_in_force in deadman.RESTING
    problem = deadman.resting_problem(one.state, one.account, one.at_ns) if rests else ""
    value = one.account.dead_man.status.value if rests else one.intent.time_in_force.value
    return finding("dead_man", value, "armed, for an order that rests", problem)


def open_orders(one: Candidate) -> Finding:
    """With it no more orders of ours are alive on the account than a kill can cancel one by one within two seconds.

    Orders of ours count that are open, on their way or unknown, or that the venue lists: whichever is more.
    """
    name, limit = one.account.name, one.state.limits.open_orders_max
    known = sum(
        record.intent.account == name
        for client_id in one.state.unsettled
        if (record := one.state.orders.get(client_id)) is not None
    )
    alive = max(known, one.account.dead_man.own_open)
    full = alive >= limit and one.intent.time_in_force in deadman.RESTING
    problem = f"{alive} orders of ours are alive on {name}: a kill cancels {limit} in time" if full else ""
    return finding("open_orders", alive, limit, problem)
