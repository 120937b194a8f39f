"""What a run is put together from: the shapes of a venue and a journal with a life, and who the run is."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from hedgebot.domain.events import ConfigApplied, RestoredOrder
from hedgebot.domain.ports import EventSink, JournalPort, VenuePort
from hedgebot.domain.treasury import CollateralMove


class Venue(VenuePort, Protocol):
    """A venue port with a life."""

    async def start(self) -> None:
        """Connect, load instruments, subscribe."""

    async def stop(self) -> None:
        """Close every connection."""


class Store(JournalPort, Protocol):
    """The journal, as far as a run needs it."""

    async def snapshot(self, seq: int, state: bytes) -> None:
        """Keep the state as of `seq`."""


OpenVenue = Callable[[str, EventSink], Venue]
"""Makes the venue port of one configured account, without connecting."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Who this run is, and what it inherits: orders of the journal, and why it starts halted (empty: it does not).

    `confirmed` is an operator's word for hard limits that are looser than in the last run.
    `id_epoch` is the least epoch of its client ids; `build` tells the program's files, where the version stands still.
    """

    install: int
    run_id: str
    epoch: int
    version: str
    build: str
    next_seq: int
    restored: tuple[RestoredOrder, ...] = ()
    restored_moves: tuple[CollateralMove, ...] = ()
    halted_because: str = ""
    id_epoch: int = 0
    confirmed: ConfigApplied | None = None
