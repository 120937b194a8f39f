"""Where one account's simulated adapter sits: which exchange, over which link, on which clock, and whom it tells.

Owns nothing: the adapter's parts (clock and switch, drop copy, collateral) are each given one, so that they share what
they must and differ where they must: the drop copy has a link of its own.
"""

from collections.abc import Callable

import msgspec

from hedgebot.domain.events import Event
from hedgebot.exchange.link import Link
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.timeline import Timeline


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """`account` is the book's name for `holder`, the exchange's account; `clock` is the process's, which decides."""

    account: str
    holder: str
    exchange: Exchange
    link: Link
    timeline: Timeline
    put: Callable[[Event], None]
    clock: Callable[[], int]
