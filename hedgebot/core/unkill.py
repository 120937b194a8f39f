"""What it takes to lift a kill: a checklist that fails closed and lists everything that stands against it.

Owns the checklist (safety reference section 13) and the end of orders that nobody can look up: an operator adopts or
forgets them with evidence. What only the shell can know (journal, versions, files) comes with the event.
"""

from hedgebot.core import (
    book_delta,
    breakers,
    cash,
    deadman,
    difference,
    forced,
    hedges,
    kill_rules,
    latches,
    limits,
    margin_gate,
    market,
    order_table,
    reconcile,
    specs,
)
from hedgebot.core.exposure import exposure_problem, net_delta_coin
from hedgebot.core.gate import CLOCK_OFFSET_MS_MAX
from hedgebot.core.state import AccountState, Efficacy, EngineState, Latch, followed
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.events import OperatorUnkilled, OrderResolved
from hedgebot.domain.kill import KILL_STRATEGY, KillAction, KillScope, scope_key, scope_words
from hedgebot.domain.operator_events import Resolution
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.settings import UnderlyingSettings


def unkill(step: Step, event: OperatorUnkilled) -> None:
    """Lift one latch when the whole checklist is met; says everything that is not. Fails closed."""
    state = step.state
    where = scope_words(event.scope, event.name)
    latch = state.latches.get(scope_key(event.scope, event.name))
    if latch is None:
        standing = ", ".join(state.latches) or "none"
        words = f"{where} is not killed; latches that stand: {standing}"
        step.operator(event.operator, "unkill", accepted=False, explanation=words)
        return
    try:
        unmet = checklist(state, event, latch, step.at_ns)
    except kill_rules.ERRORS as error:
        unmet = [f"the checklist could not be worked out ({type(error).__name__})"]
    if unmet:
        step.operator(event.operator, "unkill", accepted=False, explanation="; ".join(unmet))
        return
    _begin_anew(step, event, latch)
    reconciling = "reconciling, then active" if latch.scope is KillScope.ALL else f"{where} is not killed any more"
    explanation = f"{reconciling}: {event.reason}"
    for strategy, why in state.tripped.items():
        explanation += f"; strategy {strategy} is still latched off until `enable`: {why}"
    for other in state.latches.values():
        explanation += f"; {latches.sentence(other)}"
    step.operator(event.operator, "unkill", accepted=True, explanation=explanation)


def checklist(state: EngineState, event: OperatorUnkilled, latch: Latch, at_ns: int) -> list[str]:
    """What stands against lifting a latch, one sentence each; empty when nothing does."""
    covered = [
        one
        for one in state.settings.underlyings
        if latches.covers(state, latch, one) and not _stays_frozen(state, latch, one.underlying)
    ]
    unmet = list(event.unmet)
    unmet += [
        f"order {one.client_id} is {one.status}: wait for its end, or `hedgebot adopt` or `hedgebot forget` it"
        for one in order_table.live_orders(state)
        if latch.scope is KillScope.ALL or latches.covers_order(state, latch, one)
    ]
    for settings in covered:
        unmet += _underlying_problems(state, settings, at_ns)
    unmet += _book_problems(state, latch, at_ns)
    for account in followed(state):
        unmet += _account_problems(state, account, at_ns)
    unmet += [
        f"{cause} would fire again: {why}"
        for cause, why, underlying in kill_rules.firing(state, at_ns)
        if not underlying or underlying in {one.underlying for one in covered}
    ]
    seen = set(event.reviewed)
    unmet += [
        f"{name} was not reviewed ({why}): name it with --reviewed"
        for name, why in to_review(state, latch)
        if name not in seen
    ]
    return unmet


def _stays_frozen(state: EngineState, latch: Latch, underlying: str) -> bool:
    """Whether an underlying without a hedge stays frozen whatever becomes of this latch: it owes nothing then."""
    own = scope_key(KillScope.UNDERLYING, underlying)
    return own != scope_key(latch.scope, latch.name) and latches.lost_its_hedge(state, underlying)


def to_review(state: EngineState, latch: Latch) -> list[tuple[str, str]]:
    """What an operator must have looked at, each by its name, with what it says."""
    found = [(cause, why) for cause, why in latch.causes.items()]
    found += [(f"throttle:{strategy}", why) for strategy, why in state.tripped.items()]
    found += [(key, one.reason) for key, one in state.latches.items() if one is not latch]
    for account in state.accounts.values():
        # Whoever names a difference accepts the venue's number; one seen once is still a guess and cannot be accepted.
        found += [
            (f"difference:{account.name}:{subject}", f"the venue says {one.venue_value}, the ledger {one.ledger_value}")
            for subject, one in account.mismatches.items()
        ]
        found += [
            (
                f"difference:{account.name}:{name}",
                f"the venue says {one.venue_value}, the bookings explain {one.ours}; told were {one.owed:+f}",
            )
            for name, one in cash.told(account).items()
        ]
    return found


