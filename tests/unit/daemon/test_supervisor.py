"""The supervisor: no task ends in silence."""

import asyncio

import pytest

from hedgebot.daemon.supervisor import Supervisor
from hedgebot.domain.events import Event, TaskFailed


class Sink:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def put(self, event: Event) -> None:
        self.events.append(event)


def make(sink: Sink, vital: list[tuple[str, str]] | None = None, restarts_max: int = 3) -> Supervisor:
    ended: list[tuple[str, str]] = [] if vital is None else vital
    return Supervisor(
        sink, on_vital=lambda name, error: ended.append((name, error)), backoff_s=0.001, restarts_max=restarts_max
    )


async def ended(supervisor: Supervisor) -> None:
    async with asyncio.timeout(5):
        while supervisor.running:  # noqa: ASYNC110  (a task tells nobody of its end)
            await asyncio.sleep(0.001)


async def test_a_failed_task_is_told_and_restarted() -> None:
    sink, runs = Sink(), []
    supervisor = make(sink)

    async def task() -> None:
        runs.append(1)
        if len(runs) < 3:
            raise ValueError("bad frame")

    supervisor.spawn("feed", task, lasting=False)
    await ended(supervisor)
    told = TaskFailed(task="feed", error="ValueError: bad frame", restarting=True)
    assert sink.events == [told, told]
    assert len(runs) == 3
    assert supervisor.given_up == ()
    assert supervisor.running == ()


async def test_a_used_up_budget_ends_with_the_word_that_halts() -> None:
    sink = Sink()
    supervisor = make(sink, restarts_max=2)

    async def task() -> None:
        raise RuntimeError("again")

    supervisor.spawn("feed", task)
    await ended(supervisor)
    assert [event.restarting for event in sink.events if isinstance(event, TaskFailed)] == [True, True, False]
    assert supervisor.given_up == ("feed",)


async def test_a_vital_task_is_not_restarted_but_reported() -> None:
    sink = Sink()
    told: list[tuple[str, str]] = []
    supervisor = make(sink, told)

    async def task() -> None:
        raise KeyError("lost")

    supervisor.spawn("pump", task, vital=True)
    await ended(supervisor)
    assert told == [("pump", "KeyError: 'lost'")]
    assert sink.events == []
    assert supervisor.given_up == ("pump",)


async def test_stop_cancels_every_task_and_waits() -> None:
    sink, ends = Sink(), []
    supervisor = make(sink)

    async def task() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ends.append("cleaned up")

    for name in "abc":
        supervisor.spawn(name, task)
    await asyncio.sleep(0)
    assert supervisor.running == ("a", "b", "c")
    await supervisor.stop()
    assert ends == ["cleaned up"] * 3
    assert sink.events == []


async def test_a_long_error_is_cut() -> None:
    sink = Sink()
    make(sink).complain("loop", "x" * 10_000)
    (event,) = sink.events
    assert isinstance(event, TaskFailed)
    assert len(event.error) == 500
    assert event.restarting


@pytest.mark.parametrize("how", ["returns", "is cancelled from within"])
async def test_a_lasting_task_that_merely_ends_has_failed(how: str) -> None:
    sink = Sink()
    supervisor = make(sink, restarts_max=1)

    async def task() -> None:
        if how != "returns":
            raise asyncio.CancelledError

    supervisor.spawn("feed", task)
    await ended(supervisor)
    assert [event.restarting for event in sink.events if isinstance(event, TaskFailed)] == [True, False]
    assert supervisor.given_up == ("feed",)


async def test_a_vital_task_that_is_cancelled_from_within_is_reported() -> None:
    told: list[tuple[str, str]] = []
    supervisor = make(Sink(), told)

    async def task() -> None:
        raise asyncio.CancelledError

    supervisor.spawn("pump", task, vital=True)
    await ended(supervisor)
    assert [name for name, _ in told] == ["pump"]
