"""An event loop whose clock runs faster than the machine's: real sockets, and minutes that take seconds.

Every timer of the loop (sleeps, time-outs, what libraries set) shrinks with it; bytes travel as fast as ever.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Waits for a share of the time that the loop thinks it waits."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self._factor = factor

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(None if timeout is None else timeout / self._factor)


class FastLoop(asyncio.SelectorEventLoop):
    """A loop on which `factor` seconds pass in one."""

    def __init__(self, factor: float) -> None:
        super().__init__(_Selector(factor))
        self._factor = factor

    def time(self) -> float:
        """Seconds of this loop."""
        return time.monotonic() * self._factor


def run_fast(factor: float, work: Callable[[Callable[[], float]], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine on such a loop; it gets the loop's clock."""
    loop = FastLoop(factor)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(work(loop.time))
