"""Benchmark `world`: how much faster than real time the fault world plays, the daemon's own turn included, on one core.

Worlds are drawn as `hedgebot sim run` draws them. Seconds are of the processor, so that a neighbour's work is not
counted; the machine's own speed is: the limit is judged by `make bench` on a quiet machine, and the line carries a
plain Python loop of the same run beside it.
"""

import statistics
import time

import pytest

from hedgebot.lab.campaign import one_run
from strategies.delta_neutral import STRATEGY
from tests.benchmarks.measure import Goal, interleave, medians, missed, paired_ratio, report

SEEDS = (1, 2, 3, 4, 5, 6, 7)
MINUTES = 5.0
FASTER_MIN = 200.0
LOOPS = 5_000_000


def world_s(seed: int, minutes: float) -> float:
    """CPU seconds of one minute of one world."""
    began = time.thread_time()
    outcome = one_run(seed, minutes, (), STRATEGY.build)
    spent = time.thread_time() - began
    assert outcome.passed, (outcome.stuck, outcome.violations[:3], outcome.unmet)
    return spent / outcome.lasted_minutes


def loop_s() -> float:
    """CPU seconds of the reference: additions in a plain loop."""
    began = time.thread_time()
    total = 0
    for one in range(LOOPS):
        total += one
    return time.thread_time() - began


def test_smoke_a_world_is_played_and_timed() -> None:
    assert world_s(3, 3.0) > 0.0


@pytest.mark.bench
def test_bench_world_on_one_core() -> None:
    seeds = iter(SEEDS)
    samples = interleave({"world minute": lambda: world_s(next(seeds), MINUTES), "loop": loop_s}, rounds=len(SEEDS))
    faster = [60.0 / one for one in samples["world minute"]]
    goals = [
        Goal(name="times real time, median", value=statistics.median(faster), limit=FASTER_MIN, at_most=False),
    ]
    report(
        "world",
        goals=goals,
        times_real_time={str(seed): round(one) for seed, one in zip(SEEDS, faster, strict=True)},
        cpu_s=medians(samples),
        world_minute_over_loop=round(paired_ratio(samples["world minute"], samples["loop"]), 2),
    )
    assert not missed(goals), missed(goals)
