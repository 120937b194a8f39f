"""Truth: the ledger held against the venue's snapshot. A difference is evidence, never a silent repair.

The first snapshot of an account is adopted as its opening position; one that lists no position may be an empty answer
in place of a flat account, and is asked again. After that a difference (`difference.py`) blocks its underlying from the
first sight, and when it lasts the book is halted by the watch over limits. Truth ages: an account that was not compared
with its venue for longer than a question and its answer take is not reconciled any more.
"""

from hedgebot.core import cash, difference, forgetting, kill_rules, ledger, margin_report, order_table, tokens
from hedgebot.core.limits import take_wallet
from hedgebot.core.state import AccountState, EngineState, followed
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.client_id import decode_client_id
from hedgebot.domain.commands import CancelOrder, DecisionCause, RequestSnapshot, WatchInstruments
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.events import FillReceived, FundingPaid, SnapshotTaken
from hedgebot.domain.instrument import InstrumentKind, venue_of
from hedgebot.domain.reports import OrderReport
from hedgebot.domain.settings import AccountRole

_OVERLAP_NS = 60_000 * NS_PER_MS
_RETRY_NS = 1_000 * NS_PER_MS
_ACCIDENT_SHOWN_NS = 600_000 * NS_PER_MS
_SETTLED_NS, _PACE_NS = 1_500 * NS_PER_MS, 5_000 * NS_PER_MS
"""The venue is asked so long after a fill, when its answers surely have it, and so long after the question before."""

_FLAT_ANSWERS, _FLAT_ANSWERS_DOUBTED = 2, 4
"""So many first snapshots must list no position before that is believed; more where margin is needed all the same."""


def request_snapshot(step: Step, account: AccountState, reason: str) -> None:
    """Ask for the venue's truth, unless an answer is already on its way."""
    if account.request_open or not account.instruments_loaded:
        return
    account.request += 1
    account.request_open, account.request_at_ns = True, step.at_ns
    # Only a clean snapshot moves the cursor: whatever it has not brought is asked for again.
    account.cursor_ns = account.cursor_ns or step.at_ns
    since_ns = account.cursor_ns - _OVERLAP_NS
    step.emit(
        RequestSnapshot(account=account.name, request=account.request, executions_since_ns=since_ns, reason=reason)
    )


def suspect_feed(account: str, topic: str) -> str:
    """Subject of the alert for a feed of an account that sent something unreadable."""
    return f"{account}|{topic}"


def lose_truth(account: AccountState, at_ns: int) -> None:
    """From now on fills may be missed: nothing is sent until a clean snapshot that was asked for after this moment."""
    account.reconciled = False
    account.truth_lost_at_ns = at_ns
    account.snapshot_due_ns = 0


def note_unlisted(step: Step, event: FillReceived | FundingPaid) -> None:
    """An execution of something whose rules are not known cannot be booked: it is pulled again once they are loaded."""
    summary = f"execution {event.trade_id} is on {event.instrument}, whose trading rules are not loaded"
    step.alert(AlertKind.SUSPECT_DATA, suspect_feed(event.account, event.instrument), summary)
    if account := step.state.accounts.get(event.account):
        lose_truth(account, step.at_ns)


def note_pause(step: Step) -> None:
    """The process stood still (suspended, or its loop was blocked): what it knows is from before, so ask first.

    The timer alone brings an event every quarter of a second; nothing that was decided before may be acted on after.
    """
    paused_ms = (step.at_ns - step.state.at_ns) // NS_PER_MS
    if paused_ms <= step.state.limits.pause_ms_max:
        return
    for account in followed(step.state):
        lose_truth(account, step.at_ns)
    step.state.resumed_at_ns = step.at_ns
    kill_rules.note_pause(step)
    step.alert(AlertKind.LOOP_LAG, "engine", f"the daemon stood still for {paused_ms / 1_000:.1f} s")


def truth_until_ns(state: EngineState, account: AccountState) -> int:
    """Until when what the venue said last counts: until it was asked again, given up on, and asked once more."""
    at_most = state.limits
    length_ns = (at_most.reconcile_interval_ms + at_most.reconcile_timeout_ms) * NS_PER_MS + 2 * _RETRY_NS
    # Amid fills a comparison is not conclusive, and yet the venue was heard.
    return max(account.snapshot_at_ns, account.listed_ns) + length_ns


def after_fill(step: Step, fill: FillReceived) -> None:
    """A fill was booked: its market is watched, and what the venue makes of it is asked soon."""
    account = step.state.accounts.get(fill.account)
    if account is not None:
        soon_ns = max(step.at_ns + _SETTLED_NS, account.request_at_ns + _PACE_NS)
        account.snapshot_due_ns = min(account.snapshot_due_ns, soon_ns)
    if step.state.instruments[fill.instrument].kind is not InstrumentKind.SPOT:
        watch_held(step)


