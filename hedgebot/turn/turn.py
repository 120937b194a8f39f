"""One turn of the loop: take events in order, stamp them, step the engine, and say what may leave before the disk.

Owns the one order of everything (seq), the only clock reading that decides (handed in by the shell) and the split of
commands by what they must wait for. Must not wait, write, send, or decide anything about a hedge.

The shell's loop::

    out = turn.run(now_ns, limit)
    dispatch(out.urgent)                                        # cancels and alerts never wait for the disk
    try:
        await journal.write(out.entries, durable=out.durable)
    except JournalError as error:
        dispatch(turn.journal_failed(error))                    # no order among them
    else:
        turn.journal_written()
        dispatch(turn.withhold(why) if killed_meanwhile else out.gated)
"""

from enum import Enum, auto
from typing import Protocol, assert_never

import msgspec

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.errors import JournalError, ProgrammingError
from hedgebot.domain.operator_events import LimitRaised, LimitRestored, MoveResolved, ProposalDecided
from hedgebot.domain.treasury import MoveAnswered, MoveOutcome
from hedgebot.turn.inbox import Conflated, Inbox

JOURNAL_TASK = "journal"
"""`TaskFailed.task` when the journal cannot be written: the engine must add no risk."""

NOT_SENT = "not_sent"
"""`OrderRejected.code` of an order whose first byte never left: proof of non-execution that no venue gave."""


class Stepper(Protocol):
    """The engine, as far as a turn knows it."""

    def step(self, stamped: ev.Stamped) -> tuple[cmd.Command, ...]:
        """Apply one event and say what is to be done."""


class TurnOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What one turn did. `entries` are in journal order: each event followed by its commands (`Issued.index` from 1).

    `urgent` is dispatched at once; `gated` after `entries` are written, durably when `durable`. Records are in
    `entries` only.
    """

    entries: tuple[ev.Stamped | cmd.Issued, ...]
    urgent: tuple[cmd.Command, ...]
    gated: tuple[cmd.Command, ...]
    durable: bool


class _Route(Enum):
    URGENT = auto()
    GATED = auto()
    RECORD = auto()


def _route(command: cmd.Command) -> _Route:
    match command:
        case cmd.CancelOrder() | cmd.ArmDeadMan() | cmd.RaiseAlert() | cmd.ResolveAlert():
            return _Route.URGENT
        case (
            cmd.SubmitOrder()
            | cmd.QueryOrder()
            | cmd.RequestSnapshot()
            | cmd.WatchInstruments()
            | cmd.SetTimer()
            | cmd.StopNow()
            | cmd.MoveCollateral()
            | cmd.QueryMove()
        ):
            return _Route.GATED
        case (
            cmd.RecordDecision()
            | cmd.RecordRefusal()
            | cmd.RecordMode()
            | cmd.RecordAdjustment()
            | cmd.RecordOperator()
            | cmd.RecordLatch()
            | cmd.RecordTracking()
            | cmd.RecordMargin()
            | cmd.RecordMove()
            | cmd.RecordRegime()
        ):
            return _Route.RECORD
        case _:
            assert_never(command)


_LASTING_EVENTS = frozenset(
    (
        ev.RunStarted,
        ev.OperatorKilled,
        ev.OperatorUnkilled,
        ev.OrderResolved,
        ev.StrategySwitched,
        ev.ConfigApplied,
        LimitRaised,
        LimitRestored,
        ProposalDecided,
        MoveResolved,
    )
)
"""An operator's word outlives a power cut before anyone is told that it was taken: a latched kill must stay latched."""


