"""tick_to_order: from a frame leaving the venue to the order arriving there, three ways in one run, taking turns.

`bare` is a ccxt.pro loop without state, risk or journal; `memory` is the daemon with its journal in memory; `durable`
is the daemon as it runs. Each lives in a process of its own; while one is measured the others only keep alive. Frames
come 250 a second, each fourth one moves the price by 0.2 % and calls for an order of one coin. All three send the same
kind of order by the same call (REST, without the client's limiter); the same over the trade socket is an extra.
"""

import asyncio
import contextlib
import importlib.util
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.benchmarks.loopback import FRAME_S, FRAMES_PER_BREACH, Loopback
from tests.benchmarks.measure import Goal, Samples, medians, missed, paired_ratio, percentile, report, run_loop
from tests.conftest import ROOT

WAYS = ("bare", "memory", "durable")
EXTRAS = ("bare-ws", "durable-ws")
BREACHES = 60
ROUNDS = 9
START_S_MAX = 40.0
END_S_MAX = 5.0


class Found(NamedTuple):
    """Medians by round, every single answer in microseconds, and frames that got no order of their own."""

    medians: Samples
    answers: dict[str, list[float]]
    unanswered: dict[str, int]


@asynccontextmanager
async def contestant(way: str, folder: Path) -> AsyncIterator[Loopback]:
    """A way in its process, awake and answering."""
    async with Loopback().serving() as venue:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.benchmarks.contestant", way, venue.endpoint, str(folder)),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
        )
        try:
            waking = asyncio.create_task(venue.until_answering(START_S_MAX))
            ended = asyncio.create_task(process.wait())
            await asyncio.wait({waking, ended}, return_when=asyncio.FIRST_COMPLETED)
            ended.cancel()
            assert process.returncode is None, f"{way} ended with {process.returncode}"
            await waking
            yield venue
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), END_S_MAX)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()


async def race(ways: Sequence[str], folder: Path, *, breaches: int, rounds: int) -> Found:
    """Wake all, then let them take turns, each round from another one on."""
    found = Found({way: [] for way in ways}, {way: [] for way in ways}, dict.fromkeys(ways, 0))
    async with AsyncExitStack() as stack:
        venues: dict[str, Loopback] = {}
        for way in ways:
            (folder / way).mkdir()
            venues[way] = await stack.enter_async_context(contestant(way, folder / way))
        for number in range(rounds):
            shift = number % len(ways)
            for way in (*ways[shift:], *ways[:shift]):
                # The first frames find cold caches after the others' turns; they are not counted.
                await venues[way].play(5)
                answers, unanswered = await venues[way].play(breaches)
                found.medians[way].append(percentile(answers, 0.5))
                found.answers[way] += answers
                found.unanswered[way] += unanswered
    return found


@pytest.mark.e2e
def test_smoke_all_ways_answer(tmp_path: Path) -> None:
    found = run_loop(race(WAYS, tmp_path, breaches=5, rounds=1))
    assert all(found.answers[way] for way in WAYS)


@pytest.mark.bench
def test_bench_tick_to_order(tmp_path: Path) -> None:
    found = run_loop(race((*WAYS, *EXTRAS), tmp_path, breaches=BREACHES, rounds=ROUNDS))
    second_over_first = paired_ratio(found.medians["memory"], found.medians["bare"])
    over_socket = paired_ratio(found.medians["durable-ws"], found.medians["bare-ws"])
    goals = [Goal(name="daemon, journal in memory, over bare ccxt.pro", value=second_over_first, limit=1.3)]
    nautilus = importlib.util.find_spec("nautilus_trader") is not None
    report(
        "tick_to_order",
        goals=goals,
        us_median=medians(found.medians, 0),
        us_p50={way: round(percentile(values, 0.5)) for way, values in found.answers.items()},
        us_p99={way: round(percentile(values, 0.99)) for way, values in found.answers.items()},
        orders={way: len(values) for way, values in found.answers.items()},
        frames_without_their_order=found.unanswered,
        durable_over_bare=round(paired_ratio(found.medians["durable"], found.medians["bare"]), 2),
        durable_over_memory=round(paired_ratio(found.medians["durable"], found.medians["memory"]), 2),
        durable_ws_over_bare_ws=round(over_socket, 2),
        frames_per_second=round(1 / FRAME_S),
        breaching_frames="1 in " + str(FRAMES_PER_BREACH),
        nautilus_trader="installed, not driven here" if nautilus else "not installed: there is no fourth row",
    )
    assert not missed(goals), missed(goals)