def resolve(step: Step, event: OrderResolved) -> None:
    """An operator says how an order ended that could not be looked up. The venue's positions judge it afterwards."""
    record = step.state.orders.get(event.client_id)
    problem = ""
    if record is None or event.client_id not in step.state.unsettled:
        problem = f"there is no order {event.client_id} without a proven end"
    elif not event.reason:
        problem = "it needs evidence: what the venue shows, and where"
    elif step.at_ns < order_table.proof_after_ns(step.state, record):
        problem = f"the venue may still accept order {event.client_id}: wait until its deadline has passed"
    elif event.resolution is Resolution.FORGET and record.filled_contracts:
        problem = f"order {event.client_id} was filled {record.filled_contracts}: it can be adopted, not forgotten"
    if problem or record is None:
        step.operator(event.operator, str(event.resolution), accepted=False, explanation=problem)
        return
    adopted = event.resolution is Resolution.ADOPT
    before = record.status
    order_table.end_by_word(step, record, OrderStatus.CANCELLED if adopted else OrderStatus.EXPIRED)
    account = record.intent.account
    step.adjust(
        account, record.client_id, before, record.status, f"{event.resolution} by {event.operator}: {event.reason}"
    )
    if known := step.state.accounts.get(account):
        reconcile.lose_truth(known, step.at_ns)
    what = "the venue had it and it has ended" if adopted else "it never reached the venue"
    explanation = f"order {record.client_id}: {what}; the venue is asked before anything is sent: {event.reason}"
    step.operator(event.operator, str(event.resolution), accepted=True, explanation=explanation)


def _begin_anew(step: Step, event: OperatorUnkilled, latch: Latch) -> None:
    state = step.state
    for account in followed(state):
        difference.accept_differences(step, account, event.operator)
        reconcile.lose_truth(account, step.at_ns)
    breakers.rearm(step, KILL_STRATEGY)
    breakers.forgive(state)
    state.pauses.clear()
    specs.accept(step)
    if latch.scope is KillScope.ALL:
        forced.accept_rollbacks(step)
    for settings in state.settings.underlyings:
        if latch.action is KillAction.FLATTEN and latches.covers(state, latch, settings):
            # A flatten's own trades must not hold back the hedge that follows.
            state.underlyings[settings.underlying].efficacy = Efficacy()
    step.lift(latch, f"{event.operator}: {event.reason}")


def _underlying_problems(state: EngineState, settings: UnderlyingSettings, at_ns: int) -> list[str]:
    name = settings.underlying
    problems = [f"the book of {hedge} is not fresh" for hedge in hedges.stale(state, settings, at_ns)]
    problems += [f"the mark price of {hedge} is not fresh" for hedge in hedges.unmarked(state, settings, at_ns)]
    problems += [
        f"the index of {hedge} is lost"
        for hedge in hedges.in_use(state, settings)
        if market.index_age_ms(state, hedge, at_ns) > state.limits.mark_age_ms_max
        and hedges.owes_market(state, settings, hedge)
    ]
    unknown = exposure_problem(state.underlyings[name])
    if unknown:
        return [*problems, f"the exposure is unknown: {unknown}"]
    delta = net_delta_coin(state.underlyings[name])
    if abs(delta) > settings.delta_limit_coin:
        beyond = f"net delta {delta:+.4f} {name} is beyond its hard limit {settings.delta_limit_coin:g}"
        problems.append(f"{beyond}: bring it inside (`hedgebot kill --action hedge-to-flat`, or by hand at the venue)")
    return problems


def _book_problems(state: EngineState, latch: Latch, at_ns: int) -> list[str]:
    """The cap on the whole book is of no one underlying: it holds back what frees the whole book."""
    if latch.scope is not KillScope.ALL or not book_delta.is_capped(state):
        return []
    found, most = book_delta.delta_usd(state, at_ns), state.limits.book_delta_usd_max
    if found is None:
        return ["the net delta of the whole book is unknown"]
    beyond = f"the net deltas of the book come to {found:,.0f} USD, beyond book_delta_usd_max ({most:,.0f})"
    return [f"{beyond}: bring them inside (`hedgebot kill --action hedge-to-flat`)"] if found > most else []


def _account_problems(state: EngineState, account: AccountState, at_ns: int) -> list[str]:
    problems = []
    if not account.private.up:
        problems.append(f"the private stream of {account.name} is down")
    if not account.reconciled and not account.mismatches:
        problems.append(f"{account.name} is not reconciled with its venue")
    offset_ms = account.clock_offset_ms if market.clock_is_known(account, at_ns) else None
    if offset_ms is None or abs(offset_ms) > CLOCK_OFFSET_MS_MAX:
        problems.append(f"the clock of {account.name} is {'not measured' if offset_ms is None else 'too far off'}")
    if deadman.wanted_s(state, account) is not None and (unarmed := deadman.resting_problem(state, account, at_ns)):
        problems.append(unarmed)
    if (move := state.treasury.moving(account.name)) is not None:
        ways = "wait for its end, or `hedgebot treasury adopt` or `forget` it"
        problems.append(f"move {move.number} to {account.name} is {move.status}: {ways}")
    if f"{AlertKind.API_KEY_INVALID}|{account.name}" in state.alerts:
        problems.append(f"the key of {account.name} was refused")
    problems += [
        f"{subject} on {account.name} was compared once only"
        for subject, one in account.mismatches.items()
        if one.count < 2
    ]
    use = margin_gate.judged_use(state, account, limits.margin_use(state, account, at_ns))
    if use is None:
        problems.append(f"margin use of {account.name} is unknown")
    elif use > state.limits.margin_use_clear:
        problems.append(f"margin use of {account.name} is {use:.0%}, clear level {state.limits.margin_use_clear:.0%}")
    return problems
