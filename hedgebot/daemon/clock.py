"""The one clock: UTC nanoseconds, anchored once to the wall and carried by a steady clock. Decides nothing.

A step of the wall clock backwards (an operator, NTP) never moves it backwards; a step forward is followed on `resync`,
so that a machine that started with a wrong clock does not stay behind, unless the caller knows better: a venue that
agrees with this clock is a better witness than a wall that somebody moved.
"""

import time
from collections.abc import Callable

STEP_NS = 1_000_000_000


def steady_ns() -> int:
    """Nanoseconds that never step back and, where the system has such a clock, go on while the machine sleeps."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic_ns() if boottime is None else time.clock_gettime_ns(boottime)


class Clock:
    """UTC nanoseconds that never decrease, also over restarts when given the last moment that the journal knows."""

    def __init__(
        self,
        *,
        not_before_ns: int = 0,
        wall: Callable[[], int] = time.time_ns,
        steady: Callable[[], int] = steady_ns,
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._anchor_ns = max(wall(), not_before_ns) - steady()

    def now_ns(self) -> int:
        """The moment, in UTC nanoseconds."""
        return self._anchor_ns + self._steady()

    def not_before(self, moment_ns: int) -> None:
        """Move forward to `moment_ns` if the clock stands before it: the journal's time never runs backwards."""
        self._anchor_ns += max(0, moment_ns - self.now_ns())

    def resync(self, *, follow: bool = True) -> int:
        """Compare with the wall: follow a step forward if told to, never one back. Wall minus clock before, in ns."""
        gap_ns = self._wall() - self.now_ns()
        if follow and gap_ns > STEP_NS:
            self._anchor_ns += gap_ns
        return gap_ns
