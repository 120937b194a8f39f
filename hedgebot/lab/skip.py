"""The skip: how many quotes and timers ahead a claim covers, found with numpy, and all of them taken at once.

Owns the vectorised form of `core/calm.py`'s `Claim.take`: the same limits, the same effects on the state to the last
bit. It decides nothing; what a claim does not cover is stepped by whoever plays. Quotes whose effect the next one
overwrites leave only what does not go away: the trail of prices, since when a book stands still, a second's looks.
"""

from typing import NamedTuple

import numpy as np

from hedgebot.core.calm import Claim
from hedgebot.core.margin_watch import LOOK_NS
from hedgebot.core.tracking import LOOK_NS as TRACKING_NS
from hedgebot.core.trail import KEEP_NS, SPELL_NS, Spell, keep
from hedgebot.lab.quotes import Ints, Quotes


class Ahead(NamedTuple):
    """What comes next: quotes from `row` up to `last`, timers from `timer_ns` every `interval_ns` before `end_ns`.

    At the same moment the timer comes before the quote.
    """

    row: int
    last: int
    timer_ns: int
    interval_ns: int
    end_ns: int


class Skipped(NamedTuple):
    """How many quotes and timers were taken."""

    quotes: int
    timers: int


def skip(claim: Claim, quotes: Quotes, ahead: Ahead) -> Skipped:
    """Take as many of the next events as the claim covers, without a gap."""
    count = _books_covered(claim, quotes, ahead)
    # Timers up to the first quote that is not covered come before it.
    stop_ns = int(quotes.at_ns[ahead.row + count]) if ahead.row + count < ahead.last else ahead.end_ns - 1
    timers = range(ahead.timer_ns, stop_ns + 1, ahead.interval_ns)
    before = _quotes_before(quotes, ahead.row, count, timers)
    calm = _timers_covered(claim, quotes, ahead, timers, before)
    calm = _look(claim, quotes, ahead.row, timers[:calm], before)
    if calm < len(timers):
        # The next timer has to be stepped: what comes after it has to wait.
        count = int(before[calm])
    if calm:
        _set_price(claim, quotes, ahead.row, int(before[calm - 1]))
        claim.state.at_ns = timers[calm - 1]
        claim.after_timer(timers[calm - 1])
    if count:
        _take_books(claim, quotes, ahead.row, count)
    claim.covered += count + calm
    return Skipped(count, calm)


def _books_covered(claim: Claim, quotes: Quotes, ahead: Ahead) -> int:
    """How many quotes in a row the claim covers, timers left aside (they only shorten pauses)."""
    books, held, row, last = claim.books, claim.rules, ahead.row, ahead.last
    if row >= last or quotes.instrument != claim.instrument or held.ahead_ns < 0:
        return 0
    first_ns = int(quotes.at_ns[row])
    if not 0 <= first_ns - claim.state.at_ns <= held.pause_ns or claim.quote.book_venue_ns >= first_ns:
        return 0
    last = min(last, row + int(np.searchsorted(quotes.at_ns[row:last], books.until_ns)))
    middle = quotes.mid[row:last]
    covered = (middle >= books.low) & (middle <= books.high)
    covered[1:] &= quotes.gap_ns[row + 1 : last] <= held.pause_ns
    return _run(covered)


def _timers_covered(claim: Claim, quotes: Quotes, ahead: Ahead, timers: range, before: Ints) -> int:
    bound, held = claim.timers, claim.rules
    if bound is None or not timers or not LOOK_NS <= ahead.interval_ns <= held.pause_ns:
        return 0
    if timers[0] < claim.state.at_ns or (not before[0] and timers[0] - claim.state.at_ns > held.pause_ns):
        return 0
    at_ns = np.arange(timers.start, timers.stop, timers.step, dtype=np.int64)
    newest = ahead.row + before - 1
    seen = before > 0
    quote, price = claim.quote, claim.underlying.price
    if quote.bid is None or quote.ask is None:
        return 0
    middle = np.where(seen, quotes.mid[newest], price)
    spread = np.where(seen, quotes.spread[newest], float(quote.ask - quote.bid))
    age_ns = at_ns - np.where(seen, quotes.at_ns[newest], quote.book_at_ns)
    if held.has_offset:
        venue_ns = np.where(seen, quotes.at_ns[newest], quote.book_venue_ns)
        age_ns = np.maximum(age_ns, at_ns + held.offset_ns - venue_ns)
    return _run(
        (at_ns < bound.until_ns)
        & (middle >= bound.low)
        & (middle <= bound.high)
        & (age_ns <= held.fresh_ns)
        & (spread <= middle * held.spread_bps)
    )


