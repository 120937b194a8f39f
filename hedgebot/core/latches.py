"""Kills that stand: what each covers, what it lets through, and what is cancelled for it. Lifting one is unkill's.

A latch is a scope with an action (safety reference section 13). The strictest latch over an order decides. Orders that
may still live under a latch are cancelled again and again until each has a proven end.
"""

import msgspec

from hedgebot.core import deadman
from hedgebot.core.order_table import live_orders
from hedgebot.core.state import EngineState, Latch, OrderRecord, settings_of
from hedgebot.core.step import RULES, Step
from hedgebot.core.strategy import Proposal
from hedgebot.core.switch_state import MOVE_STRATEGY
from hedgebot.domain.commands import CancelOrder, DecisionCause
from hedgebot.domain.events import OperatorKilled
from hedgebot.domain.instrument import category_of, venue_of
from hedgebot.domain.kill import FROM_FILE, KILL_STRATEGY, KillAction, KillScope, action_problem, scope_key, scope_words
from hedgebot.domain.orders import OrderIntent
from hedgebot.domain.settings import AccountRole, UnderlyingSettings

SETTLING = "settling:"
"""What the cause of a latch begins with that an ending hedge has set; the hedge follows."""

CANCEL_AGAIN_NS = 2_000_000_000
"""An order whose fate is unknown may turn up at the venue until its deadline: so often it is cancelled again."""

_WHAT_FOLLOWS = {
    KillAction.FREEZE: "orders are cancelled, positions are kept, nothing new is sent",
    KillAction.REDUCE: "orders are cancelled, only orders that reduce risk are sent",
    KillAction.HEDGE_TO_FLAT: "orders are cancelled, the delta is brought to zero, then nothing is sent",
    KillAction.FLATTEN: "orders are cancelled, our hedge positions are closed, then nothing is sent",
}


def kill(step: Step, event: OperatorKilled) -> None:
    """Latch a scope and cancel what is ours there. Said again it changes nothing; another action replaces the first."""
    event = _fail_closed(step.state, event)
    latch = step.state.latches.get(scope_key(event.scope, event.name))
    problem = _problem(step.state, event, latch)
    if problem:
        step.operator(event.operator, "kill", accepted=False, explanation=problem)
        return
    where = scope_words(event.scope, event.name)
    if latch is None:
        latch = _new(event, step.at_ns)
        step.hold(latch)
        told = f"{where} is killed ({latch.action}): {_WHAT_FOLLOWS[latch.action]}"
    elif _is_the_same(event, latch):
        told = f"{where} is killed already ({latch.action}) by {latch.operator}: {latch.reason}"
    else:
        latch.action, latch.done = event.action, False
        latch.note = f"{event.operator} chose {event.action}: {event.reason}"
        step.hold(latch)
        told = f"{where} stays killed, the action is now {latch.action}: {_WHAT_FOLLOWS[latch.action]}"
    if event.cause and event.cause not in latch.causes:
        latch.causes[event.cause] = event.reason
        step.hold(latch)
    _cancel_covered(step, latch)
    step.operator(event.operator, "kill", accepted=True, explanation=told)
    for name in _underlyings(step.state, latch):
        step.touch(name, DecisionCause.OPERATOR)


def sweep(step: Step) -> None:
    """Cancel again what may still live under a latch; an order that has a proven end needs its latch no more."""
    for latch in list(step.state.latches.values()):
        if latch.scope is KillScope.ORDER and latch.name not in step.state.unsettled:
            step.lift(latch, "the order has ended")
        elif step.at_ns >= latch.cancel_at_ns:
            _cancel_covered(step, latch)


def adopt_mode(step: Step) -> None:
    """A book that an older version halted has no latch yet: it gets the one that its mode stands for."""
    if step.state.latched and KillScope.ALL not in step.state.latches:
        step.halt(step.state.mode_reason, "halted_before")


def halt_reduces(state: EngineState) -> bool:
    """Whether the action chosen for the whole book lets orders out that reduce risk."""
    latch = state.latches.get(KillScope.ALL)
    return latch is not None and _lets_through(latch.in_force, reduces_risk=True)


def order_problem(state: EngineState, intent: OrderIntent, *, reduces_risk: bool) -> str:
    """Why a latch stops an order, in a sentence; empty when every latch over it lets it through."""
    for latch in state.latches.values():
        if _covers_intent(state, latch, intent) and not _lets_through(latch.in_force, reduces_risk=reduces_risk):
            return sentence(latch)
    return ""


