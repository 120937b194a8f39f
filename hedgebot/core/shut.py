"""Hedge markets that take no orders: those that the venue does not trade now, and those that refuse again and again.

Owns what is known of each, and for how long one is left alone; who is told is `shut_watch.py`'s. The venue's word is
believed without an order, both ways. A market that refuses without such a word is left for the others
after a few orders, and tried again after pauses that double; where there is no other it is tried every half minute, for
nothing else says when it takes orders again. Must not know how a hedge is chosen.
"""

from hedgebot.core.shut_state import ShutMarket
from hedgebot.core.state import EngineState, OrderRecord, UnderlyingState
from hedgebot.core.step import Step
from hedgebot.domain.durations import NS_PER_HOUR, NS_PER_MINUTE, NS_PER_MS, NS_PER_S
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.orders import OrderIntent
from hedgebot.domain.venue_events import MarketsRead

REFUSED_MAX = 3
"""After so many refusals in a row the other instruments come first."""

_AVOIDED_FIRST_NS, _AVOIDED_DOUBLINGS_MAX = NS_PER_MINUTE, 4
_WAIT_FIRST_NS, _WAIT_DOUBLINGS_MAX = 250 * NS_PER_MS, 7
FORGOTTEN_NS = NS_PER_HOUR
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


def waits(state: EngineState, intent: OrderIntent, at_ns: int) -> str:
    """Why an order is not tried yet, after others that its market refused. Closing waits for closing alone."""
    known = state.shut.get(intent.instrument) if state.shut else None
    if known is None or not known.refused or (intent.reduce_only and not known.closing):
        return ""
    pause_ns = _WAIT_FIRST_NS << min(known.refused - 1, _WAIT_DOUBLINGS_MAX)
    if at_ns - known.refused_at_ns >= pause_ns:
        return ""
    times = f"the last {known.refused} orders" if known.refused > 1 else "the last order"
    return f"{intent.instrument} refused {times}: the next is sent {pause_ns / NS_PER_S:g} s after that"


def forgive(state: EngineState) -> None:
    """Forget refusals: an operator says that orders may be sent again. The venue's word stands."""
    state.shut = {hedge: known for hedge, known in state.shut.items() if known.status}


def on_read(step: Step, event: MarketsRead) -> None:
    """Take the venue's word on which of our hedge markets it trades. One that it trades again begins anew."""
    state = step.state
    for settings in state.settings.underlyings:
        for hedge in settings.hedge_instruments:
            if hedge in event.trading and status(state, hedge):
                del state.shut[hedge]
                underlying = state.underlyings[settings.underlying]
                _begin_anew(underlying)
                underlying.retry_at_ns = min(underlying.retry_at_ns, step.at_ns)
            elif word := event.shut.get(hedge, ""):
                # Refusals before it have their reason now.
                state.shut[hedge] = ShutMarket(status=word)


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
    """Forget what hedges nothing any more, and refusals of long ago. Called by the timer."""
    state = step.state
    if state.shut:
        configured = {hedge for one in state.settings.underlyings for hedge in one.hedge_instruments}
        for hedge, known in list(state.shut.items()):
            old = not known.status and step.at_ns - known.refused_at_ns > FORGOTTEN_NS
            if old or hedge not in configured:
                del state.shut[hedge]
    for settings in state.settings.underlyings:
        ends_ns = row_ends_ns(state, state.underlyings[settings.underlying])
        if ends_ns and step.at_ns >= ends_ns and not any(one in state.shut for one in settings.hedge_instruments):
            _begin_anew(state.underlyings[settings.underlying])


def row_ends_ns(state: EngineState, underlying: UnderlyingState) -> int:
    """From when orders that did nothing are a row no more: nobody has wanted to trade since. 0 while there is none.

    A restart waits for as long, too: it says nothing of the orders before it.
    """
    row = underlying.rejects or underlying.refusals
    return max(underlying.retry_at_ns, state.run_started_ns) + FORGOTTEN_NS if row else 0


def _begin_anew(underlying: UnderlyingState) -> None:
    underlying.rejects = underlying.refusals = 0
