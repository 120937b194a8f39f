"""How many cancels one account may send in each second, and which way: one by one, in batches, all of a symbol at once.

Each way has a limit of its own at the venue, counted over every rolling second, so that they are used side by side.
Cancels keep no reserve: they are what reserves are for. Owns arithmetic; must not know an endpoint nor wait.
"""

from collections.abc import Callable
from enum import Enum

import msgspec

from hedgebot.venues.profile import CancelLimit, VenueProfile

# The venue's rolling second, and how long a request without an answer counts: it came later than it left.
SECOND_S = 1.0
UNANSWERED_S = 1.05
# No account's limit is larger ([D] rate-limit/rules-for-pros): a header that says more is not believed.
PER_SECOND_MAX = 1_200


class Way(Enum):
    """How cancels leave."""

    SINGLE = "single"
    BATCH = "batch"
    WHOLE = "whole"


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """Cancels that may leave now: `singles` one by one, and one batch of each size in `batches`."""

    singles: int = 0
    batches: tuple[int, ...] = ()

    @property
    def orders(self) -> int:
        """How many orders that are."""
        return self.singles + sum(self.batches)


class _Taken:
    """One request: when it left or, once it is answered, when at the latest the venue counted it."""

    __slots__ = ("answered", "at_s")

    def __init__(self, at_s: float, *, answered: bool) -> None:
        self.at_s = at_s
        self.answered = answered

    @property
    def until_s(self) -> float:
        """When it does not count any more."""
        return self.at_s + (SECOND_S if self.answered else UNANSWERED_S)


class Window:
    """At most `limit` in each rolling second; all of them at once, if need be. `now_s` is a monotonic clock.

    The venue counts a request when it comes, which may be long after it left (a first one opens a connection): so one
    counts here for a second from its answer. Without an answer it counts for a little more than a second only: a
    request that hangs must hold no cancel up.
    """

    def __init__(self, limit: int, now_s: Callable[[], float]) -> None:
        self._limit = limit
        self._now_s = now_s
        self._taken: list[_Taken] = []
        self._held_until_s = now_s()

    @property
    def room(self) -> int:
        """How many may leave now."""
        return 0 if self._now_s() < self._held_until_s else max(0, self._limit - self._count())

    def wait_s(self) -> float:
        """Seconds until one may leave, as far as is known now; zero when it may now."""
        now_s = self._now_s()
        held_s = max(0.0, self._held_until_s - now_s)
        over = self._count() - self._limit
        if over < 0:
            return held_s
        return max(held_s, sorted(one.until_s for one in self._taken)[over] - now_s)

    def take(self, count: int = 1) -> None:
        """Count so many as sent now; the caller has looked at `room` before."""
        now_s = self._now_s()
        self._taken += [_Taken(now_s, answered=False) for _ in range(count)]

    def heard(self, answered: int, *, left: int | None, limit: int | None, hold_s: float) -> None:
        """An answer for `answered` of those that were taken, and what it said of the limit.

        That is its size, what is `left` of it, and how long nothing may leave. Fewer left than we count: others spend
        from it too, and theirs are counted as sent now.
        """
        now_s = self._now_s()
        if limit is not None and 0 < limit <= PER_SECOND_MAX:
            self._limit = limit
        self._held_until_s = max(self._held_until_s, now_s + hold_s)
        count = self._count()
        for one in [one for one in self._taken if not one.answered][:answered]:
            one.at_s, one.answered = now_s, True
        if left is not None:
            self._taken += [_Taken(now_s, answered=True) for _ in range(self._limit - left - count)]

    def _count(self) -> int:
        now_s = self._now_s()
        self._taken = [one for one in self._taken if one.until_s > now_s]
        return len(self._taken)


class CancelPace:
    """The windows of one account, by way and by the categories that share a limit."""

    def __init__(self, profile: VenueProfile, now_s: Callable[[], float]) -> None:
        self._limits = profile.cancel_limits
        self._now_s = now_s
        self._windows = {
            (way, one.pool): Window(_size(one, way), now_s) for one in self._limits.values() for way in Way
        }

    def window(self, way: Way, category: str) -> Window:
        """The window that a category's cancels count in; KeyError for a category that the venue does not have."""
        return self._windows[way, self._limits[category].pool]

    def share(self, category: str, wanted: int, *, visits: int, http: bool, batching: bool) -> Share:
        """Of `wanted` cancels those that may leave now, counted as sent; singly before in batches.

        The address may make `visits` requests: batches need them, and single cancels too where they go by `http`.
        """
        limit = self._limits[category]
        single, batched = self.window(Way.SINGLE, category), self.window(Way.BATCH, category)
        singles = min(wanted, single.room, visits if http else wanted)
        single.take(singles)
        left, sizes = wanted - singles, list[int]()
        requests = (visits - singles if http else visits) if batching else 0
        while left > 0 and len(sizes) < requests and (room := batched.room):
            size = min(left, limit.batch_max, limit.batch_max if limit.counts_batches else room)
            batched.take(1 if limit.counts_batches else size)
            sizes.append(size)
            left -= size
        return Share(singles=singles, batches=tuple(sizes))

    def wholes(self, category: str, wanted: int) -> int:
        """Of so many requests for all orders of a symbol those that may leave now, counted as sent."""
        window = self.window(Way.WHOLE, category)
        count = min(wanted, window.room)
        window.take(count)
        return count

    def wait_s(self, category: str, *, batches: bool) -> float:
        """Seconds until another cancel may leave, singly or (with `batches`) in a batch."""
        waits = [self.window(Way.SINGLE, category).wait_s()]
        if batches:
            waits.append(self.window(Way.BATCH, category).wait_s())
        return min(waits)

    def heard(
        self, way: Way, category: str | None, orders: int, *, left: int | None, limit: int | None, hold_s: float
    ) -> None:
        """What an answer to a request for so many `orders` (0: none came) said of its limit.

        Without a category it is taken for each, but for the limit's size and for what was answered.
        """
        if category is None:
            for name in dict.fromkeys(one.pool for one in self._limits.values()):
                self._windows[way, name].heard(0, left=left, limit=None, hold_s=hold_s)
            return
        as_one = way is Way.WHOLE or (way is Way.BATCH and self._limits[category].counts_batches)
        answered = min(orders, 1) if as_one else orders
        self.window(way, category).heard(answered, left=left, limit=limit, hold_s=hold_s)


def cancellable(limit: CancelLimit, within_s: float) -> int:
    """Orders that can be asked to be cancelled within so many seconds, one by one and in batches, from full windows.

    A whole window at once, and each next one when the first requests do not count any more, an answer's way included.
    Only where nobody else spends from these limits.
    """
    windows = 1 + int(within_s / UNANSWERED_S)
    batched = limit.batched_per_s * (limit.batch_max if limit.counts_batches else 1)
    return windows * (limit.singles_per_s + batched)


def _size(limit: CancelLimit, way: Way) -> int:
    return {Way.SINGLE: limit.singles_per_s, Way.BATCH: limit.batched_per_s, Way.WHOLE: limit.wholes_per_s}[way]
