"""Opens venues by their names. Owns the list of venues; a client library is imported only once it is needed."""

from collections.abc import Callable
from typing import Protocol

from hedgebot.domain.errors import ConfigError
from hedgebot.domain.orders import OrderIntent
from hedgebot.domain.ports import EventSink, VenuePort
from hedgebot.venues.connection import VenueConnection

VENUES = ("bybit",)
"""Where hedgebot trades; other venues' accounts can be watched."""


class Venue(VenuePort, Protocol):
    """A venue connection with a life: started once, stopped once."""

    async def start(self) -> None:
        """Open the connection; raises VenueUnreachable, ConfigError or VenueError, each with one clear sentence."""

    def hold_orders(self, problem: Callable[[OrderIntent], str]) -> None:
        """Ask `problem` right before each order leaves; a sentence keeps it back."""

    def claim_account(self, claim: Callable[[str], None]) -> None:
        """Call `claim` at the start with the venue's own name of the account (empty: it does not tell it).

        Before anything is subscribed to or sent; what it raises ends the start.
        """

    async def stop(self) -> None:
        """Close it; orders under way get their answers first."""


def open_venue(connection: VenueConnection, sink: EventSink, now_ns: Callable[[], int]) -> Venue:
    """The venue of a connection, not started yet; must be called in a running event loop.

    `now_ns` is the wall clock in UTC nanoseconds. Raises ConfigError for a venue without an adapter, an address that
    the mode does not allow, or a missing key.
    """
    if not connection.role.is_followed:
        from hedgebot.venues.watched.venue import WatchedVenue

        return WatchedVenue(connection, sink, now_ns)
    if connection.venue != "bybit":
        msg = f"venue is {connection.venue!r}, it must be one of: {', '.join(VENUES)}"
        raise ConfigError(msg)
    from hedgebot.venues.bybit import BybitVenue

    return BybitVenue(connection, sink, now_ns)


def take_time_from(now_ns: Callable[[], int]) -> None:
    """Let the client library stamp, sign and wait by `now_ns` (UTC nanoseconds) from now on, in the whole process.

    By itself it reads the machine's clock, for the stamps of its socket requests and for the age of a pong: a step of
    that clock would put every order outside of the venue's window and cut every connection.
    """
    from ccxt.base.exchange import BaseExchange

    BaseExchange.milliseconds = staticmethod(lambda: now_ns() // 1_000_000)
