"""How far our own orders have followed a price: what the gate asks of an order that may have moved it."""

from hedgebot.core.candidate import Candidate, Finding, finding


def chase_rule(one: Candidate) -> Finding:
    """How far the limit price stands beyond our first order of the present window."""
    limits_now, underlying = one.state.limits, one.underlying
    limit = limits_now.chase_bps_max
    if not underlying.chase_from or one.at_ns - underlying.chase_at_ns > limits_now.chase_window_ms * 1_000_000:
        return finding("chase_bps", 0.0, limit)
    # Followed from the main hedge's price: another one stands at its basis from it.
    is_main, mid = one.rules.id == one.settings.hedge_instrument, float(one.quote.mid or 0)
    basis = 1.0 if is_main or not mid else mid / underlying.price
    followed = (float(one.intent.limit_price) / basis / underlying.chase_from - 1.0) * 1e4 * one.intent.side.sign
    over = followed > limit and not one.is_urgent
    problem = f"our orders on {one.rules.id} have followed its price by {followed:.0f} bps" if over else ""
    return finding("chase_bps", followed, limit, problem)
