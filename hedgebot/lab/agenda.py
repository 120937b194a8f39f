"""Virtual time: what is to happen, in order of its moment and then of its entry. Owns the clock of a simulation."""

import heapq
from collections.abc import Callable

from hedgebot.domain.errors import ProgrammingError

Deed = Callable[[], None]


class Agenda:
    """Entries to be carried out at their moment (UTC nanoseconds), those of one moment in the order of their entry."""

    def __init__(self, now_ns: int) -> None:
        self.now_ns = now_ns
        self._entries: list[tuple[int, int, Deed]] = []
        self._number = 0

    def at(self, moment_ns: int, deed: Deed) -> None:
        """Enter a deed; a moment that has passed means as soon as possible."""
        self._number += 1
        heapq.heappush(self._entries, (max(moment_ns, self.now_ns), self._number, deed))

    def after(self, delay_ns: int, deed: Deed) -> None:
        """Enter a deed a while from now."""
        self.at(self.now_ns + delay_ns, deed)

    @property
    def next_ns(self) -> int | None:
        """The next moment at which something happens; None when nothing is entered."""
        return self._entries[0][0] if self._entries else None

    def move_to(self, moment_ns: int) -> None:
        """Let time pass to a moment before anything that is entered; raises ProgrammingError to go back or over it."""
        following = self.next_ns
        if moment_ns < self.now_ns or (following is not None and moment_ns > following):
            raise ProgrammingError(
                f"time cannot go from {self.now_ns} to {moment_ns}, the next entry is at {following}"
            )
        self.now_ns = moment_ns

    def step(self) -> bool:
        """Go to the next moment and carry out its first deed; False when nothing is entered."""
        if not self._entries:
            return False
        self.now_ns, _, deed = heapq.heappop(self._entries)
        deed()
        return True

    def run_until(self, end_ns: int) -> None:
        """Carry out everything before `end_ns`, and let time pass to it."""
        while (following := self.next_ns) is not None and following < end_ns:
            self.step()
        self.move_to(end_ns)
