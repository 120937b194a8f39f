"""What a claim holds against each event besides its bounds: ages, stamps, spreads, and the room of mark and index.

Pure; what is not within is stepped. The claim itself is `calm.py`'s.
"""

import math
from decimal import Decimal
from typing import NamedTuple

from hedgebot.core import market, market_watch
from hedgebot.core.calm_look import EDGE, Look
from hedgebot.domain import events as ev
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.instrument import venue_of

Room = tuple[Decimal, Decimal]


class Rules(NamedTuple):
    """What is held against each event. Nanoseconds on our clock; ages by content are `fresh_ns` at most.

    `pause_ns` between two events; `ahead_ns` how far a venue's stamp may be ahead; `spread_bps` of a book at a timer.
    """

    pause_ns: int
    ahead_ns: int
    offset_ns: int
    has_offset: bool
    fresh_ns: int
    spread_bps: float


def room_around(reference: Decimal | None, room: float) -> Room | None:
    """Lowest and highest value within a share of one; None for one that is not known."""
    if reference is None:
        return None
    off = reference * Decimal(room)
    return reference - off, reference + off


def is_within(value: Decimal | None, room: Room | None) -> bool:
    """Whether a value is a price within its room; where none was known, whether there is none still."""
    if value is None or room is None:
        return value is None and room is None
    return value.is_finite() and room[0] <= value <= room[1] and value > ZERO


def stand_there(event: ev.BookTop) -> bool:
    """Whether the quantities of a book are those of somebody."""
    return all(one is None or (one.is_finite() and one > 0) for one in (event.bid_qty, event.ask_qty))


def rules_of(look: Look) -> Rules:
    """What a claim of now holds against each event."""
    at_most = look.state.limits
    offset_ms = market.clock_offset_ms(look.state, venue_of(look.settings.hedge_instrument))
    offset_ns = round((offset_ms or 0.0) * NS_PER_MS)
    told_ms = math.floor(min(at_most.book_age_ms_max * market_watch.STALE_TOLD_AT, at_most.book_age_ms_max))
    return Rules(
        pause_ns=at_most.pause_ms_max * NS_PER_MS,
        # A millisecond less: the limit itself is a float of milliseconds.
        ahead_ns=round((market.AHEAD_MS_MAX - 1.0) * NS_PER_MS) + offset_ns,
        offset_ns=offset_ns,
        has_offset=offset_ms is not None,
        fresh_ns=told_ms * NS_PER_MS,
        spread_bps=look.settings.spread_bps_max * 1e-4 * (1.0 - EDGE),
    )


def mark_until_ns(look: Look, rules: Rules) -> int:
    """Until when the newest mark counts as fresh."""
    quote = look.quote
    if not quote.mark_at_ns:
        return 0
    seen_ns = min(quote.mark_at_ns, quote.mark_venue_ns - rules.offset_ns) if rules.has_offset else quote.mark_at_ns
    return seen_ns + (look.state.limits.mark_age_ms_max + 1) * NS_PER_MS
