"""The pump: nothing that adds risk leaves before it is on disk, and nothing that reduces it waits for the disk."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence

import pytest

from hedgebot.daemon.failpoints import Failpoints
from hedgebot.daemon.loop import Pump
from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.settings import EngineSettings, LimitSettings
from hedgebot.turn.inbox import Inbox
from hedgebot.turn.turn import NOT_SENT, Turn
from tests.unit.daemon.fakes import BTC, CLIENT_ID, MemoryJournal, submit

CANCEL = cmd.CancelOrder(account="main", instrument=BTC, client_id=CLIENT_ID, reason="r")
SETTINGS = EngineSettings(
    config_hash="h", install=1, accounts=(), underlyings=(), strategies=(), limits=LimitSettings()
)


class Scripted:
    """An engine that answers each kind of event with fixed commands."""

    def __init__(self) -> None:
        self.answers: dict[type, tuple[cmd.Command, ...]] = {}
        self.seen: list[ev.Event] = []

    def step(self, stamped: ev.Stamped) -> tuple[cmd.Command, ...]:
        self.seen.append(stamped.event)
        return self.answers.get(type(stamped.event), ())


class Rig:
    def __init__(self, spec: str | None = None, strike: Callable[[], None] = lambda: None) -> None:
        self.trace: list[str] = []
        self.journal_words: list[str] = []
        self.engine = Scripted()
        self.journal = MemoryJournal()
        self.journal.before_write = lambda: self.trace.append("write")
        self.inbox = Inbox(100, self.wake)
        self.observed: list[ev.Stamped | cmd.Issued] = []
        self.pump = Pump(
            turn=Turn(self.engine, self.inbox, 1),
            journal=self.journal,
            dispatch=self.dispatch,
            observe=self.observed.extend,
            now_ns=lambda: 5,
            failpoints=Failpoints(spec, strike=strike),
            on_journal=self.journal_words.append,
        )

    def wake(self) -> None:
        self.pump.wake()

    def dispatch(self, commands: Iterable[cmd.Command]) -> None:
        self.trace += [type(command).__name__ for command in commands]

    async def begin(self) -> None:
        self.inbox.put(ev.RunStarted(run_id="r", epoch=1, settings=SETTINGS, version="v"))
        assert await self.pump.one_turn()
        self.trace.clear()
        self.journal.durable.clear()


async def test_cancels_before_the_disk_orders_after_it() -> None:
    rig = Rig()
    await rig.begin()
    rig.engine.answers[ev.TimerFired] = (submit(), CANCEL, cmd.SetTimer(interval_ns=1))
    rig.inbox.put(ev.TimerFired())
    assert await rig.pump.one_turn()
    assert rig.trace == ["CancelOrder", "write", "SubmitOrder", "SetTimer"]
    assert rig.journal.durable == [True]
    assert len(rig.observed) == 1 + 4


async def test_without_risk_the_disk_is_not_waited_for() -> None:
    rig = Rig()
    await rig.begin()
    rig.inbox.put(ev.TimerFired())
    await rig.pump.one_turn()
    assert rig.journal.durable == [False]
    assert not await rig.pump.one_turn(), "an empty inbox is no turn"
    assert rig.pump.head_seq == 2


async def test_a_journal_that_fails_holds_the_order_and_lets_the_rest_go() -> None:
    rig = Rig()
    await rig.begin()
    rig.engine.answers[ev.TimerFired] = (submit(), CANCEL, cmd.SetTimer(interval_ns=1))
    rig.journal.problem = "the disk is full"
    rig.inbox.put(ev.TimerFired())
    await rig.pump.one_turn()
    assert rig.trace == ["CancelOrder", "write", "SetTimer"]
    assert rig.pump.journal_failing
    while await rig.pump.one_turn():
        pass
    told = {type(event) for event in rig.engine.seen}
    assert {ev.OrderRejected, ev.TaskFailed} <= told
    assert "SubmitOrder" not in rig.trace
    rig.journal.problem = None
    rig.inbox.put(ev.StopRequested(reason="r"))
    await rig.pump.one_turn()
    assert not rig.pump.journal_failing
    assert rig.journal_words == ["the disk is full", ""]


@pytest.mark.parametrize(
    ("point", "before"),
    [("before_commit", ["CancelOrder"]), ("after_commit_before_send", ["CancelOrder", "write"])],
)
async def test_failpoints_stand_around_the_commit(point: str, before: list[str]) -> None:
    seen: list[list[str]] = []
    rig = Rig(point, strike=lambda: seen.append(list(rig.trace)))
    await rig.begin()
    rig.inbox.put(ev.TimerFired())
    await rig.pump.one_turn()
    assert seen == [], "a turn without an order passes no failpoint"
    rig.trace.clear()
    rig.engine.answers[ev.TimerFired] = (submit(), CANCEL)
    rig.inbox.put(ev.TimerFired())
    await rig.pump.one_turn()
    assert seen == [before]


async def test_it_runs_when_woken_and_ends_when_stopped() -> None:
    rig = Rig()
    await rig.begin()
    task = asyncio.create_task(rig.pump.run())
    await asyncio.sleep(0)
    for _ in range(3):
        rig.inbox.put(ev.StopRequested(reason="r"))
    await asyncio.sleep(0.01)
    assert len(rig.engine.seen) == 4
    rig.pump.stop()
    await asyncio.wait_for(task, 1)


async def test_a_flood_of_events_does_not_starve_the_loop() -> None:
    rig = Rig()
    await rig.begin()
    ticks = 0

    async def other() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1
            rig.inbox.put(ev.StopRequested(reason="again"))

    flood = asyncio.create_task(other())
    task = asyncio.create_task(rig.pump.run())
    await asyncio.sleep(0.02)
    rig.pump.stop()
    await asyncio.wait_for(task, 1)
    flood.cancel()
    assert ticks > 10


async def test_quiet_holds_the_pump_between_turns() -> None:
    rig = Rig()
    await rig.begin()
    async with rig.pump.quiet() as seq:
        assert seq == 1
        rig.inbox.put(ev.TimerFired())
        turn = asyncio.create_task(rig.pump.one_turn())
        await asyncio.sleep(0.01)
        assert rig.pump.head_seq == 1
    assert await turn
    assert rig.pump.head_seq == 2


async def test_an_error_of_the_engine_is_not_swallowed() -> None:
    rig = Rig()
    await rig.begin()

    def broken(stamped: ev.Stamped) -> tuple[cmd.Command, ...]:
        raise KeyError(stamped.seq)

    rig.engine.step = broken  # type: ignore[method-assign]
    rig.inbox.put(ev.TimerFired())
    with pytest.raises(KeyError):
        await rig.pump.one_turn()
    assert rig.pump.busy_s == 0.0


class Disk:
    """A journal whose disk answers when told to."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.answers.set()
        self.given: list[int] = []

    async def write(self, entries: Sequence[ev.Stamped | cmd.Issued], *, durable: bool) -> None:
        self.given += [entry.seq for entry in entries if isinstance(entry, ev.Stamped)]
        if durable:
            await self.answers.wait()


