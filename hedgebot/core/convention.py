"""Whether the operator has said what a hedge is to keep constant, where that makes a difference.

A book with products margined in the coin can keep its coins or its USD value, never both; which one is the operator's
choice, and there is no silent default (hedging reference section 3.2). Sends nothing.
"""

from hedgebot.core.state import EngineState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.settings import DeltaConvention, UnderlyingSettings


def problem(state: EngineState, settings: UnderlyingSettings) -> str:
    """What is missing, in a sentence; empty when the convention is chosen or makes no difference."""
    chosen, name = settings.delta_convention, settings.underlying
    if chosen in (DeltaConvention.COIN_NEUTRAL, DeltaConvention.USD_NEUTRAL):
        return ""
    product = next(iter(state.underlyings[name].sums.coin_margined.values()), "")
    for hedge in settings.hedge_instruments:
        rules = state.instruments.get(hedge)
        if not product and rules is not None and rules.settle == rules.underlying:
            product = rules.id
    if not product:
        return ""
    return (
        f"{product} is margined in {name} and underlyings.{name}.delta_convention is {chosen or 'not set'}: it must be "
        f"coin_neutral (keeps the number of coins) or usd_neutral (keeps the account's value in USD)"
    )


def describe(settings: UnderlyingSettings) -> str:
    """The convention in force, by name and meaning."""
    chosen = settings.delta_convention
    return f"{chosen or 'not set'}: {(chosen or DeltaConvention.LINEAR).meaning}"


def watch(step: Step) -> None:
    """Hold an alert up for each underlying whose choice is owed."""
    for settings in step.state.settings.underlyings:
        step.check(AlertKind.CONVENTION_MISSING, settings.underlying, problem(step.state, settings))
