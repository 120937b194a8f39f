"""The daemon's status, asked once for everybody who looks: at most one question a second, never two at a time.

Owns the newest answer and its age. The engine is asked through the control socket like by any console, so that no
number of browsers and no slow one of them can hold it up.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from hedgebot.console.control import TIMEOUT_S, ask
from hedgebot.console.replies import WORD_TIMEOUT_S
from hedgebot.console.snapshot import Snapshot, read_snapshot
from hedgebot.domain.errors import HedgebotError

INTERVAL_S = 1.0
# Threads that wait for the daemon: looks and notes never take the ones that an action needs.
LOOKS_MAX = 3
ACTIONS_MAX = 4

T = TypeVar("T")


class Feed:
    """The newest snapshot of a book, and why there is none."""

    def __init__(self, state_dir: Path, *, interval_s: float = INTERVAL_S) -> None:
        self._state_dir = state_dir
        self._interval_s = interval_s
        self._asking = asyncio.Lock()
        self._changed = asyncio.Condition()
        self._waiters = 0
        self._wake = asyncio.Event()
        self._asked_at_s = 0.0
        self._health: tuple[float, dict[str, Any] | None, str] = (-interval_s, None, "")
        self._looks = ThreadPoolExecutor(LOOKS_MAX, thread_name_prefix="look")
        self._actions = ThreadPoolExecutor(ACTIONS_MAX, thread_name_prefix="action")
        self.number = 0
        self.snapshot: Snapshot | None = None
        self.problem = "the daemon has not been asked yet"

    @property
    def age_s(self) -> float:
        """How old the newest answer, good or bad, is."""
        return time.monotonic() - self._asked_at_s

    async def fresh(self) -> Snapshot | None:
        """The newest snapshot, asked for anew unless it is younger than the interval; None while nobody answers."""
        async with self._asking:
            if not self.number or self.age_s >= self._interval_s:
                await self._ask()
        return self.snapshot

    async def after(self, number: int) -> int:
        """Wait for an answer newer than `number`; its own number. Keeps the daemon being asked."""
        self._waiters += 1
        self._wake.set()
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: self.number > number)
                return self.number
        finally:
            self._waiters -= 1

    async def run(self) -> None:
        """Ask for as long as somebody waits; until cancelled. While nobody does, the daemon is left alone."""
        while True:
            if not self._waiters:
                self._wake.clear()
                await self._wake.wait()
            await self.fresh()
            await asyncio.sleep(self._interval_s)

    async def _ask(self) -> None:
        answer, self.problem = await self.say("status")
        self.snapshot = None
        if answer is not None:
            try:
                self.snapshot = read_snapshot(answer)
            except HedgebotError as error:
                self.problem = str(error)
        self._asked_at_s = time.monotonic()
        async with self._changed:
            self.number += 1
            self._changed.notify_all()

    async def health(self) -> tuple[dict[str, Any] | None, str]:
        """The daemon's health, asked like the status for everybody at once, since strangers may ask for it."""
        async with self._asking:
            asked_at_s, data, problem = self._health
            if time.monotonic() - asked_at_s >= self._interval_s:
                data, problem = await self.say("health")
                self._health = (time.monotonic(), data, problem)
        return data, problem

    async def say(self, verb: str, **args: Any) -> tuple[dict[str, Any] | None, str]:  # noqa: ANN401  (JSON)
        """Tell or ask the daemon something: its data, and an empty sentence, or None and why not."""
        return await self._in(self._looks, verb, TIMEOUT_S, args)

    async def act(self, verb: str, **args: Any) -> tuple[dict[str, Any] | None, str]:  # noqa: ANN401  (JSON)
        """Say an operator's word, which waits for no look and no note and may take as long as the verb's answer."""
        return await self._in(self._actions, verb, WORD_TIMEOUT_S, args)

    async def urgently(self, work: Callable[[], T]) -> T:
        """Do work on the disk in a thread that no look and no note can hold."""
        return await asyncio.get_running_loop().run_in_executor(self._actions, work)

    def close(self) -> None:
        """Let the threads go; one that still waits for a hung daemon keeps nobody."""
        self._looks.shutdown(wait=False, cancel_futures=True)
        self._actions.shutdown(wait=False, cancel_futures=True)

    async def _in(
        self, threads: ThreadPoolExecutor, verb: str, timeout_s: float, args: dict[str, Any]
    ) -> tuple[dict[str, Any] | None, str]:
        work = partial(ask, self._state_dir, verb, timeout_s=timeout_s, **args)
        try:
            answer = await asyncio.get_running_loop().run_in_executor(threads, work)
        except HedgebotError as error:
            return None, str(error)
        if not answer.ok:
            return None, answer.error or f"the daemon refused {verb}"
        return answer.data or {}, ""


async def ended(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
