"""The adapter's own tasks: each has a name, and none dies unseen.

A task that ends with an error is told as TaskFailed; one that must live (a stream) is started again within a budget.
The error itself is not judged here.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine

from hedgebot.domain.errors import ProgrammingError
from hedgebot.domain.events import TaskFailed
from hedgebot.domain.ports import EventSink
from hedgebot.venues.replies import sentence

RESTARTS_MAX = 5
RESTART_PAUSE_S = 1.0
_log = logging.getLogger(__name__)

Work = Coroutine[None, None, None]


class TaskGroup:
    """Every task of one venue connection."""

    def __init__(self, account: str, sink: EventSink) -> None:
        self._account = account
        self._sink = sink
        self._once: set[asyncio.Task[None]] = set()
        self._lasting: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> int:
        """How many one-off tasks are under way."""
        return len(self._once)

    def once(self, name: str, work: Work) -> None:
        """Start a task that ends by itself: one command."""
        task = asyncio.create_task(work, name=f"{self._account}:{name}")
        self._once.add(task)
        task.add_done_callback(self._ended)

    def lasting(self, name: str, start: Callable[[], Work]) -> None:
        """Start a task that lives until the end; it is started again when it fails, a bounded number of times."""
        task = asyncio.create_task(self._keep(name, start), name=f"{self._account}:{name}")
        self._lasting.add(task)

    async def drain(self, timeout_s: float) -> None:
        """Let one-off tasks end (an order must get its answer), then cancel what is left and everything lasting."""
        if self._once:
            await asyncio.wait(set(self._once), timeout=timeout_s)
        left = {*self._once, *self._lasting}
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)
        self._once.clear()
        self._lasting.clear()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._once.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._tell(task.get_name(), error, restarting=False)

    async def _keep(self, name: str, start: Callable[[], Work]) -> None:
        for attempt in range(RESTARTS_MAX + 1):
            inner = asyncio.create_task(start(), name=f"{self._account}:{name}:{attempt}")
            try:
                await asyncio.wait({inner})
            finally:
                inner.cancel()
            # What must live and ended all the same has failed, also where a library cancelled it.
            error = None if inner.cancelled() else inner.exception()
            if error is None:
                error = ProgrammingError("cancelled from within" if inner.cancelled() else "it returned")
            self._tell(f"{self._account}:{name}", error, restarting=attempt < RESTARTS_MAX)
            if attempt < RESTARTS_MAX:
                await asyncio.sleep(RESTART_PAUSE_S)

    def _tell(self, name: str, error: BaseException, *, restarting: bool) -> None:
        words = sentence(error)
        _log.error("task %s failed: %s", name, words, exc_info=error)
        self._sink.put(TaskFailed(task=name, error=words, restarting=restarting))