def closing_problem(state: EngineState, intent: OrderIntent) -> str:
    """Why an order that closes a hedge position may not leave: only a flatten lets it, and no freeze may stand.

    But for one that a rule alone has set because the hedge ends: an operator who flattens all means that hedge, too.
    """
    over = [one for one in state.latches.values() if _covers_intent(state, one, intent)]
    if not any(one.in_force is KillAction.FLATTEN for one in over):
        return "no flatten is in force here"
    stops = [one for one in over if one.in_force is KillAction.FREEZE and not _only_settles(one)]
    return next((sentence(one) for one in stops), "")


def is_frozen(state: EngineState, settings: UnderlyingSettings) -> str:
    """Why nothing at all is decided on an underlying, in a sentence; a strategy's latch stops only its proposals."""
    for latch in state.latches.values():
        stops = latch.in_force in (KillAction.FREEZE, KillAction.FLATTEN)
        if stops and latch.scope is not KillScope.STRATEGY and covers(state, latch, settings):
            return sentence(latch)
    return ""


def lost_its_hedge(state: EngineState, underlying: str) -> bool:
    """Whether an underlying is frozen because its hedge ends: none leaves there until an operator's unkill of it."""
    latch = state.latches.get(scope_key(KillScope.UNDERLYING, underlying)) if state.latches else None
    stops = (KillAction.FREEZE, KillAction.FLATTEN)
    return latch is not None and latch.in_force in stops and any(one.startswith(SETTLING) for one in latch.causes)


def _only_settles(latch: Latch) -> bool:
    """Whether nobody but the rule for ending hedges has frozen an underlying."""
    ours = latch.scope is KillScope.UNDERLYING and latch.operator == RULES
    return ours and bool(latch.causes) and all(one.startswith(SETTLING) for one in latch.causes)


def going_on(state: EngineState) -> list[UnderlyingSettings]:
    """The underlyings whose hedge has not ended: what their hedges need, the book needs."""
    return [one for one in state.settings.underlyings if not lost_its_hedge(state, one.underlying)]


def strategy_problem(state: EngineState, strategy: str) -> str:
    """Why a strategy proposes nothing, in a sentence; empty when it may."""
    latch = state.latches.get(scope_key(KillScope.STRATEGY, strategy)) if state.latches else None
    return sentence(latch) if latch is not None and latch.in_force is KillAction.FREEZE else ""


def flat_proposal(state: EngineState, settings: UnderlyingSettings) -> Proposal | None:
    """The target of a hedge to flat: zero delta, without a band; None while none is in force here."""
    for latch in state.latches.values():
        if latch.in_force is KillAction.HEDGE_TO_FLAT and covers(state, latch, settings):
            return Proposal(
                strategy=KILL_STRATEGY,
                centre_coin=0.0,
                trigger_coin=0.0,
                inside_coin=0.0,
                reason=f"hedge to flat: {latch.reason}",
                evidence={"latch": scope_key(latch.scope, latch.name), "operator": latch.operator},
                # The choice among hedge instruments stays that of the band which comes back.
                risk_aversion=state.underlyings[settings.underlying].drift.risk_aversion,
            )
    return None


def in_force(state: EngineState, action: KillAction) -> list[Latch]:
    """Latches whose action is this one and not done."""
    return [one for one in state.latches.values() if one.in_force is action]


def end_action(step: Step, latch: Latch, note: str) -> None:
    """The action of a latch has come to its end: from here on it is frozen."""
    latch.done, latch.note = True, note
    step.hold(latch)


def unproven(state: EngineState, latch: Latch, at_ns: int) -> list[str]:
    """What is not proven under a latch: each order that may still live, and what stands behind those of its account."""
    alive = [one for one in live_orders(state) if _may_live_under(state, latch, one)]
    found = [f"order {one.client_id} is {one.status}: its cancel is asked for, its end is not proven" for one in alive]
    for name in dict.fromkeys(one.intent.account for one in alive):
        account = state.accounts[name]
        if not account.private.up:
            found.append(f"the private stream of {name} is down: ends of orders come by asking only")
        switch = deadman.describe(state, account, at_ns) or "none is configured"
        found.append(f"dead man's switch of {name}: {switch}")
    return found


