"""When a claim may be made, and the claim: what the bounds of `calm_bounds.py` allow together, from here on.

Owns what must have been stepped before, which bounds stand from claim to claim, and whether a claim would pay. The
claim's effects are `calm.py`'s. Decides nothing and changes no state.
"""

import math
from collections.abc import Iterable
from typing import cast

import msgspec

from hedgebot.core.calm import Claim
from hedgebot.core.calm_bounds import BOOK_BOUNDS, TICKED, TIMER_BOUNDS, room_of
from hedgebot.core.calm_look import EDGE, NEVER_NS, Bound, BoundOf, Look, tightest
from hedgebot.core.decide import StrategyOf, band_at
from hedgebot.core.drift import KNOWN_AFTER_DAYS
from hedgebot.core.policy import steady_in_force
from hedgebot.core.state import EngineState
from hedgebot.core.strategy import Steady, SteadyStrategy
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command, RequestSnapshot
from hedgebot.domain.durations import NS_PER_DAY
from hedgebot.domain.settings import StrategySettings, UnderlyingSettings

WORTH_EVENTS = 4
"""A claim that covered fewer events cost more than it saved: the next one waits for more quiet steps."""

_WAIT_STEPS = 16
_TICKING = (ev.Ticker, ev.StreamAlive)
_MARKET = (ev.BookTop, *_TICKING)
_NO_BAND = Steady(0.0, 0.0, 0.0, NEVER_NS)
_NARROWS_NS, _NARROWS_RATIO = 60_000_000_000, 0.01
"""How far ahead a band that moves is looked at: it hardly changes in a minute, or with a hundredth of the price."""


class Calms:
    """Makes claims for an engine, and knows when one may be made."""

    def __init__(self) -> None:
        self._timer_ns = 0
        self._at_rest = self._read = False
        self._quiet_steps = 0
        self._wait = 0
        self._kept: dict[BoundOf, Bound] = {}

    def note(self, stamped: ev.Stamped, commands: tuple[Command, ...], ended: Claim | None) -> None:
        """Hear of a real step; `ended` is the claim that did not cover it."""
        event = stamped.event
        if ended is not None:
            self._read, self._timer_ns = ended.read, ended.timer_ns
            self._wait = 0 if ended.covered >= WORTH_EVENTS else _WAIT_STEPS
        quiet = not commands
        self._forget(event, quiet=quiet)
        if isinstance(event, ev.TimerFired):
            # One that only asks for a snapshot is at rest but for that.
            self._at_rest, self._read = all(isinstance(one, RequestSnapshot) for one in commands), False
            self._timer_ns = stamped.at_ns
        elif quiet and isinstance(event, ev.SnapshotTaken):
            # What it moved for the timer is `calm_money.py`'s.
            self._read = True
        elif commands or not isinstance(event, _MARKET):
            self._at_rest = quiet = False
        self._quiet_steps = self._quiet_steps + 1 if quiet else 0

    def _forget(self, event: ev.Event, *, quiet: bool) -> None:
        """Bounds that a step has moved are made anew."""
        if quiet and isinstance(event, _TICKING):
            for bound_of in TICKED:
                self._kept.pop(bound_of, None)
        else:
            self._kept.clear()

    def claim(self, state: EngineState, strategy_of: StrategyOf, *, worth: bool = True) -> Claim | None:
        """A claim from here on; None where nothing can be claimed, or (`worth`) where it would not pay."""
        if worth and (self._quiet_steps == 0 or self._quiet_steps < self._wait):
            return None
        look = _look_of(state, strategy_of, self._timer_ns, read=self._read)
        books = tightest(look, BOOK_BOUNDS, self._kept) if look is not None else None
        if look is None or books is None:
            self._quiet_steps, self._wait = 0, _WAIT_STEPS
            return None
        timers = None
        if self._at_rest:
            timers = tightest(look._replace(low=books.low, high=books.high), TIMER_BOUNDS, self._kept)
        if timers is not None:
            timers = timers._replace(until_ns=min(timers.until_ns, books.until_ns))
        return Claim(look, books, timers, self._timer_ns)


