"""Keeps one socket subscribed: dials, watches the clocks, drops what is silent, waits, dials again. Never gives up.

One task per stream drives a subscription and surfaces its errors; data never comes from it. No such task is cancelled
while its socket lives: cancelling one in the authentication handshake would spoil the stream for good.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt
import msgspec

from hedgebot.domain.events import Stream
from hedgebot.venues.dials import Dials, spread
from hedgebot.venues.guard import Guard
from hedgebot.venues.links import Link, LinkStates
from hedgebot.venues.replies import sentence

# Seconds before a socket that was open is dialled again, by how many did not last. The host's pace comes on top of it.
BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
# A refused key will be refused again.
REFUSED_BACKOFF_S = 30.0
STEADY_S = 5.0
TICK_S = 0.25
SETTLE_S = 5.0
_log = logging.getLogger(__name__)


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the client that subscribes `topics`; it returns with the first data.

    `parts` are the same in smaller calls, for the case that the venue refuses the whole because of one topic.
    """

    topics: frozenset[str]
    open: Callable[[], Awaitable[Any]]
    parts: tuple["Subscription", ...] = ()


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long a socket may take and be silent. `content_s` gives a topic's limit, None for none."""

    ready_s: float
    silence_s: float
    content_s: Callable[[str], float | None]


