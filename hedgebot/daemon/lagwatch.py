"""Watches the event loop from a thread beside it, so that a blocked loop is told of while it is blocked.

What runs in the loop (the log's queue, alert delivery, the service manager's ping) says nothing during a block; this
thread needs none of it. Owns no measurement and no channel: it is given the age of the loop's last sign of life and a
voice that works from any thread. Decides nothing.
"""

import threading
from collections.abc import Callable

from hedgebot.daemon.health import LAG_S_MAX

CHECK_EVERY_S = 0.25


class LoopGuard:
    """Speaks once per block, after `limit_s` without a sign of life; `silent_s` and `speak` are run in its thread."""

    def __init__(
        self,
        silent_s: Callable[[], float],
        speak: Callable[[str], None],
        *,
        limit_s: float = LAG_S_MAX,
        every_s: float = CHECK_EVERY_S,
    ) -> None:
        self._silent_s = silent_s
        self._speak = speak
        self._limit_s = limit_s
        self._every_s = every_s
        self._end = threading.Event()
        self._told = False
        self._thread = threading.Thread(target=self._run, name="loop-guard", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(self._every_s):
            self.look()

    def look(self) -> None:
        """Look once."""
        silent_s = self._silent_s()
        blocked = silent_s > self._limit_s
        if blocked and not self._told:
            self._speak(f"the event loop has been blocked for {silent_s:.1f} s: nothing is seen and nothing is sent")
        self._told = blocked