async def hung(monkeypatch: pytest.MonkeyPatch, write_s: float = 60.0) -> tuple[Rig, Disk]:
    """A pump whose disk hangs from now on, with an order to write at each timer."""
    monkeypatch.setattr("hedgebot.daemon.loop.WRITE_S_MAX", write_s)
    rig, disk = Rig(), Disk()
    rig.pump._journal = disk
    await rig.begin()
    rig.engine.answers[ev.TimerFired] = (submit(), cmd.SetTimer(interval_ns=1))
    disk.answers.clear()
    return rig, disk


async def test_blocked_orders_are_answered_as_not_sent_and_only_an_unkill_frees_them() -> None:
    rig = Rig()
    await rig.begin()
    rig.engine.answers[ev.TimerFired] = (submit(), cmd.SetTimer(interval_ns=1))
    rig.pump.block_orders()
    rig.inbox.put(ev.TimerFired())
    await rig.pump.one_turn()
    assert rig.trace == ["write", "SetTimer"]
    await rig.pump.one_turn()
    refused = rig.engine.seen[-1]
    assert isinstance(refused, ev.OrderRejected)
    assert (refused.client_id, refused.code) == (CLIENT_ID, NOT_SENT)
    assert not rig.pump.journal_failing
    rig.pump.block_orders()
    assert not rig.pump.unblock_orders(1), "a second kill came after the unkill was asked"
    assert rig.pump.orders_blocked
    assert rig.pump.unblock_orders(2)
    rig.trace.clear()
    rig.inbox.put(ev.TimerFired())
    await rig.pump.one_turn()
    assert rig.trace == ["write", "SubmitOrder", "SetTimer"]


