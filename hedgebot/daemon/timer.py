"""The shell's one timer: SetTimer arms it, the newest request replaces the one before, TimerFired is all it says."""

import asyncio
from collections.abc import Callable

from hedgebot.domain.events import TimerFired
from hedgebot.domain.ports import EventSink

# Longer waits are cut: the loop's clock and ours drift apart, and an early TimerFired is harmless to the engine.
WAIT_S_MAX = 60.0


class OneTimer:
    """Wakes the engine at one moment of the daemon's clock."""

    def __init__(self, sink: EventSink, now_ns: Callable[[], int]) -> None:
        self._sink = sink
        self._now_ns = now_ns
        self._handle: asyncio.TimerHandle | None = None
        self._at_ns = 0

    def arm(self, at_ns: int) -> None:
        """Fire once when the clock reaches `at_ns`; a moment that has passed fires in the loop's next round."""
        self.cancel()
        self._at_ns = at_ns
        wait_s = min(WAIT_S_MAX, max(0.0, (at_ns - self._now_ns()) / 1e9))
        self._handle = asyncio.get_running_loop().call_later(wait_s, self._reached)

    def cancel(self) -> None:
        """Forget the request."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _reached(self) -> None:
        self._handle = None
        if self._now_ns() < self._at_ns:
            self.arm(self._at_ns)
        else:
            self._sink.put(TimerFired())
