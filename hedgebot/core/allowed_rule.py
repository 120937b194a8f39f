"""What the gate asks of an order's address: the allow-lists of account and instrument (safety reference section 11).

The configuration is the list: what an underlying is hedged with, and on which account. Whoever proposes an order, a
strategy or a kill, the gate alone holds it to them.
"""

from hedgebot.core.candidate import Candidate, Finding, finding
from hedgebot.domain.settings import AccountRole


def allowed(one: Candidate) -> Finding:
    """An order goes to the underlying's own hedge account, in one of its hedge instruments."""
    return _finding(one, listed=one.rules.id in one.settings.hedge_instruments)


def allowed_closing(one: Candidate) -> Finding:
    """The same for a flatten, which also closes what an earlier configuration left on an account that is ours alone."""
    left_over = (
        one.account.role is AccountRole.HEDGE
        and one.rules.underlying == one.settings.underlying
        and not one.rules.kind.is_option
    )
    return _finding(one, listed=left_over or one.rules.id in one.settings.hedge_instruments)


def _finding(one: Candidate, *, listed: bool) -> Finding:
    settings, intent = one.settings, one.intent
    problem = "" if listed else f"{intent.instrument} is no hedge instrument of {settings.underlying}"
    if intent.account != settings.hedge_account:
        problem = f"{intent.account} is not the account that {settings.underlying} is hedged on"
    # The order names its underlying and its instrument twice: what is judged is what would be sent.
    if intent.underlying != settings.underlying or intent.instrument != one.rules.id:
        problem = f"the order is for {intent.instrument} on {intent.underlying}, what was judged is {one.rules.id}"
    limit = f"{settings.underlying} hedges on {settings.hedge_account}"
    return finding("allowed", f"{intent.account} {intent.instrument}", limit, problem)
