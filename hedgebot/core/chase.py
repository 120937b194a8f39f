"""Where the prices stood that our orders may have moved since: a window for each, from our first order that follows it.

Orders in any hedge follow the main hedge's price, each at its basis from it, so that they count together. A main price
that is old follows nothing: then each hedge's own price is what its orders follow. Both are kept with each order, so
that a main market that dies or comes back forgets nothing. Owns the windows; must not know what is too far.
"""

from hedgebot.core import market
from hedgebot.core.state import ChaseStart, EngineState, OrderRecord, settings_of
from hedgebot.core.step import Step
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.instrument import InstrumentId


def on_sent(step: Step, record: OrderRecord) -> None:
    """Begin the windows of the prices that an order follows, where none is open."""
    state, intent = step.state, record.intent
    underlying, settings = state.underlyings[intent.underlying], settings_of(state, intent.underlying)
    prices = {intent.instrument: record.arrival_mid}
    if settings is not None and is_live(state, settings.hedge_instrument, step.at_ns):
        prices[settings.hedge_instrument] = underlying.price
    begun = {name: ChaseStart(price=price, at_ns=step.at_ns) for name, price in prices.items()}
    open_now = {name: one for name, one in underlying.chased.items() if is_open(state, one, step.at_ns)}
    underlying.chased = begun | open_now


def is_open(state: EngineState, start: ChaseStart, at_ns: int) -> bool:
    """Whether a window goes on."""
    return at_ns - start.at_ns <= state.limits.chase_window_ms * NS_PER_MS


def is_live(state: EngineState, main: InstrumentId, at_ns: int) -> bool:
    """Whether the main hedge's price moves with the market, as far as the age of its book says."""
    return market.book_age_ms(state, main, at_ns) <= state.limits.book_age_ms_max
