"""How far our own orders have followed a price: what the gate asks of an order that may have moved it."""

from hedgebot.core import market
from hedgebot.core.candidate import Candidate, Finding, finding


def chase_rule(one: Candidate) -> Finding:
    """How far the limit price stands beyond our first order of the present window."""
    limits_now, underlying = one.state.limits, one.underlying
    limit = limits_now.chase_bps_max
    if not underlying.chase_from or one.at_ns - underlying.chase_at_ns > limits_now.chase_window_ms * 1_000_000:
        return finding("chase_bps", 0.0, limit)
    # Followed from the main hedge's price: another one stands at its basis from it.
    followed = (float(one.intent.limit_price) / _basis(one) / underlying.chase_from - 1.0) * 1e4 * one.intent.side.sign
    over = followed > limit and not one.is_urgent
    problem = f"our orders on {one.rules.id} have followed its price by {followed:.0f} bps" if over else ""
    return finding("chase_bps", followed, limit, problem)


def _basis(one: Candidate) -> float:
    """What is traded over the main hedge's price; over its own index while that price is old: it would not follow."""
    main, mid = one.settings.hedge_instrument, float(one.quote.mid or 0)
    if one.rules.id == main or not mid:
        return 1.0
    old = market.book_age_ms(one.state, main, one.at_ns) > one.state.limits.book_age_ms_max
    spot = float(one.quote.index) if old and one.quote.index is not None else one.underlying.price
    return mid / spot
