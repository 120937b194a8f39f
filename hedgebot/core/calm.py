"""Calm: a proven claim that market and timers of a while come to nothing, and what they leave behind all the same.

Owns the claim and its exact effects; the bounds are `calm_bounds.py`'s, `calms.py` makes claims. It takes no decision
and gives no command: an event that a claim does not cover is stepped by the engine as ever. Books of the hedge and the
timer are covered, its ticker while mark and index stay in their room and the rate is the same, and signs of life:
those two do to the state what `market.py` and `connections.py` do. A claim is made from the state
after a real step that gave no command; its timer half only where the newest timer came to nothing, but for asking for a
snapshot, and nothing but books, tickers, signs of life and snapshots came since, without a command. What it does to the
state is what the step does, to the last bit: the journal and the state of a run are the same with claims and without.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import numpy as np

from hedgebot.core import calm_money, connections, market, reconcile, tracking
from hedgebot.core.calm_bounds import ALIVE_BOUNDS, regime_stays
from hedgebot.core.calm_look import NEVER_NS, Bound, Look
from hedgebot.core.calm_rules import Room, is_within, mark_until_ns, room_around, rules_of, stand_there
from hedgebot.core.drift import Floats, Ints
from hedgebot.core.exposure import linear_delta, linear_delta_row, linear_floats
from hedgebot.core.state import EngineState, followed
from hedgebot.core.step import Step
from hedgebot.core.trail import SPELL_NS, note_range
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_HOUR
from hedgebot.domain.instrument import InstrumentId

_PRICE_MAX = 1e300


class Taken(NamedTuple):
    """How many books of a row a claim covered, and the first one that it did not."""

    books: int
    left: ev.BookTop | None


class Claim:
    """One claim. `books` covers books of the hedge, `timers` (None: none) the timer; both change the state exactly.

    The timer is covered before `alive_until_ns`, too: until then the last sign of life, mark and index count.
    `read`: no timer has left yet what a snapshot brought.
    """

    __slots__ = (
        "_decided_ns",
        "_feeds",
        "_heard",
        "_index",
        "_linear",
        "_look",
        "_mark",
        "_mark_until_ns",
        "_rooms",
        "_state",
        "_sums",
        "alive_until_ns",
        "asking_ns",
        "books",
        "covered",
        "instrument",
        "owed",
        "quote",
        "read",
        "rules",
        "settings",
        "timer_ns",
        "timers",
        "underlying",
    )

    def __init__(self, look: Look, books: Bound, timers: Bound | None, timer_ns: int) -> None:
        state = look.state
        self._state, self._look = state, look
        self.settings, self.underlying, self.quote = look.settings, look.underlying, look.quote
        self.instrument: InstrumentId = look.settings.hedge_instrument
        self.books, self.timers, self.timer_ns = books, timers, timer_ns
        self.rules = rules_of(look)
        self._mark_until_ns = mark_until_ns(look, self.rules)
        self.covered, self.read = 0, look.read
        self.owed: Callable[[], None] | None = None
        self._decided_ns = 0
        # What only some claims need is made when it is asked for; mark and index are the room's middle as they are now.
        self._sums: tuple[Decimal, Decimal] | None = None
        self._rooms: tuple[Room | None, Room | None] | None = None
        self._linear: tuple[float, float] | None = None
        self._mark, self._index = look.quote.mark, look.quote.index
        self._feeds: tuple[str, ...] = ()
        self._heard = False
        self.alive_until_ns = 0
        self.asking_ns = min([one.snapshot_due_ns for one in followed(state) if not one.request_open], default=NEVER_NS)
        if timers is not None:
            self._feeds = tuple([name for name, last in state.good_at_ns.items() if last == timer_ns])
            self._hear_life()

    @property
    def state(self) -> EngineState:
        """The state that the claim is about."""
        return self._state

    def settle(self) -> None:
        """Have done what whoever took a whole row put off; to be called before anything is stepped."""
        owed, self.owed = self.owed, None
        if owed is not None:
            owed()
        self.note_band()

    def decided(self, at_ns: int) -> None:
        """A book or a timer was taken: the band was looked at then."""
        self._decided_ns = at_ns

    def note_band(self) -> None:
        """The band in force, as the newest book or timer found it; one that stands still is there already."""
        at_ns, self._decided_ns = self._decided_ns, 0
        if at_ns and (found := self.band(at_ns)) is not None:
            self.underlying.trigger_coin, self.underlying.inside_coin = found

    @property
    def band_moves(self) -> bool:
        """Whether the band is another one at each price and moment."""
        return self._look.band_at is not None

    def band(self, at_ns: int) -> tuple[float, float] | None:
        """Trigger and inside target of a look at a moment, at the underlying's price; None where they stand still."""
        found = None if self._look.band_at is None else self._look.band_at(at_ns)
        return None if found is None else (found.trigger_coin, found.inside_coin)

    def take(self, stamped: ev.Stamped) -> bool:
        """Cover an event, with all that it does to the state; False where it must be stepped, and nothing is done."""
        return self.cover(stamped.event, stamped.at_ns)

    def cover(self, event: ev.Event, at_ns: int) -> bool:
        """`take` of an event at its moment: its number does nothing."""
        match event:
            case ev.BookTop():
                return self.take_books((event,), NEVER_NS, lag_ns=at_ns - event.venue_at_ns).books == 1
            case ev.TimerFired():
                return self.take_timer(at_ns)
            case ev.Ticker():
                covered = self._ticker_is_calm(event, at_ns)
                if covered:
                    self._state.at_ns = at_ns
                    market.take_ticker(self.quote, event, at_ns)
                    self._mark_until_ns = mark_until_ns(self._look, self.rules)
                    self._heard = True
            case ev.StreamAlive():
                covered = 0 <= at_ns - self._state.at_ns <= self.rules.pause_ns
                if covered:
                    self._state.at_ns = at_ns
                    connections.note_alive(self._state, event, at_ns)
                    self._heard = True
            case ev.ClockMeasured():
                account = self._state.accounts.get(event.account)
                covered = account is not None and event.offset_ms == account.clock_offset_ms
                covered = covered and 0 <= at_ns - self._state.at_ns <= self.rules.pause_ns
                if covered and account is not None:
                    self._state.at_ns = account.clock_at_ns = at_ns
            case _:
                return False
        self.covered += covered
        return covered

    def take_books(self, books: Iterable[ev.BookTop], before_ns: int, lag_ns: int = 0) -> Taken:
        """Cover books one by one, each `lag_ns` after its stamp, up to the first that must be stepped.

        One that comes at `before_ns` or later is left, too: something else comes first.
        """
        quote, held, instrument = self.quote, self.rules, self.instrument
        bid, ask, stamp_ns, at_ns = quote.bid, quote.ask, quote.book_venue_ns, self._state.at_ns
        bid_qty, ask_qty = quote.bid_qty, quote.ask_qty
        until_ns = min(self.books.until_ns, before_ns) if -lag_ns <= held.ahead_ns else 0
        pause_ns, mark_until_ns = held.pause_ns, self._mark_until_ns
        # A mark that was not fresh when the book changed: each quote counts as one that has just begun to stand still.
        changed_ns = -1 if quote.still_mark is not None else mark_until_ns
        if self._sums is None:
            # Twice the middle, exact: a book's bid and ask are added up, not halved.
            self._sums = Decimal(self.books.low) * 2, Decimal(min(self.books.high, _PRICE_MAX)) * 2
        least, most = self._sums
        low = high = ZERO
        taken = spell_ns = spell_end_ns = 0
        book = None
        try:
            for book in books:
                next_bid, next_ask, next_ns = book.bid, book.ask, book.venue_at_ns
                next_bid_qty, next_ask_qty = book.bid_qty, book.ask_qty
                moment_ns = next_ns + lag_ns
                if (
                    not stamp_ns < next_ns
                    or not at_ns <= moment_ns < until_ns
                    or moment_ns - at_ns > pause_ns
                    or next_bid is None
                    or next_ask is None
                    or not ZERO < next_bid < next_ask
                    or book.instrument != instrument
                    or ((next_bid_qty is not None or next_ask_qty is not None) and not stand_there(book))
                ):
                    break
                total = next_bid + next_ask
                if next_ns >= spell_end_ns or not low <= total <= high:
                    if not least <= total <= most:
                        break
                    if next_ns >= spell_end_ns:
                        if taken:
                            self._note_spell(spell_ns, low, high)
                        spell_ns = next_ns - held.offset_ns
                        spell_end_ns = next_ns + SPELL_NS - spell_ns % SPELL_NS
                        low = high = total
                    elif total < low:
                        low = total
                    else:
                        high = total
                if next_bid != bid or next_ask != ask or changed_ns >= mark_until_ns:
                    changed_ns = moment_ns
                bid, ask, stamp_ns, at_ns = next_bid, next_ask, next_ns, moment_ns
                bid_qty, ask_qty = next_bid_qty, next_ask_qty
                taken += 1
            else:
                book = None
        except InvalidOperation:
            pass
        if taken:
            self._note_spell(spell_ns, low, high)
            self._note_book(bid, ask, stamp_ns, at_ns, changed_ns)
            quote.bid_qty, quote.ask_qty = bid_qty, ask_qty
            self.covered += taken
        return Taken(taken, book)

    def note_still(self, at_ns: int) -> None:
        """The book's prices changed at this moment."""
        quote = self.quote
        quote.still_since_ns = at_ns
        quote.still_mark = quote.mark if at_ns < self._mark_until_ns else None

    def take_timer(self, at_ns: int) -> bool:
        """Cover a timer; False where it must be stepped."""
        state = self._state
        if not (0 <= at_ns - state.at_ns <= self.rules.pause_ns and self._timer_is_calm(at_ns)):
            return False
        state.at_ns = at_ns
        self.after_timer(at_ns, self.underlying.price)
        if at_ns >= self.underlying.drift.vol_due_ns:
            self.step_volatility(self.underlying.price, at_ns)
        if at_ns - self.underlying.tracking.at_ns >= tracking.LOOK_NS:
            # What is open is held against the band of the last decision, not of this one.
            self.note_band()
            self.look(at_ns)
        self._decided_ns = at_ns
        self.covered += 1
        return True

    def ask(self, stamped: ev.Stamped) -> tuple[Command, ...] | None:
        """Cover a timer but for the snapshots that are due at it, which it asks for; None where it is another event."""
        if not isinstance(stamped.event, ev.TimerFired) or stamped.at_ns < self.asking_ns:
            return None
        self.asking_ns = NEVER_NS
        if not self.take_timer(stamped.at_ns):
            return None
        step = Step(self._state, seq=stamped.seq, at_ns=stamped.at_ns)
        reconcile.sweep(step)
        return tuple(step.commands)

    def step_volatility(self, price: float, at_ns: int) -> None:
        """Move the volatility; where the regime is another one with it, the next timer tells, and is to be stepped."""
        self.underlying.drift.add_price(price, at_ns)
        if not regime_stays(self._state, self.underlying.drift):
            self.timers = None

    def look(self, at_ns: int) -> None:
        """The second's look at what is left open."""
        underlying = self.underlying
        tracking.look(underlying, self.settings, linear_delta(*self._floats(), underlying.price), at_ns)

    def look_row(self, prices: Floats, at_ns: Ints, decided_ns: list[int], vols: Floats | None = None) -> None:
        """`look` at several moments, at these prices; at each of them the band is that of an earlier decision.

        `vols` are the volatilities at them, where they are not all the one of now.
        """
        underlying, deltas = self.underlying, linear_delta_row(*self._floats(), prices)
        bands = self._bands(prices, decided_ns)
        tracking.look_row(underlying, self.settings, prices, deltas, at_ns, bands, vols)

    def _floats(self) -> tuple[float, float]:
        """What the delta is made of; it stands until something is booked, which no claim covers."""
        if self._linear is None:
            self._linear = linear_floats(self.underlying)
        return self._linear

    def _bands(self, prices: Floats, decided_ns: list[int]) -> tuple[float, float] | Floats:
        """Trigger and inside target of several decisions, shape (2, n); a pair where they stand still."""
        underlying = self.underlying
        stands = underlying.trigger_coin, underlying.inside_coin
        if self._look.band_at is None:
            return stands
        newest, found = underlying.price, []
        for price, at_ns in zip(prices.tolist(), decided_ns, strict=True):
            underlying.price = price
            # A moment of 0 is before the row: what was found then is in the state.
            found.append((self.band(at_ns) if at_ns else None) or stands)
        underlying.price = newest
        return np.array(found).T

    def after_timer(self, at_ns: int, price: float) -> None:
        """What a timer at rest leaves behind, but for the look; the newest one's is all that is left of a row."""
        state, self.timer_ns = self._state, at_ns
        self.read = not calm_money.after_timer(state, at_ns, read=self.read) and self.read
        closes, good = state.risk.closes.get(self.underlying.name), state.good_at_ns
        if closes is not None:
            closes.hour, closes.price = at_ns // NS_PER_HOUR, price
        for name in self._feeds:
            good[name] = at_ns

    def _timer_is_calm(self, at_ns: int) -> bool:
        timers, held, quote, price = self.timers, self.rules, self.quote, self.underlying.price
        if timers is None or at_ns >= min(timers.until_ns, self.asking_ns) or not timers.low <= price <= timers.high:
            return False
        if at_ns >= self.lives_until_ns(at_ns + 1):
            return False
        age_ns = at_ns - quote.book_at_ns
        if held.has_offset:
            age_ns = max(age_ns, at_ns + held.offset_ns - quote.book_venue_ns)
        if age_ns > held.fresh_ns or quote.bid is None or quote.ask is None:
            return False
        return float(quote.ask - quote.bid) <= price * held.spread_bps

    def _ticker_is_calm(self, event: ev.Ticker, at_ns: int) -> bool:
        """Whether a ticker moves nothing but mark and index, within their room."""
        quote, held, state = self.quote, self.rules, self._state
        if event.instrument != self.instrument or not 0 <= at_ns - state.at_ns <= held.pause_ns:
            return False
        hours = event.funding_interval_hours or quote.funding_interval_hours
        if event.funding_rate != quote.funding_rate or hours != quote.funding_interval_hours:
            return False
        if not quote.mark_venue_ns < event.venue_at_ns <= at_ns + held.ahead_ns:
            return False
        if self._rooms is None:
            self._rooms = room_around(self._mark, self._look.room), room_around(self._index, self._look.room)
        return is_within(event.mark, self._rooms[0]) and is_within(event.index, self._rooms[1])

    def lives_until_ns(self, at_ns: int) -> int:
        """Until when the timer may go by with the signs of life, mark and index that were heard so far.

        What was heard since is asked only where the last answer does not reach to a moment.
        """
        if self._heard and at_ns > self.alive_until_ns:
            self._hear_life()
        return self.alive_until_ns

    def _hear_life(self) -> None:
        self._heard, until_ns = False, NEVER_NS
        for bound_of in ALIVE_BOUNDS:
            bound = bound_of(self._look)
            until_ns = min(until_ns, 0 if bound is None else bound.until_ns)
        self.alive_until_ns = until_ns

    def _note_spell(self, own_ns: int, low: Decimal, high: Decimal) -> None:
        note_range(self.underlying.trail, own_ns, float(low) * 0.5, float(high) * 0.5)

    def _note_book(self, bid: Decimal | None, ask: Decimal | None, stamp_ns: int, at_ns: int, changed_ns: int) -> None:
        """The newest book of a row, and when the last one came that differed from the one before it."""
        quote = self.quote
        if bid is None or ask is None:
            return
        quote.bid, quote.ask, quote.book_at_ns, quote.book_venue_ns = bid, ask, at_ns, stamp_ns
        # Half the sum's float is the float of half the sum: a power of two rounds nothing.
        self.underlying.price, self._state.at_ns = float(bid + ask) * 0.5, at_ns
        self._decided_ns = at_ns
        if changed_ns >= 0:
            self.note_still(changed_ns)
