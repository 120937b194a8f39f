from collections.abc import Callable

import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.errors import JournalError, ProgrammingError
from hedgebot.domain.kill import KillAction, KillScope
from hedgebot.domain.operator_events import LimitRaised, LimitRestored
from hedgebot.turn.inbox import Inbox
from hedgebot.turn.turn import NOT_SENT, Turn
from tests.unit.journal.world import PERP, SETTINGS, SmallEngine, book, decision_for, fill

STARTED = ev.RunStarted(run_id="1", epoch=1, settings=SETTINGS, version="1")
CLOCK = ev.ClockMeasured(account="main", offset_ms=1.0, round_trip_ms=2.0)


class Scripted:
    """An engine that answers each event as told."""

    def __init__(self, answer: Callable[[ev.Event], tuple[cmd.Command, ...]]) -> None:
        self.answer = answer
        self.seen: list[ev.Stamped] = []

    def step(self, stamped: ev.Stamped) -> tuple[cmd.Command, ...]:
        self.seen.append(stamped)
        return self.answer(stamped.event)


def started(engine: Scripted | SmallEngine, next_seq: int = 1, **options: int) -> tuple[Turn, Inbox]:
    inbox = Inbox(100)
    turn = Turn(engine, inbox, next_seq)
    inbox.put(STARTED)
    turn.run(options.get("at_ns", 1), 1)
    return turn, inbox


def test_entries_are_each_event_and_its_commands_in_order() -> None:
    inbox = Inbox(10)
    turn = Turn(SmallEngine(), inbox, 41)
    for event in (fill("1"), book(), STARTED):
        inbox.put(event)
    out = turn.run(1_000, 10)
    kinds = [
        (
            entry.seq,
            0 if isinstance(entry, ev.Stamped) else entry.index,
            type(getattr(entry, "event", None) or getattr(entry, "command", None)).__name__,
        )
        for entry in out.entries
    ]
    assert kinds == [
        (41, 0, "RunStarted"),
        (41, 1, "SetTimer"),
        (42, 0, "FillReceived"),
        (42, 1, "RecordDecision"),
        (42, 2, "SubmitOrder"),
    ]
    assert {entry.at_ns for entry in out.entries} == {1_000}
    assert [type(command) for command in out.gated] == [cmd.SetTimer, cmd.SubmitOrder]
    assert out.durable
    assert turn.next_seq == 43


def test_a_turn_stops_after_the_first_event_that_adds_risk() -> None:
    turn, inbox = started(SmallEngine())
    for event in (fill("1"), fill("2"), book()):
        inbox.put(event)
    first, second, third = turn.run(2, 10), turn.run(3, 10), turn.run(4, 10)
    assert [len(out.entries) for out in (first, second, third)] == [3, 3, 1]
    assert (first.durable, second.durable, third.durable) == (True, True, False)


def test_the_limit_bounds_a_turn() -> None:
    turn, inbox = started(SmallEngine())
    for _ in range(5):
        inbox.put(CLOCK)
    assert len(turn.run(2, 3).entries) == 3
    assert len(inbox) == 2
    assert turn.run(2, 0).entries == ()


def test_commands_are_split_by_what_they_wait_for() -> None:
    cancel = cmd.CancelOrder(account="main", instrument=PERP, client_id="x", reason="late")
    alert = cmd.RaiseAlert(kind=AlertKind.RECON_BREAK, subject="main", summary="differs")
    calm = cmd.ResolveAlert(kind=AlertKind.RECON_BREAK, subject="main")
    query = cmd.QueryOrder(account="main", instrument=PERP, client_id="x")
    stop = cmd.StopNow(summary="done")
    record = decision_for(None, 0.1)
    turn, inbox = started(Scripted(lambda _: (query, cancel, record, stop, alert, calm)))
    inbox.put(CLOCK)
    out = turn.run(2, 1)
    assert out.urgent == (cancel, alert, calm)
    assert out.gated == (query, stop)
    assert not out.durable
    assert len(out.entries) == 7


