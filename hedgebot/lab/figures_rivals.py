"""Figures of the paper of record on the formulas of others, on model A: Zakamouline's band and Leland's volatility."""

from collections.abc import Iterator

import numpy as np

from hedgebot.lab.bandsim import Bands, Clock, Played, Step, joined, play
from hedgebot.lab.experiment import Experiment, Figures, Setting
from hedgebot.lab.figures_model_a import (
    ALL,
    EVERY,
    PATHS,
    RISK_AVERSIONS,
    WIDTHS,
    cell,
    changes,
    costs,
    counts,
    lines_of,
)
from hedgebot.lab.frontier import dearer_percent
from hedgebot.lab.rivals import leland_vol, zakamouline, zakamouline_vol
from hedgebot.lab.worlds import DAYS, START, VOL, RecordedCalls, ShortCall, short_call_step
from hedgebot.pricing.black76 import Floats

RIVAL_PATHS = 5_000
HOURLY_STEPS = 720
COUNTED = {"zakamouline": (0.10,)}
BRACKETS = {"zakamouline": (0.05, 0.10, 0.15, 0.20), "leland": (0.10,)}
CE_WIDTHS = (0.02, 0.03, 0.04, 0.05, 0.06, 0.07)
CE_SCALES = tuple(one ** (-1.0 / 3.0) for one in (1.0, 0.2, 0.35, 0.5, 0.75, 1.5))
"""The first one is the formula's own, at a risk aversion of one."""
CE_BEST_ZAKAMOULINE = 0.35
TABLE = {"zakamouline": ALL, "leland": ALL}
_WIDER_THAN_ANY_DELTA = 1.5


def zakamouline_blocks(world: ShortCall | RecordedCalls, risk_aversion: float) -> Iterator[Iterator[Step]]:
    """The same paths as `world`, with Zakamouline's centre as target and his half width as shape (short gamma)."""
    vol = VOL if isinstance(world, ShortCall) else world.vol
    steps = world.steps
    for block in world.blocks():
        yield _with_zakamouline(block, steps, vol, world.cost_ratio, risk_aversion)


def _with_zakamouline(
    block: Iterator[Step], steps: int, vol: float | Floats, cost_ratio: float, risk_aversion: float
) -> Iterator[Step]:
    for number, step in enumerate(block):
        if step.liability is not None:
            yield step
            return
        years = DAYS / 365 * (1.0 - number / steps)
        # The shape is (1.5 kappa S Gamma^2)^(1/3): gamma back from it spares a second pass of the pricer.
        gamma = np.sqrt(step.shape**3 / (1.5 * cost_ratio * step.spot))
        band = zakamouline(step.spot, gamma, vol, years, cost_ratio, risk_aversion)
        centre_vol = zakamouline_vol(vol, band.adjustment, short_gamma=True)
        centre = short_call_step(step.spot, START, years, centre_vol, cost_ratio).target
        width = np.where(band.fixed >= _WIDER_THAN_ANY_DELTA, np.inf, band.fixed + band.moving)
        yield Step(step.spot, centre, width)


def play_zakamouline(world: ShortCall | RecordedCalls, risk_aversion: float) -> Played:
    """Trade to the edge of his band; the first hedge is the Black-Scholes delta."""
    first = next(next(world.blocks())).target
    policy = Bands("zakamouline", (1.0,), 1.0, scaled=True)
    # Every path of model A starts at the same price, so that one block's first hedge is all blocks'.
    start = float(first[0]) if isinstance(world, ShortCall) else first
    return play(zakamouline_blocks(world, risk_aversion), (policy,), world.cost_ratio, start)["zakamouline"]


