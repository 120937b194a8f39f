"""Calm: a proven claim that books and timers of a while come to nothing, and what they leave behind all the same.

Owns the claim, its exact effects and when one may be made; the bounds are `calm_bounds.py`'s. It takes no decision and
gives no command: an event that a claim does not cover is stepped by the engine as ever. A claim is made from the state
after a real step that gave no command; its timer half only where the newest timer was stepped at rest and nothing but
books, tickers and signs of life came since. What it does to the state is what the step does, to the last bit: the
journal and the state of a run with claims are those of the run without.
"""

import math
from collections.abc import Callable
from decimal import InvalidOperation
from typing import NamedTuple, cast

from hedgebot.core import limits, loss_limits, market, raises, tracking
from hedgebot.core.calm_bounds import BOOK_BOUNDS, EDGE, TICKED, TIMER_BOUNDS, Bound, BoundOf, Look, tightest
from hedgebot.core.margin_watch import LOOK_NS
from hedgebot.core.risk_state import NS_PER_HOUR
from hedgebot.core.state import EngineState
from hedgebot.core.strategy import Steady, SteadyStrategy, Strategy
from hedgebot.core.trail import SPELL_NS, note
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command
from hedgebot.domain.instrument import InstrumentId, venue_of
from hedgebot.domain.settings import StrategySettings, UnderlyingSettings

WORTH_EVENTS = 4
"""A claim that covered fewer events cost more than it saved: the next one waits for more quiet steps."""

_WAIT_STEPS = 16
_NS_PER_MS = 1_000_000
StrategyOf = Callable[[StrategySettings], Strategy]


class Rules(NamedTuple):
    """What is held against each event. Nanoseconds on our clock; ages by content are `fresh_ns` at most.

    `pause_ns` between two events; `ahead_ns` how far a venue's stamp may be ahead; `mark_until_ns` until when the mark
    counts as fresh; `spread_bps` of a book at a timer.
    """

    pause_ns: int
    ahead_ns: int
    offset_ns: int
    has_offset: bool
    fresh_ns: int
    mark_until_ns: int
    spread_bps: float


