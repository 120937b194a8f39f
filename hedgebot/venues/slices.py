"""Lets other sockets have their turn while a burst of market frames is dealt with. Owns waiting frames, reads none.

The client empties whatever a socket holds in one go: 500 option frames would keep a fill on the private socket waiting
for 14 ms. Here a few are dealt with at once and the rest in later passes of the loop, in order.
"""

import asyncio
from collections import deque
from collections.abc import Callable

FRAMES_AT_ONCE = 8
FRAMES_MAX = 20_000
"""About 20 MB. Beyond it the venue is faster than we are; what waits is worthless, and a new connection starts anew."""

Frame = str | bytes


class Slices:
    """One connection's frames. `overrun` is called, once, when more wait than FRAMES_MAX; nothing is taken after it."""

    def __init__(self, take: Callable[[Frame], None], overrun: Callable[[], None]) -> None:
        self._take = take
        self._overrun = overrun
        self._waiting: deque[Frame] = deque()
        self._taken = 0
        self._armed = False
        self._closed = False

    def put(self, frame: Frame) -> None:
        """Deal with a frame now when the pass is young and none waits, else later."""
        if self._closed:
            return
        if not self._waiting and self._taken < FRAMES_AT_ONCE:
            self._taken += 1
            self._arm()
            self._take(frame)
            return
        if len(self._waiting) >= FRAMES_MAX:
            self.close()
            self._overrun()
            return
        self._waiting.append(frame)
        self._arm()

    def close(self) -> None:
        """Forget what waits: the connection is gone."""
        self._closed = True
        self._waiting.clear()

    def _arm(self) -> None:
        if not self._armed:
            self._armed = True
            asyncio.get_running_loop().call_soon(self._next_pass)

    def _next_pass(self) -> None:
        self._armed = False
        self._taken = 0
        while self._waiting and self._taken < FRAMES_AT_ONCE:
            self._taken += 1
            self._take(self._waiting.popleft())
        if self._waiting:
            self._arm()
