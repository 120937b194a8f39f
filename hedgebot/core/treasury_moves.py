"""The life of one move of collateral: asked for once, looked up until there is proof, ended by proof or by a word.

Owns what a sent move goes through. A move is like an order: durable before it leaves, never sent twice, UNKNOWN until
there is proof; one that the venue can never prove an operator adopts or forgets, with evidence. Must not know what is
planned or proposed (`treasury.py`).
"""

from hedgebot.core import cash, reconcile
from hedgebot.core.state import EngineState
from hedgebot.core.step import Step
from hedgebot.core.treasury_state import Move, MoveStatus
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import MoveCollateral, QueryMove, RecordMove
from hedgebot.domain.decimals import ZERO, plain
from hedgebot.domain.durations import NS_PER_DAY, NS_PER_MS
from hedgebot.domain.operator_events import MoveResolved, Resolution
from hedgebot.domain.treasury import (
    CollateralMove,
    MoveAnswered,
    MoveFound,
    MoveLookedUp,
    MoveOutcome,
    TreasurySettings,
    move_id,
    words_of,
)

FAILURES_MAX = 3
"""Moves that failed in a row until nothing moves by itself any more; one that an operator approved ends it."""

ABSENCES_MIN = 2
"""Complete answers without the move, both asked after its deadline, until its absence is proof."""

UNPROVEN_NS = 30_000_000_000
_QUERY_NS = (1_000_000_000, 2_000_000_000, 5_000_000_000)
"""The venue's list takes one request a second."""


