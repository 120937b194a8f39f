"""What the shell reports about connections, keys, clocks, markets, its queues and its tasks. Decides no hedge.

Whatever may have hidden an execution makes the account unreconciled; what cannot be worked with halts the book.
"""

from typing import assert_never

from hedgebot.core import margin_watched, market, reconcile, shut, shut_watch
from hedgebot.core.state import AccountState, EngineState, followed
from hedgebot.core.step import Step
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.venue_events import MarketsRead

_CLOCK_ALERT_MS = 500.0
_CROSS_CHECKS = ("position", "wallet")
"""Private topics that no decision rests on; an unreadable row of a query makes its snapshot incomplete by itself."""


def apply(
    step: Step,
    event: ev.StreamChanged
    | ev.StreamAlive
    | ev.FrameQuarantined
    | ev.AuthenticationFailed
    | ev.ClockMeasured
    | ev.VenuePaused
    | ev.KeyRightsAccepted
    | ev.WatchFailed
    | MarketsRead
    | ev.InboxOverflowed
    | ev.TaskFailed
    | ev.AccessRefused,
) -> None:
    """Take what the shell reports about connections, clocks, markets and itself."""
    state = step.state
    match event:
        case ev.StreamChanged():
            _apply_stream(step, event)
        case ev.StreamAlive():
            note_alive(state, event, step.at_ns)
        case ev.FrameQuarantined():
            subject = reconcile.suspect_feed(event.account, event.topic)
            step.watch(AlertKind.SUSPECT_DATA, subject, f"unreadable frame on {event.topic}: {event.problem}")
            harmless = event.topic.startswith("query:") or event.topic in _CROSS_CHECKS
            if event.stream is ev.Stream.PRIVATE and not harmless and (account := state.accounts.get(event.account)):
                # It may have been a fill: ask the venue before anything else is sent.
                reconcile.lose_truth(account, step.at_ns)
                reconcile.request_snapshot(step, account, f"unreadable frame on {event.topic}")
        case ev.AuthenticationFailed():
            step.alert(
                AlertKind.API_KEY_INVALID, event.account, f"the venue refused the key: {event.code} {event.message}"
            )
            account = state.accounts.get(event.account)
            if account is None or account.role.is_followed:
                step.halt(f"the venue refused the key of {event.account}", f"authentication:{event.account}")
        case ev.ClockMeasured():
            _apply_clock(step, event)
        case ev.VenuePaused():
            if account := state.accounts.get(event.account):
                account.paused_until_ns = max(account.paused_until_ns, step.at_ns + round(event.seconds * 1e9))
                step.alert(AlertKind.RATE_LIMIT_BAN, account.name, f"{account.name}: {event.reason}")
        case ev.KeyRightsAccepted():
            words = f"the key of {event.account} may move money out: {', '.join(event.rights)}"
            step.operator(event.operator, f"accept key rights {event.venue}", accepted=True, explanation=words)
        case ev.WatchFailed():
            margin_watched.note_failed(step, event)
        case MarketsRead():
            shut.on_read(step, event)
            shut_watch.tell(step)
        case ev.InboxOverflowed():
            step.alert(
                AlertKind.INBOX_OVERFLOW, event.kind, f"{event.dropped} events of kind {event.kind} were dropped"
            )
            for account in followed(state):
                reconcile.lose_truth(account, step.at_ns)
                # A reading of the drop copy may be among what was lost: what it listed it does not tell again.
                account.copied_from_ns = 0
                account.unlisted.clear()
        case ev.TaskFailed():
            step.alert(AlertKind.TASK_FAILED, event.task, f"task {event.task} failed: {event.error}")
            if not event.restarting:
                step.halt(f"task {event.task} failed for good: {event.error}", f"task:{event.task}")
        case ev.AccessRefused():
            step.operator(event.operator, event.action, accepted=False, explanation=event.reason)
        case _:
            assert_never(event)


def note_alive(state: EngineState, event: ev.StreamAlive, at_ns: int) -> None:
    """A stream showed that it lives."""
    if account := state.accounts.get(event.account):
        getattr(account, event.stream).alive_at_ns = at_ns


def sweep(step: Step) -> None:
    """Take down what time has ended, and tell what it has made old. Called by the timer."""
    for account in step.state.accounts.values():
        if account.paused_until_ns and step.at_ns >= account.paused_until_ns:
            account.paused_until_ns = 0
            step.resolve(AlertKind.RATE_LIMIT_BAN, account.name)
    for account in followed(step.state):
        _watch_clock(step, account)
    shut.sweep(step)
    shut_watch.tell(step)


def _watch_clock(step: Step, account: AccountState) -> None:
    """An offset that is not measured any more; its adapter goes on trying, and the next measurement ends it."""
    unmeasured_ns, problem = step.at_ns - (account.clock_at_ns or step.state.run_started_ns), ""
    if unmeasured_ns > market.CLOCK_AGE_NS_MAX:
        minutes = market.CLOCK_AGE_NS_MAX // NS_PER_S // 60
        # No figure of now: one sentence for the whole episode.
        problem = f"our clock has not been compared with the one of {account.name}'s venue for {minutes} minutes"
    step.check(AlertKind.CLOCK_SKEW, f"{account.name} measurement", problem)


def _apply_clock(step: Step, event: ev.ClockMeasured) -> None:
    if account := step.state.accounts.get(event.account):
        account.clock_offset_ms, account.clock_at_ns = event.offset_ms, step.at_ns
    skewed = abs(event.offset_ms) > _CLOCK_ALERT_MS
    problem = f"our clock is {event.offset_ms:+.0f} ms off the venue's" if skewed else ""
    step.check(AlertKind.CLOCK_SKEW, event.account, problem)


def _apply_stream(step: Step, event: ev.StreamChanged) -> None:
    account = step.state.accounts.get(event.account)
    if account is None:
        return
    stream = getattr(account, event.stream)
    stream.up = event.up
    if event.up:
        stream.alive_at_ns = stream.up_since_ns = step.at_ns
    if event.stream is not ev.Stream.PRIVATE:
        return
    # Whatever the change, executions may have passed unseen: nothing is sent until the venue has been asked.
    reconcile.lose_truth(account, step.at_ns)
    # A question of this very moment has not left yet: a backlog of reconnects, heard after a standstill, asks once.
    account.request_open = account.request_open and account.request_at_ns == step.at_ns
    if event.up:
        reconcile.request_snapshot(step, account, "private stream is up")
    else:
        step.alert(
            AlertKind.PRIVATE_STREAM_SILENT, account.name, f"private stream of {account.name} is down: {event.reason}"
        )
