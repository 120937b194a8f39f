"""The hedge instruments of an underlying for people: which is there for what, what stands in it, how old its market is.

A pure function of state and time; the choice among them is `hedges.py`'s.
"""

import msgspec

from hedgebot.core import hedges, market
from hedgebot.core.state import EngineState
from hedgebot.domain.settings import UnderlyingSettings


class HedgeLegView(msgspec.Struct, frozen=True, kw_only=True):
    """One hedge instrument. `held_coin` is its delta (long positive); None: not known.

    `in_use`: the hedge depends on it; an alternative that is neither held nor chosen only stands by.
    """

    instrument: str
    role: str
    held_coin: float | None
    book_age_ms: int | None
    mark_age_ms: int | None
    in_use: bool


def legs(state: EngineState, settings: UnderlyingSettings, at_ns: int) -> tuple[HedgeLegView, ...]:
    """All of them, the main one first."""
    held, in_use = hedges.held_coins(state, settings), hedges.in_use(state, settings)
    return tuple(
        HedgeLegView(
            instrument=one.instrument,
            role=one.role.value,
            held_coin=held.get(one.instrument),
            book_age_ms=market.known_age_ms(market.book_age_ms(state, one.instrument, at_ns)),
            mark_age_ms=market.known_age_ms(market.mark_age_ms(state, one.instrument, at_ns)),
            in_use=one.instrument in in_use,
        )
        for one in settings.hedge_legs
    )
