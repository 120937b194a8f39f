"""Top-ups of an account's collateral from its own funding wallet: planned, proposed, decided.

Owns what is planned; the life of a move that was sent is `treasury_moves.py`'s. What may go by itself is bound by the
configuration; everything else waits for an operator's word. Under a kill of the book, the venue or the account nothing
moves by itself (HALTED lets out only what was chosen at the kill, safety reference section 2), and an operator may
still approve: a top-up adds no risk. Nobody moves anything before both wallets are known. REDUCING stops nothing here.
"""

from decimal import Decimal

from hedgebot.core import treasury_moves, treasury_plan
from hedgebot.core.state import AccountState, EngineState
from hedgebot.core.step import Step
from hedgebot.core.treasury_moves import FAILURES_MAX
from hedgebot.core.treasury_state import Move, MoveStatus, TopUp
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Mode
from hedgebot.domain.decimals import plain
from hedgebot.domain.durations import NS_PER_DAY, NS_PER_MS
from hedgebot.domain.kill import KillScope
from hedgebot.domain.operator_events import MoveResolved, ProposalDecided
from hedgebot.domain.treasury import CollateralMove, FundingWalletRead, MoveAnswered, MoveLookedUp, TreasurySettings

Fact = FundingWalletRead | MoveAnswered | MoveLookedUp | ProposalDecided | MoveResolved

LOOK_NS = 1_000_000_000
GROWN_RATIO = Decimal("1.25")
"""A need that grew by more than this replaces its proposal."""

MOVES_KEPT = 200


def apply(step: Step, event: Fact) -> None:
    """Take a fact about wallets and moves, or an operator's word."""
    match event:
        case FundingWalletRead():
            known = step.state.treasury.of(event.account)
            known.problem = event.problem
            if event.balances is not None:
                known.balances, known.read_at_ns = event.balances, step.at_ns
        case MoveAnswered():
            treasury_moves.on_answered(step, event)
        case MoveLookedUp():
            treasury_moves.on_looked_up(step, event)
        case ProposalDecided():
            _on_decided(step, event)
        case MoveResolved():
            treasury_moves.resolve(step, event)


def restore(step: Step, moves: tuple[CollateralMove, ...]) -> None:
    """At a start: what was sent without an answer is looked up; `moves` are those that only the journal knows."""
    treasury = step.state.treasury
    for move in moves:
        found = treasury.moves.get(move.number)
        if found is None or found.transfer_id != move.transfer_id or found.qty != move.qty:
            treasury.moves[move.number] = treasury_moves.restored(move)
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
            treasury_moves.chase(step, move)
        elif move.status is MoveStatus.PROPOSED and step.at_ns >= move.expires_ns:
            treasury_moves.end(step, move, MoveStatus.EXPIRED, "nobody decided in time")
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
            treasury_moves.end(step, waiting, MoveStatus.WITHDRAWN, "it is not needed any more")
        return
    waits = _waits(state, account, settings, step.at_ns)
    known.plan = plan = treasury_plan.split(state, account, settings, wanted, step.at_ns, waits)
    if plan is None or state.treasury.moving(account.name) is not None:
        return
    short = treasury_plan.words(plan, settings) if plan.outside_qty else ""
    step.check(AlertKind.TOP_UP_WANTED, f"{account.name} outside", short)
    if plan.own_qty:
        treasury_moves.send(step, settings, _made(step, settings, plan.own_qty, plan), "its own limits allow it")
    elif plan.ask_qty:
        _propose(step, settings, plan, waiting)


def _may_plan(state: EngineState, account: AccountState, at_ns: int) -> bool:
    """Nothing is planned on what is not proven: a book that recovers, an account unseen, a wallet not read lately.

    Nor on an equity that may not have the last move inside: it would be made up for twice.
    """
    seen = account.private.up and not state.treasury.unsettled(account.name, at_ns)
    known = not _not_known(state, account, at_ns)
    return known and seen and state.mode is not Mode.RECOVERING and not state.stopping


def _not_known(state: EngineState, account: AccountState, at_ns: int) -> str:
    """What has to be asked before anything moves, as a sentence; empty when both wallets are known."""
    known, age_ms_max = state.treasury.of(account.name), state.limits.margin_age_ms_max
    if not account.reconciled:
        return f"the venue is being asked what {account.name} holds"
    if known.balances is None:
        return "the venue is being asked what the funding wallet holds"
    if (age_ms := (at_ns - known.read_at_ns) // NS_PER_MS) > age_ms_max:
        return f"the funding wallet was not read for {age_ms / 1_000:.0f} s, {age_ms_max / 1_000:.0f} is the limit"
    return ""


def _waits(state: EngineState, account: AccountState, settings: TreasurySettings, at_ns: int) -> str:
    """Why nothing moves by itself now, beside the quantities; empty when it may."""
    for latch in state.latches.values():
        over = {KillScope.ALL: "", KillScope.ACCOUNT: account.name, KillScope.VENUE: account.venue}
        if over.get(latch.scope) == latch.name:
            return f"a kill stands ({latch.reason})"
    if state.treasury.of(account.name).failures >= FAILURES_MAX:
        return "the last moves failed or one was forgotten, until an approved one succeeds"
    since_s = (at_ns - state.treasury.last_sent_ns(account.name)) / 1e9
    if since_s < settings.cool_down_s:
        return f"the last move was {since_s:.0f} s ago, cool_down_s is {settings.cool_down_s:g}"
    return ""


def _propose(step: Step, settings: TreasurySettings, plan: TopUp, waiting: Move | None) -> None:
    """Put what is beyond the limits before an operator, once; a need that grew replaces it."""
    if waiting is not None:
        if plan.ask_qty <= waiting.qty * GROWN_RATIO:
            return
        treasury_moves.end(step, waiting, MoveStatus.WITHDRAWN, "a larger one takes its place")
    move = _made(step, settings, plan.ask_qty, plan)
    move.expires_ns = step.at_ns + round(settings.proposal_s * 1e9)
    treasury_moves.record(step, move, treasury_plan.words(plan, settings))
    words = f"{plan.why}: approve {plain(move.qty)} {move.coin} with `hedgebot treasury approve {move.number}`"
    emergency = f" ({plain(move.emergency_qty)} of it from the emergency segment)" if move.emergency_qty else ""
    subject = treasury_moves.subject(move)
    step.alert(AlertKind.TOP_UP_WANTED, subject, f"{words}{emergency}, or it ends in {settings.proposal_s:g} s")


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
    if move.status is MoveStatus.DONE and not move.counted:
        return True
    return move.status.counts_for_day and at_ns - move.sent_at_ns < NS_PER_DAY


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
        treasury_moves.end(step, move, MoveStatus.REJECTED, f"{event.operator}: {event.reason}")
        step.operator(event.operator, action, accepted=True, explanation=f"nothing is moved: {event.reason}")
        return
    settings = next(one for one in step.state.settings.treasury if one.account == move.account)
    treasury_moves.send(step, settings, move, f"approved by {event.operator}: {event.reason}")
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
    if asked := _not_known(state, account, step.at_ns):
        return f"{asked}: approve it again once that is known"
    there = treasury_plan.in_funding_wallet(state, settings)
    if there < move.qty:
        return f"the funding wallet has {plain(there)} {move.coin}, {plain(move.qty)} are wanted"
    return ""
