"""Fault P06: each supervised task of the running daemon fails, in turn: once, and for good. None dies in silence.

The daemon's own run with the real adapter against the exchange on the wire. `TASKS` is held against what really runs,
so that a new task cannot be forgotten here.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hedgebot.config.loader import load_config
from hedgebot.core.engine import Engine
from hedgebot.daemon import supervisor as supervising
from hedgebot.daemon.assembly import Run
from hedgebot.daemon.clock import Clock
from hedgebot.daemon.failpoints import Failpoints
from hedgebot.daemon.hold import SendHold
from hedgebot.daemon.latch import KillLatch
from hedgebot.daemon.notify import ServiceManager
from hedgebot.daemon.parts import Identity
from hedgebot.daemon.plugins import load_strategy
from hedgebot.daemon.supervisor import Supervisor
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Mode
from hedgebot.domain.ports import EventSink
from hedgebot.exchange.wire.server import Server
from hedgebot.venues import tasks
from hedgebot.venues.bybit import BybitVenue
from hedgebot.venues.tasks import TaskGroup
from tests.unit.daemon.fakes import CONFIG, MemoryJournal, write_config
from tests.unit.venues.double import connection
from tests.wire.venue_world import world

pytestmark = [pytest.mark.wire, pytest.mark.timeout(60)]

VITAL = "pump"
TASKS = (
    VITAL,
    *("alerts", "loop-watch", "clock", "kill-file", "snapshots", "service-manager", "heartbeat"),
    *("disk", "heap", "memory", "risk", "daily-verify"),
    *("main:private stream", "main:trade stream", "main:clock", "main:instruments", "main:drop copy"),
    *("main:funding log", "main:market statuses"),
    "main:linear market stream",
)
Factory = Callable[[], Coroutine[Any, Any, None]]


class Fuses:
    """Puts a fuse into every task that is started: lit, the task fails where it stands, `times` times."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.started: list[str] = []
        self._lit: dict[str, asyncio.Event] = {}
        self._times: dict[str, int] = {}
        spawn, lasting = Supervisor.spawn, TaskGroup.lasting

        def spawn_with(this: Supervisor, name: str, factory: Factory, **more: bool) -> None:
            spawn(this, name, self._with_fuse(name, factory), **more)

        def lasting_with(this: TaskGroup, name: str, start: Factory) -> None:
            lasting(this, name, self._with_fuse(f"{this._account}:{name}", start))

        patch.setattr(Supervisor, "spawn", spawn_with)
        patch.setattr(TaskGroup, "lasting", lasting_with)
        defaults = Supervisor.__init__.__kwdefaults__
        assert defaults is not None
        patch.setitem(defaults, "backoff_s", 0.001)
        patch.setattr(tasks, "RESTART_PAUSE_S", 0.0)

    def light(self, name: str, times: int) -> None:
        """Have a task fail."""
        self._times[name] = times
        self._lit[name].set()

    def _with_fuse(self, name: str, factory: Factory) -> Factory:
        self.started.append(name)
        lit = self._lit.setdefault(name, asyncio.Event())

        async def task() -> None:
            work, fuse = asyncio.ensure_future(factory()), asyncio.ensure_future(lit.wait())
            try:
                await asyncio.wait({work, fuse}, return_when=asyncio.FIRST_COMPLETED)
                if not lit.is_set():
                    return work.result()
            finally:
                work.cancel()
                fuse.cancel()
                await asyncio.gather(work, fuse, return_exceptions=True)
            self._times[name] -= 1
            if self._times[name] <= 0:
                lit.clear()
            raise RuntimeError(f"a bug in {name}")

        return task


