"""Every task of the daemon runs under this supervisor: no task ends without a TaskFailed event. Decides nothing.

This is the only module with a broad `except Exception`: whatever ends a task is told to the engine, the task is
restarted within a budget, and when that is used up the engine hears `restarting=False` and halts.
"""

import asyncio
import traceback
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from hedgebot.domain.errors import ProgrammingError
from hedgebot.domain.events import TaskFailed
from hedgebot.domain.ports import EventSink
from hedgebot.journal.redaction import Redactor

RESTARTS_MAX = 5
WINDOW_S = 600.0
BACKOFF_S_FIRST = 0.2
BACKOFF_S_MAX = 10.0
ERROR_CHARS_MAX = 500

TaskFactory = Callable[[], Coroutine[Any, Any, None]]


class Supervisor:
    """Starts tasks, restarts failed ones within a budget, and ends them all at the end."""

    def __init__(
        self,
        sink: EventSink,
        *,
        on_vital: Callable[[str, str], None],
        backoff_s: float = BACKOFF_S_FIRST,
        restarts_max: int = RESTARTS_MAX,
        redactor: Redactor | None = None,
    ) -> None:
        """`on_vital` hears of the end of a vital task, by name and error. No error is told with a secret in it."""
        self._sink = sink
        self._on_vital = on_vital
        self._backoff_s = backoff_s
        self._restarts_max = restarts_max
        self._redactor = redactor or Redactor(())
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._given_up: list[str] = []
        self._log = structlog.stdlib.get_logger("hedgebot.supervisor")

    @property
    def given_up(self) -> tuple[str, ...]:
        """Names of tasks whose restart budget is used up."""
        return tuple(self._given_up)

    @property
    def running(self) -> tuple[str, ...]:
        """Names of tasks that have not ended."""
        return tuple(name for name, task in self._tasks.items() if not task.done())

    def spawn(self, name: str, factory: TaskFactory, *, vital: bool = False, lasting: bool = True) -> None:
        """Run `factory()`, restarting it after errors; names are unique while running.

        A lasting task must not end at all: returning, or being cancelled by anybody but us, counts as a failure. A
        vital task is not restarted: its state is lost with it, and the whole process must recover instead.
        """
        watch = self._watch_vital(name, factory) if vital else self._watch(name, factory, lasting=lasting)
        self._tasks[name] = asyncio.get_running_loop().create_task(watch, name=name)

    def complain(self, name: str, error: str) -> None:
        """Tell of a failure outside any supervised task."""
        self._sink.put(TaskFailed(task=name, error=self._clean(error), restarting=True))

    async def _watch_vital(self, name: str, factory: TaskFactory) -> None:
        try:
            await _run(factory)
        except Exception as error:
            self._log.critical("vital task failed", task=name, exc_info=error)
            self._given_up.append(name)
            self._on_vital(name, self._clean(_sentence(error)))

    async def _watch(self, name: str, factory: TaskFactory, *, lasting: bool) -> None:
        loop = asyncio.get_running_loop()
        failures: deque[float] = deque()
        while True:
            try:
                await (_for_ever(factory) if lasting else _run(factory))
            except Exception as error:
                failures.append(loop.time())
                while failures[0] < loop.time() - WINDOW_S:
                    failures.popleft()
                restarting = len(failures) <= self._restarts_max
                self._tell(name, error, restarting=restarting)
            else:
                return
            if not restarting:
                self._given_up.append(name)
                return
            await asyncio.sleep(min(BACKOFF_S_MAX, self._backoff_s * 2 ** (len(failures) - 1)))

    def _tell(self, name: str, error: Exception, *, restarting: bool) -> None:
        self._log.error("task failed", task=name, restarting=restarting, exc_info=error)
        self._sink.put(TaskFailed(task=name, error=self._clean(_sentence(error)), restarting=restarting))

    def _clean(self, text: str) -> str:
        # Cut last: half a secret would not be known for one.
        return self._redactor.text(text)[:ERROR_CHARS_MAX]

    async def stop(self) -> None:
        """Cancel every task and wait for its end."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()


async def unless_ended(ended: asyncio.Event, work: Coroutine[Any, Any, None], *, let_go_s: float) -> None:
    """Do the start's work to its end or to the daemon's, whichever comes first; raises what the work raises.

    Who does not even let go within `let_go_s` when cancelled is left behind.
    """
    log = structlog.stdlib.get_logger("hedgebot.daemon")
    doing, ending = asyncio.ensure_future(work), asyncio.ensure_future(ended.wait())
    try:
        await asyncio.wait({doing, ending}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ending.cancel()
        if not doing.done():
            doing.cancel()
            await asyncio.wait({doing}, timeout=let_go_s)
    if not doing.done():
        log.warning("a venue's start did not let go", limit_s=let_go_s)
    elif not doing.cancelled() and (error := doing.exception()) is not None:
        if not ended.is_set():
            raise error
        log.warning("a venue's start failed while the daemon ended", problem=str(error))


async def _run(factory: TaskFactory) -> None:
    """Run it; a cancellation that nobody asked this task for (a library's own) is an error, not an end."""
    try:
        await factory()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise ProgrammingError("cancelled from within") from None


async def _for_ever(factory: TaskFactory) -> None:
    await _run(factory)
    raise ProgrammingError("it returned, which it never should")


def _sentence(error: Exception) -> str:
    return "".join(traceback.format_exception_only(error)).strip()
