"""The drop copy against the journal, both ways: what a second reader sees is in the ledger soon, and the reverse.

An execution that stays unknown to the ledger is a break: the account counts as unreconciled, the venue is asked at once
with the cursor's overlap (which books it, where nothing else is wrong), and while the break lasts nothing is sent. So
is a fill of the ledger that whole readings over its time do not list: it was taken back, or it never was. A break that
nothing explains within the limit for unexplained positions halts the book; the ledger is never changed silently.
"""

from hedgebot.core import reconcile
from hedgebot.core.ledger import execution_key
from hedgebot.core.state import AccountState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.dropcopy import ExecutionsRead
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.events import ExecutionKind, FillReceived

GRACE_NS = 3_000_000_000
"""What the stream may be behind the second reader before an execution counts as missed."""

LISTED_NS = 7_000_000_000
"""What the venue's list may be behind its stream before a fill that it does not show counts as missing."""

AWAITED_NS = 60_000_000_000
"""A fill that is older when it comes is not waited for: no reading need go back to it, and what brought it so late was
a snapshot or a lookup, a witness of its own."""

UNREAD_NS = 60_000_000_000
"""How long readings may be incomplete before it is told: the reader is the second pair of eyes, not the first."""

_UNSEEN_MAX = 5_000


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
        account.unlisted.pop(key, None)
        account.missing.pop(key, None)
        if key not in step.state.executions and len(account.unseen) < _UNSEEN_MAX:
            account.unseen[key] = event.asked_at_ns
    if not event.problem:
        _note_missing(account, event)
    sweep_account(step, account)


def await_listing(step: Step, fill: FillReceived) -> None:
    """A fill has been booked: the second reader should list it soon. Only what happens while it reads is waited for."""
    account, key = step.state.accounts.get(fill.account), execution_key(fill)
    if account is None or not account.copied_from_ns or key in account.unseen or fill.kind is not ExecutionKind.TRADE:
        return
    covered = fill.venue_at_ns >= max(account.copied_from_ns, step.at_ns - AWAITED_NS)
    if covered and len(account.unlisted) < _UNSEEN_MAX:
        account.unlisted[key] = step.at_ns


def _note_missing(account: AccountState, event: ExecutionsRead) -> None:
    """What a whole reading over its time should have shown and did not."""
    account.copied_from_ns = account.copied_from_ns or event.asked_at_ns
    if event.since_ns is None:
        return
    for key, booked_ns in list(account.unlisted.items()):
        covered = booked_ns - AWAITED_NS >= event.since_ns
        if not covered or event.asked_at_ns - booked_ns > LISTED_NS:
            del account.unlisted[key]
            if covered:
                account.missing[key] = event.asked_at_ns


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
        if account.unseen or account.missing:
            sweep_account(step, account)
        elif step.state.alerts:
            step.watch(AlertKind.RECON_BREAK, subject(account), "")


def sweep_account(step: Step, account: AccountState) -> None:
    """Forget what the ledger has by now; raise what it still has not, and halt on what nobody explains.

    While the account is not reconciled a snapshot is on its way, which may bring it: only one that was asked for after
    the reading, and is clean without it, makes it a break then.
    """
    known = step.state.executions
    account.unseen = {key: seen_ns for key, seen_ns in account.unseen.items() if key not in known}
    late = [key for key, seen_ns in account.unseen.items() if _is_late(step, account, seen_ns)]
    if not late and not account.missing:
        account.break_since_ns = 0
        return
    if not account.break_since_ns:
        account.break_since_ns = step.at_ns
        reconcile.lose_truth(account, step.at_ns)
        reconcile.request_snapshot(step, account, "the drop copy and the journal differ on an execution")
    history = f"the venue's trade history of {account.name}"
    told = [f"{history} has execution {_named(late)}, the journal has not"] if late else []
    if missing := list(account.missing):
        told.append(f"{history} does not list execution {_named(missing)}, which the journal has")
    summary = "; ".join(told)
    step.watch(AlertKind.RECON_BREAK, subject(account), summary)
    age_ms = (step.at_ns - account.break_since_ns) // NS_PER_MS
    if age_ms > step.state.limits.unexplained_position_ms_max:
        step.halt(f"{summary} for {age_ms // 1000} s", f"drop copy:{account.name}")


def _named(keys: list[str]) -> str:
    more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
    return keys[0].rpartition("|")[2] + more


def _is_late(step: Step, account: AccountState, seen_ns: int) -> bool:
    if step.at_ns - seen_ns <= GRACE_NS:
        return False
    return bool(account.break_since_ns) or account.reconciled or account.cursor_ns > seen_ns