async def test_a_kill_in_the_middle_of_a_write_does_not_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rig, disk = await hung(monkeypatch)
    rig.inbox.put(ev.TimerFired())
    turn = asyncio.create_task(rig.pump.one_turn())
    await asyncio.sleep(0.01)
    rig.pump.block_orders()
    async with asyncio.timeout(1):
        await turn
    assert rig.trace == ["SetTimer"]
    assert not rig.pump.journal_failing, "the disk has not failed, it was not waited for"
    disk.answers.set()
    await asyncio.sleep(0.01)
    assert rig.trace == ["SetTimer"], "an answer that comes late sends nothing"


async def test_a_disk_that_does_not_answer_in_time_is_a_failed_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    rig, disk = await hung(monkeypatch, write_s=0.02)
    unwritten: list[ev.Stamped | cmd.Issued] = []
    rig.pump._on_unwritten = unwritten.extend
    rig.observed.clear()
    rig.inbox.put(ev.TimerFired())
    async with asyncio.timeout(2):
        while await rig.pump.one_turn():
            pass
    assert "SubmitOrder" not in rig.trace
    assert {ev.OrderRejected, ev.TaskFailed} <= {type(event) for event in rig.engine.seen}
    assert rig.pump.journal_failing
    assert rig.pump.busy_s > 0, "the write that hangs counts for liveness"
    assert rig.observed == []
    assert len(unwritten) >= 3
    disk.answers.set()
    await asyncio.sleep(0.01)
    assert rig.pump.busy_s == 0.0
    rig.inbox.put(ev.StopRequested(reason="r"))
    await rig.pump.one_turn()
    assert not rig.pump.journal_failing
    assert disk.given == sorted(disk.given), "the order of the journal is the order of the turns"
    assert disk.given[-1] == rig.pump.head_seq


async def test_p03_a_disk_is_not_blamed_for_a_process_that_stood_still(monkeypatch: pytest.MonkeyPatch) -> None:
    rig, disk = await hung(monkeypatch, write_s=0.5)
    rig.inbox.put(ev.TimerFired())
    turn = asyncio.create_task(rig.pump.one_turn())
    await asyncio.sleep(0.01)
    time.sleep(0.7)  # noqa: ASYNC251  (as SIGSTOP does: nothing runs, and the wait's time is over)
    asyncio.get_running_loop().call_later(0.1, disk.answers.set)
    await turn
    assert not rig.pump.journal_failing
    assert "SubmitOrder" in rig.trace


async def test_a_bug_in_a_write_that_nobody_waited_for_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    rig, disk = await hung(monkeypatch, write_s=0.02)

    async def broken(entries: Sequence[ev.Stamped | cmd.Issued], *, durable: bool) -> None:
        await disk.answers.wait()
        raise KeyError("lost")

    monkeypatch.setattr(disk, "write", broken)
    rig.inbox.put(ev.TimerFired())
    await rig.pump.one_turn()
    disk.answers.set()
    await asyncio.sleep(0.01)
    with pytest.raises(KeyError):
        await rig.pump.one_turn()