def covers(state: EngineState, latch: Latch, settings: UnderlyingSettings) -> bool:
    """Whether a latch is over the hedging of an underlying."""
    match latch.scope:
        case KillScope.ALL:
            return True
        case KillScope.UNDERLYING:
            return latch.name == settings.underlying
        case KillScope.ACCOUNT:
            return latch.name == settings.hedge_account
        case KillScope.VENUE:
            return latch.name == venue_of(settings.hedge_instrument)
        case KillScope.STRATEGY:
            return any(
                one.name == latch.name and settings.underlying in one.underlyings for one in state.settings.strategies
            )
        case KillScope.ORDER:
            return False


def covers_order(state: EngineState, latch: Latch, record: OrderRecord) -> bool:
    """Whether a latch is over an order that was sent: its own strategy's, not every one of its underlying."""
    intent = record.intent
    if latch.scope is KillScope.STRATEGY:
        return _is_strategys(state, latch, intent)
    over = {
        KillScope.ALL: "",
        KillScope.ORDER: record.client_id,
        KillScope.UNDERLYING: intent.underlying,
        KillScope.ACCOUNT: intent.account,
        KillScope.VENUE: venue_of(intent.instrument),
    }
    return over[latch.scope] == latch.name


def sentence(latch: Latch) -> str:
    """A latch in one sentence: scope, action, who and why."""
    note = f" ({latch.note})" if latch.note else ""
    chosen = f"{latch.action}, done" if latch.done else str(latch.action)
    return f"{scope_words(latch.scope, latch.name)} is killed ({chosen}) by {latch.operator}: {latch.reason}{note}"


def _lets_through(action: KillAction, *, reduces_risk: bool) -> bool:
    return reduces_risk and action in (KillAction.REDUCE, KillAction.HEDGE_TO_FLAT)


def _covers_intent(state: EngineState, latch: Latch, intent: OrderIntent) -> bool:
    if latch.scope is KillScope.ORDER:
        return False
    if latch.scope is KillScope.STRATEGY and intent.strategy != KILL_STRATEGY:
        return _is_strategys(state, latch, intent)
    if latch.scope is KillScope.STRATEGY and latch.in_force is KillAction.FREEZE:
        # It stops the strategy's proposals; what an operator chose for more than it must still find its way out.
        return False
    return _covers_underlying(state, latch, intent)


def _is_strategys(state: EngineState, latch: Latch, intent: OrderIntent) -> bool:
    """Whether an order is of the latch's strategy: proposed by it, or a move, made for whoever keeps the band."""
    if intent.strategy == MOVE_STRATEGY:
        return _covers_underlying(state, latch, intent)
    return latch.name == intent.strategy


def _covers_underlying(state: EngineState, latch: Latch, intent: OrderIntent) -> bool:
    settings = settings_of(state, intent.underlying)
    return settings is None or covers(state, latch, settings)


def _new(event: OperatorKilled, at_ns: int) -> Latch:
    return Latch(
        scope=event.scope,
        name=event.name,
        action=event.action,
        operator=event.operator,
        reason=event.reason,
        since_ns=at_ns,
    )


def _is_the_same(event: OperatorKilled, latch: Latch) -> bool:
    """A file repeats itself at every start: it starts nothing anew, and loosens nothing that a rule has frozen."""
    if event.operator == FROM_FILE or event.cause:
        return event.action is not KillAction.FREEZE or latch.in_force is KillAction.FREEZE
    return event.action is latch.action and not (latch.done and event.action is not KillAction.FREEZE)


def _problem(state: EngineState, event: OperatorKilled, latch: Latch | None) -> str:
    problem = action_problem(event.scope, event.name, event.action) or _spot_problem(state, event)
    problem = problem or _lost_hedge_problem(state, event)
    if problem:
        return problem
    loosens = event.action in (KillAction.REDUCE, KillAction.HEDGE_TO_FLAT) and event.operator != FROM_FILE
    if latch is not None and latch.causes and loosens:
        causes = ", ".join(latch.causes)
        where = scope_words(event.scope, event.name)
        return f"a rule has halted {where} ({causes}): only flatten may follow, or the checklist of unkill"
    known = _known(state, event.scope)
    if event.scope is not KillScope.ALL and event.name not in known:
        there = ", ".join(known) or "none"
        return f"there is no {event.scope.value} {event.name} here, there are: {there}"
    return ""


