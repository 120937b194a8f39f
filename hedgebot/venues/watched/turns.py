"""Calls that a venue takes only so often: each waits for its turn. Owns the pace of one sort of call, nothing else."""

import asyncio
import time


class Turns:
    """At most one turn in `every_s` seconds, in the order in which they are asked for."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._free_s = 0.0
        self._lock = asyncio.Lock()

    async def take(self) -> None:
        """Return when it is this caller's turn."""
        async with self._lock:
            await asyncio.sleep(max(self._free_s - time.monotonic(), 0.0))
            self._free_s = time.monotonic() + self._every_s