def test_an_operators_word_and_a_latched_mode_are_durable() -> None:
    latched = cmd.RecordMode(before=cmd.Mode.ACTIVE, after=cmd.Mode.HALTED, reason="loss", latched=True)
    passing = cmd.RecordMode(before=cmd.Mode.ACTIVE, after=cmd.Mode.REDUCING, reason="stale", latched=False)
    kill = ev.OperatorKilled(operator="eve", reason="drill")
    switch = ev.StrategySwitched(strategy="s", enabled=False, operator="eve", reason="drill")
    assert durable(kill)
    assert durable(switch)
    assert durable(LimitRaised(operator="eve", reason="drill", limit="es_ratio_alert", to=0.1, for_ms=1))
    assert durable(LimitRestored(operator="eve", reason="drill", limit="es_ratio_alert"))
    assert durable(CLOCK, latched)
    assert not durable(CLOCK, passing)
    # A rule that freezes what an operator had let through changes no mode: it must stay frozen after a power cut too.
    frozen = cmd.RecordLatch(
        scope=KillScope.ALL,
        name="",
        action=KillAction.FREEZE,
        operator="rules",
        reason="",
        causes=(),
        done=False,
        held=True,
    )
    assert durable(CLOCK, frozen)


def durable(event: ev.Event, *commands: cmd.Command) -> bool:
    turn, inbox = started(Scripted(lambda _: commands))
    inbox.put(event)
    return turn.run(2, 1).durable


def test_time_never_runs_backwards() -> None:
    engine = Scripted(lambda _: ())
    turn, inbox = started(engine, at_ns=1_000)
    for at_ns in (900, 1_100):
        inbox.put(CLOCK)
        turn.run(at_ns, 1)
    assert [stamped.at_ns for stamped in engine.seen] == [1_000, 1_000, 1_100]


def test_a_run_starts_with_run_started() -> None:
    inbox = Inbox(10)
    inbox.put(CLOCK)
    with pytest.raises(ProgrammingError, match="RunStarted"):
        Turn(SmallEngine(), inbox, 1).run(1, 1)


def test_nothing_waiting_gives_an_empty_turn() -> None:
    turn, _ = started(SmallEngine())
    out = turn.run(2, 10)
    assert (out.entries, out.urgent, out.gated, out.durable) == ((), (), (), False)


def test_a_failed_journal_withholds_orders_and_tells_the_engine() -> None:
    turn, inbox = started(SmallEngine())
    inbox.put(fill("1"))
    out = turn.run(2, 10)
    submit = out.gated[-1]
    assert isinstance(submit, cmd.SubmitOrder)
    assert turn.journal_failed(JournalError("disk full")) == ()
    failed = inbox.take()
    assert failed == ev.TaskFailed(task="journal", error="disk full", restarting=False)
    answer = inbox.take()
    assert isinstance(answer, ev.OrderRejected)
    assert (answer.client_id, answer.code) == (submit.client_id, NOT_SENT)
    assert inbox.take() is None


def test_a_failed_journal_lets_queries_timers_and_the_stop_go() -> None:
    query = cmd.QueryOrder(account="main", instrument=PERP, client_id="x")
    timer, stop = cmd.SetTimer(interval_ns=5), cmd.StopNow(summary="done")
    turn, inbox = started(Scripted(lambda _: (query, timer, stop)))
    inbox.put(CLOCK)
    turn.run(2, 1)
    assert turn.journal_failed(JournalError("disk full")) == (query, timer, stop)
    assert turn.journal_failed(JournalError("disk full")) == ()


def test_a_failure_that_lasts_is_told_once() -> None:
    turn, inbox = started(SmallEngine())
    for _ in range(3):
        turn.journal_failed(JournalError("disk full"))
    assert len(inbox) == 1
    inbox.take()
    turn.journal_failed(JournalError("disk full"))
    assert len(inbox) == 0
    turn.journal_written()
    turn.journal_failed(JournalError("disk full"))
    assert len(inbox) == 1


def test_an_event_that_passes_by_is_stepped_and_numbered_like_any_other() -> None:
    engine = Scripted(lambda _event: ())
    turn, _ = started(engine, next_seq=5)
    assert turn.pass_by(book(), 7) == ()
    turn.leave_out(10, 9)
    turn.pass_by(ev.TimerFired(), 8)
    # Time never runs back, and what was left out has its numbers.
    assert [(one.seq, one.at_ns) for one in engine.seen[1:]] == [(6, 7), (17, 9)]
    assert turn.next_seq == 18