def _spot_problem(state: EngineState, event: OperatorKilled) -> str:
    """Coins are no position: an order that could only shrink them does not exist."""
    meant = _new(event, 0)
    spot = [
        one.underlying
        for one in state.settings.underlyings
        if covers(state, meant, one) and any(category_of(hedge) == "spot" for hedge in one.hedge_instruments)
    ]
    if event.action is not KillAction.FLATTEN or not spot:
        return ""
    return f"{', '.join(spot)} is hedged with coins, which flatten cannot close: choose hedge-to-flat, or sell by hand"


def _lost_hedge_problem(state: EngineState, event: OperatorKilled) -> str:
    """Where the hedge ends nothing brings the delta to zero, and the action would never be done.

    A kill file is not refused: nobody would hear it, and the others are still hedged to flat.
    """
    meant, its_own = _new(event, 0), event.scope is KillScope.UNDERLYING
    if event.action is not KillAction.HEDGE_TO_FLAT or event.operator == FROM_FILE or its_own:
        return ""
    lost = [
        one.underlying
        for one in state.settings.underlyings
        if covers(state, meant, one) and lost_its_hedge(state, one.underlying)
    ]
    if not lost:
        return ""
    others = "choose flatten, which closes what is held there, or hedge-to-flat of each other underlying"
    return f"{', '.join(lost)} is frozen because its hedge ends, nothing can bring its delta to zero: {others}"


def _fail_closed(state: EngineState, event: OperatorKilled) -> OperatorKilled:
    """Nobody hears why a kill file was refused: what it asks for wrongly becomes a freeze, of the book if need be."""
    if event.operator != FROM_FILE:
        return event
    if event.scope not in (KillScope.ALL, KillScope.ORDER) and event.name not in _known(state, event.scope):
        why = f"a kill file names {scope_words(event.scope, event.name)}, which is not here: {event.reason}"
        return OperatorKilled(operator=event.operator, reason=why)
    if action_problem(event.scope, event.name, event.action) or _spot_problem(state, event):
        return msgspec.structs.replace(event, action=KillAction.FREEZE)
    return event


def _known(state: EngineState, scope: KillScope) -> list[str]:
    """Names that a scope can have: those there are, and those of kills that stand, whatever left the configuration."""
    standing = [one.name for one in state.latches.values() if one.scope is scope]
    return list(dict.fromkeys([*_there(state, scope), *standing]))


def _there(state: EngineState, scope: KillScope) -> list[str]:
    match scope:
        case KillScope.ORDER:
            return list(state.unsettled)
        case KillScope.STRATEGY:
            return [one.name for one in state.settings.strategies]
        case KillScope.UNDERLYING:
            return [one.underlying for one in state.settings.underlyings]
        case KillScope.ACCOUNT:
            return list(state.accounts)
        case KillScope.VENUE:
            return list(dict.fromkeys(one.venue for one in state.accounts.values()))
        case KillScope.ALL:
            return [""]


def _cancel_covered(step: Step, latch: Latch) -> None:
    latch.cancel_at_ns = step.at_ns + CANCEL_AGAIN_NS
    by_account = latch.scope in (KillScope.ALL, KillScope.VENUE, KillScope.ACCOUNT)
    for record in live_orders(step.state):
        if _may_live_under(step.state, latch, record):
            step.emit(
                CancelOrder(
                    account=record.intent.account,
                    instrument=record.intent.instrument,
                    client_id=record.client_id,
                    reason=f"killed: {scope_key(latch.scope, latch.name)}",
                    whole=by_account
                    and latch.in_force is KillAction.FREEZE
                    and step.state.accounts[record.intent.account].role is AccountRole.HEDGE,
                )
            )


def _may_live_under(state: EngineState, latch: Latch, record: OrderRecord) -> bool:
    alive = record.listed or not record.status.is_terminal
    return alive and covers_order(state, latch, record) and _is_meant(latch, record)


def _is_meant(latch: Latch, record: OrderRecord) -> bool:
    """Orders that the latch's own action sent are not cancelled by it; everything older is."""
    return latch.in_force is KillAction.FREEZE or record.sent_at_ns <= latch.since_ns


def _underlyings(state: EngineState, latch: Latch) -> list[str]:
    return [one.underlying for one in state.settings.underlyings if covers(state, latch, one)]
