"""Stories in which the shell waits where it must not, or dies without a word."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from hedgebot.core.engine import Engine
from hedgebot.daemon.failpoints import Failpoints
from hedgebot.daemon.latch import KillLatch
from hedgebot.daemon.loop import Pump
from hedgebot.daemon.plugins import load_strategy
from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command, RaiseAlert
from hedgebot.domain.settings import EngineSettings, LimitSettings
from hedgebot.journal import store
from hedgebot.journal.manifest import build_manifest
from hedgebot.journal.store import Journal
from hedgebot.turn.inbox import Inbox
from hedgebot.turn.turn import Turn
from tests.unit.daemon.fakes import MemoryJournal, submit

SETTINGS = EngineSettings(
    config_hash="h", install=1, accounts=(), underlyings=(), strategies=(), limits=LimitSettings()
)


class HungJournal:
    """A disk that does not answer."""

    def __init__(self) -> None:
        self.hung = False

    async def write(self, entries: Sequence[ev.Stamped | cmd.Issued], *, durable: bool) -> None:
        if self.hung:
            await asyncio.Event().wait()


async def test_a_kill_does_not_wait_for_a_disk_that_does_not_answer() -> None:
    journal = HungJournal()
    told: list[Command] = []
    holder: list[Pump] = []
    inbox = Inbox(100, lambda: holder[0].wake() if holder else None)
    pump = Pump(
        turn=Turn(Engine(load_strategy), inbox, 1),
        journal=journal,
        dispatch=told.extend,
        observe=lambda _entries: None,
        now_ns=lambda: 5,
        failpoints=Failpoints(),
        on_journal=lambda _words: None,
    )
    holder.append(pump)
    inbox.put(ev.RunStarted(run_id="r", epoch=1, settings=SETTINGS, version="v"))
    assert await pump.one_turn()
    journal.hung = True
    running = asyncio.create_task(pump.run())
    inbox.put(ev.ClockMeasured(account="a", offset_ms=0.0, round_trip_ms=0.0))
    await asyncio.sleep(0.02)  # the turn now waits for the disk
    inbox.put(ev.OperatorKilled(operator="o", reason="r"))
    await asyncio.sleep(0.2)
    running.cancel()
    assert any(isinstance(one, RaiseAlert) for one in told), "the engine never heard the kill"


async def test_the_journals_keeper_survives_an_error_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "PRUNE_INTERVAL_S", -1.0)
    monkeypatch.setattr(store, "IDLE_S", 0.01)
    journal = await Journal.open(tmp_path)
    try:
        await journal.begin_run(build_manifest(SETTINGS, version="v", operator=None))

        def refuse(_now_ns: int, _seq: int) -> list[Path]:
            raise PermissionError(13, "Permission denied")

        assert journal._tape is not None
        monkeypatch.setattr(journal._tape, "prune", refuse)
        await asyncio.sleep(0.1)
        assert journal._keeper is not None
        died = journal._keeper.done()
        monkeypatch.undo()
    finally:
        try:
            await journal.close()
        except OSError:
            journal._opened.release()
            await journal._db.close()
            died = True
    assert not died, "late commits, checkpoints and anchors ended without a word"


async def test_a_stop_ends_a_venue_that_never_finishes_its_start(tmp_path_factory: pytest.TempPathFactory) -> None:
    from tests.unit.daemon.test_assembly import Rig

    rig = Rig(tmp_path_factory.mktemp("r"))

    async def never() -> None:
        await asyncio.Event().wait()

    rig.venues[0].start = never  # type: ignore[method-assign]
    await rig.start()
    await asyncio.sleep(0.05)
    rig.run.request_stop("SIGTERM")
    rig.run.request_stop("SIGTERM")
    assert rig.task is not None
    done, _ = await asyncio.wait({rig.task}, timeout=3)
    if not done:
        rig.task.cancel()
        await asyncio.gather(rig.task, return_exceptions=True)
    assert done, "two SIGTERM and the process is still there"


async def test_a_kill_reaches_the_engine_before_the_kill_file_is_synced(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.unit.daemon.test_assembly import Rig

    rig = Rig(tmp_path_factory.mktemp("r"))
    await rig.start()
    await asyncio.sleep(0.05)
    order: list[str] = []
    put = rig.run._inbox.put

    def watched(event: ev.Event) -> None:
        if isinstance(event, ev.OperatorKilled):
            order.append("engine")
        put(event)

    def slow(*_: object) -> None:
        order.append("disk")

    monkeypatch.setattr(KillLatch, "set", slow)
    monkeypatch.setattr(rig.run._verbs._receipts, "_sink", type("Sink", (), {"put": staticmethod(watched)})())
    await rig.run._switch.kill(ev.OperatorKilled(operator="o", reason="r"))
    rig.run.request_stop("end")
    rig.run.request_stop("end")
    await rig.end()
    assert order[0] == "engine", "the loop waits for fsync before anything is blocked"


async def test_an_order_that_waits_for_the_disk_is_not_sent_after_a_kill() -> None:
    """The order's commit takes long; the operator kills meanwhile; then the disk answers."""

    class SlowJournal:
        def __init__(self) -> None:
            self.answer = asyncio.Event()

        async def write(self, entries: Sequence[ev.Stamped | cmd.Issued], *, durable: bool) -> None:
            if durable and any(isinstance(getattr(one, "command", None), cmd.SubmitOrder) for one in entries):
                await self.answer.wait()

    class Scripted:
        def step(self, stamped: ev.Stamped) -> tuple[Command, ...]:
            return (submit(),) if isinstance(stamped.event, ev.TimerFired) else ()

    journal = SlowJournal()
    told: list[Command] = []
    inbox = Inbox(100)
    pump = Pump(
        turn=Turn(Scripted(), inbox, 1),
        journal=journal,
        dispatch=told.extend,
        observe=lambda _entries: None,
        now_ns=lambda: 5,
        failpoints=Failpoints(),
        on_journal=lambda _words: None,
    )
    inbox.put(ev.RunStarted(run_id="r", epoch=1, settings=SETTINGS, version="v"))
    assert await pump.one_turn()
    inbox.put(ev.TimerFired())
    turn = asyncio.create_task(pump.one_turn())
    await asyncio.sleep(0.01)
    inbox.put(ev.OperatorKilled(operator="o", reason="r"))
    journal.answer.set()
    await turn
    assert not any(isinstance(one, cmd.SubmitOrder) for one in told), "sent after the kill was given"