def send(step: Step, settings: TreasurySettings, move: Move, why: str) -> None:
    """Journal a move as sent and ask for it, once."""
    state = step.state
    # SENT before the first byte leaves, as with an order: a crash in between finds a move to look up.
    move.status, move.sent_at_ns = MoveStatus.SENT, step.at_ns
    move.deadline_ns = step.at_ns + state.limits.order_deadline_ms * NS_PER_MS
    move.transfer_id = move_id(state.settings.install, state.id_epoch, move.number)
    move.query_at_ns = move.deadline_ns
    marks = [one.equity_usd for one in state.risk.marks if one.day == step.at_ns // NS_PER_DAY]
    move.mark_usd = marks[-1] if marks else 0.0
    step.resolve(AlertKind.TOP_UP_WANTED, subject(move))
    wish = CollateralMove(
        account=settings.account,
        number=move.number,
        transfer_id=move.transfer_id,
        coin=move.coin,
        qty=move.qty,
        sent_at_ns=move.sent_at_ns,
        deadline_ns=move.deadline_ns,
    )
    step.emit(MoveCollateral(account=settings.account, move=wish))
    record(step, move, f"{words_of(wish)}, for {move.why}; {why}")


def on_answered(step: Step, event: MoveAnswered) -> None:
    """Take the one answer to a move."""
    move = _by_id(step.state, event.account, event.transfer_id)
    if move is None or move.status is MoveStatus.DONE:
        return
    said = f"{event.code} {event.message}".strip()
    if event.outcome is MoveOutcome.DONE:
        _done(step, move)
    elif event.outcome is MoveOutcome.REFUSED and move.status.is_moving:
        _failed(step, move, MoveStatus.REFUSED, f"the venue refused it: {said}")
    elif move.status is MoveStatus.SENT:
        move.status, move.query_at_ns, move.note = MoveStatus.UNKNOWN, step.at_ns, said
        record(step, move, f"no answer that proves anything ({said}): it is looked up")


def on_looked_up(step: Step, event: MoveLookedUp) -> None:
    """Take what the venue's list says of a move."""
    move = _by_id(step.state, event.account, event.transfer_id)
    if move is None or move.status is MoveStatus.DONE:
        return
    if event.found is MoveFound.SUCCESS:
        _done(step, move)
    elif not move.status.is_moving:
        return
    elif event.found is MoveFound.FAILED:
        _failed(step, move, MoveStatus.REFUSED, "the venue's list says that it failed")
    elif event.found is MoveFound.ABSENT and event.asked_at_ns > _proof_after_ns(step.state, move):
        move.absences += 1
        if move.absences >= ABSENCES_MIN:
            _failed(step, move, MoveStatus.ABSENT, "it is not in the venue's list after its deadline: it never was")
    elif event.found is MoveFound.UNREADABLE:
        move.note = event.problem
    elif event.found is MoveFound.PENDING:
        move.note = "the venue's list says that it is pending"


def _proof_after_ns(state: EngineState, move: Move) -> int:
    """From this moment on the venue can no longer take the request: only then can absence be proof."""
    return move.deadline_ns + state.limits.unknown_margin_ms * NS_PER_MS


def chase(step: Step, move: Move) -> None:
    """Look up what has no proof yet, again and again, and tell when that takes long."""
    late = step.at_ns > _proof_after_ns(step.state, move) + UNPROVEN_NS
    words = f"move {move.number} of {plain(move.qty)} {move.coin} has no proven end: {move.note or 'no answer'}"
    step.check(AlertKind.MOVE_UNPROVEN, subject(move), words if late else "")
    if step.at_ns < move.query_at_ns:
        return
    if move.status is MoveStatus.SENT:
        move.status = MoveStatus.UNKNOWN
        record(step, move, "no answer came: it is looked up")
    move.query_at_ns = step.at_ns + _QUERY_NS[min(move.queries, len(_QUERY_NS) - 1)]
    move.queries += 1
    step.emit(QueryMove(account=move.account, transfer_id=move.transfer_id, since_ns=move.sent_at_ns))


def _done(step: Step, move: Move) -> None:
    step.state.treasury.of(move.account).failures = 0
    end(step, move, MoveStatus.DONE, "it is there")
    step.resolve(AlertKind.MOVE_UNPROVEN, f"{move.account} failed")
    if (account := step.state.accounts.get(move.account)) is not None:
        reconcile.request_snapshot(step, account, f"move {move.number} is there")


def _failed(step: Step, move: Move, status: MoveStatus, why: str) -> None:
    known = step.state.treasury.of(move.account)
    known.failures += 1
    end(step, move, status, why)
    words = f"move {move.number} of {plain(move.qty)} {move.coin} to {move.account} failed: {why}"
    step.alert(AlertKind.MOVE_UNPROVEN, f"{move.account} failed", words)


def resolve(step: Step, event: MoveResolved) -> None:
    """An operator says how a move ended that the venue cannot prove; the venue is asked for its wallet afterwards."""
    adopt = event.resolution is Resolution.ADOPT
    action = f"treasury {event.resolution} {event.number}"
    move = step.state.treasury.moves.get(event.number)
    problem = _against_word(step, event, move)
    if problem or move is None:
        step.operator(event.operator, action, accepted=False, explanation=problem)
        return
    before, said = move.status, f"{event.resolution} by {event.operator}: {event.reason}"
    known = step.state.treasury.of(move.account)
    if adopt:
        end(step, move, MoveStatus.DONE, said)
        what = f"{plain(move.qty)} {move.coin} count as arrived"
    else:
        end(step, move, MoveStatus.FORGOTTEN, said)
        # A word is no proof: were it wrong, what moves by itself next would be moved twice.
        known.failures = max(known.failures, FAILURES_MAX)
        what = f"{plain(move.qty)} {move.coin} were never moved; nothing moves by itself until an approved one succeeds"
        step.alert(AlertKind.MOVE_UNPROVEN, f"{move.account} failed", f"move {move.number} ({said}): {what}")
    step.adjust(move.account, f"move {move.number}", before, move.status, said)
    _ask_anew(step, move)
    explanation = f"move {move.number}: {what}; the venue is asked before anything is sent: {event.reason}"
    step.operator(event.operator, action, accepted=True, explanation=explanation)


def _ask_anew(step: Step, move: Move) -> None:
    """Nothing that was read or planned before a word counts after it, a proposal that waits included."""
    treasury = step.state.treasury
    known, waiting = treasury.of(move.account), treasury.proposed(move.account)
    known.balances, known.plan = None, None
    if waiting is not None:
        end(step, waiting, MoveStatus.WITHDRAWN, f"a word about move {move.number} came after it")
    if (account := step.state.accounts.get(move.account)) is not None:
        reconcile.lose_truth(account, step.at_ns)


def _against_word(step: Step, event: MoveResolved, move: Move | None) -> str:
    """Why a word about a move is not taken; empty when it is."""
    open_moves = [str(one.number) for one in step.state.treasury.moves.values() if one.status.is_moving]
    there = f"without a proven end: {', '.join(open_moves) or 'none'}"
    if move is None:
        return f"there is no move {event.number}; {there}"
    # What was taken for never made may turn out to have arrived; nothing that has arrived is ever taken back.
    late = event.resolution is Resolution.ADOPT and move.status in {MoveStatus.ABSENT, MoveStatus.FORGOTTEN}
    if not move.status.is_moving and not late:
        return f"move {event.number} is {move.status}; {there}"
    if not event.reason:
        return "it needs evidence: what the venue's history and both wallets show"
    if step.at_ns < _proof_after_ns(step.state, move):
        return f"the venue may still take move {event.number}: wait until its deadline has passed"
    return ""


def end(step: Step, move: Move, status: MoveStatus, note: str) -> None:
    """End a move or a proposal, journaled."""
    move.status, move.note, move.ended_ns = status, note, step.at_ns
    if status is MoveStatus.DONE:
        cash.book_move(step.state, move, step.at_ns)
    step.resolve(AlertKind.TOP_UP_WANTED, subject(move))
    step.resolve(AlertKind.MOVE_UNPROVEN, subject(move))
    record(step, move, note)


def record(step: Step, move: Move, why: str) -> None:
    """Journal how a move stands."""
    step.emit(
        RecordMove(
            account=move.account,
            number=move.number,
            status=move.status.value,
            coin=move.coin,
            qty=move.qty,
            emergency_qty=move.emergency_qty,
            operator=move.operator,
            transfer_id=move.transfer_id,
            why=why,
        )
    )


def _by_id(state: EngineState, account: str, transfer_id: str) -> Move | None:
    moves = state.treasury.moves.values()
    return next((one for one in moves if one.transfer_id == transfer_id and one.account == account), None)


def subject(move: Move) -> str:
    """The subject of a move's own alerts."""
    return f"{move.account} move {move.number}"


def restored(move: CollateralMove) -> Move:
    """A move that only the journal knows."""
    return Move(
        number=move.number,
        account=move.account,
        coin=move.coin,
        qty=move.qty,
        emergency_qty=ZERO,
        status=MoveStatus.SENT,
        why="the journal has it and no tape its cause",
        made_ns=move.sent_at_ns,
        transfer_id=move.transfer_id,
        sent_at_ns=move.sent_at_ns,
        deadline_ns=move.deadline_ns,
    )
