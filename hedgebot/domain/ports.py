"""What the inside expects of the outside: a venue and a journal. Outcomes are events or named errors."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from hedgebot.domain.commands import Issued, VenueCommand
from hedgebot.domain.events import Event, Stamped
from hedgebot.domain.orders import OrderIntent
from hedgebot.domain.whatif import VenueNumbers, WantedOrder, WatchedNumbers


class EventSink(Protocol):
    """Where every fact goes: the inbox of the turn."""

    def put(self, event: Event) -> None:
        """Take an event; never blocks. A full inbox becomes an InboxOverflowed event, not an error."""


class VenuePort(Protocol):
    """One account at one venue. It never decides, never retries an order, and answers through the event sink."""

    def send(self, command: VenueCommand) -> None:
        """Start carrying out a command and return at once.

        Never raises for trouble of the venue or the network: a timeout is an OrderOutcomeUnknown event.
        SubmitOrder is answered by exactly one of OrderAccepted, OrderRejected, OrderOutcomeUnknown.
        """


@runtime_checkable
class MarginOracle(Protocol):
    """A venue that says what one order would do to the account's margin, without taking it."""

    async def margin_what_if(self, intent: OrderIntent) -> VenueNumbers:
        """Ask the venue; raises VenueError where it gives no answer. Places nothing."""


@runtime_checkable
class WatchedOracle(Protocol):
    """The same of a venue whose account is only watched: it is asked in words, since nothing is listed of it here."""

    async def watched_what_if(self, order: WantedOrder) -> WatchedNumbers:
        """Ask the venue; raises VenueError where it gives no answer. Places nothing."""


class JournalPort(Protocol):
    """The durable log. Rows keep the order in which they were given."""

    async def write(self, entries: Sequence[Stamped | Issued], *, durable: bool) -> None:
        """Append entries; when `durable`, return only after they would survive a power cut.

        Raises JournalError when that cannot be promised; the caller must then not send what depends on it.
        """
