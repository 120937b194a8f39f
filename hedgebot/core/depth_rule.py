"""What the gate asks of a book's depth: that an order takes no more than so many times what is shown.

The same for every order as the rule on spreads, whose sister it is: no hedge is so urgent, and no flatten so wanted,
that it is sent into a book of which nobody knows whether anything stands in it. What is known and too little is a
matter of size: shaping cuts an order to it (`depth.py`), and what is refused here is what was left whole. Approves
nothing.
"""

from hedgebot.core import depth
from hedgebot.core.candidate import Candidate, Finding, finding
from hedgebot.core.market_watch import WIDE_NS
from hedgebot.core.state import UnderlyingState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import Approved, Refused

RULE = "order_top_ratio"


def depth_rule(one: Candidate) -> Finding:
    """The order, with what ours took since the newest book, as a ratio of what is shown at the price that it hits."""
    limit = one.state.limits.order_top_ratio_max
    if not one.rules.shows_sizes:
        return finding(RULE, "not checked", limit)
    side, best = one.intent.side, "ask" if one.intent.side is Side.BUY else "bid"
    shown = one.quote.shown_contracts(side)
    if shown is None or shown <= ZERO:
        problem = f"the book of {one.rules.id} does not say how much stands at its best {best}"
        return finding(RULE, "unknown", limit, problem)
    taken = depth.taken_contracts(one.state, one.rules.id, side)
    most = depth.most_contracts(one.state, one.rules, side)
    problem = ""
    if most is None or one.intent.qty_contracts > most:
        problem = (
            f"only {shown} {one.rules.symbol} stand at the best {best}, the order is for {one.intent.qty_contracts}"
        )
        problem += f" after {taken} that we took since that book" if taken else ""
    return finding(RULE, float((one.intent.qty_contracts + taken) / shown), limit, problem)


def subject(underlying: str) -> str:
    """What the alert of a book that is too thin, or without sizes, is about."""
    return f"{underlying} depth"


def tell(step: Step, underlying: UnderlyingState, verdict: Approved | Refused) -> None:
    """Hold an alert up while hedges are refused because nobody says how much stands in their book, or too little does.

    The latter from two seconds without an order on: a book that thins for a moment, or that is refilled between the
    pieces of a hedge, is no news. A refusal by another rule says nothing of the book and ends nothing.
    """
    problem = ""
    if isinstance(verdict, Refused):
        if verdict.check.rule != RULE:
            return
        newest = step.state.orders.get(underlying.efficacy.newest_order)
        since_ns = max(underlying.breach_since_ns, newest.sent_at_ns if newest is not None else 0)
        if verdict.check.value != "unknown" and step.at_ns - since_ns < WIDE_NS:
            return
        problem = f"{verdict.explanation}: nothing is sent on it"
    step.check(AlertKind.SUSPECT_DATA, subject(underlying.name), problem)
