"""The shell's one timer: SetTimer names its interval, TimerFired is all it says."""

import asyncio

from hedgebot.domain.events import TimerFired
from hedgebot.domain.ports import EventSink


class OneTimer:
    """Wakes the engine at a steady pace of the event loop."""

    def __init__(self, sink: EventSink) -> None:
        self._sink = sink
        self._handle: asyncio.TimerHandle | None = None
        self._interval_s = 0.0

    def every(self, interval_ns: int) -> None:
        """Fire each `interval_ns` (> 0) from now on; a loop that was blocked fires once, not for every turn missed."""
        self.cancel()
        self._interval_s = interval_ns / 1e9
        self._arm()

    def cancel(self) -> None:
        """Stop firing."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self) -> None:
        self._handle = asyncio.get_running_loop().call_later(self._interval_s, self._reached)

    def _reached(self) -> None:
        self._arm()
        self._sink.put(TimerFired())
