"""How often the adapter dials a venue that hangs up on it, over real sockets and ten minutes of a faster clock."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import hedgebot.venues.bybit
from hedgebot.domain.commands import WatchInstruments
from hedgebot.domain.events import Event, Stream, StreamChanged, TaskFailed
from hedgebot.lab.chaosproxy import ChaosProxy, Door, Way
from hedgebot.venues.bybit import BybitVenue
from tests.support.fasttime import run_fast
from tests.unit.venues.double import BTC, OPTION, SPOT, BybitDouble, Sink, connection

pytestmark = [pytest.mark.wire, pytest.mark.timeout(180)]

FACTOR = 20.0
SOCKETS = "stream.bybit.com"


@contextlib.asynccontextmanager
async def behind(now_s: Callable[[], float], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[ChaosProxy, Sink]]:
    """The double, the proxy, and the adapter with five sockets through it, whose clock is the loop's."""
    monkeypatch.setattr(hedgebot.venues.bybit, "time", SimpleNamespace(monotonic=now_s, time_ns=time.time_ns))
    double, sink = BybitDouble(), Sink()
    async with double.serving():
        proxy = ChaosProxy(double.port)
        await proxy.start()
        venue = BybitVenue(
            connection(proxy.endpoint, order_entry="ws", content_ms_max=3_600_000, silence_ms_max=3_600_000),
            sink,
            time.time_ns,
        )
        try:
            await venue.start()
            venue.send(WatchInstruments(venue="bybit", instruments=(BTC, SPOT, OPTION)))
            await all_up(sink)
            yield proxy, sink
        finally:
            await venue.stop()
            await proxy.close()


async def all_up(sink: Sink, after: int = 0, seconds: float = 90.0) -> None:
    """Wait until the last that was said of each stream is that it is up."""
    async with asyncio.timeout(seconds):
        while True:
            changes: list[StreamChanged] = [one for one in sink.events[after:] if isinstance(one, StreamChanged)]
            last = {one.stream: one.up for one in changes}
            if len(last) == len(Stream) and all(last.values()):
                return
            await asyncio.sleep(0.5)


def per_minute(proxy: ChaosProxy, began_s: float) -> Counter[int]:
    """Dials of sockets by minute of the loop's clock; the proxy stamps the machine's."""
    return Counter(int((dial.at_s - began_s) * FACTOR // 60) for dial in proxy.dials if SOCKETS in dial.opening)


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def least(seen: list[tuple[int, int]]) -> tuple[int, int]:
    """The fewest tasks and descriptors of several looks: what happens to stand for a second is not growth."""
    return min(tasks for tasks, _ in seen), min(files for _, files in seen)


def test_n12_a_venue_that_hangs_up_each_second_is_dialled_twelve_times_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def work(now_s: Callable[[], float]) -> None:
        async with behind(now_s, monkeypatch) as (proxy, sink):
            proxy.open_door(Door(name=SOCKETS, life_s=1.0))
            proxy.dials.clear()
            began_s = time.monotonic()
            proxy.cut(SOCKETS)
            seen: list[tuple[int, int]] = []
            for _ in range(10):
                await asyncio.sleep(60.0)
                seen.append((len(asyncio.all_tasks()), descriptors()))
            dials = per_minute(proxy, began_s)
            later = {minute: count for minute, count in dials.items() if 1 <= minute <= 9}
            assert later, "it gave up"
            assert max(later.values()) <= 12, dials
            assert min(dials[minute] for minute in range(1, 10)) >= 6, f"it must go on trying: {dials}"
            assert sink.of(TaskFailed) == []
            # What was there after three minutes is there after ten.
            (tasks, files), (tasks_end, files_end) = least(seen[2:5]), least(seen[7:10])
            assert tasks_end <= tasks + 2, seen
            assert files_end <= files + 2, seen
            # And when it is over, everything is up again within a minute.
            before = len(sink.events)
            proxy.open_door(Door(name=SOCKETS))
            await all_up(sink, before, seconds=60.0)

    run_fast(FACTOR, work)


def test_n04_a_host_that_is_gone_is_probed_by_one_and_dialled_by_all_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def work(now_s: Callable[[], float]) -> None:
        async with behind(now_s, monkeypatch) as (proxy, sink):
            before = len(sink.events)
            await proxy.close()
            await asyncio.sleep(300.0)
            proxy.dials.clear()
            await proxy.start()
            back_s = now_s()
            await all_up(sink, before, seconds=30.0)
            assert now_s() - back_s < 15.0
            assert sink.of(TaskFailed) == []

    run_fast(FACTOR, work)


@pytest.mark.parametrize("name", ["/v5/private", "/v5/public/linear"])
async def test_n02_a_connection_that_is_given_up_is_gone_within_a_second(name: str) -> None:
    """A client that waits for the other side's goodbye on a dead line would hold the socket for ten seconds more."""
    double, sink = BybitDouble(), Sink()
    async with double.serving():
        proxy = ChaosProxy(double.port)
        await proxy.start()
        patience: dict[str, Any] = {"keep_alive_ms": 200, "silence_ms_max": 700}
        venue = BybitVenue(connection(proxy.endpoint, **patience), sink, time.time_ns)
        stream = Stream.PRIVATE if "private" in name else Stream.PUBLIC

        def changed(*, up: bool) -> Callable[[Event], bool]:
            return lambda event: isinstance(event, StreamChanged) and event.stream is stream and event.up is up

        try:
            await venue.start()
            venue.send(WatchInstruments(venue="bybit", instruments=(BTC,)))
            await sink.until(changed(up=True))
            (link,) = proxy.links(name)
            heard = len(sink.events)
            proxy.freeze(name, (Way.DOWN,))
            dead_s = time.monotonic()
            await sink.until(changed(up=False))
            assert time.monotonic() - dead_s <= 0.7 + 1.0, "noticed within its limit and a second"
            down_s = time.monotonic()
            while link in proxy.links():
                assert time.monotonic() - down_s <= 1.0, "the socket stands although it was given up"
                await asyncio.sleep(0.01)
            await sink.until(changed(up=True), after=heard, seconds=5.0)
        finally:
            await venue.stop()
            await proxy.close()
