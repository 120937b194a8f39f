"""Tells of hedge markets that take no orders: of each that the venue does not trade, and of rows of refused orders.

Two things with a subject of their own each, so that one never hides the other: the venue's word is about one market, a
row of refusals about an underlying. A contract that has come to its end is told by `forced.py`. Changes nothing else.
"""

from hedgebot.core import forced, hedges, shut
from hedgebot.core.state import EngineState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind

_STATUS = " status"


def tell(step: Step) -> None:
    """Tell what the venue's word means for a hedge that is in use, and end what is over. Called by the timer."""
    state = step.state
    if not state.shut and not state.alerts:
        return
    found = _not_traded(state, step.at_ns)
    up = [one.subject for one in state.alerts.values() if one.kind is AlertKind.ORDER_REJECTED]
    for subject in dict.fromkeys([*found, *(one for one in up if one.endswith(_STATUS))]):
        step.watch(AlertKind.ORDER_REJECTED, subject, found.get(subject, ""))
    for settings in state.settings.underlyings:
        known = [state.shut[one] for one in settings.hedge_instruments if one in state.shut]
        refused = any(one.refused >= shut.REFUSED_MAX for one in known)
        if not state.underlyings[settings.underlying].rejects and not refused:
            step.watch(AlertKind.ORDER_REJECTED, settings.underlying, "")


def _not_traded(state: EngineState, at_ns: int) -> dict[str, str]:
    """A sentence by subject for each hedge in use that its venue does not trade, though it has not come to its end."""
    found: dict[str, str] = {}
    for settings in state.settings.underlyings if state.shut else ():
        for hedge in hedges.in_use(state, settings):
            word = shut.status(state, hedge)
            if word and forced.settles_in_ms(state, hedge, at_ns) > 0:
                told = f"{hedge} takes no orders: its venue says {word}; where others hedge {settings.underlying}"
                told += " they go on, and it is hedged there again when the venue trades it"
                found[f"{hedge}{_STATUS}"] = told
    return found
