"""The pump: waits for events, runs turns, journals, then dispatches, in exactly that order. Decides nothing.

::

    inbox wakes -> turn.run(now) -> dispatch urgent -> journal.write -> dispatch gated -> next turn

Urgent commands (cancels, alerts) never wait for the disk; gated ones (orders) leave only after their entries are
durable. When the journal cannot promise that, gated orders are dropped for ever and answered as not sent, the engine
is told and halts, and the journal keeps the entries, in order, for its next write.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

import structlog

from hedgebot.daemon.failpoints import Failpoint, Failpoints
from hedgebot.domain.commands import Command, Issued, SubmitOrder
from hedgebot.domain.errors import JournalError
from hedgebot.domain.events import Stamped
from hedgebot.domain.ports import JournalPort
from hedgebot.turn.turn import Turn, TurnOutput

TURN_EVENTS_MAX = 64

Entries = Sequence[Stamped | Issued]


class Pump:
    """Runs turns until stopped; the only caller of the turn and the only writer of the journal."""

    def __init__(
        self,
        *,
        turn: Turn,
        journal: JournalPort,
        dispatch: Callable[[Iterable[Command]], None],
        observe: Callable[[Entries], None],
        now_ns: Callable[[], int],
        failpoints: Failpoints,
        on_journal: Callable[[str], None],
    ) -> None:
        """`observe` sees every entry after its write: it logs records and answers those who wait for one.

        `on_journal` hears of the journal's first failure, in a sentence, and of its end, as an empty one.
        """
        self._turn = turn
        self._journal = journal
        self._dispatch = dispatch
        self._observe = observe
        self._now_ns = now_ns
        self._failpoints = failpoints
        self._on_journal = on_journal
        self._wake = asyncio.Event()
        self._stopping = False
        self._quiet = asyncio.Lock()
        self._busy_since_s: float | None = None
        self._log = structlog.stdlib.get_logger("hedgebot.pump")
        self.turns = 0
        self.journal_failing = False

    @property
    def head_seq(self) -> int:
        """The newest event that was given to the journal; 0 before the first."""
        return self._turn.next_seq - 1

    @property
    def busy_s(self) -> float:
        """How long the turn in hand has taken so far, journal included; 0 between turns."""
        return 0.0 if self._busy_since_s is None else time.monotonic() - self._busy_since_s

    def wake(self) -> None:
        """Something was put into the inbox."""
        self._wake.set()

    def stop(self) -> None:
        """End `run` after the turn in hand."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Pump until stopped."""
        while not self._stopping:
            await self._wake.wait()
            self._wake.clear()
            while not self._stopping and await self.one_turn():
                pass

    async def one_turn(self) -> bool:
        """Run one turn; whether there was anything to do."""
        async with self._quiet:
            self._busy_since_s = time.monotonic()
            try:
                out = self._turn.run(self._now_ns(), TURN_EVENTS_MAX)
                if not out.entries:
                    return False
                await self._carry_out(out)
            finally:
                self._busy_since_s = None
        # Sockets, timers and the operator get their share between turns.
        await asyncio.sleep(0)
        return True

    @contextlib.asynccontextmanager
    async def quiet(self) -> AsyncIterator[int]:
        """Hold the pump between two turns; yields the newest journaled seq. To take a snapshot."""
        async with self._quiet:
            yield self.head_seq

    async def _carry_out(self, out: TurnOutput) -> None:
        self.turns += 1
        self._dispatch(out.urgent)
        orders = any(isinstance(command, SubmitOrder) for command in out.gated)
        if orders:
            self._failpoints.passed(Failpoint.BEFORE_COMMIT)
        problem = await self._write(out.entries, durable=out.durable)
        if problem is None:
            self._turn.journal_written()
            if orders:
                self._failpoints.passed(Failpoint.AFTER_COMMIT_BEFORE_SEND)
            self._dispatch(out.gated)
        else:
            self._dispatch(self._turn.journal_failed(problem))
        self._observe(out.entries)

    async def _write(self, entries: Entries, *, durable: bool) -> JournalError | None:
        """Journal the entries; the error when the journal cannot promise them and keeps them for its next write."""
        try:
            await self._journal.write(entries, durable=durable)
        except JournalError as error:
            if not self.journal_failing:
                self._log.error("journal write failed", problem=str(error))
                self._on_journal(str(error))
            self.journal_failing = True
            return error
        if self.journal_failing:
            self._log.info("journal takes entries again")
            self._on_journal("")
            self.journal_failing = False
        return None
