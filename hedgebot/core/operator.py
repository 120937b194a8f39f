"""What an operator may say, and what it takes to be believed: kill at once, unkill only through the checklist."""

import msgspec

from hedgebot.core import breakers, limits, market, reconcile
from hedgebot.core.exposure import exposure_problem
from hedgebot.core.gate import CLOCK_OFFSET_MS_MAX
from hedgebot.core.order_table import live_orders
from hedgebot.core.state import EngineState, adopt_settings
from hedgebot.core.step import Step
from hedgebot.domain.commands import CancelOrder, DecisionCause
from hedgebot.domain.events import ConfigApplied, OperatorKilled, OperatorUnkilled, StrategySwitched
from hedgebot.domain.settings import EngineSettings


def kill(step: Step, event: OperatorKilled) -> None:
    """Halt, latched, and cancel what is ours; positions are kept."""
    step.halt(f"{event.operator}: {event.reason}")
    cancel_all(step, "killed")
    step.operator(event.operator, "kill", accepted=True, explanation=f"halted: {event.reason}; positions are kept")


def unkill(step: Step, event: OperatorUnkilled) -> None:
    """Leave HALTED only when the whole checklist is met; says what is unmet. Fails closed."""
    state = step.state
    if not state.latched:
        step.operator(event.operator, "unkill", accepted=False, explanation="the book is not halted")
        return
    unmet = unkill_checklist(state, step.at_ns)
    if unmet:
        step.operator(event.operator, "unkill", accepted=False, explanation="; ".join(unmet))
        return
    for account in state.accounts.values():
        reconcile.accept_differences(step, account, event.operator)
        reconcile.lose_truth(account, step.at_ns)
    step.unlatch(f"{event.operator}: {event.reason}")
    breakers.forgive(state)
    explanation = f"reconciling, then active: {event.reason}"
    for strategy, why in state.tripped.items():
        explanation += f"; strategy {strategy} is still latched off until `enable`: {why}"
    step.operator(event.operator, "unkill", accepted=True, explanation=explanation)


def unkill_checklist(state: EngineState, at_ns: int) -> list[str]:
    """What stands against leaving HALTED, one sentence each; empty when nothing does."""
    unmet = [f"order {one.client_id} is {one.status}" for one in live_orders(state)]
    hedges = [one.hedge_instrument for one in state.settings.underlyings]
    stale = [one for one in hedges if market.book_age_ms(state, one, at_ns) > state.limits.book_age_ms_max]
    unmet += [f"the book of {one} is not fresh" for one in stale]
    stale = [one for one in hedges if market.mark_age_ms(state, one, at_ns) > state.limits.mark_age_ms_max]
    unmet += [f"the mark price of {one} is not fresh" for one in stale]
    unknown = [problem for one in state.underlyings.values() if (problem := exposure_problem(one))]
    unmet += [f"the exposure is unknown: {problem}" for problem in unknown]
    for account in state.accounts.values():
        if not account.private.up:
            unmet.append(f"the private stream of {account.name} is down")
        offset_ms = account.clock_offset_ms
        if offset_ms is None or abs(offset_ms) > CLOCK_OFFSET_MS_MAX:
            unmet.append(f"the clock of {account.name} is {'not measured' if offset_ms is None else 'too far off'}")
        # A difference that the venue has repeated is what the operator accepts here; one seen once is still a guess.
        unmet += [
            f"{subject} on {account.name} was compared once only"
            for subject, one in account.mismatches.items()
            if one.count < 2
        ]
        use = limits.margin_use(state, account, at_ns)
        if use is None:
            unmet.append(f"margin use of {account.name} is unknown")
        elif use > state.limits.margin_use_clear:
            unmet.append(f"margin use of {account.name} is {use:.0%}, clear level {state.limits.margin_use_clear:.0%}")
        wallet = account.wallet
        if wallet and wallet.equity_usd is not None and account.day_equity_usd is not None:
            loss = float(account.day_equity_usd - wallet.equity_usd)
            if loss > state.limits.daily_loss_usd_max:
                unmet.append(f"{account.name} lost {loss:.0f} USD today, limit {state.limits.daily_loss_usd_max:.0f}")
    return unmet


def switch_strategy(step: Step, event: StrategySwitched) -> None:
    """Switch a strategy on or off; switching off cancels unfilled hedges and keeps positions."""
    state = step.state
    action = f"{'enable' if event.enabled else 'disable'} {event.strategy}"
    known = {one.name: one for one in state.settings.strategies}
    if event.strategy not in known:
        explanation = f"no strategy {event.strategy}; known: {', '.join(known) or 'none'}"
        step.operator(event.operator, action, accepted=False, explanation=explanation)
        return
    state.switches[event.strategy] = event.enabled
    state.settings = _with_switch(state.settings, event.strategy, enabled=event.enabled)
    if event.enabled:
        breakers.rearm(step, event.strategy)
    else:
        cancel_all(step, f"strategy {event.strategy} was disabled")
    word = "proposes again" if event.enabled else "proposes nothing any more; positions are kept"
    step.operator(event.operator, action, accepted=True, explanation=f"{event.strategy} {word}: {event.reason}")
    for underlying in state.underlyings:
        step.touch(underlying, DecisionCause.OPERATOR)


def apply_config(step: Step, event: ConfigApplied) -> None:
    """Put changed settings in force; accounts and underlyings cannot be taken away from a running book."""
    state = step.state
    missing = [
        name
        for name in (*state.accounts, *state.underlyings)
        if name
        not in {one.name for one in event.settings.accounts} | {one.underlying for one in event.settings.underlyings}
    ]
    if missing:
        explanation = f"{', '.join(missing)} would disappear: that needs a restart"
        step.operator(event.operator, "config apply", accepted=False, explanation=explanation)
        return
    state.switches.clear()
    adopt_settings(state, event.settings)
    explanation = f"{event.reason}: {'; '.join(event.changes)}"
    step.operator(event.operator, "config apply", accepted=True, explanation=explanation)
    for underlying in state.underlyings:
        step.touch(underlying, DecisionCause.OPERATOR)


def keep_switches(state: EngineState, settings: EngineSettings) -> EngineSettings:
    """What an operator switched stays switched over a restart, until a changed configuration says anew."""
    if settings.config_hash != state.settings.config_hash:
        state.switches.clear()
    for name, enabled in state.switches.items():
        settings = _with_switch(settings, name, enabled=enabled)
    return settings


def cancel_all(step: Step, reason: str) -> None:
    """Cancel every order of ours that may still be alive."""
    for record in live_orders(step.state):
        if not record.status.is_terminal:
            step.emit(
                CancelOrder(
                    account=record.intent.account,
                    instrument=record.intent.instrument,
                    client_id=record.client_id,
                    reason=reason,
                )
            )


def _with_switch(settings: EngineSettings, name: str, *, enabled: bool) -> EngineSettings:
    strategies = tuple(
        msgspec.structs.replace(one, enabled=enabled) if one.name == name else one for one in settings.strategies
    )
    return msgspec.structs.replace(settings, strategies=strategies)
