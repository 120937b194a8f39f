"""The skip: how far ahead a claim covers quotes and timers, found with numpy, and all of them taken at once.

Owns the vectorised form of `core/calm.py`'s `Claim.take`: the same limits, the same effects on the state to the last
bit. It decides nothing; what a claim does not cover is stepped by whoever plays. Quotes whose effect the next one
overwrites leave only what does not go away: the trail of prices, since when a book stands still, a second's looks.
"""

from typing import NamedTuple

import msgspec
import numpy as np

from hedgebot.core.calm import Claim
from hedgebot.core.calm_bounds import regime_stays
from hedgebot.core.margin_watch import LOOK_NS
from hedgebot.core.tracking import LOOK_NS as TRACKING_NS
from hedgebot.core.trail import KEEP_NS, SPELL_NS, note_ranges
from hedgebot.core.volatility import vol_day_of
from hedgebot.lab.quotes import Ints, Quotes


class Ahead(NamedTuple):
    """What comes next: quotes from `row` on, timers from `timer_ns` every `interval_ns`, all of them before `end_ns`.

    At the same moment the timer comes before the quote.
    """

    row: int
    timer_ns: int
    interval_ns: int
    end_ns: int


class Stretch:
    """What one claim covers of quotes and timers in a row; `take` takes them, up to one moment after the other.

    What timers and the trail of prices leave is left when the claim is settled, for all of them.
    """

    def __init__(self, claim: Claim, quotes: Quotes, ahead: Ahead) -> None:
        self._claim, self._quotes = claim, quotes
        self._first = self._row = ahead.row
        self._next = 0
        self._timers, self._moments, self._before = range(0), _NONE, _NONE
        self._last, self._price, self._stepping = self._row, claim.underlying.price, 0
        claim.settle()
        claim.owed, self._decided_ns = self._settle, 0
        self._reach(ahead)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left that the claim covers."""
        return self._row == self._last and self._next == len(self._timers)

    def take(self, before_ns: int) -> tuple[int, int]:
        """Take what comes before a moment; how many quotes and timers that were.

        Where a timer has to be stepped after all, the stretch ends before it.
        """
        claim, timers = self._claim, self._timers
        calm = due = _count_before(timers, before_ns)
        if before_ns > (lives_until_ns := claim.lives_until_ns(before_ns)):
            calm = min(due, _count_before(timers, lives_until_ns))
            if calm < due:
                self._cut(calm)
        row = self._row
        if row < self._last:
            row += int(self._quotes.at_ns[row : self._last].searchsorted(before_ns))
        taken = row - self._row, calm - self._next
        if taken[1]:
            claim.state.at_ns = timers[calm - 1]
            claim.decided(timers[calm - 1])
        if taken[0]:
            self._take_books(row)
        self._row, self._next = row, calm
        claim.covered += taken[0] + taken[1]
        return taken

    # --- how far

    def _reach(self, ahead: Ahead) -> None:
        """Find the first quote or timer that the claim does not cover: what comes from there on has to wait."""
        claim, quotes, row = self._claim, self._quotes, ahead.row
        if claim.timers is None:
            self._last = row + _books_covered(claim, quotes, row, min(ahead.end_ns, ahead.timer_ns))
            return
        # Quotes are covered up to the first timer that is not.
        until_ns = min(claim.timers.until_ns, claim.asking_ns)
        steps = max(-(-(until_ns - ahead.timer_ns) // ahead.interval_ns), 0)
        end_ns = min(ahead.end_ns, ahead.timer_ns + steps * ahead.interval_ns + 1)
        count = _books_covered(claim, quotes, row, end_ns)
        at_ns = quotes.at_ns
        # Timers up to the first quote that is not covered come before it.
        stop_ns = min(int(at_ns[row + count]), end_ns - 1) if row + count < len(quotes) else end_ns - 1
        timers = range(ahead.timer_ns, stop_ns + 1, ahead.interval_ns)
        self._moments = np.arange(timers.start, timers.stop, timers.step, dtype=np.int64)
        self._before = at_ns[row : row + count].searchsorted(self._moments)
        self._timers, self._last = timers, row + count
        calm = min(steps, _timers_covered(claim, quotes, row, self._moments, self._before, ahead.interval_ns))
        calm = self._reach_volatility(calm)
        if calm < len(timers):
            self._cut(calm)

    def _reach_volatility(self, calm: int) -> int:
        """Find the timer that steps the volatility; how many of those that are calm come before the next such one.

        Where the regime is another with that step, none comes after it: the next one tells.
        """
        claim, timers = self._claim, self._timers
        number = self._stepping = _count_before(timers, claim.underlying.drift.vol_due_ns)
        if number >= calm:
            return calm
        drift = msgspec.structs.replace(claim.underlying.drift)
        drift.add_price(self._price_at(number), timers[number])
        return min(calm, _count_before(timers, drift.vol_due_ns)) if regime_stays(claim.state, drift) else number + 1

    def _cut(self, calm: int) -> None:
        """The timer of this number has to be stepped: neither it nor what comes after it is taken."""
        self._last = self._first + int(self._before[calm])
        self._timers = self._timers[:calm]

    # --- what is left behind

    def _take_books(self, row: int) -> None:
        """What the quotes up to a row leave behind, but for the trail."""
        claim, quotes, last = self._claim, self._quotes, row - 1
        quote, at_ns = claim.quote, int(quotes.at_ns[last])
        self._note_still(row)
        quote.bid, quote.ask = quotes.prices(last)
        quote.bid_qty = quote.ask_qty = None
        quote.book_at_ns = quote.book_venue_ns = at_ns
        claim.underlying.price = float(quotes.mid[last])
        if at_ns >= claim.state.at_ns:
            claim.state.at_ns = at_ns
            claim.decided(at_ns)

    def _note_still(self, row: int) -> None:
        """Since when the book stands as it does, and where the mark was then."""
        claim, quotes, first = self._claim, self._quotes, self._row
        quote, newest_ns = claim.quote, int(self._quotes.at_ns[row - 1])
        if row - 1 > first and quotes.bid[row - 1] != quotes.bid[row - 2]:
            claim.note_still(newest_ns)
            return
        changed = quotes.changed(first, row)
        changed[0] = quote.still_mark is None or (quote.bid, quote.ask) != quotes.prices(first)
        moved = np.flatnonzero(changed)
        if not len(moved):
            return
        claim.note_still(int(quotes.at_ns[first + int(moved[-1])]))
        if quote.still_mark is None:
            # Without a fresh mark each quote counts as one that has just begun to stand still.
            claim.note_still(newest_ns)

    def _settle(self) -> None:
        self._note_timers()
        self._look()
        self._note_trail()

    def _note_timers(self) -> None:
        """What the last of the timers leaves."""
        if self._next:
            self._claim.after_timer(self._timers[self._next - 1], self._price_at(self._next - 1))

    def _price_at(self, number: int) -> float:
        """The underlying's price at a timer."""
        before = int(self._before[number])
        return float(self._quotes.mid[self._first + before - 1]) if before else self._price

    def _look(self) -> None:
        """The looks that fell due at the timers that were taken, and the step of the volatility among them."""
        number, before = self._stepping, vol_day_of(self._claim.underlying)
        if not before:
            # Nothing was promised of looks without a volatility: those after the step are a row of their own.
            self._look_before(min(number, self._next))
        if number < self._next:
            self._claim.step_volatility(self._price_at(number), self._timers[number])
        self._look_before(self._next, before)

    def _look_before(self, end: int, vol_before: float | None = None) -> None:
        """The looks that fell due since the newest one, at timers before this number; and the volatility of the first.

        That is what it was before the step; after it the volatility is the one of now.
        """
        claim, timers = self._claim, self._timers
        due_ns = claim.underlying.tracking.at_ns + TRACKING_NS
        first = max(-(-(due_ns - timers.start) // timers.step), 0)
        if first >= end:
            return
        numbers = slice(first, end, -(-TRACKING_NS // timers.step))
        before, moments = self._before[numbers], self._moments[numbers]
        prices = self._quotes.mid.take(before + (self._first - 1))
        if not before[0]:
            prices[before == 0] = self._price
        decided, vols = self._decided(before, moments) if claim.band_moves else [], None
        if vol_before and first < self._stepping < end:
            vols = np.full(len(moments), vol_day_of(claim.underlying))
            vols[: -((first - self._stepping) // numbers.step)] = vol_before
        claim.look_row(prices, moments, decided, vols)

    def _decided(self, before: Ints, moments: Ints) -> list[int]:
        """When the newest decision before each of these timers was; 0 for one before the stretch."""
        quoted_ns = np.where(before > 0, self._quotes.at_ns[self._first - 1 + before], self._decided_ns)
        timed_ns = np.where(moments > self._timers.start, moments - self._timers.step, self._decided_ns)
        decided_ns: list[int] = np.maximum(quoted_ns, timed_ns).tolist()
        return decided_ns

    def _note_trail(self) -> None:
        """Spells of the last seconds; older ones would be gone by now."""
        quotes, offset_ns, first, last = self._quotes, self._claim.rules.offset_ns, self._first, self._row
        if first == last:
            return
        newest_ns = int(quotes.at_ns[last - 1]) - offset_ns
        from_ns = (newest_ns - KEEP_NS - 2 * SPELL_NS) // SPELL_NS * SPELL_NS
        first += int(quotes.at_ns[first:last].searchsorted(from_ns + offset_ns))
        at_ns, middle = quotes.at_ns[first:last] - offset_ns, quotes.mid[first:last]
        # The first quote of each spell that has one.
        ends = at_ns.searchsorted(np.arange(int(at_ns[0]) // SPELL_NS + 1, newest_ns // SPELL_NS + 2) * SPELL_NS)
        begins = np.concatenate((_FIRST, ends[:-1][ends[:-1] < ends[1:]]))
        lows, highs = np.minimum.reduceat(middle, begins), np.maximum.reduceat(middle, begins)
        note_ranges(self._claim.underlying.trail, at_ns[begins].tolist(), lows.tolist(), highs.tolist())


_FIRST: Ints = np.zeros(1, dtype=np.int64)
_NONE: Ints = np.zeros(0, dtype=np.int64)


def _books_covered(claim: Claim, quotes: Quotes, row: int, end_ns: int) -> int:
    """How many quotes in a row the claim covers, timers left aside (they only shorten pauses)."""
    books, held = claim.books, claim.rules
    if row >= len(quotes) or quotes.instrument != claim.instrument or held.ahead_ns < 0:
        return 0
    first_ns = int(quotes.at_ns[row])
    if not 0 <= first_ns - claim.state.at_ns <= held.pause_ns or claim.quote.book_venue_ns >= first_ns:
        return 0
    last = row + int(quotes.at_ns[row:].searchsorted(min(books.until_ns, end_ns)))
    last = min(last, quotes.paused_after(row, held.pause_ns))
    middle = quotes.mid[row:last]
    calm = middle >= books.low
    calm &= middle <= books.high
    return _run(calm)


def _timers_covered(claim: Claim, quotes: Quotes, row: int, at_ns: Ints, before: Ints, interval_ns: int) -> int:
    """How many timers in a row the claim covers, whatever signs of life come; `before` are the quotes before each."""
    bound, held, quote = claim.timers, claim.rules, claim.quote
    if bound is None or not len(at_ns) or not LOOK_NS <= interval_ns <= held.pause_ns:
        return 0
    if at_ns[0] < claim.state.at_ns or (not before[0] and at_ns[0] - claim.state.at_ns > held.pause_ns):
        return 0
    if quote.bid is None or quote.ask is None:
        return 0
    newest = before + (row - 1)
    middle, seen_ns = quotes.mid.take(newest), quotes.at_ns.take(newest)
    spread = quotes.spread(newest)
    if held.offset_ns > 0:
        # By its own stamp a book is older than since it came.
        seen_ns -= held.offset_ns
    if not before[0]:
        unseen = int(before.searchsorted(1))
        middle[:unseen], spread[:unseen] = claim.underlying.price, float(quote.ask - quote.bid)
        stamped_ns = quote.book_venue_ns - held.offset_ns if held.has_offset else quote.book_at_ns
        seen_ns[:unseen] = min(quote.book_at_ns, stamped_ns)
    calm = at_ns - seen_ns <= held.fresh_ns
    calm &= middle >= bound.low
    calm &= middle <= bound.high
    calm &= spread <= middle * held.spread_bps
    return _run(calm)


def _count_before(timers: range, before_ns: int) -> int:
    """How many of the timers come before a moment."""
    if before_ns <= timers.start:
        return 0
    return min(len(timers), -(-(before_ns - timers.start) // timers.step))


def _run(flags: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> int:
    """How many of them are true before the first that is not."""
    if not len(flags):
        return 0
    first = int(flags.argmin())
    return len(flags) if flags[first] else first