class Rig:
    """One run against the wire."""

    def __init__(self, folder: Path, server: Server, fuses: Fuses) -> None:
        self.fuses = fuses
        self.server = server
        text = CONFIG.replace("http://127.0.0.1:9", server.endpoint)
        text += f'heartbeat_url = "{server.endpoint}/admin/nowhere"\n'
        self.config = load_config(write_config(folder, text), state_dir=folder)
        self.journal = MemoryJournal()
        self.engine = Engine(load_strategy)
        self.run = Run(
            config=self.config,
            identity=Identity(install=7, run_id="r1", epoch=1, version="0", build="0+b", next_seq=1),
            engine=self.engine,
            journal=self.journal,
            clock=Clock(),
            failpoints=Failpoints(),
            open_venue=self._open,
            hold=SendHold(KillLatch(folder), time.time_ns, 5_000),
        )
        self.run.managed_by(ServiceManager({"NOTIFY_SOCKET": str(folder / "nobody"), "WATCHDOG_USEC": "1000000"}))
        self.task = asyncio.ensure_future(self.run.run())

    def _open(self, account: str, sink: EventSink) -> BybitVenue:
        return BybitVenue(
            connection(self.server.endpoint, account=account, order_entry="ws", drop_copy=True), sink, time.time_ns
        )

    async def until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait for it; nobody is told when the engine's state changes."""
        async with asyncio.timeout(seconds):
            await asyncio.sleep(0.05)
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def until_active(self) -> None:
        """The book is hedged."""
        await self.until(lambda: self.run.status()["book"]["mode"] == "active")

    def told(self, name: str) -> list[ev.TaskFailed]:
        """What the engine heard of a task."""
        return [one for one in self.journal.events if isinstance(one, ev.TaskFailed) and one.task == name]

    def alerted(self, name: str) -> bool:
        """Whether the operator is told of it."""
        alerts = self.run.status()["daemon"]["alerts"]
        return any((one["kind"], one["subject"]) == ("SupervisedTaskFailed", name) for one in alerts)


@asynccontextmanager
async def running(folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """A daemon that hedges."""
    fuses = Fuses(patch)
    async with world(start=False) as found:
        rig = Rig(folder, found.server, fuses)
        try:
            await rig.until_active()
            yield rig
        finally:
            if not rig.task.done():
                rig.run.request_stop("end of test")
                rig.run.request_stop("end of test")
            await asyncio.wait({rig.task}, timeout=10.0)
            assert rig.task.done()


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short path: a socket is made in it."""
    return tmp_path_factory.mktemp("r")


async def test_p06_every_task_of_the_running_daemon_is_in_the_list(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(folder, monkeypatch) as rig:
        assert sorted(rig.fuses.started) == sorted(TASKS)
        assert set(rig.run._supervisor.running) == {one for one in TASKS if ":" not in one}


@pytest.mark.parametrize("name", [one for one in TASKS if one != VITAL])
async def test_p06_a_task_that_fails_once_is_told_and_runs_again(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(folder, monkeypatch) as rig:
        rig.fuses.light(name, 1)
        await rig.until(lambda: bool(rig.told(name)))
        assert rig.told(name)[0].restarting
        assert f"a bug in {name}" in rig.told(name)[0].error
        await rig.until(lambda: rig.alerted(name))
        await rig.until_active()
        alive = {one.get_name() for one in asyncio.all_tasks()}
        assert name in alive or any(one.startswith(f"{name}:") for one in alive)
        assert rig.engine.state.mode is Mode.ACTIVE


@pytest.mark.parametrize("name", [one for one in TASKS if one != VITAL])
async def test_p06_a_task_that_fails_for_good_halts_the_book(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(folder, monkeypatch) as rig:
        rig.fuses.light(name, 100)
        await rig.until(lambda: rig.engine.state.mode is Mode.HALTED)
        told = rig.told(name)
        budget = tasks.RESTARTS_MAX if ":" in name else supervising.RESTARTS_MAX
        assert [one.restarting for one in told] == [True] * budget + [False]
        assert rig.engine.state.latched
        assert f"task {name} failed for good" in rig.engine.state.mode_reason
        assert rig.alerted(name)


async def test_p06_the_vital_task_ends_the_process_for_its_restart(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(folder, monkeypatch) as rig:
        rig.fuses.light(VITAL, 1)
        async with asyncio.timeout(15):
            assert await rig.task == 1
