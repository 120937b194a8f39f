"""sweep: a hundred bands over a million looks of one exposure, as `hedgebot tune` plays them.

The reference in the same run is the plain way: one band, look by look, over a part of the same path. Times are CPU time
of one process; two processes halve it. Owner of the goal: issue 5, "Speed and memory" (2 s on two cores).
"""

import time

import numpy as np
import pytest

from hedgebot.lab.sweep import BandChoice, Exposure, Extremes, play
from tests.benchmarks.measure import Goal, interleave, medians, missed, no_collector, report

LOOKS, BANDS, PLAIN_LOOKS = 1_000_000, 100, 50_000
CPU_S_MAX = 4.0
"""Of one process for all bands: two seconds on two cores."""


def path(looks: int) -> Exposure:
    """A book whose exposure diffuses by 3.9 coins a root day, looked at once a second."""
    random = np.random.default_rng(1)
    price = 60_000.0 * np.exp(np.cumsum(random.standard_normal(looks)) * 0.6 / np.sqrt(365 * 86_400))
    exposure = np.cumsum(random.standard_normal(looks)) * 3.9 / np.sqrt(86_400)
    return Exposure(np.arange(looks) / 86_400.0, price, exposure)


def choices(count: int) -> list[BandChoice]:
    """Bands that hedge from once a day to a hundred times."""
    return [BandChoice(trigger_coin=float(width), target_ratio=0.75) for width in np.geomspace(0.5, 5.0, count)]


def plain_orders(one: Exposure, choice: BandChoice) -> int:
    """The reference: look by look."""
    hedge, orders = 0.0, 0
    for exposure in one.unhedged_coin.tolist():
        delta = exposure + hedge
        if abs(delta) > choice.trigger_coin:
            inside = choice.trigger_coin * choice.target_ratio
            hedge += (inside if delta > 0.0 else -inside) - delta
            orders += 1
    return orders


def played_orders(one: Exposure, bands: list[BandChoice]) -> list[int]:
    """Orders of each band."""
    far = Extremes(one.unhedged_coin)
    days = float(one.days[-1] - one.days[0])
    return [round(play(one, band, cost_ratio=5e-4, extremes=far).orders_day * days) for band in bands]


def test_smoke_both_ways_give_the_same_orders() -> None:
    one, bands = path(20_000), choices(5)
    assert played_orders(one, bands) == [plain_orders(one, band) for band in bands]


@pytest.mark.bench
def test_a_hundred_bands_over_a_million_looks() -> None:
    one, bands = path(LOOKS), choices(BANDS)
    part = one.part(0, PLAIN_LOOKS)

    def sweep_s() -> float:
        start = time.thread_time_ns()
        played_orders(one, bands)
        return (time.thread_time_ns() - start) / 1e9

    def plain_s() -> float:
        start = time.thread_time_ns()
        plain_orders(part, bands[0])
        return (time.thread_time_ns() - start) / 1e9 * (LOOKS / PLAIN_LOOKS) * BANDS

    with no_collector():
        found = interleave({"sweep_cpu_s": sweep_s, "plain_cpu_s": plain_s}, rounds=5)
    middle = medians(found)
    goals = [Goal(name="CPU seconds of the sweep", value=middle["sweep_cpu_s"], limit=CPU_S_MAX)]
    report("sweep", goals=goals, **middle, times_plain=round(middle["plain_cpu_s"] / middle["sweep_cpu_s"], 1))
    assert not missed(goals)