class Turn:
    """Moves events from the inbox through the engine. One per run; not reentrant."""

    def __init__(self, engine: Stepper, inbox: Inbox, next_seq: int) -> None:
        """Continue the journal's numbering at `next_seq`."""
        self._engine = engine
        self._inbox = inbox
        self._next_seq = next_seq
        self._at_ns = 0
        self._started = False
        self._last = TurnOutput(entries=(), urgent=(), gated=(), durable=False)
        self._journal_down = False

    @property
    def next_seq(self) -> int:
        """The number that the next event will get."""
        return self._next_seq

    @property
    def kill_waits(self) -> bool:
        """Whether a kill stands in the inbox that the engine has not heard yet."""
        return self._inbox.kill_waits

    def run(self, at_ns: int, limit: int) -> TurnOutput:
        """Take at most `limit` events, stamped `at_ns`; stop after the first one whose commands add risk.

        Stopping there keeps an order's wait for the disk free of later events' work. A clock that was set back is held
        at its highest reading, so that ages never shrink. Raises ProgrammingError when a run does not start with
        RunStarted; whatever the engine raises passes through, and that event is not in any output.
        """
        self._at_ns = max(self._at_ns, at_ns)
        entries: list[ev.Stamped | cmd.Issued] = []
        commands: list[cmd.Command] = []
        durable = False
        for _ in range(limit):
            event = self._inbox.take()
            if event is None:
                break
            issued = self._step(event, entries)
            durable = durable or _must_last(event, issued)
            if issued:
                commands += issued
                if any(cmd.adds_risk(command) for command in issued):
                    break
        urgent: list[cmd.Command] = []
        gated: list[cmd.Command] = []
        for command in commands:
            route = _route(command)
            if route is not _Route.RECORD:
                (urgent if route is _Route.URGENT else gated).append(command)
        self._last = TurnOutput(entries=tuple(entries), urgent=tuple(urgent), gated=tuple(gated), durable=durable)
        return self._last

    def pass_by(self, event: Conflated | ev.ClockMeasured | ev.TimerFired, at_ns: int) -> tuple[cmd.Command, ...]:
        """Step one event that came while nothing waits, for whoever plays a recording and keeps it himself.

        The commands must go the way of `run`'s; the event's number is the one before `next_seq`.
        """
        self._at_ns = at_ns = max(self._at_ns, at_ns)
        commands = self._engine.step(ev.Stamped(seq=self._next_seq, at_ns=at_ns, event=event))
        self._next_seq += 1
        return commands

    def leave_out(self, events: int, at_ns: int) -> None:
        """So many events up to a moment came to nothing, as a claim proves: the numbering goes on after them."""
        self._at_ns = max(self._at_ns, at_ns)
        self._next_seq += events

    def journal_failed(self, error: JournalError) -> tuple[cmd.Command, ...]:
        """Tell the engine that the last output is not on disk; gives back what may be dispatched all the same.

        The orders are withheld. The engine hears TaskFailed once per failure, not in each turn.
        """
        harmless = self.withhold(f"the journal could not be written: {error}")
        if not self._journal_down:
            self._journal_down = True
            self._inbox.put(ev.TaskFailed(task=JOURNAL_TASK, error=str(error), restarting=False))
        return harmless

    def withhold(self, why: str) -> tuple[cmd.Command, ...]:
        """Answer the last output's orders and moves as refused: they were not sent; gives back what may be dispatched.

        Queries, timers and the stop add no risk, and without them the engine could not wind down.
        """
        withheld = [command for command in self._last.gated if cmd.adds_risk(command)]
        harmless = tuple(command for command in self._last.gated if not cmd.adds_risk(command))
        self._last = TurnOutput(entries=(), urgent=(), gated=(), durable=False)
        for command in withheld:
            self._inbox.put(_not_sent(command, f"not sent, because {why}"))
        return harmless

    def journal_written(self) -> None:
        """Note that the journal works (again), so that its next failure is told anew."""
        self._journal_down = False

    def _step(self, event: ev.Event, entries: list[ev.Stamped | cmd.Issued]) -> tuple[cmd.Command, ...]:
        if not self._started and not isinstance(event, ev.RunStarted):
            raise ProgrammingError(f"a run starts with RunStarted, not with {type(event).__name__}")
        self._started = True
        stamped = ev.Stamped(seq=self._next_seq, at_ns=self._at_ns, event=event)
        commands = self._engine.step(stamped)
        self._next_seq += 1
        entries.append(stamped)
        for index, command in enumerate(commands, start=1):
            entries.append(cmd.Issued(seq=stamped.seq, index=index, at_ns=stamped.at_ns, command=command))
        return commands


def _not_sent(command: cmd.RiskCommand, why: str) -> ev.Event:
    """The answer to what never left: proof that it did nothing."""
    if isinstance(command, cmd.SubmitOrder):
        account = command.approved.intent.account
        return ev.OrderRejected(account=account, client_id=command.client_id, code=NOT_SENT, message=why, passing=True)
    return MoveAnswered(
        account=command.account,
        transfer_id=command.move.transfer_id,
        outcome=MoveOutcome.REFUSED,
        code=NOT_SENT,
        message=why,
    )


def _must_last(event: ev.Event, commands: tuple[cmd.Command, ...]) -> bool:
    if type(event) in _LASTING_EVENTS:
        return True
    return bool(commands) and any(
        cmd.adds_risk(command)
        or (isinstance(command, cmd.RecordMode) and command.latched)
        or (isinstance(command, cmd.RecordLatch) and command.held)
        for command in commands
    )
