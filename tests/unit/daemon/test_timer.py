"""The one timer: a steady pace, the newest interval wins, cancelled is silent."""

import asyncio
import time

from hedgebot.daemon.timer import OneTimer
from hedgebot.domain.events import Event, TimerFired

MS = 1_000_000


class Sink:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def put(self, event: Event) -> None:
        self.events.append(event)


async def test_it_goes_on_firing_and_not_before_its_interval() -> None:
    sink = Sink()
    timer = OneTimer(sink)
    began_s = time.monotonic()
    timer.every(20 * MS)
    assert sink.events == []
    await asyncio.sleep(0.005)
    assert len(sink.events) <= (time.monotonic() - began_s) / 0.02
    await asyncio.sleep(0.1)
    timer.cancel()
    assert sink.events == [TimerFired()] * len(sink.events)
    assert 2 <= len(sink.events) <= (time.monotonic() - began_s) / 0.02


async def test_the_newest_interval_replaces_the_old_one() -> None:
    sink = Sink()
    timer = OneTimer(sink)
    timer.every(5 * MS)
    timer.every(10**12)
    await asyncio.sleep(0.03)
    assert sink.events == []
    timer.cancel()


async def test_a_blocked_loop_fires_once_not_for_every_turn_it_missed() -> None:
    sink = Sink()
    timer = OneTimer(sink)
    timer.every(10 * MS)
    await asyncio.sleep(0)
    time.sleep(0.1)  # noqa: ASYNC251  the blocked loop is what is tested
    # Turns, no time: a machine that is busy must not reach the next interval.
    for _ in range(5):
        await asyncio.sleep(0)
    timer.cancel()
    assert len(sink.events) == 1


async def test_cancelled_is_silent() -> None:
    sink = Sink()
    timer = OneTimer(sink)
    timer.every(1 * MS)
    timer.cancel()
    timer.cancel()
    await asyncio.sleep(0.01)
    assert sink.events == []