def sweep(step: Step) -> None:
    """Ask again when a snapshot is due, give up on one that never came, and on a truth that nobody renews."""
    limits = step.state.limits
    for account in followed(step.state):
        if account.reconciled and step.at_ns > truth_until_ns(step.state, account):
            words = f"{account.name} could not be compared with its venue for too long: nothing is sent on it"
            step.alert(AlertKind.VENUE_UNREACHABLE, account.name, words)
            lose_truth(account, step.at_ns)
        if account.request_open and step.at_ns - account.request_at_ns > limits.reconcile_timeout_ms * NS_PER_MS:
            account.request_open = False
            step.alert(AlertKind.VENUE_UNREACHABLE, account.name, f"{account.name} did not answer a snapshot request")
        if account.private.up and step.at_ns >= account.snapshot_due_ns:
            request_snapshot(step, account, "scheduled" if account.reconciled else "not reconciled")


def on_snapshot(step: Step, event: SnapshotTaken) -> None:
    """Compare everything the venue holds with the ledger; fills found on the way are booked already."""
    account = step.state.accounts.get(event.account)
    if account is None or event.request != account.request:
        return
    account.request_open = False
    for position in event.positions:
        margin_report.note_leverage(step.state, position)
    if event.wallet is not None:
        take_wallet(step, account, event.wallet)
        # Before the coins are counted: what they stand for is the prices' word.
        tokens.review(step)
    if not event.complete:
        account.snapshot_due_ns = step.at_ns + _RETRY_NS
        step.alert(AlertKind.VENUE_UNREACHABLE, account.name, f"snapshot of {account.name}: {event.problem}")
        return
    step.resolve(AlertKind.VENUE_UNREACHABLE, account.name)
    if event.asked_at_ns < account.truth_lost_at_ns:
        # Paced like every repeat: a clock that jumped must not turn into a flood of questions.
        account.snapshot_due_ns = step.at_ns + _RETRY_NS
        return
    orphans = _check_orders(step, account, event)
    if not orphans:
        account.listed_ns = event.asked_at_ns
    if not account.adopted and not any(one.contracts for one in event.positions):
        account.flat_answers += 1
        if account.flat_answers < _flat_answers_needed(event):
            account.snapshot_due_ns = step.at_ns + _RETRY_NS
            return
    listed = not _note_unlisted(step, account, event)
    conclusive = difference.compare(step, account, event) and listed
    # An order of ours that nobody here knows may still fill: nothing is sent on the account until it is gone.
    account.reconciled = account.reconciled and not orphans
    clean = conclusive and not account.mismatches and not orphans
    if clean:
        _take_as_truth(step, account, event)
    interval_ns = step.state.limits.reconcile_interval_ms * NS_PER_MS if clean else _RETRY_NS
    account.snapshot_due_ns = step.at_ns + interval_ns
    watch_held(step)
    for underlying in step.state.underlyings:
        step.touch(underlying, DecisionCause.RECOVERY)


def _flat_answers_needed(event: SnapshotTaken) -> int:
    """How many first snapshots must list no position: fewer may be empty answers in place of a flat account."""
    needs_margin = event.wallet is not None and event.wallet.maintenance_margin_usd
    return _FLAT_ANSWERS_DOUBTED if needs_margin else _FLAT_ANSWERS


def _take_as_truth(step: Step, account: AccountState, event: SnapshotTaken) -> None:
    """The venue and the ledger agree on everything: what was doubtful before the question is not any more."""
    first, account.adopted, account.reconciled = not account.adopted, True, True
    if first:
        # The wallet came before the positions that it is about: only now they are in the ledger.
        margin_report.on_wallet(step, account)
    account.snapshot_at_ns = step.at_ns
    account.cursor_ns = max(account.cursor_ns, event.asked_at_ns)
    cash.compare(step, account, event)
    ledger.forget_flat(step.state, account.name, event.asked_at_ns)
    forgetting.forget_executions(step.state, account)
    for coin in tokens.names(step.state.settings):
        ledger.know_coin(step.state, account.name, coin)
    step.resolve(AlertKind.RECON_BREAK, account.name)
    step.resolve(AlertKind.API_KEY_INVALID, account.name)
    _clear_feeds(step, account)
    if all(one.reconciled for one in followed(step.state)):
        step.resolve(AlertKind.LOOP_LAG, "engine")


def last_look(step: Step) -> bool:
    """Whether each account was looked at since the stop began, and no order of ours is open there that nobody knows.

    Asks for what is missing. An account that was never worked with has nothing of ours that could be asked for.
    """
    state, done = step.state, True
    for account in state.accounts.values():
        if not account.role.may_trade or not account.instruments_loaded or account.listed_ns >= state.stop_at_ns:
            continue
        done = False
        if step.at_ns >= account.snapshot_due_ns:
            request_snapshot(step, account, "a last look before the end")
    return done


