"""ingest_burst: how long a fill waits behind a burst of 500 option frames.

Three listeners take turns, each in a process of its own: ccxt.pro as it comes, with options and fills on one instance;
the daemon, where the fill counts when the engine has dealt with it; and the floor, websockets with a typed decode.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.benchmarks.loopback import OPTIONS, Loopback
from tests.benchmarks.measure import Goal, Samples, medians, missed, paired_ratio, percentile, report, run_loop
from tests.conftest import ROOT

WAYS = ("bare", "daemon", "floor")
FRAMES = 500
BURSTS = 6
ROUNDS = 7
START_S_MAX = 40.0
PAUSE_S = 0.15


class Listener:
    """A listener's process and its venue."""

    def __init__(self, venue: Loopback, process: asyncio.subprocess.Process, way: str) -> None:
        self._venue = venue
        self._process = process
        self._way = way
        self._number = 0

    async def wait_ms(self, frames: int) -> float:
        """Milliseconds from the fill's write, behind `frames` others, to the listener's word that it was dealt with."""
        self._number += 1
        trade_id = f"{self._way}-{self._number}"
        sent_ns = self._venue.burst(frames, trade_id)
        assert self._process.stdout is not None
        async with asyncio.timeout(5.0):
            while True:
                words = (await self._process.stdout.readline()).split()
                assert words, f"{self._way} ended"
                if words[0].decode() == trade_id:
                    return (int(words[1]) - sent_ns) / 1e6

    async def wake(self) -> None:
        """Wait until everything is subscribed and a fill comes through."""
        async with asyncio.timeout(START_S_MAX):
            while not self._venue.is_heard:
                assert self._process.returncode is None, f"{self._way} ended"
                await asyncio.sleep(0.1)
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.wait_ms(OPTIONS), 1.0)
                    return


@asynccontextmanager
async def listener(way: str, folder: Path) -> AsyncIterator[Listener]:
    """A listener that hears."""
    async with Loopback(options=OPTIONS).serving() as venue:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.benchmarks.contestant", f"{way}-listener", venue.endpoint, str(folder)),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            found = Listener(venue, process, way)
            await found.wake()
            yield found
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def race(folder: Path, *, bursts: int, rounds: int) -> tuple[Samples, Samples]:
    """Milliseconds that a fill waits: behind a burst (medians by round), and behind nothing."""
    behind: Samples = {way: [] for way in WAYS}
    alone: Samples = {way: [] for way in WAYS}
    async with AsyncExitStack() as stack:
        listeners: dict[str, Listener] = {}
        for way in WAYS:
            (folder / way).mkdir()
            listeners[way] = await stack.enter_async_context(listener(way, folder / way))
        for number in range(rounds):
            shift = number % len(WAYS)
            for way in (*WAYS[shift:], *WAYS[:shift]):
                waits = []
                for _ in range(bursts):
                    await asyncio.sleep(PAUSE_S)
                    waits.append(await listeners[way].wait_ms(FRAMES))
                behind[way].append(percentile(waits, 0.5))
                await asyncio.sleep(PAUSE_S)
                alone[way].append(await listeners[way].wait_ms(1))
    return behind, alone


@pytest.mark.e2e
def test_smoke_all_listeners_hear(tmp_path: Path) -> None:
    behind, alone = run_loop(race(tmp_path, bursts=1, rounds=1))
    assert all(values[0] > 0.0 for values in (*behind.values(), *alone.values()))


@pytest.mark.bench
def test_bench_ingest_burst(tmp_path: Path) -> None:
    behind, alone = run_loop(race(tmp_path, bursts=BURSTS, rounds=ROUNDS))
    over_bare = paired_ratio(behind["daemon"], behind["bare"])
    goals = [Goal(name="fill behind 500 option frames: daemon over ccxt.pro", value=over_bare, limit=0.25)]
    report(
        "ingest_burst",
        goals=goals,
        frames=FRAMES * BURSTS * ROUNDS * len(WAYS),
        ms_behind_burst=medians(behind),
        ms_behind_one_frame=medians(alone),
        daemon_over_floor=round(paired_ratio(behind["daemon"], behind["floor"]), 2),
    )
    assert not missed(goals), missed(goals)
