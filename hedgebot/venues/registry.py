"""Opens venues by their names. Owns the list of venues; a client library is imported only once it is needed."""

from collections.abc import Callable
from typing import Protocol

from hedgebot.domain.errors import ConfigError
from hedgebot.domain.ports import EventSink, VenuePort
from hedgebot.venues.connection import VenueConnection

VENUES = ("bybit",)


class Venue(VenuePort, Protocol):
    """A venue connection with a life: started once, stopped once."""

    async def start(self) -> None:
        """Open the connection; raises VenueUnreachable, ConfigError or VenueError, each with one clear sentence."""

    async def stop(self) -> None:
        """Close it; orders under way get their answers first."""


def open_venue(connection: VenueConnection, sink: EventSink, now_ns: Callable[[], int]) -> Venue:
    """The venue of a connection, not started yet; must be called in a running event loop.

    `now_ns` is the wall clock in UTC nanoseconds. Raises ConfigError for a venue without an adapter, an address that
    the mode does not allow, or a missing key.
    """
    if connection.venue != "bybit":
        msg = f"venue is {connection.venue!r}, it must be one of: {', '.join(VENUES)}"
        raise ConfigError(msg)
    from hedgebot.venues.bybit import BybitVenue

    return BybitVenue(connection, sink, now_ns)
