"""What is known of each socket: dialled, authenticated, subscribed, last heard of; and the events that follow from it.

A link is up once it is authenticated (where it must be) and the venue confirmed every wanted topic. Owns state only;
the dialling is the runner's, the parsing the client's.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from hedgebot.domain.events import Stream, StreamAlive, StreamChanged
from hedgebot.domain.ports import EventSink
from hedgebot.venues.slices import Slices

ALIVE_INTERVAL_S = 1.0


class Link:
    """One socket address. `lost` is set when the current connection is gone, with `reason` saying why."""

    def __init__(self, url: str, stream: Stream, *, category: str = "", needs_auth: bool = False) -> None:
        self.url = url
        self.stream = stream
        self.category = category
        self.needs_auth = needs_auth
        self.wanted: set[str] = set()
        self.acked: set[str] = set()
        self.seen_s: dict[str, float] = {}
        self.handed_on: set[str] = set()
        self.slices: Slices | None = None
        self.connection: Any = None
        self.authenticated = False
        self.refused = False
        # How long the venue asked to wait when it refused the dial.
        self.retry_after_s = 0.0
        self.up = False
        self.reason = ""
        self.lost = asyncio.Event()

    def begin(self) -> None:
        """Start a new connection: nothing is known of it."""
        self.acked.clear()
        self.seen_s.clear()
        self.handed_on.clear()
        self.slices = None
        self.connection = None
        self.authenticated = False
        self.refused = False
        self.retry_after_s = 0.0
        self.up = False
        self.reason = ""
        self.lost.clear()

    @property
    def ready(self) -> bool:
        """Whether the venue confirmed everything that is wanted."""
        return (self.authenticated or not self.needs_auth) and self.wanted <= self.acked

    def confirm(self, topics: Iterable[str], now_s: float) -> None:
        """The venue confirmed these topics; their content clocks start."""
        for topic in topics:
            self.acked.add(topic)
            self.seen_s.setdefault(topic, now_s)

    def drop(self, topics: set[str]) -> None:
        """These topics are wanted no more: their silence says nothing."""
        self.wanted -= topics
        self.acked -= topics
        for topic in topics:
            self.seen_s.pop(topic, None)

    def silent_topic(self, now_s: float, limit_s: Callable[[str], float | None]) -> str | None:
        """The first topic, by name, whose content is older than its limit: only this sees a muted stream."""
        for topic in sorted(self.wanted & self.seen_s.keys()):
            limit = limit_s(topic)
            if limit is not None and now_s - self.seen_s[topic] > limit:
                return topic
        return None


class LinkStates:
    """Every link of an account, and the events about its three streams."""

    def __init__(self, account: str, sink: EventSink, now_s: Callable[[], float]) -> None:
        self._account = account
        self._sink = sink
        self._now_s = now_s
        self._links: dict[str, Link] = {}
        self._told: dict[Stream, bool] = {}
        self._alive_s: dict[Stream, float] = {}

    def add(self, link: Link) -> Link:
        """Take a link into the account's book."""
        self._links[link.url] = link
        return link

    def at(self, url: str) -> Link | None:
        """The link of an address."""
        return self._links.get(url)

    def settle(self, link: Link) -> None:
        """Tell that the stream is up once all its links are; public data comes over one socket per category."""
        if not link.up and link.ready and not link.lost.is_set():
            link.up = True
        together = [other for other in self._links.values() if other.stream is link.stream and self._in_use(other)]
        if all(other.up for other in together):
            self._tell(link.stream, up=True, reason="")

    def lose(self, link: Link, reason: str) -> None:
        """A link's connection is gone: tell it once per connection."""
        if link.lost.is_set():
            return
        link.reason = reason
        link.up = False
        link.lost.set()
        self._tell(link.stream, up=False, reason=f"{link.category or link.stream.value}: {reason}"[:200])

    def alive(self, link: Link) -> None:
        """A message or a pong came: told at most once a second per stream."""
        now = self._now_s()
        if now - self._alive_s.get(link.stream, -ALIVE_INTERVAL_S) >= ALIVE_INTERVAL_S:
            self._alive_s[link.stream] = now
            self._sink.put(StreamAlive(account=self._account, stream=link.stream))

    def _in_use(self, link: Link) -> bool:
        return link.stream is not Stream.PUBLIC or bool(link.wanted)

    def _tell(self, stream: Stream, *, up: bool, reason: str) -> None:
        if self._told.get(stream, False) is not up:
            self._told[stream] = up
            self._sink.put(StreamChanged(account=self._account, stream=stream, up=up, reason=reason))
