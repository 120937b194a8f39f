import asyncio
from collections.abc import Callable, Coroutine

import pytest

from hedgebot.domain.events import TaskFailed
from hedgebot.venues import tasks
from hedgebot.venues.tasks import TaskGroup
from tests.unit.venues.double import Sink


async def fail() -> None:
    msg = "broken"
    raise ValueError(msg)


async def test_a_failed_command_is_told() -> None:
    sink = Sink()
    group = TaskGroup("main", sink)
    group.once("cancel x", fail())
    event = await sink.one(TaskFailed)
    assert (event.task, event.error, event.restarting) == ("main:cancel x", "ValueError: broken", False)
    assert group.busy == 0
    await group.drain(1.0)


async def test_a_lasting_task_is_started_again_within_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "RESTART_PAUSE_S", 0.0)
    sink = Sink()
    group = TaskGroup("main", sink)
    group.lasting("stream", fail)
    await sink.until(lambda event: isinstance(event, TaskFailed) and not event.restarting)
    assert len(sink.of(TaskFailed)) == tasks.RESTARTS_MAX + 1
    await group.drain(1.0)


async def end() -> None:
    return


async def cancel_oneself() -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("ending", [end, cancel_oneself])
async def test_a_lasting_task_that_merely_ends_has_failed(
    monkeypatch: pytest.MonkeyPatch, ending: Callable[[], Coroutine[None, None, None]]
) -> None:
    """The client library cancels a watcher when its twin is cancelled: the stream must not be dead in silence."""
    monkeypatch.setattr(tasks, "RESTART_PAUSE_S", 0.0)
    sink = Sink()
    group = TaskGroup("main", sink)
    group.lasting("stream", ending)
    await sink.until(lambda event: isinstance(event, TaskFailed) and not event.restarting)
    assert len(sink.of(TaskFailed)) == tasks.RESTARTS_MAX + 1
    await group.drain(1.0)


async def test_draining_lets_commands_end_and_then_cancels() -> None:
    sink, done = Sink(), []
    group = TaskGroup("main", sink)

    async def order() -> None:
        await asyncio.sleep(0.02)
        done.append("order")

    async def endless() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            done.append("cancelled")

    group.once("submit", order())
    group.lasting("stream", endless)
    await asyncio.sleep(0)
    await group.drain(1.0)
    assert done == ["order", "cancelled"]
    assert sink.events == []
