"""Tells whoever put an event what the engine answered to it: the commands journaled under that event's seq.

Matches by the event object itself, so that two operators with the same words get each their own answer.
"""

import asyncio
from collections.abc import Sequence

from hedgebot.domain.commands import Command, Issued
from hedgebot.domain.events import Event, Stamped
from hedgebot.domain.ports import EventSink

WAITING_MAX = 64


class Receipts:
    """Puts events and waits until the turn has taken and journaled them."""

    def __init__(self, sink: EventSink) -> None:
        self._sink = sink
        self._waiting: dict[int, tuple[Event, asyncio.Future[tuple[Command, ...]]]] = {}

    async def put(self, event: Event, timeout_s: float) -> tuple[Command, ...] | None:
        """Put an event; the engine's commands for it, or None when there was no answer in time (it may still come)."""
        if len(self._waiting) >= WAITING_MAX:
            self._sink.put(event)
            return None
        future: asyncio.Future[tuple[Command, ...]] = asyncio.get_running_loop().create_future()
        self._waiting[id(event)] = (event, future)
        self._sink.put(event)
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            return None
        finally:
            self._waiting.pop(id(event), None)

    def observe(self, entries: Sequence[Stamped | Issued]) -> None:
        """See what a turn journaled: an event and its commands are always in one batch."""
        if not self._waiting:
            return
        for entry in entries:
            if isinstance(entry, Stamped) and (held := self._waiting.get(id(entry.event))) is not None:
                commands = tuple(one.command for one in entries if isinstance(one, Issued) and one.seq == entry.seq)
                if not held[1].done():
                    held[1].set_result(commands)
