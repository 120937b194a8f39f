"""Figures of the paper of record on model A: one call sold, hedged by each policy at many widths. Owns the sweeps.

A sweep gives each policy's cheapest points; costs are compared at the same deviation. Beside the acceptance figures
stand the cells of the tables in section 14 of the hedging reference.
"""

import math
from collections.abc import Mapping

import numpy as np

from hedgebot.lab.bandsim import Bands, Clock, Moves, Played, Policy, play
from hedgebot.lab.experiment import Experiment, Figures, Setting
from hedgebot.lab.frontier import Frontier, dearer_percent, frontier
from hedgebot.lab.worlds import DAYS, VOL, ShortCall

WIDTHS = (0.006, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.085, 0.1, 0.13, 0.16)
RISK_AVERSIONS = (0.03, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0)
SCALES = tuple(one ** (-1.0 / 3.0) for one in RISK_AVERSIONS)
EVERY = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192)
EVERY_HOUR = EVERY[:11]
MOVES = (0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.065, 0.08, 0.1)
PATHS = 20_000
HOURLY_STEPS = 720
FIVE_MINUTE_STEPS = 8_640

ALL = (0.05, 0.075, 0.10, 0.15, 0.20)
TABLE = {
    "time": ALL,
    "move": ALL,
    "band-zero": ALL,
    "band-rho75": ALL,
    "band-edge": ALL,
    "ww-zero": ALL[:4],
    "ww-rho50": ALL[:4],
    "ww-rho75": ALL[:4],
    "ww-edge": ALL[:4],
}
"""Deviations, in shares of the premium, at which the reference tells each policy's cost."""
COUNTS = {
    "time": (0.05, 0.10),
    "move": (0.10,),
    "band-zero": (0.05, 0.10),
    "band-rho75": (0.10,),
    "band-edge": (0.05, 0.10),
    "ww-zero": (0.10,),
    "ww-rho50": (0.10,),
    "ww-rho75": (0.05, 0.10),
    "ww-edge": (0.05, 0.10),
}
"""Deviations at which the reference tells how often each policy trades."""
BRACKETS = {
    "time": ALL,
    "move": (0.05, 0.075, 0.10),
    "band-zero": (0.05, 0.10),
    "band-rho75": (0.10,),
    "ww-zero": (0.05, 0.10),
    "ww-rho50": (0.05, 0.10),
    "ww-rho75": ALL[:4],
    "ww-edge": ALL[:4],
}
"""Deviations at which it tells the change of cost against the fixed band to its edge."""
NET = ALL[:4]
"""The same for the deviation with costs in it."""


def sweep(every: tuple[int, ...], *, whole: bool = False) -> tuple[Policy, ...]:
    """The policies of model A; `whole` adds those that stand in the table alone."""
    main: tuple[Policy, ...] = (
        Bands("band-edge", WIDTHS, 1.0),
        Bands("band-zero", WIDTHS, 0.0),
        Bands("ww-edge", SCALES, 1.0, scaled=True),
        Bands("ww-rho75", SCALES, 0.75, scaled=True),
        Clock("time", every),
    )
    if not whole:
        return main
    return (
        *main,
        Bands("band-rho75", WIDTHS, 0.75),
        Bands("ww-rho50", SCALES, 0.5, scaled=True),
        Bands("ww-zero", SCALES, 0.0, scaled=True),
        Moves("move", MOVES),
    )


def lines_of(played: Mapping[str, Played], premium: float) -> dict[str, Frontier]:
    """Each policy's cheapest points, in shares of the premium, with how often it trades there."""
    return {
        name: frontier(one.deviation / premium, one.mean_cost / premium, one.mean_trades)
        for name, one in played.items()
    }


def _model_a(setting: Setting) -> Figures:
    world = ShortCall(paths=setting.paths(PATHS))
    played = play(world.blocks(), sweep(EVERY, whole=True), world.cost_ratio)
    lines = lines_of(played, world.premium)
    edge = lines["band-edge"]
    net = {
        name: frontier(played[name].net_deviation / world.premium, played[name].mean_cost / world.premium)
        for name in ("band-edge", "ww-edge")
    }
    found = {
        "modelA-ww-edge": dearer_percent(lines["ww-edge"], edge, 0.10),
        "modelA-ww-rho75": dearer_percent(lines["ww-rho75"], edge, 0.10),
        "modelA-band-zero": dearer_percent(lines["band-zero"], edge, 0.10),
        "modelA-time": dearer_percent(lines["time"], edge, 0.10),
        "modelA-product-vs-zero": dearer_percent(lines["ww-rho75"], lines["band-zero"], 0.10),
    }
    for at in NET:
        found[cell("net-ww-edge", at)] = dearer_percent(net["ww-edge"], net["band-edge"], at)
    for name in ("band-zero", "time"):
        found[f"table-a-ww-edge-vs-{name}"] = dearer_percent(lines["ww-edge"], lines[name], 0.10)
    found |= changes(lines, edge, BRACKETS) | _at_one("15min", played["ww-edge"], world.premium)
    return found | costs(lines, TABLE) | counts(lines, COUNTS) | _predicted(world)


def costs(lines: Mapping[str, Frontier], table: Mapping[str, tuple[float, ...]]) -> dict[str, float]:
    """Cost in percent of the premium for each cell of a table."""
    return {cell(name, at): 100.0 * lines[name].cost_at(at) for name, deviations in table.items() for at in deviations}


def changes(
    lines: Mapping[str, Frontier], against: Frontier, table: Mapping[str, tuple[float, ...]]
) -> dict[str, float]:
    """Change of cost in percent for each cell of a table's brackets."""
    return {
        cell(f"change-{name}", at): dearer_percent(lines[name], against, at)
        for name, deviations in table.items()
        for at in deviations
    }