class Claim:
    """One claim. `books` covers books of the hedge, `timers` (None: none) the timer; both change the state exactly."""

    __slots__ = (
        "_accounts",
        "_ahead_ns",
        "_bleed_usd",
        "_closes",
        "_feeds",
        "_high",
        "_low",
        "_offset_ns",
        "_pause_ns",
        "_state",
        "_trail",
        "_until_ns",
        "books",
        "covered",
        "instrument",
        "quote",
        "rules",
        "settings",
        "timer_ns",
        "timers",
        "underlying",
    )

    def __init__(self, look: Look, books: Bound, timers: Bound | None, timer_ns: int) -> None:
        state = look.state
        self._state = state
        self.settings, self.underlying, self.quote = look.settings, look.underlying, look.quote
        self.instrument: InstrumentId = look.settings.hedge_instrument
        self.books, self.timers, self.timer_ns = books, timers, timer_ns
        self.rules = _rules_of(look)
        self.covered = 0
        self._until_ns, self._low, self._high = books
        self._pause_ns, self._ahead_ns, self._offset_ns = self.rules[:3]
        self._trail = look.underlying.trail
        self._accounts = tuple(state.accounts.values())
        self._closes = state.risk.closes.get(look.underlying.name)
        self._feeds = tuple(name for name, last in state.good_at_ns.items() if last == timer_ns)
        alert_usd = raises.in_force(state, "bleed_usd_alert", look.at_ns)
        self._bleed_usd = min(alert_usd, state.limits.bleed_usd_max) * (1.0 - EDGE)

    @property
    def state(self) -> EngineState:
        """The state that the claim is about."""
        return self._state

    def take(self, stamped: ev.Stamped) -> bool:
        """Cover an event, with all that it does to the state; False where it must be stepped, and nothing is done."""
        event = stamped.event
        if isinstance(event, ev.BookTop):
            return self.take_book(event, stamped.at_ns)
        return isinstance(event, ev.TimerFired) and self.take_timer(stamped.at_ns)

    def take_book(self, event: ev.BookTop, at_ns: int) -> bool:
        """Cover a book; False where it must be stepped."""
        bid, ask, venue_ns, quote, state = event.bid, event.ask, event.venue_at_ns, self.quote, self._state
        if (
            bid is None
            or ask is None
            or at_ns >= self._until_ns
            or event.instrument != self.instrument
            or not 0 <= at_ns - state.at_ns <= self._pause_ns
            or not quote.book_venue_ns < venue_ns <= at_ns + self._ahead_ns
        ):
            return False
        try:
            # Half the sum's float is the float of half the sum: a power of two rounds nothing.
            price = float(bid + ask) * 0.5
            if not (0 < bid < ask and self._low <= price <= self._high):
                return False
        except InvalidOperation:
            return False
        if (event.bid_qty is not None or event.ask_qty is not None) and not _stand_there(event):
            return False
        if bid != quote.bid or ask != quote.ask or quote.still_mark is None:
            self.note_still(at_ns)
        quote.bid, quote.ask, quote.book_at_ns, quote.book_venue_ns = bid, ask, at_ns, venue_ns
        self.underlying.price, state.at_ns = price, at_ns
        spell = self._trail[-1] if self._trail else None
        own_ns = venue_ns - self._offset_ns
        if spell is None or not spell.from_ns <= own_ns < spell.from_ns + SPELL_NS:
            note(self._trail, own_ns, price)
        elif price < spell.low:
            spell.low = price
        elif price > spell.high:
            spell.high = price
        self.covered += 1
        return True

    def note_still(self, at_ns: int) -> None:
        """The book's prices changed at this moment."""
        quote = self.quote
        quote.still_since_ns = at_ns
        quote.still_mark = quote.mark if at_ns < self.rules.mark_until_ns else None

    def take_timer(self, at_ns: int) -> bool:
        """Cover a timer; False where it must be stepped."""
        state, underlying = self._state, self.underlying
        if not (0 <= at_ns - state.at_ns <= self.rules.pause_ns and self._timer_is_calm(at_ns)):
            return False
        state.at_ns = at_ns
        self.after_timer(at_ns)
        kept = underlying.tracking
        if at_ns - kept.at_ns >= tracking.LOOK_NS:
            self.look(at_ns)
        self.covered += 1
        return True

    def look(self, at_ns: int) -> None:
        """The second's look at what is left open. Where it brings a loss limit near, the next timer is stepped."""
        tracking.look(self.underlying, self.settings, at_ns)
        bleed = loss_limits.bleed_usd(self.underlying)
        if bleed is not None and bleed > self._bleed_usd:
            self.timers = None

    def after_timer(self, at_ns: int) -> None:
        """What a timer at rest leaves behind, but for the look."""
        self.timer_ns = at_ns
        for account in self._accounts:
            if at_ns - account.margin.looked_at_ns >= LOOK_NS:
                account.margin.looked_at_ns = at_ns
        closes, good = self._closes, self._state.good_at_ns
        if closes is not None:
            closes.hour, closes.price = at_ns // NS_PER_HOUR, self.underlying.price
        for name in self._feeds:
            good[name] = at_ns

    def _timer_is_calm(self, at_ns: int) -> bool:
        timers, held, quote, price = self.timers, self.rules, self.quote, self.underlying.price
        if timers is None or at_ns >= timers.until_ns or not timers.low <= price <= timers.high:
            return False
        age_ns = at_ns - quote.book_at_ns
        if held.has_offset:
            age_ns = max(age_ns, at_ns + held.offset_ns - quote.book_venue_ns)
        if age_ns > held.fresh_ns or quote.bid is None or quote.ask is None:
            return False
        return float(quote.ask - quote.bid) <= price * held.spread_bps


def _stand_there(event: ev.BookTop) -> bool:
    """Whether the quantities of a book are those of somebody."""
    return all(one is None or (one.is_finite() and one > 0) for one in (event.bid_qty, event.ask_qty))