def play_leland(world: ShortCall, every: int) -> Played:
    """Trade at every n-th check to the delta of his volatility; a lognormal path is exact at any interval."""
    vol = leland_vol(VOL, world.cost_ratio, DAYS / 365 / world.steps * every, short_gamma=True)
    coarse = world._replace(steps=world.steps // every, hedge_vol=vol)
    return play(coarse.blocks(), (Clock("leland", (1,)),), world.cost_ratio)["leland"]


def certainty_equivalent(played: Played, row: int = 0) -> float:
    """The sure sum that is worth the same at a risk aversion of one per USD: -ln(mean(exp(-profit after costs))).

    The mean is taken with a control: profit before costs is a martingale's, its mean is exactly zero, so what a
    finite sample has of it is taken out. That leaves 0.7 % of error where 20,000 paths alone have 1.7 %.
    """
    before = played.profit[row]
    worth = np.exp(played.cost[row] - before)
    variance = float(before.var())
    slope = float(np.mean((worth - worth.mean()) * (before - before.mean()))) / variance if variance > 0.0 else 0.0
    return -float(np.log(worth.mean() - slope * before.mean()))


def _certainty(setting: Setting) -> Figures:
    world = ShortCall(paths=setting.paths(2 * PATHS), seed=7)
    policies = (Bands("ww", CE_SCALES, 1.0, scaled=True), Bands("band", CE_WIDTHS, 1.0))
    ours = play(world.blocks(), policies, world.cost_ratio)
    return {
        "ce-ww": certainty_equivalent(ours["ww"]),
        "ce-ww-best": max(certainty_equivalent(ours["ww"], row) for row in range(len(CE_SCALES))),
        "ce-band-best": max(certainty_equivalent(ours["band"], row) for row in range(len(CE_WIDTHS))),
        "ce-zakamouline": certainty_equivalent(play_zakamouline(world, 1.0)),
        "ce-zakamouline-best": certainty_equivalent(play_zakamouline(world, CE_BEST_ZAKAMOULINE)),
    }


def _table(setting: Setting) -> Figures:
    world = ShortCall(paths=setting.paths(RIVAL_PATHS))
    theirs = joined([play_zakamouline(world, one) for one in (0.01, *RISK_AVERSIONS)], axis=0)
    fine = world._replace(paths=setting.paths(PATHS), seed=8)
    leland = joined([play_leland(fine, one) for one in EVERY if world.steps % one == 0], axis=0)
    lines = lines_of({"zakamouline": theirs, "leland": leland}, world.premium)
    found = costs(lines, TABLE) | counts(lines, COUNTED)
    # Each against the band on its own paths: common ones take most of the error out of a difference.
    for name, paths in (("zakamouline", world), ("leland", fine)):
        edge = lines_of(play(paths.blocks(), (Bands("band-edge", WIDTHS, 1.0),), world.cost_ratio), world.premium)
        found |= changes(lines, edge["band-edge"], {name: BRACKETS[name]})
    return found


def _zakamouline_change(world: ShortCall) -> float:
    """His cost against the fixed band to its edge at a deviation of 10 %."""
    theirs = joined([play_zakamouline(world, one) for one in RISK_AVERSIONS], axis=0)
    edge = play(world.blocks(), (Bands("band-edge", WIDTHS, 1.0),), world.cost_ratio)
    lines = lines_of({"zakamouline": theirs, **edge}, world.premium)
    return dearer_percent(lines["zakamouline"], lines["band-edge"], 0.10)


def _elsewhere(setting: Setting) -> Figures:
    paths = setting.paths(RIVAL_PATHS)
    return {
        "table-hourly-zakamouline": _zakamouline_change(ShortCall(HOURLY_STEPS, paths, 3)),
        "table-2bp-zakamouline": _zakamouline_change(ShortCall(paths=paths, seed=5, cost_ratio=0.0002)),
    }


EXPERIMENTS = (
    Experiment(
        ids=("ce-ww", "ce-zakamouline", "ce-ww-best", "ce-band-best", "ce-zakamouline-best"),
        find=_certainty,
        seconds=90.0,
    ),
    Experiment(
        ids=(
            *(cell(policy, at) for policy, deviations in TABLE.items() for at in deviations),
            *(cell(f"n-{policy}", at) for policy, deviations in COUNTED.items() for at in deviations),
            *(cell(f"change-{policy}", at) for policy, deviations in BRACKETS.items() for at in deviations),
        ),
        find=_table,
        seconds=70.0,
    ),
    Experiment(ids=("table-hourly-zakamouline", "table-2bp-zakamouline"), find=_elsewhere, seconds=75.0),
)
