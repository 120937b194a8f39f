"""Makes a hedge fit its account's margin: what is too much is cut off, and told with the top-up that would cure it.

Owns the cut and its alert. What fits is decided by `margin_gate.py`; whether it is sent, by the gate. Must not know how
margins are computed.
"""

from typing import NamedTuple

from hedgebot.core import margin_gate
from hedgebot.core.margin_gate import MarginEffect
from hedgebot.core.shaping import NoLot
from hedgebot.core.state import EngineState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.orders import OrderIntent
from hedgebot.domain.settings import UnderlyingSettings


class Fitted(NamedTuple):
    """A hedge that its account can afford, with what it does to the margin (None: unknown, the gate decides).

    `shortfall` is what was cut off, in words; empty where nothing was.
    """

    intent: OrderIntent
    effect: MarginEffect | None
    shortfall: str = ""


def fit(
    state: EngineState, settings: UnderlyingSettings, rules: Instrument, intent: OrderIntent, at_ns: int
) -> Fitted | NoLot:
    """Cut a hedge down to what the margin allows; NoLot when that is nothing. Tells nobody."""
    account = state.accounts[settings.hedge_account]
    fitting, whole = margin_gate.clip(state, account, rules, intent, settings, at_ns)
    if whole is None or fitting >= intent.qty_contracts:
        return Fitted(intent, whole)
    words = shortfall_words(settings, rules, intent, str(fitting), whole)
    if not fitting:
        return NoLot(residual_coin=intent.delta_effect_coin, explanation=words)
    part = margin_gate.sized(state, intent, rules, fitting)
    effect = margin_gate.effect(state, account, rules, part, settings.cost_bps, at_ns)
    return Fitted(part, effect, words)


def tell(step: Step, settings: UnderlyingSettings, fitted: Fitted | NoLot) -> None:
    """Hold the alert up while the hedge that was chosen does not fit whole."""
    words = fitted.explanation if isinstance(fitted, NoLot) else fitted.shortfall
    step.check(AlertKind.MARGIN_BUFFER_LOW, shortfall_subject(settings), words)


def shortfall_subject(settings: UnderlyingSettings) -> str:
    """Whose hedge does not fit."""
    return f"{settings.hedge_account} {settings.underlying} hedge"


def shortfall_words(
    settings: UnderlyingSettings, rules: Instrument, intent: OrderIntent, fitting: str, whole: MarginEffect
) -> str:
    """What of a hedge does not fit, and what would cure it."""
    what = "its initial margin" if whole.keeps_floor else f"a margin use of {whole.floor_use:.0%}"
    if whole.shock_usd and not whole.keeps_floor:
        what += f" after the collateral shock ({whole.shock_usd:,.0f} USD)"
    return (
        f"{settings.hedge_account} can afford {fitting} of {intent.side} {intent.qty_contracts} {rules.symbol} within "
        f"{what}: a top-up of {whole.top_up_usd:.0f} USD would cover the rest"
    )
