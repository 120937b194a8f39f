"""Hedge markets that take no orders: those that the venue does not trade now, and those that refuse again and again.

Owns what is known of each, for how long one is left alone, and that somebody is told, once for an underlying. The
venue's word is believed without an order, both ways. A market that refuses without such a word is left for the others
after a few orders, and tried again after pauses that double; where there is no other it is tried every half minute, for
nothing else says when it takes orders again. Must not know how a hedge is chosen.
"""

from hedgebot.core.shut_state import ShutMarket
from hedgebot.core.state import EngineState, OrderRecord
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.durations import NS_PER_HOUR, NS_PER_MINUTE, NS_PER_MS
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.orders import OrderIntent
from hedgebot.domain.settings import UnderlyingSettings
from hedgebot.domain.venue_events import MarketsRead

REFUSED_MAX = 3
"""After so many refusals in a row the other instruments come first."""

_AVOIDED_FIRST_NS, _AVOIDED_DOUBLINGS_MAX = NS_PER_MINUTE, 4
_WAIT_FIRST_NS, _WAIT_DOUBLINGS_MAX = 250 * NS_PER_MS, 7
_FORGOTTEN_NS = NS_PER_HOUR
"""Longer than any pause: what is not tried again by then is not wanted any more."""


def status(state: EngineState, hedge: InstrumentId) -> str:
    """The venue's word for a market that it does not trade now; empty when it does, as far as is known."""
    known = state.shut.get(hedge) if state.shut else None
    return known.status if known is not None else ""


def is_avoided(state: EngineState, hedge: InstrumentId, at_ns: int) -> bool:
    """Whether other instruments come first: it does not trade, or has refused too often of late."""
    known = state.shut.get(hedge) if state.shut else None
    if known is None or known.status:
        return known is not None
    over = known.refused - REFUSED_MAX
    return over >= 0 and at_ns - known.refused_at_ns < _AVOIDED_FIRST_NS << min(over, _AVOIDED_DOUBLINGS_MAX)


def waits(state: EngineState, intent: OrderIntent, at_ns: int) -> bool:
    """Whether an order is not tried yet, after others that its market refused. Closing waits for closing alone."""
    known = state.shut.get(intent.instrument) if state.shut else None
    if known is None or not known.refused or (intent.reduce_only and not known.closing):
        return False
    return at_ns - known.refused_at_ns < _WAIT_FIRST_NS << min(known.refused - 1, _WAIT_DOUBLINGS_MAX)


def on_read(step: Step, event: MarketsRead) -> None:
    """Take the venue's word on which of our hedge markets it trades."""
    state = step.state
    for settings in state.settings.underlyings:
        for hedge in settings.hedge_instruments:
            if hedge in event.trading and status(state, hedge):
                del state.shut[hedge]
            elif word := event.shut.get(hedge, ""):
                # Refusals before it have their reason now.
                state.shut[hedge] = ShutMarket(status=word)
                told = f"{hedge} takes no orders: its venue says {word}; where others hedge {settings.underlying}"
                told += " they go on, and it is hedged there again when the venue trades it"
                step.watch(AlertKind.ORDER_REJECTED, settings.underlying, told)


def on_refused(step: Step, record: OrderRecord) -> None:
    """The venue refused an order there."""
    intent = record.intent
    known = step.state.shut.setdefault(intent.instrument, ShutMarket())
    if not known.status:
        known.refused, known.refused_at_ns = known.refused + 1, step.at_ns
        known.closing = known.closing or intent.reduce_only


def on_taken(step: Step, record: OrderRecord) -> None:
    """The venue took an order there. One that could only shrink what is held says nothing of one that opens."""
    known = step.state.shut.get(record.intent.instrument) if step.state.shut else None
    if known is None or known.status:
        return
    if not record.intent.reduce_only:
        del step.state.shut[record.intent.instrument]
    else:
        known.closing = False


def sweep(step: Step) -> None:
    """Forget what hedges nothing any more, and refusals of long ago; end alerts. Called by the timer."""
    state = step.state
    if state.shut:
        configured = {hedge for one in state.settings.underlyings for hedge in one.hedge_instruments}
        for hedge, known in list(state.shut.items()):
            old = not known.status and step.at_ns - known.refused_at_ns > _FORGOTTEN_NS
            if old or hedge not in configured:
                del state.shut[hedge]
    for settings in state.settings.underlyings if state.alerts else ():
        if not state.underlyings[settings.underlying].rejects and not _is_shut(state, settings):
            step.watch(AlertKind.ORDER_REJECTED, settings.underlying, "")


def _is_shut(state: EngineState, settings: UnderlyingSettings) -> bool:
    """Whether one of an underlying's markets takes no orders."""
    known = [state.shut[one] for one in settings.hedge_instruments if one in state.shut]
    return any(one.status or one.refused >= REFUSED_MAX for one in known)
