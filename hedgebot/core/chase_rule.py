"""How far our own orders have followed a price: what the gate asks of an order that may have moved it."""

from hedgebot.core import chase
from hedgebot.core.candidate import Candidate, Finding, finding
from hedgebot.domain.instrument import InstrumentId


def chase_rule(one: Candidate) -> Finding:
    """How far the limit price stands beyond our first order of the present window."""
    limit = one.state.limits.chase_bps_max
    instrument, basis = _reference(one)
    start = one.underlying.chased.get(instrument)
    if start is None or not chase.is_open(one.state, start, one.at_ns):
        return finding("chase_bps", 0.0, limit)
    followed = (float(one.intent.limit_price) / basis / start.price - 1.0) * 1e4 * one.intent.side.sign
    over = followed > limit and not one.is_urgent
    problem = f"our orders on {one.rules.id} have followed its price by {followed:.0f} bps" if over else ""
    return finding("chase_bps", followed, limit, problem)


def _reference(one: Candidate) -> tuple[InstrumentId, float]:
    """The instrument whose price is followed, and what is traded over it: the main hedge's, while that price moves."""
    main, mid = one.settings.hedge_instrument, float(one.quote.mid or 0)
    if one.rules.id == main or not mid or not chase.is_live(one.state, main, one.at_ns):
        return one.rules.id, 1.0
    return main, mid / one.underlying.price
