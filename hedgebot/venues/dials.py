"""How often one host is dialled, whatever its sockets wish: one pace for all of them, and one probe while it is gone.

A venue that hangs up at once, or is not there, must not be stormed (fault N12: at most 12 dials a minute after the
first), and one that is back must have all its sockets back at once. Owns waiting and counting; the dialling is the
runner's.
"""

import asyncio
import random
from collections.abc import Callable

from hedgebot.venues.buckets import TokenBucket
from hedgebot.venues.profile import Rate

# Enough for every socket to come back some times in a bad minute; then ten a minute.
DIALS = Rate(per_s=10.0 / 60.0, burst=30.0)
# What other sockets leave to those that carry fills and orders.
RESERVE = 1.0
# Seconds before the next probe of a host that took no connection, by how many failed in a row; the last holds the pace.
PROBE_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 6.0)
LOOK_S = 1.0
# A probe that has not come to an end by then keeps nobody waiting any more.
PROBE_S_MAX = 15.0


def spread(seconds: float) -> float:
    """The same within a fifth, so that many clients of one venue do not come back in step."""
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311  (nothing secret is drawn)


class Dials:
    """The dials of one host. `now_s` is a monotonic clock in seconds."""

    def __init__(self, now_s: Callable[[], float], jitter: Callable[[float], float] = spread) -> None:
        self._now_s = now_s
        self._jitter = jitter
        self._bucket = TokenBucket(DIALS, now_s)
        self._failures = 0
        self._not_before_s = now_s()
        self._prober: str | None = None
        self._probed_s = self._now_s()
        self._changed = asyncio.Event()
        # Set by the venue: seconds that it wants no dial at all.
        self.pause_s: Callable[[], float] = lambda: 0.0

    async def turn(self, address: str, *, may_wait: bool) -> None:
        """Wait until this address may be dialled, and count the dial. `may_wait`: others go first where it is tight."""
        while (wait_s := self._wait_s(address, RESERVE if may_wait else 0.0)) > 0.0:
            self._changed.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                continue
        self._bucket.take()
        if self._failures:
            self._prober, self._probed_s = address, self._now_s()

    def opened(self, address: str) -> None:
        """A connection came about: the host is there, whoever waits for that may dial."""
        self._failures = 0
        self._not_before_s = self._now_s()
        self._let_go(address)

    def failed(self, address: str) -> None:
        """A dial led to no connection. Those that fail together count as one."""
        now = self._now_s()
        if now >= self._not_before_s:
            pause_s = PROBE_S[min(self._failures, len(PROBE_S) - 1)]
            self._failures += 1
            self._not_before_s = now + self._jitter(pause_s)
        self._let_go(address)

    def _wait_s(self, address: str, reserve: float) -> float:
        now = self._now_s()
        if self._prober not in {None, address} and now - self._probed_s < PROBE_S_MAX:
            return LOOK_S
        return max(self.pause_s(), self._not_before_s - now, self._bucket.wait_s(reserve))

    def _let_go(self, address: str) -> None:
        if self._prober == address or not self._failures:
            self._prober = None
        self._changed.set()