class SocketRunner:
    """The life of one link over many connections."""

    def __init__(
        self,
        client: Any,  # noqa: ANN401  # ccxt is untyped
        link: Link,
        states: LinkStates,
        guard: Guard,
        patience: Patience,
        dials: Dials,
        now_s: Callable[[], float],
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._link = link
        self._states = states
        self._guard = guard
        self._patience = patience
        self._dials = dials
        self._now_s = now_s
        self._on_lost = on_lost
        self._subscriptions: list[Subscription] = []
        self._pending: list[Subscription] = []
        self._more = asyncio.Event()
        # When this connection was last asked for each topic; a topic that is only wanted yet has no deadline.
        self._asked_s: dict[str, float] = {}
        self._dialled_s = 0.0
        self._opened = False

    def add(self, subscription: Subscription) -> None:
        """Want more: subscribed now where the socket is open, and again after each reconnect."""
        self._subscriptions.append(subscription)
        self._pending.append(subscription)
        self._link.wanted |= subscription.topics
        self._more.set()

    def want(self, subscriptions: list[Subscription]) -> None:
        """Want these and no others, which have all been wanted before. What is gone is neither missed nor asked for."""
        gone = {topic for one in self._subscriptions for topic in one.topics}
        gone -= {topic for one in subscriptions for topic in one.topics}
        self._subscriptions = list(subscriptions)
        self._pending = [one for one in self._pending if not one.topics <= gone]
        self._link.drop(gone)

    async def run(self) -> None:
        """Live until cancelled."""
        failures = 0
        while True:
            await self._dials.turn(self._link.url, may_wait=self._link.stream is Stream.PUBLIC)
            started = self._now_s()
            await self._session()
            self._on_lost()
            if self._link.connection is None:
                # Nobody was there: when to ask again is the host's business.
                self._dials.failed(self._link.url)
                pause = 0.0
            else:
                failures = 0 if self._now_s() - started > STEADY_S else failures + 1
                pause = spread(BACKOFF_S[min(max(failures, 1), len(BACKOFF_S)) - 1])
            if self._link.refused:
                pause = REFUSED_BACKOFF_S
            pause = max(pause, self._link.retry_after_s, self._dials.pause_s())
            _log.warning("%s is down (%s), next dial in %.1f s", self._link.url, self._link.reason, pause)
            await asyncio.sleep(pause)

    async def _session(self) -> None:
        """One connection, from dialling to its loss."""
        link = self._link
        link.begin()
        # The client backs off by itself up to 30 s per address; our schedule is the one that counts.
        (getattr(self._client, "ws_dial_backoff", None) or {}).pop(link.url, None)
        drivers: dict[asyncio.Task[Any], Subscription] = {}
        self._asked_s.clear()
        self._dialled_s = self._now_s()
        self._opened = False
        self._pending = list(self._subscriptions)
        link.wanted = {topic for subscription in self._subscriptions for topic in subscription.topics}
        while not link.lost.is_set():
            self._more.clear()
            for subscription in self._pending:
                self._asked_s |= dict.fromkeys(subscription.topics, self._now_s())
                drivers[asyncio.create_task(_drive(subscription))] = subscription
            self._pending = []
            await _first(link.lost, self._more, TICK_S)
            self._reap(drivers)
            self._judge()
        if drivers:
            # Their futures are rejected with the connection; whatever else they wait for has a timeout of its own.
            await asyncio.wait(drivers, timeout=SETTLE_S)
            for driver in drivers:
                driver.cancel()
            self._reap(drivers)

    def _reap(self, drivers: dict[asyncio.Task[Any], Subscription]) -> None:
        """Look at the drivers that ended; raises what is not the venue's or the network's fault."""
        for driver in [driver for driver in drivers if driver.done()]:
            subscription = drivers.pop(driver)
            error = None if driver.cancelled() else driver.exception()
            if error is None or self._link.lost.is_set():
                continue
            if not isinstance(error, (ccxt.BaseError, OSError)):
                raise error
            if self._link.needs_auth or isinstance(error, (ccxt.NetworkError, OSError)):
                self._guard.drop(self._link, sentence(error))
            else:
                self._refuse(subscription)

    def _refuse(self, subscription: Subscription) -> None:
        """The venue refused market topics: ask for them one by one, and do without the one that is refused alone.

        One instrument that is gone must not take the others' data with it. The next connection asks again.
        """
        if subscription.parts:
            self._subscriptions.remove(subscription)
            self._subscriptions.extend(subscription.parts)
            self._pending.extend(subscription.parts)
            self._more.set()
            return
        self._link.wanted -= subscription.topics
        _log.warning("%s refused %s", self._link.url, sorted(subscription.topics))

    def _judge(self) -> None:
        """Drop a connection that does not get ready, is silent as a whole, or silent in one topic."""
        link, now = self._link, self._now_s()
        if link.lost.is_set():
            return
        late = self._late(now)
        if late is not None:
            self._guard.drop(link, f"not ready in time: {late}")
            return
        if link.ready and not link.up:
            self._states.settle(link)
        connection = link.connection
        if connection is not None:
            if not self._opened:
                self._opened = True
                self._dials.opened(link.url)
            heard_ms = connection.last_message_at or connection.connectionEstablished
            silence_s = (self._client.milliseconds() - heard_ms) / 1_000 if heard_ms else 0.0
            if silence_s > self._patience.silence_s:
                self._guard.drop(link, f"silent for {silence_s:.1f} s")
                return
        topic = link.silent_topic(now, self._patience.content_s)
        if topic is not None:
            self._guard.drop(link, f"topic {topic} is muted")

    def _late(self, now: float) -> str | None:
        """What this connection should have confirmed by now; each topic has its own time, from its own request."""
        link, limit_s = self._link, self._patience.ready_s
        if link.needs_auth and not link.authenticated and now - self._dialled_s > limit_s:
            return "not authenticated"
        missing = sorted(topic for topic in link.wanted - link.acked if now - self._asked_s.get(topic, now) > limit_s)
        return f"{len(missing)} topics not confirmed, the first is {missing[0]}" if missing else None


async def _drive(subscription: Subscription) -> None:
    await subscription.open()


async def _first(lost: asyncio.Event, more: asyncio.Event, timeout_s: float) -> None:
    """Return when either event is set or the time is over."""
    waits = {asyncio.ensure_future(lost.wait()), asyncio.ensure_future(more.wait())}
    try:
        await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
