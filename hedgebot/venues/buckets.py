"""Our own request budgets: token buckets in which a reserve is kept for what matters more.

The client library's limiter queues an order behind polls; ours lets a poll take only what orders and cancels leave.
Cancels have windows of their own (`pace.py`), which start full. Owns arithmetic and waiting; must not know an endpoint.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from enum import Enum

from hedgebot.venues.pace import CancelPace, Share, Way
from hedgebot.venues.profile import Rate, VenueProfile
from hedgebot.venues.replies import RawReply

# Requests that may leave while the venue wants none.
PROBES_MAX = 1


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
        self._held_until_s = self._at_s

    def wait_s(self, reserve: float = 0.0) -> float:
        """Seconds until one token can be taken that leaves `reserve` behind; zero when it can be taken now."""
        self._refill()
        missing = 1.0 + reserve - self._tokens
        return max(0.0, missing / self._rate.per_s, self._held_until_s - self._now_s())

    @property
    def room(self) -> int:
        """Tokens that can be taken now."""
        self._refill()
        return 0 if self._now_s() < self._held_until_s else max(0, int(self._tokens))

    def take(self) -> None:
        """Take one token; the caller has asked `wait_s` before."""
        self._refill()
        self._tokens -= 1.0

    def cap(self, tokens: float) -> None:
        """Believe the venue that fewer are left: others spend from the same limit."""
        self._refill()
        self._tokens = min(self._tokens, tokens)

    def hold(self, seconds: float) -> None:
        """Give nothing for a while."""
        self._held_until_s = max(self._held_until_s, self._now_s() + seconds)

    def _refill(self) -> None:
        now = self._now_s()
        self._tokens = min(self._rate.burst, self._tokens + (now - self._at_s) * self._rate.per_s)
        self._at_s = now


class Budget:
    """All limits of one account: the address's, and those of creations and of cancels per category."""

    def __init__(self, profile: VenueProfile, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._paused_until_s = now_s()
        self._probes = 0
        self._left_to_others = profile.limit_left_to_others
        self._address = TokenBucket(profile.ip_rate, now_s)
        self._reserves: Mapping[Purpose, float] = {
            Purpose.POLL: profile.ip_reserve_orders + profile.ip_reserve_cancels,
            Purpose.ORDER: profile.ip_reserve_cancels,
            Purpose.CANCEL: 0.0,
        }
        # Categories that share a limit share a bucket.
        pools = {profile.cancel_limits[category].pool: rate for category, rate in profile.create_rates.items()}
        buckets = {pool: TokenBucket(rate, now_s) for pool, rate in pools.items()}
        self._create = {category: buckets[profile.cancel_limits[category].pool] for category in profile.create_rates}
        self._pace = CancelPace(profile, now_s)

    def wait_s(self, purpose: Purpose, category: str, *, http: bool = True) -> float:
        """Seconds until a request of this purpose may leave. A pause stops everything but one cancel, which probes.

        A request over an open socket (not `http`) counts in its own limit only, not in the address's: there cancels go
        on. A venue that bans an address counts what still comes and bans it for longer.
        """
        own_s = 0.0
        if purpose is Purpose.ORDER and category in self._create:
            own_s = self._create[category].wait_s()
        elif purpose is Purpose.CANCEL and category:
            own_s = self._pace.wait_s(category, batches=not self.paused_s)
        if not http:
            return own_s
        paused_s = 0.0 if purpose is Purpose.CANCEL and self._probes else self.paused_s
        return max(paused_s, self._address.wait_s(self._reserves[purpose]), own_s)

    @property
    def paused_s(self) -> float:
        """Seconds that the pause still lasts, 0 for none."""
        return max(0.0, self._paused_until_s - self._now_s())

    async def over_pause(self) -> None:
        """Return once there is no pause, also when it is made longer meanwhile."""
        while (left_s := self.paused_s) > 0.0:  # noqa: ASYNC110  (nobody is told when a pause ends)
            await asyncio.sleep(left_s)

    def pause(self, seconds: float) -> None:
        """The venue wants no requests from this address for a while; a pause that is made longer has no new probe."""
        if not self.paused_s:
            self._probes = PROBES_MAX
        self._paused_until_s = max(self._paused_until_s, self._now_s() + seconds)

    def heard(self, category: str | None, left: int, hold_s: float) -> None:
        """What an answer said of the limit of creations: `left` requests, `hold_s` until one may leave again.

        `category` is None where the answer does not say which: then it is taken for each of them.
        """
        for name, bucket in self._create.items():
            if category in {None, name}:
                bucket.cap(left - self._left_to_others)
                bucket.hold(hold_s)

    def heard_of_cancels(self, way: Way, category: str | None, orders: int, reply: RawReply, *, hold_s: float) -> None:
        """What was answered to a request for so many `orders`; none may leave for `hold_s`."""
        came = orders if reply.answered else 0
        self._pace.heard(way, category, came, left=reply.left, limit=reply.limit, hold_s=hold_s)

    def cancels(self, category: str, wanted: int, *, http: bool) -> Share:
        """Of `wanted` cancels those that may leave now, counted as sent. Over an open socket single ones are no visits.

        In a pause one request probes. None may leave: ask again after `wait_s`.
        """
        visits = min(self._address.room, self._probes) if self.paused_s else self._address.room
        share = self._pace.share(category, wanted, visits=visits, http=http, batching=not self.paused_s)
        self._visit((share.singles if http else 0) + len(share.batches))
        return share

    def wholes(self, category: str, wanted: int) -> int:
        """Of so many requests that cancel all orders of a symbol those that may leave now, counted as sent."""
        visits = 0 if self.paused_s else self._address.room
        count = self._pace.wholes(category, min(wanted, visits))
        self._visit(count)
        return count

    def _visit(self, count: int) -> None:
        for _ in range(count):
            if self.paused_s:
                self._probes -= 1
            self._address.take()

    async def acquire(self, purpose: Purpose, category: str, within_s: float = math.inf, *, http: bool = True) -> bool:
        """Wait until a poll or a creation may leave, and count it: True. Cancels ask `cancels`.

        False, at once and uncounted, as soon as it is certain that it may not leave within `within_s`.
        """
        until_s = self._now_s() + within_s
        while True:
            wait = self.wait_s(purpose, category, http=http)
            if wait <= 0:
                break
            if self._now_s() + wait > until_s:
                return False
            await asyncio.sleep(wait)
        if http:
            self._visit(1)
        if purpose is Purpose.ORDER and category in self._create:
            self._create[category].take()
        return True
