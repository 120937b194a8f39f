"""The pump: nothing that adds risk leaves before it is on disk, and nothing that reduces it waits for the disk."""

import asyncio
from collections.abc import Callable, Iterable

import pytest

from hedgebot.daemon.failpoints import Failpoints
from hedgebot.daemon.loop import Pump
from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.settings import EngineSettings, LimitSettings
from hedgebot.turn.inbox import Inbox
from hedgebot.turn.turn import Turn
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
