"""What a bound of a claim is, and what it is made from. Decides nothing; the bounds are `calm_bounds.py`'s."""

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from hedgebot.core.quotes import Quote
from hedgebot.core.state import EngineState, UnderlyingState
from hedgebot.core.strategy import Proposal, Steady
from hedgebot.domain.settings import UnderlyingSettings

NEVER_NS = 2**62
EDGE = 1e-9
"""Relative: floats and decimals of one number differ by far less."""


class Bound(NamedTuple):
    """Nothing happens before `until_ns` while the middle (USD) is within [low, high]."""

    until_ns: int = NEVER_NS
    low: float = 0.0
    high: float = math.inf


FREE = Bound()
"""Neither time nor price moves it."""


class Look(NamedTuple):
    """What bounds are made from: one underlying hedged in one instrument, at a moment. `steady` is its band.

    `timer_ns` is the newest timer; `low` and `high` are prices that the claim allows at most; `room` is the share by
    which mark and index may still move either way. `band_at` finds a band that moves, at a moment and the underlying's
    price: `steady` is then the narrowest that it comes to up to `high` and before its end. `read` tells that a snapshot
    was stepped after that timer.
    """

    state: EngineState
    settings: UnderlyingSettings
    underlying: UnderlyingState
    quote: Quote
    steady: Steady
    at_ns: int
    timer_ns: int
    low: float = 0.0
    high: float = math.inf
    room: float = 0.0
    band_at: Callable[[int], Proposal | None] | None = None
    read: bool = False


BoundOf = Callable[[Look], Bound | None]


def tightest(look: Look, bounds: Iterable[BoundOf], kept: dict[BoundOf, Bound]) -> Bound | None:
    """What all of them allow together, within the prices of the look; None where one makes no claim.

    `kept` are bounds that hold from before; those found here are put there.
    """
    until_ns, low, high = NEVER_NS, look.low, look.high
    for bound_of in bounds:
        found = kept.get(bound_of)
        if found is None:
            found = bound_of(look)
            if found is None:
                return None
            kept[bound_of] = found
        until, least, most = found
        until_ns = min(until, until_ns)
        low = max(least, low)
        high = min(most, high)
    return Bound(until_ns, low, high) if until_ns > look.at_ns and low <= high else None