async def test_a_failed_task_tells_no_secret_to_the_journal() -> None:
    from hedgebot.daemon.supervisor import Supervisor
    from tests.unit.daemon.fakes import ListSink

    secret = "s3cr3t-canary-0123456789"
    sink = ListSink()
    supervisor = Supervisor(sink, on_vital=lambda _name, _error: None, restarts_max=0)

    async def fails() -> None:
        raise ValueError(f"POST /v5/order/create api_secret={secret}")

    supervisor.spawn("x", fails)
    await asyncio.sleep(0.05)
    await supervisor.stop()
    assert secret not in repr(sink.events)


def test_a_strategy_that_is_gone_from_the_disk_does_not_make_the_journal_unreadable() -> None:
    from hedgebot.core.state import EngineState
    from hedgebot.domain.errors import HedgebotError
    from hedgebot.domain.settings import StrategySettings

    gone = StrategySettings(name="gone", enabled=False, underlyings=())
    state = EngineState(settings=msgspec.structs.replace(SETTINGS, strategies=(gone,)), epoch=1, run_id="r")
    problem = ""
    try:
        Engine(load_strategy, state)
    except HedgebotError as error:
        problem = str(error)
    assert not problem


async def test_an_operators_word_that_is_not_on_disk_is_not_told_as_taken() -> None:
    journal = MemoryJournal()
    observed: list[ev.Stamped | cmd.Issued] = []
    inbox = Inbox(100)
    pump = Pump(
        turn=Turn(Engine(load_strategy), inbox, 1),
        journal=journal,
        dispatch=lambda _commands: None,
        observe=observed.extend,
        now_ns=lambda: 5,
        failpoints=Failpoints(),
        on_journal=lambda _words: None,
    )
    inbox.put(ev.RunStarted(run_id="r", epoch=1, settings=SETTINGS, version="v"))
    assert await pump.one_turn()
    observed.clear()
    journal.problem = "the disk is full"
    inbox.put(ev.OperatorUnkilled(operator="o", reason="r"))
    await pump.one_turn()
    assert not observed, "the console says it was journaled"
