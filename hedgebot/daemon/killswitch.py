"""Every way into and out of a kill, in one place: the verb, the signal, the kill files, and what rules latched.

A kill blocks every order and tells the engine before anything waits for a disk; the file is written beside. Once the
engine has heard it, orders that its action lets through may leave again. Decides nothing: the engine answers.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import structlog

from hedgebot.core import latches
from hedgebot.core.engine import Engine
from hedgebot.core.state import Latch
from hedgebot.daemon.control import Reply, refusal
from hedgebot.daemon.failpoints import Failpoint, Failpoints
from hedgebot.daemon.latch import KillLatch
from hedgebot.daemon.receipts import Receipts
from hedgebot.daemon.words import ANSWER_S_MAX, accepted, answered, outcome, unanswered
from hedgebot.domain.commands import Issued, RecordLatch
from hedgebot.domain.errors import ExitCode
from hedgebot.domain.events import OperatorKilled, OperatorUnkilled, Stamped
from hedgebot.domain.kill import FROM_FILE, KillAction, KillScope, scope_key
from hedgebot.domain.ports import EventSink

LATCH_S_MAX = 2.0
CANCEL_ONLY = "Cancelled only: nothing is sent that is not on disk."


class Gate(Protocol):
    """What stands between a committed order and the venue: the pump."""

    kills: int

    def block_orders(self) -> None:
        """Send no order from now on."""

    def unblock_orders(self, kills: int) -> bool:
        """Allow orders again unless there was a kill after the first `kills` ones."""


def unproven_of(engine: Engine, now_ns: Callable[[], int], latch: Latch) -> list[str]:
    """What is left open under a latch of the engine's as it is now."""
    return latches.unproven(engine.state, latch, now_ns())