def forget_left(step: Step) -> None:
    """Drop accounts and coins that left the configuration, with what they held: nobody could reconcile them."""
    state = step.state
    kept = {one.name for one in state.settings.accounts}
    for name in [one for one in state.accounts if one not in kept]:
        for key, position in list(state.positions.items()):
            if position.account == name:
                step.adjust(name, position.instrument, position.contracts, 0, "the account left the configuration")
                del state.positions[key]
        for key, coin in list(state.coins.items()):
            if coin.account == name:
                step.adjust(name, coin.coin, coin.qty, 0, "the account left the configuration")
                del state.coins[key]
        del state.accounts[name]
        # Its equity is in the marks of the days before: without it their highest would be a loss that nobody made.
        state.risk.marks = []
    tokens.forget(step)


def watch_held(step: Step) -> None:
    """Subscribe market data of the hedge instruments and of everything held; only what is new is asked for."""
    state = step.state
    wanted = {hedge: 0 for one in state.settings.underlyings for hedge in one.hedge_instruments}
    wanted |= {one.instrument: 0 for one in state.positions.values() if one.contracts}
    new = [one for one in wanted if one not in state.watched and one in state.instruments]
    for venue in dict.fromkeys(venue_of(one) for one in new):
        ids = tuple(one for one in new if one.startswith(f"{venue}:"))
        state.watched |= dict.fromkeys(ids, 0)
        step.emit(WatchInstruments(venue=venue, instruments=ids))


def _clear_feeds(step: Step, account: AccountState) -> None:
    """A clean snapshot makes good whatever was unreadable or dropped; what was an accident stays up for a while."""
    mine = suspect_feed(account.name, "")
    for alert in list(step.state.alerts.values()):
        aged = step.at_ns - alert.since_ns > _ACCIDENT_SHOWN_NS
        lost = alert.kind is AlertKind.INBOX_OVERFLOW
        aged_ids = alert.kind is AlertKind.RECON_BREAK and alert.subject == f"{account.name} client ids" and aged
        if alert.kind is AlertKind.SUSPECT_DATA and alert.subject.startswith(mine):
            step.watch(alert.kind, alert.subject, "")
        if lost or aged_ids or (aged and alert.kind in (AlertKind.ADL_OR_LIQUIDATION, AlertKind.TASK_FAILED)):
            step.resolve(alert.kind, alert.subject)


def _note_unlisted(step: Step, account: AccountState, event: SnapshotTaken) -> bool:
    """Whether the venue holds something whose rules are not loaded: it cannot be counted, so nothing is reconciled."""
    unlisted = [
        one.instrument for one in event.positions if one.contracts and one.instrument not in step.state.instruments
    ]
    for instrument in unlisted:
        summary = f"{account.name} holds {instrument}, whose trading rules are not loaded"
        step.alert(AlertKind.SUSPECT_DATA, suspect_feed(account.name, instrument), summary)
        # Asking for its market makes the venue's adapter read the rules again.
        step.emit(WatchInstruments(venue=account.venue, instruments=(instrument,)))
    return bool(unlisted)


def is_foreign(state: EngineState, account: AccountState, report: OrderReport) -> bool:
    """Whether an order is somebody else's where only we should trade."""
    made_by = decode_client_id(report.client_id)
    if made_by is not None and made_by.install == state.settings.install:
        return False
    shared = account.role is AccountRole.SHARED and report.instrument in state.settings.hedges_on(account.name)
    return account.role is AccountRole.HEDGE or shared


def _check_orders(step: Step, account: AccountState, event: SnapshotTaken) -> int:
    """Cancel what is ours and should not be alive; report what is foreign where only we should trade.

    Returns how many are ours and in no journal.
    """
    foreign: list[str] = []
    orphans = 0
    account.dead_man.own_open = 0
    for report in event.open_orders:
        record = step.state.orders.get(report.client_id or "")
        if is_foreign(step.state, account, report):
            foreign.append(report.order_id)
            continue
        account.dead_man.own_open += decode_client_id(report.client_id) is not None
        if record is None:
            order_table.note_seen(step, account.name, report.client_id)
            orphans += _cancel_orphan(step, report, "is ours but not in the journal")
        elif not record.status.is_terminal:
            order_table.on_report(step, report)
        elif record.ended_at_ns < event.asked_at_ns:
            order_table.reopen(step, record)
            _cancel_orphan(step, report, f"was taken for {record.status} and is alive")
    order_table.release_ended(step, account.name, {report.client_id for report in event.open_orders})
    problem = f"{len(foreign)} orders on {account.name} are not ours: {', '.join(foreign[:3])}" if foreign else ""
    step.check(AlertKind.FOREIGN_ACTIVITY, account.name, problem)
    return orphans


def _cancel_orphan(step: Step, report: OrderReport, why: str) -> bool:
    """Cancel what carries our mark; False for what does not (the book's own orders, another installation's)."""
    made_by = decode_client_id(report.client_id)
    if made_by is None or report.client_id is None or made_by.install != step.state.settings.install:
        return False
    step.alert(AlertKind.RECON_BREAK, report.account, f"order {report.client_id} {why}")
    step.emit(CancelOrder(account=report.account, instrument=report.instrument, client_id=report.client_id, reason=why))
    return True