def counts(lines: Mapping[str, Frontier], table: Mapping[str, tuple[float, ...]]) -> dict[str, float]:
    """How often each policy trades, for each cell that says so."""
    return {cell(f"n-{name}", at): lines[name].trades_at(at) for name, deviations in table.items() for at in deviations}


def _at_one(checks: str, played: Played, premium: float) -> dict[str, float]:
    """Deviation and cost of the policy to its edge at a risk aversion of one, in shares of the premium."""
    row = SCALES.index(1.0)
    return {
        f"asymptotic-{checks}-std": float(played.deviation[row]) / premium,
        f"asymptotic-{checks}-cost": float(played.mean_cost[row]) / premium,
    }


def _predicted(world: ShortCall) -> dict[str, float]:
    """What the formulas promise of the same at a risk aversion of one: the integrals of w^2/3 and s^2/(2w)."""
    variance = cost = 0.0
    years = DAYS / 365 / world.steps
    for block in world.blocks():
        for step in block:
            if step.liability is not None:
                break
            # The shape is (1.5 kappa S Gamma^2)^(1/3): gamma back from it.
            gamma2 = step.shape**3 / (1.5 * world.cost_ratio * step.spot)
            moved = VOL * VOL * step.spot * step.spot * years
            variance += float((step.shape**2 / 3.0 * moved).sum())
            wide = np.maximum(step.shape, 1e-300)
            cost += float((world.cost_ratio * step.spot * gamma2 * moved / (2.0 * wide)).sum())
    premium = world.premium
    return {
        "asymptotic-predicted-std": math.sqrt(variance / world.paths) / premium,
        "asymptotic-predicted-cost": cost / world.paths / premium,
    }


def cell(policy: str, deviation: float) -> str:
    """Id of a cell of model A's table."""
    return f"table-a-{policy}-{100.0 * deviation:g}"


def _run(world: ShortCall, every: tuple[int, ...]) -> tuple[dict[str, Played], dict[str, Frontier]]:
    played = play(world.blocks(), sweep(every), world.cost_ratio)
    return played, lines_of(played, world.premium)


def _changes(lines: Mapping[str, Frontier], prefix: str) -> dict[str, float]:
    """Change of cost against the fixed band to its edge at a deviation of 10 %, by policy."""
    return {f"{prefix}-{name}": dearer_percent(lines[name], lines["band-edge"], 0.10) for name in _CHANGES}


def _hourly(setting: Setting) -> Figures:
    _, lines = _run(ShortCall(HOURLY_STEPS, setting.paths(PATHS), 3), EVERY_HOUR)
    found = _changes(lines, "table-hourly")
    found["table-hourly-ww-edge-cost"] = 100.0 * lines["ww-edge"].cost_at(0.10)
    return {**found, "modelA60-ww-edge": found["table-hourly-ww-edge"]}


def _five_minutes(setting: Setting) -> Figures:
    world = ShortCall(FIVE_MINUTE_STEPS, setting.paths(6_000), 4)
    played, lines = _run(world, tuple(3 * one for one in EVERY))
    return _changes(lines, "table-5min") | _at_one("5min", played["ww-edge"], world.premium)


def _two_bp(setting: Setting) -> Figures:
    _, lines = _run(ShortCall(paths=setting.paths(10_000), seed=5, cost_ratio=0.0002), EVERY)
    return _changes(lines, "table-2bp")


def _one_minute(setting: Setting) -> Figures:
    world = ShortCall(steps=DAYS * 1_440, paths=setting.paths(4_000), seed=6)
    found = play(world.blocks(), (Bands("ww", (1.0,), 1.0, scaled=True),), world.cost_ratio)["ww"]
    return {
        "asymptotic-1min-std": float(found.deviation[0]) / world.premium,
        "asymptotic-1min-cost": float(found.mean_cost[0]) / world.premium,
    }


_CHANGES = ("ww-edge", "ww-rho75", "band-zero", "time")

EXPERIMENTS = (
    Experiment(
        ids=(
            *("modelA-ww-edge", "modelA-ww-rho75", "modelA-band-zero", "modelA-time", "modelA-product-vs-zero"),
            *(cell(policy, at) for policy, deviations in TABLE.items() for at in deviations),
            *(cell("net-ww-edge", at) for at in NET),
            *(cell(f"change-{policy}", at) for policy, deviations in BRACKETS.items() for at in deviations),
            *(cell(f"n-{policy}", at) for policy, deviations in COUNTS.items() for at in deviations),
            *("table-a-ww-edge-vs-band-zero", "table-a-ww-edge-vs-time"),
            *("asymptotic-predicted-std", "asymptotic-predicted-cost", "asymptotic-15min-std", "asymptotic-15min-cost"),
        ),
        find=_model_a,
        seconds=110.0,
    ),
    Experiment(
        ids=("modelA60-ww-edge", "table-hourly-ww-edge-cost", *(f"table-hourly-{name}" for name in _CHANGES)),
        find=_hourly,
        seconds=15.0,
    ),
    Experiment(ids=("asymptotic-1min-std", "asymptotic-1min-cost"), find=_one_minute, seconds=30.0),
    Experiment(
        ids=("asymptotic-5min-std", "asymptotic-5min-cost", *(f"table-5min-{name}" for name in _CHANGES)),
        find=_five_minutes,
        seconds=60.0,
    ),
    Experiment(ids=tuple(f"table-2bp-{name}" for name in _CHANGES), find=_two_bp, seconds=35.0),
)
