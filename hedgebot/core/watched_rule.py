"""The gate's rule for accounts that are only watched: what an unknown margin of theirs stops, and what it does not.

While one is unknown nothing that adds risk is sent on any account (margin reference, rule 7: unknown refuses what adds
risk); what lowers it passes, since no order of ours can take margin there. Sends nothing and raises no alert.
"""

from hedgebot.core import limits
from hedgebot.core.candidate import Candidate, Finding, finding
from hedgebot.core.state import AccountState, EngineState
from hedgebot.domain.durations import NS_PER_MS


def is_overdue(state: EngineState, account: AccountState, at_ns: int) -> bool:
    """Whether a watched account should have been read by now: one that a run has just begun with is waited for."""
    if account.role.is_followed:
        return False
    since_ns = max(account.wallet_at_ns, state.run_started_ns)
    return account.wallet_at_ns >= state.run_started_ns or (
        at_ns - since_ns > state.limits.margin_age_ms_max * NS_PER_MS
    )


def unread(state: EngineState, at_ns: int) -> tuple[str, ...]:
    """Watched accounts whose margin use is unknown."""
    return tuple(
        one.name
        for one in state.accounts.values()
        if not one.role.is_followed and limits.margin_use(state, one, at_ns) is None
    )


def watched_margin(one: Candidate) -> Finding:
    """What adds risk waits until the margin of every watched account is known."""
    blind = unread(one.state, one.at_ns)
    words = f"margin use of {', '.join(blind)}, which is only watched, is unknown" if blind else ""
    shown = ", ".join(blind) or "known"
    return finding("watched_margin", shown, "known, or risk-reducing", "" if one.reduces_risk else words)
