"""Figures of the paper of record on simulated walks, one policy each: Hull's table, the efficiency of hedging."""

from collections.abc import Callable

import numpy as np
from scipy.special import ndtr

from hedgebot.lab.experiment import Experiment, Figures, Setting
from hedgebot.lab.figures_closed import HULL_PREMIUM, HULL_RATE, HULL_SPOT, HULL_STRIKE, HULL_VOL, HULL_WEEKS
from hedgebot.pricing.band import efficiency
from hedgebot.pricing.black76 import Floats

HULL_DRIFT = 0.13
HULL_PATHS = 400_000
HULL_INTERVALS = {"5": 5.0, "4": 4.0, "2": 2.0, "1": 1.0, "0.5": 0.5, "0.25": 0.25}
"""Weeks between two trades by their name in the table."""
_HULL_BLOCK = 20_000

_WALKS, _STEPS, _SETTLED, _CHECKS = 2_000, 12_000, 3_000, 900
_TRIGGER = 30.0
"""In steps' deviations: a step's overshoot moves the barrier by 0.58, less than 2 % of it."""


def _hull_delta(spot: Floats, weeks_left: float) -> Floats:
    deviation = HULL_VOL * np.sqrt(weeks_left / 52)
    d1 = (np.log(spot / HULL_STRIKE) + HULL_RATE * weeks_left / 52) / deviation + 0.5 * deviation
    return np.asarray(ndtr(d1))


def hull_cost(weeks: float, paths: int, seed: int) -> float:
    """Deviation of the cost of hedging one sold call every so many weeks, over its price; no interest on the way."""
    steps = round(HULL_WEEKS / weeks)
    deviation = HULL_VOL * np.sqrt(weeks / 52)
    growth = HULL_DRIFT * weeks / 52 - 0.5 * deviation**2
    costs = []
    for number in range(-(-paths // _HULL_BLOCK)):
        random = np.random.default_rng((seed, steps, number))
        spot = np.full(min(_HULL_BLOCK, paths), HULL_SPOT)
        held = _hull_delta(spot, HULL_WEEKS)
        cost = held * spot
        for step in range(1, steps + 1):
            spot = spot * np.exp(growth + deviation * random.standard_normal(len(spot)))
            left = HULL_WEEKS - step * weeks
            wanted = _hull_delta(spot, left) if step < steps else (spot > HULL_STRIKE).astype(np.float64)
            cost += (wanted - held) * spot
            held = wanted
        costs.append(cost - HULL_STRIKE * (spot > HULL_STRIKE))
    return float(np.concatenate(costs).std() / HULL_PREMIUM)


def _hull_table(setting: Setting) -> Figures:
    return {
        f"hull-table-{name}w": hull_cost(weeks, setting.paths(HULL_PATHS), 19) for name, weeks in HULL_INTERVALS.items()
    }


def to_target(ratio: float) -> Callable[[int, Floats], Floats]:
    """Where a band that trades to `ratio` of its trigger leaves exposures; zero is to the centre."""

    def after(_: int, exposure: Floats) -> Floats:
        outside = np.abs(exposure) > _TRIGGER
        return np.where(outside, np.copysign(ratio * _TRIGGER, exposure), exposure)

    return after


def at_times(step: int, exposure: Floats) -> Floats:
    """Where a trade to the centre at fixed times leaves exposures."""
    return np.zeros_like(exposure) if step % _CHECKS == 0 else exposure


def walked_efficiency(after: Callable[[int, Floats], Floats], walks: int, seed: int) -> float:
    """E of a hedge of driftless walks with one unit of variance a step, counted once they forgot their start.

    The exposure's variance is the mean over time, as the reference defines it for live trading; a hedge at fixed times
    is counted over whole intervals.
    """
    random = np.random.default_rng(seed)
    exposure, squares, traded = np.zeros(walks), 0.0, 0.0
    for step in range(1, _STEPS + 1):
        moved = exposure + random.standard_normal(walks)
        exposure = after(step, moved)
        if step > _SETTLED:
            squares += float(np.mean(exposure * exposure))
            traded += float(np.mean(np.abs(exposure - moved)))
    steps = _STEPS - _SETTLED
    return efficiency(squares / steps, traded / steps, 1.0)


def _efficiencies(setting: Setting) -> Figures:
    walks = setting.paths(_WALKS)
    return {
        "efficiency-edge": walked_efficiency(to_target(1.0), walks, 1),
        "efficiency-rho75": walked_efficiency(to_target(0.75), walks, 2),
        "efficiency-zero": walked_efficiency(to_target(0.0), walks, 3),
        "efficiency-time": walked_efficiency(at_times, walks, 4),
    }


EXPERIMENTS = (
    Experiment(ids=tuple(f"hull-table-{name}w" for name in HULL_INTERVALS), find=_hull_table, seconds=10.0),
    Experiment(
        ids=("efficiency-edge", "efficiency-rho75", "efficiency-zero", "efficiency-time"),
        find=_efficiencies,
        seconds=6.0,
    ),
)
