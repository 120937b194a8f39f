"""The drop copy against the journal: every execution that a second reader sees must be in the ledger, and soon.

An execution that stays unknown to the ledger is a break: the account counts as unreconciled, the venue is asked at once
with the cursor's overlap (which books it, where nothing else is wrong), and while the break lasts nothing is sent. One
that no snapshot explains within the limit for unexplained positions halts the book.
"""

from hedgebot.core import reconcile
from hedgebot.core.state import AccountState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.dropcopy import ExecutionsRead

GRACE_NS = 3_000_000_000
"""What the stream may be behind the second reader before an execution counts as missed."""

UNREAD_NS = 60_000_000_000
"""How long readings may be incomplete before it is told: the reader is the second pair of eyes, not the first."""

_UNSEEN_MAX = 5_000
_NS_PER_MS = 1_000_000


def subject(account: AccountState) -> str:
    """Of the break's alert."""
    return f"{account.name} drop copy"


def on_read(step: Step, event: ExecutionsRead) -> None:
    """Take a reading: what the ledger does not have yet is waited for."""
    account = step.state.accounts.get(event.account)
    if account is not None:
        _note_reading(step, account, event)
    if account is None or not account.adopted:
        # What happened before the opening snapshot is in the positions that it adopted.
        return
    for key in event.executions:
        if key not in step.state.executions and len(account.unseen) < _UNSEEN_MAX:
            account.unseen[key] = event.asked_at_ns
    sweep_account(step, account)


def _note_reading(step: Step, account: AccountState, event: ExecutionsRead) -> None:
    """A reader that cannot read sees no break either: that is told, and ends with the first whole reading."""
    account.unread_since_ns = (account.unread_since_ns or event.asked_at_ns) if event.problem else 0
    lasting = account.unread_since_ns and event.asked_at_ns - account.unread_since_ns >= UNREAD_NS
    words = f"the trade history of {account.name} could not be read by the drop copy for a minute: {event.problem}"
    if lasting or not event.problem:
        step.check(AlertKind.VENUE_UNREACHABLE, subject(account), words if lasting else "")


def sweep(step: Step) -> None:
    """Called by the timer."""
    for account in step.state.accounts.values():
        if account.unseen:
            sweep_account(step, account)


def sweep_account(step: Step, account: AccountState) -> None:
    """Forget what the ledger has by now; raise what it still has not, and halt on what nobody explains.

    While the account is not reconciled a snapshot is on its way, which may bring it: only one that was asked for after
    the reading, and is clean without it, makes it a break then.
    """
    known = step.state.executions
    account.unseen = {key: seen_ns for key, seen_ns in account.unseen.items() if key not in known}
    late = [key for key, seen_ns in account.unseen.items() if _is_late(step, account, seen_ns)]
    if not late:
        account.break_since_ns = 0
        step.resolve(AlertKind.RECON_BREAK, subject(account))
        return
    name = late[0].rpartition("|")[2]
    if not account.break_since_ns:
        account.break_since_ns = step.at_ns
        reconcile.lose_truth(account, step.at_ns)
        reconcile.request_snapshot(step, account, "the drop copy has an execution that the journal has not")
    more = f" and {len(late) - 1} more" if len(late) > 1 else ""
    summary = f"the venue's trade history of {account.name} has execution {name}{more}, the journal has not"
    step.alert(AlertKind.RECON_BREAK, subject(account), summary)
    age_ms = (step.at_ns - account.break_since_ns) // _NS_PER_MS
    if age_ms > step.state.limits.unexplained_position_ms_max:
        step.halt(f"{summary} for {age_ms // 1000} s", f"drop copy:{account.name}")


def _is_late(step: Step, account: AccountState, seen_ns: int) -> bool:
    if step.at_ns - seen_ns <= GRACE_NS:
        return False
    return bool(account.break_since_ns) or account.reconciled or account.cursor_ns > seen_ns
