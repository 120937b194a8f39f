"""A sink that keeps every event and lets a test wait for the next of a kind."""

import asyncio
from typing import TypeVar

from hedgebot.domain import events as ev

E = TypeVar("E", bound=ev.Event)
WAIT_S = 10.0


class Sink:
    """Keeps every event and wakes whoever waits."""

    def __init__(self) -> None:
        self.events: list[ev.Event] = []
        self._more = asyncio.Event()

    def put(self, event: ev.Event) -> None:
        self.events.append(event)
        self._more.set()

    def of(self, kind: type[E]) -> list[E]:
        return [one for one in self.events if isinstance(one, kind)]

    async def until(self, kind: type[E], count: int = 1) -> list[E]:
        async with asyncio.timeout(WAIT_S):
            while len(self.of(kind)) < count:
                self._more.clear()
                await self._more.wait()
        return self.of(kind)