def _quotes_before(quotes: Quotes, row: int, count: int, timers: range) -> Ints:
    """How many of the covered quotes come before each timer."""
    at_ns = np.arange(timers.start, timers.stop, timers.step, dtype=np.int64)
    return np.searchsorted(quotes.at_ns[row : row + count], at_ns, side="left")


def _look(claim: Claim, quotes: Quotes, row: int, timers: range, before: Ints) -> int:
    """The looks that fall due at these timers; how many timers may be taken, for a look may end the claim."""
    kept, number = claim.underlying.tracking, 0
    while True:
        due_ns = kept.at_ns + TRACKING_NS
        number = max(number, -(-(due_ns - timers.start) // timers.step))
        if number >= len(timers):
            return len(timers)
        _set_price(claim, quotes, row, int(before[number]))
        claim.look(timers[number])
        number += 1
        if claim.timers is None:
            return number


def _set_price(claim: Claim, quotes: Quotes, row: int, seen: int) -> None:
    """The price after so many of the quotes from `row` on."""
    if seen:
        claim.underlying.price = float(quotes.mid[row + seen - 1])


def _take_books(claim: Claim, quotes: Quotes, row: int, count: int) -> None:
    """What a run of covered quotes leaves behind."""
    quote, last = claim.quote, row + count - 1
    at_ns = int(quotes.at_ns[last])
    _note_still(claim, quotes, row, count)
    _note_trail(claim, quotes, row, count)
    quote.bid, quote.ask = quotes.prices(last)
    quote.book_at_ns = quote.book_venue_ns = at_ns
    claim.underlying.price = float(quotes.mid[last])
    claim.state.at_ns = max(claim.state.at_ns, at_ns)


def _note_still(claim: Claim, quotes: Quotes, row: int, count: int) -> None:
    """Since when the book stands as it does, and where the mark was then."""
    quote = claim.quote
    changed = quotes.changed[row : row + count].copy()
    changed[0] = quote.still_mark is None or (quote.bid, quote.ask) != quotes.prices(row)
    moved = np.flatnonzero(changed)
    if not len(moved):
        return
    claim.note_still(int(quotes.at_ns[row + int(moved[-1])]))
    if quote.still_mark is None:
        # Without a fresh mark each quote counts as one that has just begun to stand still.
        claim.note_still(int(quotes.at_ns[row + count - 1]))


def _note_trail(claim: Claim, quotes: Quotes, row: int, count: int) -> None:
    """Spells of the last seconds; older ones would be gone by now."""
    trail, offset_ns = claim.underlying.trail, claim.rules.offset_ns
    at_ns = quotes.at_ns[row : row + count] - offset_ns
    from_ns = (int(at_ns[-1]) - KEEP_NS - 2 * SPELL_NS) // SPELL_NS * SPELL_NS
    first = int(np.searchsorted(at_ns, from_ns))
    at_ns, middle = at_ns[first:], quotes.mid[row + first : row + count]
    spells = at_ns // SPELL_NS
    begins = np.flatnonzero(np.diff(spells, prepend=-1))
    lows, highs = np.minimum.reduceat(middle, begins), np.maximum.reduceat(middle, begins)
    for begin, low, high in zip(begins.tolist(), lows.tolist(), highs.tolist(), strict=True):
        moment = int(at_ns[begin])
        newest = trail[-1] if trail else None
        if newest is not None and moment < newest.from_ns + SPELL_NS:
            if int(at_ns[begin]) >= newest.from_ns:
                newest.low, newest.high = min(newest.low, low), max(newest.high, high)
            continue
        trail.append(Spell(from_ns=moment - moment % SPELL_NS, low=low, high=high))
        keep(trail, moment)


def _run(flags: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> int:
    """How many of them are true before the first that is not."""
    if not len(flags):
        return 0
    first = int(flags.argmin())
    return len(flags) if flags[first] else first
