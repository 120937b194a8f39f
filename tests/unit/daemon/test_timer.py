"""The one timer: the newest request wins, and it fires once, at its moment."""

import asyncio
import time

from hedgebot.daemon.timer import OneTimer
from hedgebot.domain.events import Event, TimerFired


class Sink:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def put(self, event: Event) -> None:
        self.events.append(event)


async def test_it_fires_once_at_its_moment() -> None:
    sink = Sink()
    timer = OneTimer(sink, time.time_ns)
    at_ns = time.time_ns() + 30_000_000
    timer.arm(at_ns)
    await asyncio.sleep(0.005)
    assert sink.events == []
    await asyncio.sleep(0.08)
    assert sink.events == [TimerFired()]
    assert time.time_ns() >= at_ns


async def test_a_new_request_replaces_the_old_one() -> None:
    sink = Sink()
    timer = OneTimer(sink, time.time_ns)
    timer.arm(time.time_ns() + 5_000_000)
    timer.arm(time.time_ns() + 10**12)
    await asyncio.sleep(0.03)
    assert sink.events == []
    timer.cancel()


async def test_a_moment_that_has_passed_fires_in_the_next_round_and_not_within_arm() -> None:
    sink = Sink()
    timer = OneTimer(sink, time.time_ns)
    timer.arm(0)
    assert sink.events == []
    await asyncio.sleep(0.01)
    assert sink.events == [TimerFired()]


async def test_it_waits_on_when_our_clock_lags_behind_the_loops() -> None:
    now = [0]
    sink = Sink()
    timer = OneTimer(sink, lambda: now[0])
    timer.arm(1_000_000)
    await asyncio.sleep(0.02)
    assert sink.events == []
    now[0] = 2_000_000
    await asyncio.sleep(0.02)
    assert sink.events == [TimerFired()]


async def test_cancelled_is_forgotten() -> None:
    sink = Sink()
    timer = OneTimer(sink, time.time_ns)
    timer.arm(time.time_ns() + 1_000_000)
    timer.cancel()
    timer.cancel()
    await asyncio.sleep(0.01)
    assert sink.events == []