def _rules_of(look: Look) -> Rules:
    state, quote, at_most = look.state, look.quote, look.state.limits
    offset_ms = market.clock_offset_ms(state, venue_of(look.settings.hedge_instrument))
    offset_ns = round((offset_ms or 0.0) * _NS_PER_MS)
    mark_until_ns = 0
    if quote.mark_at_ns:
        seen_ns = quote.mark_at_ns if offset_ms is None else min(quote.mark_at_ns, quote.mark_venue_ns - offset_ns)
        mark_until_ns = seen_ns + (at_most.mark_age_ms_max + 1) * _NS_PER_MS
    told_ms = math.floor(min(at_most.book_age_ms_max * limits.STALE_TOLD_AT, at_most.book_age_ms_max))
    return Rules(
        pause_ns=at_most.pause_ms_max * _NS_PER_MS,
        # A millisecond less: the limit itself is a float of milliseconds.
        ahead_ns=round((market.AHEAD_MS_MAX - 1.0) * _NS_PER_MS) + offset_ns,
        offset_ns=offset_ns,
        has_offset=offset_ms is not None,
        fresh_ns=told_ms * _NS_PER_MS,
        mark_until_ns=mark_until_ns,
        spread_bps=look.settings.spread_bps_max * 1e-4 * (1.0 - EDGE),
    )


class Calms:
    """Makes claims for an engine, and knows when one may be made."""

    def __init__(self) -> None:
        self._timer_ns = 0
        self._at_rest = False
        self._quiet_steps = 0
        self._wait = 0
        self._kept: dict[BoundOf, Bound] = {}

    def note(self, stamped: ev.Stamped, commands: tuple[Command, ...], ended: Claim | None) -> None:
        """Hear of a real step; `ended` is the claim that did not cover it."""
        event = stamped.event
        if ended is not None:
            self._timer_ns = max(self._timer_ns, ended.timer_ns)
            self._wait = 0 if ended.covered >= WORTH_EVENTS else _WAIT_STEPS
        quiet = not commands
        self._forget(event, quiet=quiet)
        if isinstance(event, ev.TimerFired):
            self._at_rest, self._timer_ns = quiet, stamped.at_ns
        elif not isinstance(event, ev.BookTop | ev.Ticker | ev.StreamAlive) or commands:
            self._at_rest = quiet = False
        self._quiet_steps = self._quiet_steps + 1 if quiet else 0

    def _forget(self, event: ev.Event, *, quiet: bool) -> None:
        """Bounds that a step has moved are made anew."""
        if quiet and isinstance(event, ev.Ticker | ev.StreamAlive):
            for bound_of in TICKED:
                self._kept.pop(bound_of, None)
        else:
            self._kept.clear()

    def claim(self, state: EngineState, strategy_of: StrategyOf, *, worth: bool = True) -> Claim | None:
        """A claim from here on; None where nothing can be claimed, or (`worth`) where it would not pay."""
        if worth and (self._quiet_steps == 0 or self._quiet_steps < self._wait):
            return None
        look = _look_of(state, strategy_of, self._timer_ns)
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


def _look_of(state: EngineState, strategy_of: StrategyOf, timer_ns: int) -> Look | None:
    """One underlying, hedged in one instrument, by strategies whose band stands still; None for any other book."""
    if len(state.settings.underlyings) != 1:
        return None
    settings = state.settings.underlyings[0]
    quote = state.quotes.get(settings.hedge_instrument)
    steady = _steady(state, strategy_of, settings)
    if len(settings.hedge_instruments) != 1 or quote is None or steady is None:
        return None
    underlying = state.underlyings[settings.underlying]
    return Look(state, settings, underlying, quote, steady, state.at_ns, timer_ns)


def _steady(state: EngineState, strategy_of: StrategyOf, settings: UnderlyingSettings) -> Steady | None:
    band: Steady | None = None
    for one in state.settings.strategies:
        if one.enabled and settings.underlying in one.underlyings:
            strategy = strategy_of(one)
            # Not `isinstance`: that walks the protocol each time.
            band = cast("SteadyStrategy", strategy).steady(settings, band) if hasattr(strategy, "steady") else None
            if band is None:
                return None
    return band
