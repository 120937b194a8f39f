"""Our own request budgets: token buckets in which a reserve is kept for what matters more.

The client library's limiter queues an order behind polls; ours lets a poll take only what orders and cancels leave.
Owns arithmetic and waiting; must not know an endpoint.
"""

import asyncio
from collections.abc import Callable, Mapping
from enum import Enum

from hedgebot.venues.profile import Rate, VenueProfile


class Purpose(Enum):
    """What a request is for, from what may wait to what must not."""

    POLL = "poll"
    ORDER = "order"
    CANCEL = "cancel"


class TokenBucket:
    """`rate.per_s` tokens a second, at most `rate.burst` at once. `now_s` is a monotonic clock."""

    def __init__(self, rate: Rate, now_s: Callable[[], float]) -> None:
        self._rate = rate
        self._now_s = now_s
        self._tokens = rate.burst
        self._at_s = now_s()

    def wait_s(self, reserve: float = 0.0) -> float:
        """Seconds until one token can be taken that leaves `reserve` behind; zero when it can be taken now."""
        self._refill()
        missing = 1.0 + reserve - self._tokens
        return max(0.0, missing / self._rate.per_s)

    def take(self) -> None:
        """Take one token; the caller has asked `wait_s` before."""
        self._refill()
        self._tokens -= 1.0

    def _refill(self) -> None:
        now = self._now_s()
        self._tokens = min(self._rate.burst, self._tokens + (now - self._at_s) * self._rate.per_s)
        self._at_s = now


class Budget:
    """All buckets of one account: the address's, and one for creations and one for cancels per category."""

    def __init__(self, profile: VenueProfile, now_s: Callable[[], float]) -> None:
        self._address = TokenBucket(profile.ip_rate, now_s)
        self._reserves: Mapping[Purpose, float] = {
            Purpose.POLL: profile.ip_reserve_orders + profile.ip_reserve_cancels,
            Purpose.ORDER: profile.ip_reserve_cancels,
            Purpose.CANCEL: 0.0,
        }
        self._own = {
            Purpose.ORDER: {category: TokenBucket(rate, now_s) for category, rate in profile.create_rates.items()},
            Purpose.CANCEL: {category: TokenBucket(rate, now_s) for category, rate in profile.cancel_rates.items()},
        }

    def wait_s(self, purpose: Purpose, category: str) -> float:
        """Seconds until a request of this purpose may leave."""
        own = self._own.get(purpose, {}).get(category)
        return max(self._address.wait_s(self._reserves[purpose]), 0.0 if own is None else own.wait_s())

    async def acquire(self, purpose: Purpose, category: str) -> None:
        """Wait until a request of this purpose may leave, and count it. Waiting costs nothing but time."""
        while True:
            wait = self.wait_s(purpose, category)
            if wait <= 0:
                break
            await asyncio.sleep(wait)
        self._address.take()
        own = self._own.get(purpose, {}).get(category)
        if own is not None:
            own.take()
