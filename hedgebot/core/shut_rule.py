"""What the gate asks of the market itself: that its venue trades it (safety reference section 11, allow-lists)."""

from hedgebot.core import shut
from hedgebot.core.candidate import Candidate, Finding, finding


def market_status(one: Candidate) -> Finding:
    """No order goes to a market that its venue says it does not trade now: the venue would refuse it."""
    status = shut.status(one.state, one.rules.id)
    problem = f"{one.rules.id} is not traded now: its venue says {status}" if status else ""
    return finding("market_status", status or "trading", "trading", problem)
