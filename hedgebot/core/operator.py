"""What an operator may say beside kill and unkill: strategies on and off, changed settings."""

import msgspec

from hedgebot.core import breakers, canary, reconcile, tokens
from hedgebot.core.order_table import live_orders
from hedgebot.core.state import EngineState, adopt_settings, followed
from hedgebot.core.step import Step
from hedgebot.core.switch_state import MOVE_STRATEGY
from hedgebot.domain.commands import CancelOrder, DecisionCause
from hedgebot.domain.events import ConfigApplied, StrategySwitched
from hedgebot.domain.settings import EngineSettings


def switch_strategy(step: Step, event: StrategySwitched) -> None:
    """Switch a strategy on or off; switching off cancels unfilled hedges and keeps positions."""
    state = step.state
    action = f"{'enable' if event.enabled else 'disable'} {event.strategy}"
    known = {one.name: one for one in state.settings.strategies}
    if event.enabled and event.strategy == MOVE_STRATEGY and event.strategy in state.tripped:
        breakers.rearm(step, event.strategy)
        explanation = f"hedges are moved to cheaper instruments again: {event.reason}"
        step.operator(event.operator, action, accepted=True, explanation=explanation)
        return
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
    canary.note(state, event.settings, state.version, step.at_ns)
    coins = tokens.names(state.settings)
    before = {hedge for one in state.settings.underlyings for hedge in one.hedge_instruments}
    adopt_settings(state, event.settings)
    tokens.forget(step)
    if any(one not in coins for one in tokens.names(state.settings)):
        # What there is of a coin that is named now is the venue's to say before anything is sent.
        for account in followed(state):
            reconcile.lose_truth(account, step.at_ns)
    for hedge in (hedge for one in event.settings.underlyings for hedge in one.hedge_instruments):
        if hedge not in before:
            # Whether its venue trades it was nobody's business until now: its adapter tells again when asked again.
            state.watched.pop(hedge, None)
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
        if record.listed or not record.status.is_terminal:
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
