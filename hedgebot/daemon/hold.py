"""The last look before an order's first byte: whether this process stood still since it was decided, or a kill came.

A process that was stopped and goes on (SIGSTOP, a suspended machine, a blocked loop) may hold an order that is younger
than its deadline: it was decided before the pause, so it is not sent, and the engine decides anew.
"""

import asyncio
import time
from collections.abc import Callable

from hedgebot.daemon.latch import KillLatch
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.orders import OrderIntent

BEAT_S = 0.1
# Ten beats: a busy moment of the loop is no pause, and an order that young is as fresh as the data it rests on.
PAUSE_S = 1.0


class SendHold:
    """Says of an order whether it may leave. `now_ns` is the clock by which orders are decided."""

    def __init__(
        self,
        latch: KillLatch,
        now_ns: Callable[[], int],
        order_deadline_ms: int,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.latch = latch
        self._now_ns = now_ns
        self._deadline_ns = order_deadline_ms * NS_PER_MS
        self._now_s = now_s
        self._beat_s = now_s()
        self._paused_until_ns = 0
        # Set by the run: whether a kill forbids every order, heard by the engine or not.
        self.blocked: Callable[[], bool] = lambda: False

    def beat(self) -> None:
        """Note that the loop runs, now and every BEAT_S for as long as the loop lives, and when it had not."""
        self._look()
        asyncio.get_running_loop().call_later(BEAT_S, self.beat)

    def problem(self, intent: OrderIntent) -> str:
        """Why an order may not leave, in a sentence; empty when it may. Bounded by its own deadline all the same."""
        self._note_pause()
        if intent.deadline_ns - self._deadline_ns <= self._paused_until_ns:
            return "the process stood still after it was decided"
        if self.blocked():
            return "a kill was given before it left"
        return "a kill file is there that the engine has not heard of" if self.latch.is_untold else ""

    def _look(self) -> None:
        self._note_pause()
        self._beat_s = self._now_s()

    def _note_pause(self) -> None:
        if self._now_s() - self._beat_s > PAUSE_S:
            self._paused_until_ns = self._now_ns()
