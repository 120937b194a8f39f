"""Top-ups of an account's collateral from its own funding wallet: planned, proposed, decided, sent once, proven.

Owns the life of a move. What may go by itself is bound by the configuration; everything else waits for an operator's
word. Under a kill of the book, the venue or the account nothing moves by itself (HALTED lets out only what was chosen
at the kill, safety reference section 2), and an operator may still approve: a top-up adds no risk. REDUCING stops
nothing here. A move is like an order: durable before it leaves, never sent twice, UNKNOWN until there is proof.
"""

from decimal import Decimal

from hedgebot.core import reconcile, treasury_plan
from hedgebot.core.risk_state import NS_PER_DAY
from hedgebot.core.state import AccountState, EngineState
from hedgebot.core.step import Step
from hedgebot.core.treasury_state import Move, MoveStatus, TopUp
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Mode, MoveCollateral, QueryMove, RecordMove
from hedgebot.domain.decimals import ZERO, plain
from hedgebot.domain.kill import KillScope
from hedgebot.domain.operator_events import ProposalDecided
from hedgebot.domain.treasury import (
    CollateralMove,
    FundingWalletRead,
    MoveAnswered,
    MoveFound,
    MoveLookedUp,
    MoveOutcome,
    TreasurySettings,
    move_id,
    words_of,
)

Fact = FundingWalletRead | MoveAnswered | MoveLookedUp | ProposalDecided

LOOK_NS = 1_000_000_000
FAILURES_MAX = 3
"""Moves that failed in a row until nothing moves by itself any more; one that an operator approved ends it."""

ABSENCES_MIN = 2
"""Complete answers without the move, both asked after its deadline, until its absence is proof."""

GROWN_RATIO = Decimal("1.25")
"""A need that grew by more than this replaces its proposal."""

UNPROVEN_NS = 30_000_000_000
MOVES_KEPT = 200
_NS_PER_MS = 1_000_000
_QUERY_NS = (1_000_000_000, 2_000_000_000, 5_000_000_000)
"""The venue's list takes one request a second."""


def apply(step: Step, event: Fact) -> None:
    """Take a fact about wallets and moves, or an operator's word."""
    match event:
        case FundingWalletRead():
            known = step.state.treasury.of(event.account)
            known.problem = event.problem
            if event.balances is not None:
                known.balances, known.read_at_ns = event.balances, step.at_ns
        case MoveAnswered():
            _on_answered(step, event)
        case MoveLookedUp():
            _on_looked_up(step, event)
        case ProposalDecided():
            _on_decided(step, event)


def restore(step: Step, moves: tuple[CollateralMove, ...]) -> None:
    """At a start: what was sent without an answer is looked up; `moves` are those that only the journal knows."""
    treasury = step.state.treasury
    for move in moves:
        found = treasury.moves.get(move.number)
        if found is None or found.transfer_id != move.transfer_id or found.qty != move.qty:
            treasury.moves[move.number] = _restored(move)
            treasury.next_number = max(treasury.next_number, move.number + 1)
    for one in treasury.moves.values():
        if one.status.is_moving:
            one.status, one.query_at_ns = MoveStatus.UNKNOWN, step.at_ns
    for known in treasury.accounts.values():
        known.balances, known.plan = None, None


def sweep(step: Step) -> None:
    """Called by the timer: look up what is unknown, end what is too old, plan anew."""
    for move in list(step.state.treasury.moves.values()):
        if move.status.is_moving:
            _chase(step, move)
        elif move.status is MoveStatus.PROPOSED and step.at_ns >= move.expires_ns:
            _end(step, move, MoveStatus.EXPIRED, "nobody decided in time")
    for settings in step.state.settings.treasury:
        account, known = step.state.accounts.get(settings.account), step.state.treasury.of(settings.account)
        if account is not None and step.at_ns - known.looked_at_ns >= LOOK_NS:
            known.looked_at_ns = step.at_ns
            _plan(step, account, settings)


# --- planning --------------------------------------------------------------------------------------------------------


def _plan(step: Step, account: AccountState, settings: TreasurySettings) -> None:
    state, known = step.state, step.state.treasury.of(account.name)
    if not _may_plan(state, account, step.at_ns):
        return
    wanted = treasury_plan.need(state, account, settings, step.at_ns)
    if wanted is None:
        return
    waiting = state.treasury.proposed(account.name)
    if not wanted.usd:
        known.plan = None
        step.resolve(AlertKind.TOP_UP_WANTED, f"{account.name} outside")
        if wanted.over:
            step.resolve(AlertKind.MOVE_UNPROVEN, f"{account.name} failed")
        if waiting is not None and wanted.over:
            _end(step, waiting, MoveStatus.WITHDRAWN, "it is not needed any more")
        return
    waits = _waits(state, account, settings, step.at_ns)
    known.plan = plan = treasury_plan.split(state, account, settings, wanted, step.at_ns, waits)
    if plan is None or state.treasury.moving(account.name) is not None:
        return
    short = treasury_plan.words(plan, settings) if plan.outside_qty else ""
    step.check(AlertKind.TOP_UP_WANTED, f"{account.name} outside", short)
    if plan.own_qty:
        _send(step, settings, _made(step, settings, plan.own_qty, plan), "its own limits allow it")
    elif plan.ask_qty:
        _propose(step, settings, plan, waiting)


