"""Which floor the buffer has now: normal, or the higher one while the market is wild or a configured event is on.

Owns the regime and its record in the journal (margin reference section 10: 20 to 30 % in normal times, 50 % in high
volatility or before events). What follows from it is `margin_gate.floor_use`. Sends no order.
"""

import math
from datetime import UTC, datetime

from hedgebot.core import margin_gate
from hedgebot.core.state import AccountState, EngineState
from hedgebot.core.step import Step
from hedgebot.core.volatility import vol_day_of
from hedgebot.domain.commands import RecordRegime
from hedgebot.domain.settings import MarginEvent
from hedgebot.pricing.band import DAYS_PER_YEAR

CALM_RATIO = 0.8
"""A wild market is calm again below this share of the volatility that made it wild."""

NORMAL, HIGH_VOL, EVENT = "normal", "high_vol", "event"


def note(step: Step, account: AccountState) -> None:
    """Bring an account's regime up to date, and record that it changed."""
    margin, state = account.margin, step.state
    before = regime(account)
    margin.high_vol = is_wild(state, account, [vol_day_of(one) for one in state.underlyings.values()])
    running = event_on(state, step.at_ns)
    ended, margin.event = margin.event, "" if running is None else running.name
    after = regime(account)
    if before == after and ended == margin.event:
        return
    step.emit(
        RecordRegime(
            account=account.name,
            before=before,
            after=after,
            floor_use=margin_gate.floor_use(state, account),
            why=_why(state, account, ended, step.at_ns),
        )
    )


def is_wild(state: EngineState, account: AccountState, vols: list[float | None]) -> bool:
    """Whether the market is wild for an account with these volatilities of all underlyings, per root day.

    Once it is, it has to calm down well below the line.
    """
    was, limit = account.margin.high_vol, state.limits.high_vol_year
    line = limit * CALM_RATIO if was else limit
    if any(one is not None and one * math.sqrt(DAYS_PER_YEAR) > line for one in vols):
        return True
    # A volatility that is not known any more (a long stop forgets it) has not come down: wild stays wild until it is.
    return was and None in vols


def regime(account: AccountState) -> str:
    """The word for what holds now; an event outranks the market."""
    if account.margin.event:
        return EVENT
    return HIGH_VOL if account.margin.high_vol else NORMAL


def event_on(state: EngineState, at_ns: int) -> MarginEvent | None:
    """The configured event whose window this moment is in; the one that ends last, where windows overlap."""
    on = [one for one in state.settings.margin_events if one.start_ns <= at_ns < one.end_ns]
    return max(on, key=lambda one: one.end_ns, default=None)


def describe(state: EngineState, account: AccountState, at_ns: int) -> str:
    """The regime in a few words, with the next event where one is configured."""
    floor = f"buffer floor {1.0 - margin_gate.floor_use(state, account):.0%}"
    running = event_on(state, at_ns)
    if account.margin.event and running is not None:
        return f"{floor}: event {running.name} until {clock(running.end_ns)}"
    words = f"{floor}: the market is wild" if account.margin.high_vol else floor
    coming = min(
        (one for one in state.settings.margin_events if one.start_ns > at_ns),
        key=lambda one: one.start_ns,
        default=None,
    )
    return f"{words}; next event {coming.name} at {clock(coming.start_ns)}" if coming is not None else words


def clock(at_ns: int) -> str:
    """A moment as people read it."""
    return datetime.fromtimestamp(at_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _why(state: EngineState, account: AccountState, ended: str, at_ns: int) -> str:
    running = event_on(state, at_ns)
    if running is not None:
        return f"event {running.name} until {clock(running.end_ns)}"
    if account.margin.high_vol:
        return f"volatility is above {state.limits.high_vol_year:.0%} a year"
    return f"event {ended} is over" if ended else f"volatility is below {state.limits.high_vol_year * CALM_RATIO:.0%}"
