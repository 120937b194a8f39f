"""The pump: waits for events, runs turns, journals, then dispatches, in exactly that order. Decides nothing.

::

    inbox wakes -> turn.run(now) -> dispatch urgent -> journal.write -> dispatch gated -> next turn

Urgent commands (cancels, alerts) never wait for the disk; gated ones (orders) leave only after their entries are
durable. When the journal cannot promise that, gated orders are dropped for ever and answered as not sent, the engine
is told and halts, and the journal keeps the entries, in order, for its next write.

The wait for the disk is bounded, and a kill cuts it short: from `block_orders` on, also in the middle of a write, no
order leaves until an accepted unkill, and the engine hears the kill although the disk says nothing.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

import structlog

from hedgebot.daemon.failpoints import Failpoint, Failpoints
from hedgebot.domain.commands import Command, Issued, adds_risk
from hedgebot.domain.errors import JournalError
from hedgebot.domain.events import Stamped
from hedgebot.domain.ports import JournalPort
from hedgebot.turn.turn import Turn, TurnOutput

TURN_EVENTS_MAX = 64
WRITE_S_MAX = 5.0
# After a kill: well below the time that the kill verb waits for its answer (two seconds once the file is written).
WRITE_KILLED_S_MAX = 1.0
# What a kill leaves to a write in hand: a healthy disk answers within it, and its entries are then told as written.
KILL_GRACE_S = 0.05
# The wait for a disk has so many parts; so many more are waited for where the process stood still in one.
WAIT_PARTS, STOPS_MAX = 10, 5
KILLED = "a kill was given before it left"

Entries = Sequence[Stamped | Issued]


class _KillCame(JournalError):
    """A kill did not wait for the disk's answer, which may still come."""


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
        on_unwritten: Callable[[Entries], None] = lambda _entries: None,
    ) -> None:
        """`observe` sees every entry after its write: it logs records and answers those who wait for one.

        `on_unwritten` sees the entries instead that are in force while the disk has not confirmed them.
        `on_journal` hears of the journal's first failure, in a sentence, and of its end, as an empty one.
        """
        self._turn = turn
        self._journal = journal
        self._dispatch = dispatch
        self._observe = observe
        self._now_ns = now_ns
        self._failpoints = failpoints
        self._on_journal = on_journal
        self._on_unwritten = on_unwritten
        self._wake = asyncio.Event()
        self._stopping = False
        self._quiet = asyncio.Lock()
        self._busy_since_s: float | None = None
        self._log = structlog.stdlib.get_logger("hedgebot.pump")
        self._hurry: asyncio.Future[None] | None = None
        self._overdue: asyncio.Future[None] | None = None
        self._overdue_since_s = 0.0
        self._broken: BaseException | None = None
        self._blocked = False
        self.turns = 0
        self.kills = 0
        self.journal_problem = ""

    @property
    def head_seq(self) -> int:
        """The newest event that was given to the journal; 0 before the first."""
        return self._turn.next_seq - 1

    @property
    def busy_s(self) -> float:
        """How long the turn in hand, or a write that nobody waits for any more, has taken so far; 0 when none does."""
        now_s = time.monotonic()
        turn_s = 0.0 if self._busy_since_s is None else now_s - self._busy_since_s
        return max(turn_s, now_s - self._overdue_since_s if self._is_overdue() else 0.0)

    @property
    def journal_failing(self) -> bool:
        """Whether the journal refused the last write or did not answer it in time."""
        return bool(self.journal_problem)

    @property
    def orders_blocked(self) -> bool:
        """Whether a kill forbids every order, heard by the engine or not."""
        return self._blocked or self._turn.kill_waits

    def wake(self) -> None:
        """Something was put into the inbox."""
        self._wake.set()
        if self._turn.kill_waits:
            self._cut_short()

    def block_orders(self) -> None:
        """Send no order from now on, not even one that waits for its commit: a kill was given."""
        self.kills += 1
        self._blocked = True
        self._cut_short()

    def unblock_orders(self, kills: int) -> bool:
        """Allow orders again, unless there was a kill after the first `kills` ones; whether that was done."""
        if self.kills != kills:
            return False
        self._blocked = False
        return True

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
        orders = any(adds_risk(command) for command in out.gated)
        if orders:
            self._failpoints.passed(Failpoint.BEFORE_COMMIT)
        problem = await self._write(out.entries, durable=out.durable)
        if problem is None:
            self._turn.journal_written()
            if orders:
                self._failpoints.passed(Failpoint.AFTER_COMMIT_BEFORE_SEND)
            self._dispatch(self._turn.withhold(KILLED) if orders and self.orders_blocked else out.gated)
            self._observe(out.entries)
            return
        killed = isinstance(problem, _KillCame)
        self._dispatch(self._turn.withhold(KILLED) if killed else self._turn.journal_failed(problem))
        self._on_unwritten(out.entries)

    async def _write(self, entries: Entries, *, durable: bool) -> JournalError | None:
        """Journal the entries; the error when the journal cannot promise them and keeps them for its next write."""
        if self._broken is not None:
            raise self._broken
        writing = asyncio.ensure_future(self._journal.write(entries, durable=durable))
        try:
            await self.settled(writing)
        except _KillCame as error:
            writing.add_done_callback(self._ended_late)
            return error
        except JournalError as error:
            if not writing.done():
                self._owe(writing)
            if not self.journal_problem:
                self._log.error("journal write failed", problem=str(error))
                self._on_journal(str(error))
            self.journal_problem = str(error)
            return error
        except asyncio.CancelledError:
            writing.add_done_callback(self._ended_late)
            raise
        if self.journal_problem:
            self._log.info("journal takes entries again")
            self._on_journal("")
            self.journal_problem = ""
        return None

    async def settled(self, work: asyncio.Future[None]) -> None:
        """Wait for work of the journal, as long as that is bearable; the work itself goes on when it is not.

        Raises what the work raises, or JournalError for a disk that does not answer in time or before a kill.
        """
        if self._is_overdue():
            await asyncio.sleep(0)  # the journal takes the entries behind those that the disk owes
            raise JournalError(f"the disk has not answered for {self.busy_s:.0f} s")
        limit_s = WRITE_KILLED_S_MAX if self._blocked else WRITE_S_MAX
        hurry: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._hurry = hurry
        try:
            if not self._turn.kill_waits:
                await _first_of(work, hurry, limit_s)
            cut_short = hurry.done() or self._turn.kill_waits
            if cut_short and not work.done():
                await asyncio.wait({work}, timeout=KILL_GRACE_S)
        finally:
            self._hurry = None
        if work.done():
            work.result()
            return
        if cut_short:
            raise _KillCame("a kill came before the disk answered")
        raise JournalError(f"the disk has not answered within {limit_s:.0f} s")

    def _cut_short(self) -> None:
        if self._hurry is not None and not self._hurry.done():
            self._hurry.set_result(None)

    def _is_overdue(self) -> bool:
        return self._overdue is not None and not self._overdue.done()

    def _owe(self, writing: asyncio.Future[None]) -> None:
        writing.add_done_callback(self._ended_late)
        if not self._is_overdue():
            self._overdue, self._overdue_since_s = writing, time.monotonic() - WRITE_S_MAX

    def _ended_late(self, writing: asyncio.Future[None]) -> None:
        """A write ended that nobody waits for: trouble of the disk shows again in the next one, a bug must not hide."""
        error = None if writing.cancelled() else writing.exception()
        if error is not None and not isinstance(error, JournalError):
            self._log.critical("journal write broke", exc_info=error)
            self._broken = error


async def _first_of(work: asyncio.Future[None], hurry: asyncio.Future[None], limit_s: float) -> None:
    """Wait until one of them is done, at most so long in which this process ran.

    While it is stopped (SIGSTOP, a suspended machine) its disk cannot answer it either: a part of the wait that lasted
    far longer than it was meant to says nothing of the disk, and is waited for again.
    """
    part_s, parts, stops = limit_s / WAIT_PARTS, WAIT_PARTS, STOPS_MAX
    while parts and not (work.done() or hurry.done()):
        began_s = time.monotonic()
        await asyncio.wait({work, hurry}, timeout=part_s, return_when=asyncio.FIRST_COMPLETED)
        if stops and time.monotonic() - began_s > 2.0 * part_s:
            stops -= 1
        else:
            parts -= 1