def _may_plan(state: EngineState, account: AccountState, at_ns: int) -> bool:
    """Nothing is planned on what is not proven: a book that recovers, an account unseen, a wallet not read lately.

    Nor on an equity that may not have the last move inside: it would be made up for twice.
    """
    known = state.treasury.of(account.name)
    fresh = known.balances is not None and at_ns - known.read_at_ns <= state.limits.margin_age_ms_max * _NS_PER_MS
    seen = account.reconciled and account.private.up and not state.treasury.unsettled(account.name, at_ns)
    return fresh and seen and state.mode is not Mode.RECOVERING and not state.stopping


def _waits(state: EngineState, account: AccountState, settings: TreasurySettings, at_ns: int) -> str:
    """Why nothing moves by itself now, beside the quantities; empty when it may."""
    for latch in state.latches.values():
        over = {KillScope.ALL: "", KillScope.ACCOUNT: account.name, KillScope.VENUE: account.venue}
        if over.get(latch.scope) == latch.name:
            return f"a kill stands ({latch.reason})"
    if state.treasury.of(account.name).failures >= FAILURES_MAX:
        return f"the last {FAILURES_MAX} moves failed"
    since_s = (at_ns - state.treasury.last_sent_ns(account.name)) / 1e9
    if since_s < settings.cool_down_s:
        return f"the last move was {since_s:.0f} s ago, cool_down_s is {settings.cool_down_s:g}"
    return ""


def _propose(step: Step, settings: TreasurySettings, plan: TopUp, waiting: Move | None) -> None:
    """Put what is beyond the limits before an operator, once; a need that grew replaces it."""
    if waiting is not None:
        if plan.ask_qty <= waiting.qty * GROWN_RATIO:
            return
        _end(step, waiting, MoveStatus.WITHDRAWN, "a larger one takes its place")
    move = _made(step, settings, plan.ask_qty, plan)
    move.expires_ns = step.at_ns + round(settings.proposal_s * 1e9)
    _record(step, move, treasury_plan.words(plan, settings))
    words = f"{plan.why}: approve {plain(move.qty)} {move.coin} with `hedgebot treasury approve {move.number}`"
    emergency = f" ({plain(move.emergency_qty)} of it from the emergency segment)" if move.emergency_qty else ""
    step.alert(AlertKind.TOP_UP_WANTED, _subject(move), f"{words}{emergency}, or it ends in {settings.proposal_s:g} s")


def _made(step: Step, settings: TreasurySettings, qty: Decimal, plan: TopUp) -> Move:
    treasury = step.state.treasury
    move = Move(
        number=treasury.next_number,
        account=settings.account,
        coin=settings.coin,
        qty=qty,
        emergency_qty=treasury_plan.emergency_part(step.state, settings, qty),
        status=MoveStatus.PROPOSED,
        why=plan.why,
        made_ns=step.at_ns,
    )
    treasury.next_number += 1
    treasury.moves[move.number] = move
    _forget(treasury.moves, step.at_ns)
    return move


def _forget(moves: dict[int, Move], at_ns: int) -> None:
    """Ended moves beyond a number go, oldest first; never one that a day's limit or a loss is still counted from."""
    done = [one.number for one in moves.values() if one.ended_ns and not _still_counts(one, at_ns)]
    for number in done[: max(len(moves) - MOVES_KEPT, 0)]:
        del moves[number]


def _still_counts(move: Move, at_ns: int) -> bool:
    return move.status is MoveStatus.DONE and (not move.counted or at_ns - move.sent_at_ns < NS_PER_DAY)


# --- an operator's word ----------------------------------------------------------------------------------------------


def _on_decided(step: Step, event: ProposalDecided) -> None:
    verb = "approve" if event.approve else "reject"
    action = f"treasury {verb} {event.number}"
    move = step.state.treasury.moves.get(event.number)
    if move is None or move.status is not MoveStatus.PROPOSED:
        problem = _no_proposal(step.state, move, event.number)
    else:
        problem = _against(step, move) if event.approve else ""
    if problem or move is None:
        step.operator(event.operator, action, accepted=False, explanation=problem)
        return
    move.operator = event.operator
    if not event.approve:
        _end(step, move, MoveStatus.REJECTED, f"{event.operator}: {event.reason}")
        step.operator(event.operator, action, accepted=True, explanation=f"nothing is moved: {event.reason}")
        return
    settings = next(one for one in step.state.settings.treasury if one.account == move.account)
    _send(step, settings, move, f"approved by {event.operator}: {event.reason}")
    explanation = (
        f"{plain(move.qty)} {move.coin} are moved to {move.account}; `hedgebot treasury list` says when they are there"
    )
    step.operator(event.operator, action, accepted=True, explanation=explanation)


