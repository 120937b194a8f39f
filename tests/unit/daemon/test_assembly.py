"""One run: RunStarted first, the kill file before any venue, ACTIVE when the venue has answered, an ordered end."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest

from hedgebot.config.loader import load_config
from hedgebot.core.engine import Engine
from hedgebot.daemon import chores, memoryguard, sanity
from hedgebot.daemon.assembly import Run
from hedgebot.daemon.clock import Clock
from hedgebot.daemon.control import Reply, Request
from hedgebot.daemon.failpoints import Failpoints
from hedgebot.daemon.hold import SendHold
from hedgebot.daemon.latch import KillLatch
from hedgebot.daemon.notify import ServiceManager
from hedgebot.daemon.parts import Identity
from hedgebot.daemon.plugins import load_strategy
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Mode
from hedgebot.domain.errors import VenueUnreachable
from hedgebot.domain.ports import EventSink
from tests.support.waiting import until
from tests.unit.daemon.fakes import MemoryJournal, QuietVenue, write_config


class Rig:
    def __init__(
        self, folder: Path, *, spec: str | None = None, silent: bool = False, halted_because: str = ""
    ) -> None:
        self.config = load_config(write_config(folder), state_dir=folder)
        self.journal = MemoryJournal()
        self.venues: list[QuietVenue] = []
        self.struck: list[int] = []
        self.engine = Engine(load_strategy)
        self.silent = silent
        self.hold = SendHold(KillLatch(folder), time.time_ns, 5_000)
        self.run = Run(
            config=self.config,
            identity=Identity(
                install=7, run_id="r1", epoch=3, version="0", build="0+b", next_seq=41, halted_because=halted_because
            ),
            engine=self.engine,
            journal=self.journal,
            clock=Clock(),
            failpoints=Failpoints(spec, strike=lambda: self.struck.append(len(self.journal.entries))),
            open_venue=self.open_venue,
            hold=self.hold,
        )
        self.task: asyncio.Task[int] | None = None

    def open_venue(self, account: str, sink: EventSink) -> QuietVenue:
        venue = QuietVenue(account, sink)
        if self.silent:
            venue.send = venue.sent.append  # type: ignore[method-assign, assignment]
        self.venues.append(venue)
        return venue

    async def start(self) -> None:
        self.task = asyncio.create_task(self.run.run())
        await asyncio.sleep(0)

    async def until(self, mode: Mode) -> None:
        """Wait for a mode, and for the turn that made it to be written: the engine is ahead of its journal."""
        async with asyncio.timeout(20):
            # Nobody is told when the state changes or a turn ends.
            while self.run.status()["book"]["mode"] != mode or self.run._pump.busy_s:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def end(self) -> int:
        assert self.task is not None
        async with asyncio.timeout(4):
            return await self.task


@pytest.fixture
async def rig(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    made = Rig(tmp_path_factory.mktemp("r"))
    await made.start()
    await asyncio.sleep(0.01)
    yield made
    if made.task is not None and not made.task.done():
        made.run.request_stop("end of test")
        made.run.request_stop("end of test")
        await made.end()


async def test_it_becomes_active_and_stops_in_order(rig: Rig) -> None:
    await rig.until(Mode.ACTIVE)
    assert isinstance(rig.journal.events[0], ev.RunStarted)
    assert rig.journal.entries[0].seq == 41
    assert rig.journal.snapshots[0] == 41
    rig.run.request_stop("SIGTERM")
    assert await rig.end() == 0
    assert rig.venues[0].stopped
    assert any(isinstance(event, ev.StopRequested) for event in rig.journal.events)
    assert rig.journal.snapshots[-1] == rig.journal.entries[-1].seq
    assert not (rig.config.state_dir / "control.sock").exists()


async def test_too_much_memory_ends_it_in_order_and_with_an_exit_code_that_restarts_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.until(Mode.ACTIVE)
    monkeypatch.setattr(rig.run._memory, "_read", lambda: 10**12)
    for _ in range(memoryguard.READINGS_BEYOND + 1):
        rig.run._memory.look()
    assert [one["kind"] for one in rig.run.status()["daemon"]["alerts"]] == [AlertKind.MEMORY_HIGH]
    assert await rig.end() == 1
    (stop,) = (event for event in rig.journal.events if isinstance(event, ev.StopRequested))
    assert "1,000,000 MB of resident memory" in stop.reason
    assert rig.journal.snapshots[-1] == rig.journal.entries[-1].seq, "the state is good: recovery starts from it"


async def test_too_much_memory_does_not_hasten_a_stop_that_goes_on_nor_end_what_the_crash_guard_halted(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.until(Mode.ACTIVE)
    assert rig.run._memory_spared() == ""
    monkeypatch.setattr(rig.engine.state, "latched", True)
    monkeypatch.setattr(rig.engine.state, "mode_reason", f"{chores.CRASH_GUARD}: 5 starts")
    assert rig.run._memory_spared().startswith(chores.CRASH_GUARD)
    rig.run.request_stop("SIGTERM")
    assert rig.run._memory_spared() == "the daemon is stopping"


async def test_status_and_health_tell_the_truth(rig: Rig) -> None:
    await rig.until(Mode.ACTIVE)
    status = rig.run.status()
    assert status["daemon"]["epoch"] == 3
    assert status["daemon"]["journal_head_seq"] >= 41
    assert status["daemon"]["rss_bytes"] > 0
    assert status["book"]["underlyings"][0]["underlying"] == "BTC"
    assert rig.run.health().live


async def test_the_socket_answers_while_it_runs(rig: Rig) -> None:
    await rig.until(Mode.ACTIVE)
    reader, writer = await asyncio.open_unix_connection(rig.config.state_dir / "control.sock")
    writer.write(b'{"verb":"kill","operator":"ada","reason":"drill"}\n')
    answer = await asyncio.wait_for(reader.readline(), 3)
    writer.close()
    assert b'"ok":true' in answer
    assert rig.engine.state.mode is Mode.HALTED
    assert (rig.config.state_dir / "KILL").exists()


async def test_a_kill_file_that_appears_is_obeyed(rig: Rig) -> None:
    await rig.until(Mode.ACTIVE)
    (rig.config.state_dir / "KILL").write_text("smoke")
    await rig.until(Mode.HALTED)
    killed = [event for event in rig.journal.events if isinstance(event, ev.OperatorKilled)]
    assert [one.reason for one in killed] == ["smoke"]


async def test_a_kill_by_signal_is_latched(rig: Rig) -> None:
    await rig.until(Mode.ACTIVE)
    rig.run.request_kill("signal", "SIGUSR1")
    await rig.until(Mode.HALTED)
    assert (rig.config.state_dir / "KILL").exists()


async def test_a_kill_file_at_start_comes_before_the_venues(tmp_path: Path) -> None:
    (tmp_path / "KILL").write_text("")
    rig = Rig(tmp_path)
    await rig.start()
    await rig.until(Mode.HALTED)
    kinds = [type(event) for event in rig.journal.events]
    assert kinds[:2] == [ev.RunStarted, ev.OperatorKilled]
    rig.run.request_stop("a")
    assert await rig.end() == 0


async def test_a_second_stop_does_not_wait_for_the_engine(tmp_path: Path) -> None:
    rig = Rig(tmp_path, silent=True)
    await rig.start()
    await asyncio.sleep(0.02)
    rig.run.request_stop("a")
    rig.run.request_stop("b")
    assert await rig.end() == 0


async def test_a_bug_of_the_engine_ends_the_process_with_an_error(rig: Rig) -> None:
    await rig.until(Mode.ACTIVE)

    def broken(_stamped: ev.Stamped) -> tuple[()]:
        raise KeyError("bug")

    rig.engine.step = broken  # type: ignore[method-assign, assignment]
    rig.venues[0].tick(time.time_ns())
    taken = len(rig.journal.snapshots)
    assert await rig.end() == 1
    assert rig.venues[0].stopped
    assert len(rig.journal.snapshots) == taken, "a state that is half changed must not be recovered from"


async def test_recovery_passes_its_failpoint_after_run_started_is_journaled(tmp_path: Path) -> None:
    rig = Rig(tmp_path, spec="in_recovery")
    await rig.start()
    await until(lambda: bool(rig.struck))
    assert rig.struck[0] >= 1
    rig.run.request_stop("a")
    rig.run.request_stop("b")
    await rig.end()


async def test_a_stray_failure_is_told_to_the_engine(rig: Rig) -> None:
    await rig.until(Mode.ACTIVE)
    rig.run.task_complaint("Task-9", "boom")
    failed = ev.TaskFailed(task="Task-9", error="boom", restarting=True)
    await until(lambda: failed in rig.journal.events)
    assert rig.journal.events.count(failed) == 1


async def test_stop_over_the_verbs(rig: Rig) -> None:
    await rig.until(Mode.ACTIVE)
    reply: Reply = await rig.run._verbs.handle(Request(verb="stop"))
    assert reply.ok
    assert await rig.end() == 0


async def test_a_venue_that_never_starts_is_told_and_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hedgebot.daemon.assembly.VENUE_START_S_MAX", 0.05)
    rig = Rig(tmp_path)

    async def never() -> None:
        await asyncio.Event().wait()

    rig.venues[0].start = never  # type: ignore[method-assign]
    await rig.start()
    with pytest.raises(VenueUnreachable, match="main"):
        await rig.end()
    assert rig.venues[0].stopped


async def test_health_says_what_the_start_waits_for(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    release = asyncio.Event()
    start = rig.venues[0].start

    async def late() -> None:
        await release.wait()
        await start()

    rig.venues[0].start = late  # type: ignore[method-assign]
    await rig.start()
    await asyncio.sleep(0.02)
    assert "main is starting" in rig.run.health().not_ready
    assert rig.run.status()["daemon"]["startup_s"] is None
    release.set()
    await rig.until(Mode.ACTIVE)
    assert rig.run.health().ready
    assert rig.run.status()["daemon"]["startup_s"] >= 0.02
    rig.run.request_stop("a")
    assert await rig.end() == 0


async def test_a_snapshot_on_a_disk_that_hangs_does_not_keep_a_kill_out(rig: Rig) -> None:
    await rig.until(Mode.ACTIVE)

    async def hang(_seq: int, _state: bytes) -> None:
        await asyncio.Event().wait()

    rig.journal.snapshot = hang  # type: ignore[method-assign, assignment]
    taking = asyncio.create_task(rig.run._snapshot())
    await asyncio.sleep(0.01)
    rig.run.request_kill("signal", "SIGUSR1")
    assert rig.run.status()["daemon"]["orders_blocked"]
    await rig.until(Mode.HALTED)
    await taking


async def test_an_unkill_frees_the_orders(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def sound(_folder: Path) -> list[str]:
        return []

    monkeypatch.setattr(sanity, "_chain_problems", sound)  # the journal here is a list
    await rig.until(Mode.ACTIVE)
    assert (await rig.run._verbs.handle(Request(verb="kill", args={"operator": "ada", "reason": "drill"}))).ok
    assert rig.run.status()["daemon"]["orders_blocked"]
    reply = await rig.run._verbs.handle(Request(verb="unkill", args={"reason": "over"}))
    assert reply.ok
    assert not rig.run.status()["daemon"]["orders_blocked"]


async def test_a_start_after_a_crash_loop_is_halted_and_latched(tmp_path: Path) -> None:
    rig = Rig(tmp_path, halted_because="5 starts within 10 minutes did not come to a clean end")
    await rig.start()
    await rig.until(Mode.HALTED)
    assert "crash-loop guard" in rig.run.status()["book"]["mode_reason"]
    assert "crash-loop guard" in (tmp_path / "KILL").read_text()
    rig.run.request_stop("end of test")
    await rig.end()


async def test_the_service_manager_hears_of_readiness_life_and_the_end(tmp_path: Path) -> None:
    class Manager(ServiceManager):
        said: ClassVar[list[str]] = []

        def __init__(self) -> None:
            super().__init__({})

        @property
        def ping_every_s(self) -> float:
            return 0.05

        def _tell(self, line: str) -> None:
            self.said.append(line)

    rig = Rig(tmp_path)
    rig.run.managed_by(Manager())
    await rig.start()
    await rig.until(Mode.ACTIVE)
    async with asyncio.timeout(20):
        while "STATUS=hedging" not in Manager.said:  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.01)
    rig.run.request_stop("end of test")
    await rig.end()
    assert Manager.said.count("READY=1") == 1
    assert "WATCHDOG=1" in Manager.said
    assert Manager.said.count("STOPPING=1") == 1
