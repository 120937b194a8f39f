"""Virtual time of an exchange in process: what is to happen at which moment, in order, with the exchange at that time.

Owns the queue that a link puts its messages into, for users that have no agenda of their own. Reads no clock.
"""

import heapq
from collections.abc import Callable
from typing import Protocol

from hedgebot.exchange.model import Exchange

Deed = Callable[[], None]


class Schedule(Protocol):
    """Where something can be entered for a later moment (UTC nanoseconds)."""

    @property
    def now_ns(self) -> int:
        """The time now."""

    def at(self, moment_ns: int, deed: Deed) -> None:
        """Enter a deed; a moment that has passed means as soon as possible."""


class Timeline:
    """A schedule that moves an exchange along: deeds of one moment happen in the order of their entry."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._now_ns = exchange.now_ns
        self._queue: list[tuple[int, int, Deed]] = []
        self._number = 0

    @property
    def now_ns(self) -> int:
        """The time now."""
        return self._now_ns

    @property
    def waiting(self) -> int:
        """How many deeds are entered and not done yet."""
        return len(self._queue)

    def at(self, moment_ns: int, deed: Deed) -> None:
        """Enter a deed."""
        self._number += 1
        heapq.heappush(self._queue, (max(moment_ns, self._now_ns), self._number, deed))

    def after(self, delay_ns: int, deed: Deed) -> None:
        """Enter a deed a while from now."""
        self.at(self._now_ns + delay_ns, deed)

    def next_event_ns(self) -> int:
        """When something happens next: a deed, or a step of the exchange. A simulation can jump there."""
        following = self._exchange.next_event_ns()
        return min(self._queue[0][0], following) if self._queue else following

    def advance(self, now_ns: int) -> None:
        """Let everything happen up to and including `now_ns`; earlier than now is ignored.

        At one moment the exchange comes first: a request that arrives then finds it as it is at that time.
        """
        while (moment_ns := self.next_event_ns()) <= now_ns:
            self._move_to(moment_ns)
            while self._queue and self._queue[0][0] <= moment_ns:
                heapq.heappop(self._queue)[2]()
        self._move_to(max(now_ns, self._now_ns))

    def _move_to(self, moment_ns: int) -> None:
        self._now_ns = moment_ns
        self._exchange.advance(moment_ns)