def _look_of(state: EngineState, strategy_of: StrategyOf, timer_ns: int, *, read: bool) -> Look | None:
    """One underlying, hedged in one instrument, by strategies whose band stands still; None for any other book."""
    if len(state.settings.underlyings) != 1:
        return None
    settings = state.settings.underlyings[0]
    quote = state.quotes.get(settings.hedge_instrument)
    if len(settings.hedge_instruments) != 1 or quote is None:
        return None
    underlying = state.underlyings[settings.underlying]
    chosen = [one for one in state.settings.strategies if one.enabled and settings.underlying in one.underlyings]
    narrows = bool(chosen) and getattr(strategy_of(chosen[-1]), "narrows", False)
    # Of one that draws in: what those before it leave, where there are any.
    steady = _steady(strategy_of, settings, chosen[:-1] if narrows else chosen)
    if narrows and len(chosen) == 1:
        steady = _NO_BAND
    if steady is None:
        return None
    steady = steady_in_force(steady, settings.delta_limit_coin)
    look = Look(
        state=state,
        settings=settings,
        underlying=underlying,
        quote=quote,
        steady=steady,
        at_ns=state.at_ns,
        timer_ns=timer_ns,
        room=room_of(state, quote),
        read=read,
    )
    return _narrowing(look, strategy_of) if narrows else look


def _steady(
    strategy_of: StrategyOf, settings: UnderlyingSettings, strategies: Iterable[StrategySettings]
) -> Steady | None:
    band: Steady | None = None
    for one in strategies:
        strategy = strategy_of(one)
        # Not `isinstance`: that walks the protocol each time.
        band = cast("SteadyStrategy", strategy).steady(settings, band) if hasattr(strategy, "steady") else None
        if band is None:
            return None
    return band


def _narrowing(look: Look, strategy_of: StrategyOf) -> Look | None:
    """A band that draws in as price and time go on: its narrowest at a price and a moment somewhat ahead."""
    state, underlying, settings, drift = look.state, look.underlying, look.settings, look.underlying.drift
    if not drift.since_ns or underlying.price <= 0.0:
        return None
    until_ns, high = min(look.steady.until_ns, look.at_ns + _NARROWS_NS), underlying.price * (1.0 + _NARROWS_RATIO)
    if drift.flow_at(look.at_ns) is None:
        # With the flow that becomes known the band is another one.
        until_ns = min(until_ns, drift.since_ns + math.floor(KNOWN_AFTER_DAYS * NS_PER_DAY * (1.0 - EDGE)))
    ahead = msgspec.structs.replace(underlying, price=high)
    # Late looks move an edge the less the older the flow: the band's narrowest with the most that they ever move it.
    corner = band_at(state, strategy_of, ahead, _later(look, until_ns), until_ns)
    if drift.warning or corner is None or corner.warning or corner.below is not None or until_ns <= look.at_ns:
        return None
    low = underlying.price * (1.0 - _NARROWS_RATIO)
    if drift.bounded or _may_be_bounded(look, strategy_of, low):
        return None
    edge = corner.trigger_coin * (1.0 - EDGE)
    return look._replace(
        steady=Steady(corner.centre_coin, edge, edge, until_ns),
        low=low,
        high=high,
        band_at=lambda at_ns: band_at(state, strategy_of, underlying, settings, at_ns),
    )


def _may_be_bounded(look: Look, strategy_of: StrategyOf, low: float) -> bool:
    """Whether the delta limit may bound the band at its widest, at a price somewhat lower: that would have to be told.

    The limit is drawn in for what late looks may give back as the flow gets older.
    """
    limit_coin = look.settings.delta_limit_coin * (1.0 - _NARROWS_RATIO)
    settings = msgspec.structs.replace(look.settings, delta_limit_coin=limit_coin)
    behind = msgspec.structs.replace(look.underlying, price=low)
    widest = band_at(look.state, strategy_of, behind, settings, look.at_ns)
    return widest is None or bool(widest.bounded)


def _later(look: Look, until_ns: int) -> UnderlyingSettings:
    """The settings with looks so far apart that the flow of then moves an edge by them as the flow of now does."""
    drift = look.underlying.drift
    first, last = drift.flow_at(look.at_ns), drift.flow_at(until_ns)
    if not first or not last:
        return look.settings
    later_s = look.settings.looked_every_s * max(first / last, 1.0) * (1.0 + EDGE)
    return msgspec.structs.replace(look.settings, check_interval_s=later_s)
