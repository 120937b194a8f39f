"""The trail of an underlying's price over the last seconds, and which of it an option's quote belongs to. Pure.

Owns one rule. A forward follows from the price by a ratio that moves slowly (carry, basis), but a quote's forward may
be older than its stamp and the hedge's book may be older than the quote: Bybit stamps a ticker with the moment at which
"the system generates the data" (v5 docs, websocket/public/ticker) and does not say how old `underlyingPrice` is. So the
ratio is held as far as some price of the last seconds explains the new forward, and moves only by what none explains.
It must not know books, ages or what the price is good for.
"""

from bisect import bisect_left
from collections.abc import Sequence

import msgspec

SPELL_NS = 250_000_000
KEEP_NS = 6_000_000_000
"""Beyond the age limits of books and quotes there is nothing to pair."""

LAG_NS_MAX = 2_000_000_000
"""How much older than its quote's stamp a forward may be: options are marked once a second, and once may be missed."""


class Spell(msgspec.Struct, kw_only=True):
    """Lowest and highest price (USD per coin) within a quarter of a second."""

    from_ns: int
    low: float
    high: float


def note(trail: list[Spell], at_ns: int, price: float) -> None:
    """Take one more price with its moment; one that is older than the newest spell is no news."""
    note_range(trail, at_ns, price, price)


def note_range(trail: list[Spell], at_ns: int, low: float, high: float) -> None:
    """Take the lowest and highest of prices that fall into one spell; `at_ns` is the first one's moment."""
    if trail and at_ns < trail[-1].from_ns + SPELL_NS:
        newest = trail[-1]
        if at_ns >= newest.from_ns:
            newest.low, newest.high = min(newest.low, low), max(newest.high, high)
        return
    trail.append(Spell(from_ns=at_ns - at_ns % SPELL_NS, low=low, high=high))
    keep(trail, at_ns)


def note_ranges(trail: list[Spell], at_ns: Sequence[int], lows: Sequence[float], highs: Sequence[float]) -> None:
    """`note_range` for one spell after the other, each of them another one and the last the newest; at least one."""
    if trail and at_ns[0] >= trail[-1].from_ns + SPELL_NS and trail[-1].from_ns < at_ns[-1] - KEEP_NS:
        # Nothing of before is left in the end, so that nothing need be let go of one by one.
        begun = [moment - moment % SPELL_NS for moment in at_ns]
        first = bisect_left(begun, at_ns[-1] - KEEP_NS)
        rows = zip(begun[first:], lows[first:], highs[first:], strict=True)
        trail[:] = [Spell(from_ns=from_ns, low=low, high=high) for from_ns, low, high in rows]
        return
    for moment, low, high in zip(at_ns, lows, highs, strict=True):
        note_range(trail, moment, low, high)


def keep(trail: list[Spell], at_ns: int) -> None:
    """Let go of what is too old at this moment."""
    while trail[0].from_ns < at_ns - KEEP_NS:
        del trail[0]


def price_of_quote(trail: list[Spell], quoted_at_ns: int, now: tuple[float, ...], expected: float) -> float:
    """The price that a quote's forward belongs to: `expected` from its last ratio, as far as there was such a price.

    `now` are prices that may be as new as the forward whatever the trail says; at least one.
    """
    low, high = min(now), max(now)
    for spell in reversed(trail):
        if spell.from_ns + SPELL_NS <= quoted_at_ns - LAG_NS_MAX:
            break
        low, high = min(low, spell.low), max(high, spell.high)
    return min(max(expected, low), high)
