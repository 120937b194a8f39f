"""What the gate asks of settlement coins: while one differs from its bookings, nothing adds risk."""

from hedgebot.core import cash
from hedgebot.core.candidate import Candidate, Finding, finding
from hedgebot.core.state import followed


def unexplained_cash(one: Candidate) -> Finding:
    """Money that came or went without a booking stops new risk on every account, and never a hedge that lowers it."""
    differing = [f"{name} on {account.name}" for account in followed(one.state) for name in cash.told(account)]
    blocks = differing and not one.reduces_risk
    problem = f"the venue and the bookings differ on {', '.join(differing)}, and it adds risk" if blocks else ""
    return finding("unexplained_cash", len(differing), "0, or what lowers risk", problem)
