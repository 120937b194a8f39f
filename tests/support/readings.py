"""A watched account at a venue on loopback, read through the daemon's port and the real client."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from hedgebot.domain import events as ev
from hedgebot.domain.reports import WalletReport, WatchedMargin
from hedgebot.venues.registry import open_venue
from tests.support.sinks import Sink
from tests.support.stub_venue import StubVenue, stub_venue, watched


@asynccontextmanager
async def reading(
    venue: str, fill: Callable[[StubVenue], None], **changes: Any
) -> AsyncIterator[tuple[StubVenue, Sink]]:
    """A venue that answers, and the daemon's port to it, started."""
    async with stub_venue() as stub:
        fill(stub)
        sink = Sink()
        port = open_venue(watched(stub, venue, **changes), sink, time.time_ns)
        await port.start()
        try:
            yield stub, sink
        finally:
            await port.stop()


async def report(venue: str, fill: Callable[[StubVenue], None], **changes: Any) -> WalletReport:
    """The first report of a venue that answers so."""
    async with reading(venue, fill, **changes) as (_, sink):
        return (await sink.until(ev.WalletUpdated))[0].report


def margin_of(one: WalletReport) -> WatchedMargin:
    assert one.watched is not None
    return one.watched