class KillSwitch:
    """Kill and unkill of one run."""

    def __init__(
        self,
        gate: Gate,
        standing: Callable[[], Mapping[str, Latch]],
        unproven: Callable[[Latch], list[str]],
        unmet: Callable[[Mapping[str, Any]], Awaitable[tuple[str, ...]]],
        latch: KillLatch,
        receipts: Receipts,
        sink: EventSink,
        failpoints: Failpoints | None = None,
    ) -> None:
        """`standing` latches are the engine's, `unproven` says what is left open under one of them.

        `unmet` finds what the shell has against an unkill.
        """
        self._gate = gate
        self._latches = standing
        self._unproven = unproven
        self._unmet = unmet
        self._latch = latch
        self._receipts = receipts
        self._sink = sink
        self._failpoints = failpoints or Failpoints()
        self._log = structlog.stdlib.get_logger("hedgebot.operator")
        self._writing: set[asyncio.Future[None]] = set()

    async def kill(self, event: OperatorKilled) -> Reply:
        """Stop a scope: orders are blocked and the engine is told before anything waits for a disk."""
        self._gate.block_orders()
        self._latch.tell(event.scope, event.name)
        pending = self._receipts.send(event)
        self._failpoints.passed(Failpoint.IN_KILL)
        problem = await self._write(event)
        self._failpoints.passed(Failpoint.IN_KILL)
        answer = await self._receipts.answer(pending, ANSWER_S_MAX - LATCH_S_MAX)
        self._failpoints.passed(Failpoint.IN_KILL)
        if answer is None:
            said = "The kill file is written." if problem is None else problem
            return unanswered("kill", f"Orders are blocked. {said}")
        latch = self._latches().get(scope_key(event.scope, event.name))
        if not accepted(answer.commands):
            if latch is None:
                await asyncio.to_thread(self._latch.clear, event.scope, event.name)
            return answered("kill", answer)
        data = outcome(answer) | {
            "latch": str(self._latch.path_of(event.scope, event.name)),
            "warning": problem,
            "unproven": [] if latch is None else self._unproven(latch),
            "scope": event.scope.value,
            "name": event.name,
            "action": event.action.value,
        }
        if not answer.on_disk and event.action is not KillAction.FREEZE:
            data["explanation"] = f"{data['explanation']} {CANCEL_ONLY}"
        return Reply(ok=True, data=data)

    async def unkill(self, event: OperatorUnkilled, told: Mapping[str, Any]) -> Reply:
        """Ask the engine to lift one latch, with what the shell has against it; the file goes when it did."""
        kills = self._gate.kills
        event = msgspec.structs.replace(event, unmet=await self._unmet(told))
        answer = await self._receipts.put(event, ANSWER_S_MAX)
        key = scope_key(event.scope, event.name)
        # A latch that is gone when the answer comes was lifted by an earlier word whose caller did not hear of it.
        if answer is not None and (accepted(answer.commands) or key not in self._latches()):
            if self._gate.kills != kills:
                return refusal("unkill: another kill came meanwhile; it stands", ExitCode.REFUSED)
            await asyncio.to_thread(self._latch.clear, event.scope, event.name)
            if event.scope is KillScope.ALL:
                await asyncio.to_thread(self._latch.clear_others, frozenset(self._latches()))
                self._gate.unblock_orders(kills)
        return answered("unkill", answer)

    def tell_files(self) -> None:
        """Tell the engine of every kill file that it has not heard of."""
        for one in self._latch.untold():
            self._latch.tell_file(one.file)
            self.tell(
                OperatorKilled(operator=FROM_FILE, reason=one.reason, scope=one.scope, name=one.name, action=one.action)
            )

    def tell(self, event: OperatorKilled) -> None:
        """A kill that nobody waits for."""
        self._gate.block_orders()
        self._sink.put(event)

    def observe(self, entries: Sequence[Stamped | Issued]) -> None:
        """See what the engine did: a kill it has heard, a latch that a rule set, one that ended by itself."""
        for entry in entries:
            if isinstance(entry, Stamped) and isinstance(entry.event, OperatorKilled):
                self._let_through()
                self._drop_file(entry.event)
            elif isinstance(entry, Issued) and isinstance(entry.command, RecordLatch):
                self._keep_file(entry.command)

    def _let_through(self) -> None:
        """From here on the engine itself withholds what its latches stop; a frozen book stays blocked here as well."""
        latch = self._latches().get(KillScope.ALL)
        if latch is None or latch.in_force is not KillAction.FREEZE:
            self._gate.unblock_orders(self._gate.kills)

    def _drop_file(self, event: OperatorKilled) -> None:
        """A file for an order that has ended, as the engine knows by now, stops nothing any more: it goes."""
        ended = scope_key(event.scope, event.name) not in self._latches()
        if event.operator == FROM_FILE and event.scope is KillScope.ORDER and ended:
            self._spawn(self._latch.clear, event.scope, event.name)

    def _keep_file(self, record: RecordLatch) -> None:
        """A latch that a rule set gets its file too: the journal may be what has failed."""
        if record.held and not self._latch.is_told(record.scope, record.name):
            self._latch.tell(record.scope, record.name)
            self._spawn(self._latch.set, record.operator, record.reason, record.scope, record.name, record.action)
        elif not record.held and record.scope is KillScope.ORDER:
            self._spawn(self._latch.clear, record.scope, record.name)

    def _spawn(self, work: Callable[..., None], *args: object) -> None:
        writing: asyncio.Future[None] = asyncio.ensure_future(asyncio.to_thread(work, *args))
        self._writing.add(writing)
        writing.add_done_callback(self._written)

    def _written(self, writing: "asyncio.Future[None]") -> None:
        self._writing.discard(writing)
        error = None if writing.cancelled() else writing.exception()
        if isinstance(error, OSError):
            self._log.error("kill file not written", problem=error.strerror or str(error))
        elif error is not None:
            raise error

    async def _write(self, event: OperatorKilled) -> str | None:
        """Write the kill file in a thread; why it is not certain to be there, None when it is."""
        where = (event.scope, event.name)
        work = asyncio.to_thread(self._latch.set, event.operator, event.reason, *where, event.action)
        writing = asyncio.ensure_future(work)
        await asyncio.wait({writing}, timeout=LATCH_S_MAX)
        if not writing.done():
            writing.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
            why = f"the disk has not answered within {LATCH_S_MAX:.0f} s"
        elif isinstance(error := writing.exception(), OSError):
            why = error.strerror or str(error)
            # Whoever makes the file by hand now must be heard.
            self._latch.untell(*where)
        else:
            writing.result()
            return None
        self._log.error("kill file not written", problem=why)
        return f"the kill file could not be written ({why}): a restart may forget this kill"