def _no_proposal(state: EngineState, move: Move | None, number: int) -> str:
    """What there is in place of a proposal of that number."""
    waiting = [str(one.number) for one in state.treasury.moves.values() if one.status is MoveStatus.PROPOSED]
    there = f"waiting: {', '.join(waiting) or 'none'}"
    return f"there is no proposal {number}; {there}" if move is None else f"{number} is {move.status}; {there}"


def _against(step: Step, move: Move) -> str:
    """Why an approved proposal may not leave now; empty when it may."""
    state = step.state
    settings = next((one for one in state.settings.treasury if one.account == move.account), None)
    account = state.accounts.get(move.account)
    if settings is None or account is None or settings.coin != move.coin:
        return f"[treasury.{move.account}] does not move {move.coin} any more"
    if (moving := state.treasury.moving(move.account)) is not None:
        return f"move {moving.number} is still on its way"
    if step.at_ns >= move.expires_ns:
        return "it has run out"
    if state.stopping:
        return "the daemon is stopping"
    there = treasury_plan.in_funding_wallet(state, settings)
    if there < move.qty:
        return f"the funding wallet has {plain(there)} {move.coin}, {plain(move.qty)} are wanted"
    return ""


# --- a move on its way -----------------------------------------------------------------------------------------------


def _send(step: Step, settings: TreasurySettings, move: Move, why: str) -> None:
    """Journal a move as sent and ask for it, once."""
    state = step.state
    # SENT before the first byte leaves, as with an order: a crash in between finds a move to look up.
    move.status, move.sent_at_ns = MoveStatus.SENT, step.at_ns
    move.deadline_ns = step.at_ns + state.limits.order_deadline_ms * _NS_PER_MS
    move.transfer_id = move_id(state.settings.install, state.id_epoch, move.number)
    move.query_at_ns = move.deadline_ns
    step.resolve(AlertKind.TOP_UP_WANTED, _subject(move))
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
    _record(step, move, f"{words_of(wish)}, for {move.why}; {why}")


def _on_answered(step: Step, event: MoveAnswered) -> None:
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
        _record(step, move, f"no answer that proves anything ({said}): it is looked up")


def _on_looked_up(step: Step, event: MoveLookedUp) -> None:
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


def _proof_after_ns(state: EngineState, move: Move) -> int:
    """From this moment on the venue can no longer take the request: only then can absence be proof."""
    return move.deadline_ns + state.limits.unknown_margin_ms * _NS_PER_MS


def _chase(step: Step, move: Move) -> None:
    """Look up what has no proof yet, again and again, and tell when that takes long."""
    late = step.at_ns > _proof_after_ns(step.state, move) + UNPROVEN_NS
    words = f"move {move.number} of {plain(move.qty)} {move.coin} has no proven end: {move.note or 'no answer'}"
    step.check(AlertKind.MOVE_UNPROVEN, _subject(move), words if late else "")
    if step.at_ns < move.query_at_ns:
        return
    if move.status is MoveStatus.SENT:
        move.status = MoveStatus.UNKNOWN
        _record(step, move, "no answer came: it is looked up")
    move.query_at_ns = step.at_ns + _QUERY_NS[min(move.queries, len(_QUERY_NS) - 1)]
    move.queries += 1
    step.emit(QueryMove(account=move.account, transfer_id=move.transfer_id, since_ns=move.sent_at_ns))


def _done(step: Step, move: Move) -> None:
    step.state.treasury.of(move.account).failures = 0
    _end(step, move, MoveStatus.DONE, "it is there")
    if (account := step.state.accounts.get(move.account)) is not None:
        reconcile.request_snapshot(step, account, f"move {move.number} is there")


def _failed(step: Step, move: Move, status: MoveStatus, why: str) -> None:
    known = step.state.treasury.of(move.account)
    known.failures += 1
    _end(step, move, status, why)
    words = f"move {move.number} of {plain(move.qty)} {move.coin} to {move.account} failed: {why}"
    step.alert(AlertKind.MOVE_UNPROVEN, f"{move.account} failed", words)


def _end(step: Step, move: Move, status: MoveStatus, note: str) -> None:
    move.status, move.note, move.ended_ns = status, note, step.at_ns
    step.resolve(AlertKind.TOP_UP_WANTED, _subject(move))
    step.resolve(AlertKind.MOVE_UNPROVEN, _subject(move))
    if status is MoveStatus.DONE:
        step.resolve(AlertKind.MOVE_UNPROVEN, f"{move.account} failed")
    _record(step, move, note)


def _record(step: Step, move: Move, why: str) -> None:
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


def _subject(move: Move) -> str:
    return f"{move.account} move {move.number}"


def _restored(move: CollateralMove) -> Move:
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
