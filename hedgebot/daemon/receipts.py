"""Tells whoever put an event what the engine answered to it: the commands journaled under that event's seq.

Matches by the event object itself, so that two operators with the same words get each their own answer.
"""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from hedgebot.domain.commands import Command, Issued
from hedgebot.domain.events import Event, Stamped
from hedgebot.domain.ports import EventSink

WAITING_MAX = 64


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The engine's commands for one event; `on_disk` is False while the disk has not confirmed what is in force."""

    commands: tuple[Command, ...]
    on_disk: bool = True


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """An event that was put; `future` is None where too many wait for an answer already."""

    event: Event
    future: asyncio.Future[Answer] | None


class Receipts:
    """Puts events and waits until the turn has taken them and the journal has answered."""

    def __init__(self, sink: EventSink, clean: Callable[[Event], Event] = lambda event: event) -> None:
        """`clean` takes secrets out of what an operator says, before it is put."""
        self._sink = sink
        self._clean = clean
        self._waiting: dict[int, tuple[Event, asyncio.Future[Answer]]] = {}

    def send(self, event: Event) -> Pending:
        """Put an event at once; its answer is waited for with `answer`."""
        event = self._clean(event)
        future: asyncio.Future[Answer] | None = None
        if len(self._waiting) < WAITING_MAX:
            future = asyncio.get_running_loop().create_future()
            self._waiting[id(event)] = (event, future)
        self._sink.put(event)
        return Pending(event=event, future=future)

    async def answer(self, pending: Pending, timeout_s: float) -> Answer | None:
        """The engine's answer, or None when there was none in time (it may still come)."""
        if pending.future is None:
            return None
        try:
            async with asyncio.timeout(timeout_s):
                return await pending.future
        except TimeoutError:
            return None
        finally:
            self._waiting.pop(id(pending.event), None)

    async def put(self, event: Event, timeout_s: float) -> Answer | None:
        """Put an event and wait for its answer."""
        return await self.answer(self.send(event), timeout_s)

    def observe(self, entries: Sequence[Stamped | Issued]) -> None:
        """See what a turn journaled: an event and its commands are always in one batch."""
        self._see(entries, on_disk=True)

    def observe_unwritten(self, entries: Sequence[Stamped | Issued]) -> None:
        """See what a turn did that the disk has not confirmed: it is in force, and a restart may forget it."""
        self._see(entries, on_disk=False)

    def _see(self, entries: Sequence[Stamped | Issued], *, on_disk: bool) -> None:
        if not self._waiting:
            return
        for entry in entries:
            if isinstance(entry, Stamped) and (held := self._waiting.get(id(entry.event))) is not None:
                commands = tuple(one.command for one in entries if isinstance(one, Issued) and one.seq == entry.seq)
                if not held[1].done():
                    held[1].set_result(Answer(commands=commands, on_disk=on_disk))
