"""Several hedging policies on the same path: what each costs at each tracking error.

Owns what the rivals are, made of the same plug-ins that a configuration names: a fixed band to its edge, a fixed band
back to zero (what public bots do), and hedging by the clock. Each is run at several widths through the whole engine.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from enum import StrEnum

import msgspec
import numpy as np

from hedgebot.core.engine import LoadStrategy
from hedgebot.core.strategy import Strategy, UnderlyingView
from hedgebot.domain.errors import ConfigError, DataError
from hedgebot.domain.settings import BUDGET, EngineSettings, StrategySettings, UnderlyingSettings
from hedgebot.lab.backtest import Result, Wish, run_backtest
from hedgebot.lab.frontier import Frontier, frontier


class Policy(StrEnum):
    """What is compared."""

    OURS = "configured"
    EDGE = "fixed band to edge"
    ZERO = "fixed band to zero"
    CLOCK = "fixed time"


# As near to the edge as a band goes that has an inside at all.
EDGE_RATIO = 0.999
BAND, GATE = "delta_neutral", "patience"
"""The plug-ins that rivals are made of."""

# What a strategy is asked at whether it makes a band: any price will do.
PRICE_ASKED_USD = 1_000.0
CLOCK_BAND_SHARE = 0.02
CLOCK_INTERVAL_S = 3_600.0


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one policy. `scale` is its width over the configured one (of the clock: over an hour)."""

    policy: str
    scale: float
    underlying: str
    tracking_error_usd: float
    cost_usd_day: float
    orders_day: float
    efficiency: float | None


def variant(settings: EngineSettings, policy: str, scale: float, load_strategy: LoadStrategy) -> EngineSettings:
    """The settings with another policy; ConfigError for one that nobody knows or a scale that is not above zero.

    Rivals hedge what the configuration hedges: they keep its scope, and whatever refines the band (a target, a hedge
    ratio, sides, gates). Only what makes the band is another.
    """
    if not scale > 0.0:
        raise ConfigError(f"the scale is {scale:g}, it must be above zero")
    match policy:
        case Policy.OURS:
            return _scaled(settings, scale)
        case Policy.EDGE:
            return _banded(settings, scale, EDGE_RATIO, load_strategy)
        case Policy.ZERO:
            return _banded(settings, scale, 0.0, load_strategy)
        case Policy.CLOCK:
            return _waiting(_banded(settings, CLOCK_BAND_SHARE, 0.0, load_strategy), CLOCK_INTERVAL_S * scale)
        case _:
            raise ConfigError(f"there is no policy {policy!r}; known: {', '.join(Policy)}")


def _scaled(settings: EngineSettings, scale: float) -> EngineSettings:
    """What the configuration says, tighter or wider: its bands, and its budgets."""
    strategies = tuple(
        msgspec.structs.replace(one, params=one.params | {BUDGET: float(one.params[BUDGET]) * scale})
        if BUDGET in one.params
        else one
        for one in settings.strategies
    )
    return msgspec.structs.replace(
        settings,
        strategies=strategies,
        underlyings=tuple(_wider(one, scale, one.target_ratio) for one in settings.underlyings),
    )


def _banded(settings: EngineSettings, scale: float, ratio: float, load_strategy: LoadStrategy) -> EngineSettings:
    """A fixed band where the configuration makes one; what makes another after it is left out, with what it forgets."""
    strategies: list[StrategySettings] = []
    settings_of = {one.underlying: one for one in settings.underlyings}
    banded: set[str] = set()
    for one in settings.strategies:
        mine = tuple(name for name in one.underlyings if name in settings_of)
        if not one.enabled or not mine or not _makes_band(load_strategy(one), settings_of[mine[0]]):
            strategies.append(one)
        elif fresh := tuple(name for name in mine if name not in banded):
            strategies.append(msgspec.structs.replace(one, plugin=BAND, params={}, underlyings=fresh))
            banded.update(fresh)
    return msgspec.structs.replace(
        settings,
        strategies=tuple(strategies),
        underlyings=tuple(_wider(one, scale, ratio) for one in settings.underlyings),
    )


def _makes_band(strategy: Strategy, settings: UnderlyingSettings) -> bool:
    """Whether a strategy proposes something where nobody did before it; others only refine."""
    view = UnderlyingView(at_ns=0, delta_coin=0.0, gamma_coin_per_usd=0.0, price_usd=PRICE_ASKED_USD, settings=settings)
    return strategy.propose(view, None) is not None


def _waiting(settings: EngineSettings, interval_s: float) -> EngineSettings:
    """Hedges wait for the clock; what the configuration waits for beside it stays."""
    interval: dict[str, int | float | str | bool] = {"interval_s": interval_s}
    waits = [one for one in settings.strategies if one.enabled and one.module == GATE]
    strategies = [
        msgspec.structs.replace(one, params=one.params | interval) if one in waits else one
        for one in settings.strategies
    ]
    gated = {name for one in waits for name in one.underlyings}
    if free := tuple(one.underlying for one in settings.underlyings if one.underlying not in gated):
        taken = {one.name for one in settings.strategies}
        name = GATE if GATE not in taken else f"{GATE} of the clock"
        strategies.append(StrategySettings(name=name, plugin=GATE, enabled=True, underlyings=free, params=interval))
    return msgspec.structs.replace(settings, strategies=tuple(strategies))


def _wider(one: UnderlyingSettings, scale: float, ratio: float) -> UnderlyingSettings:
    """A band that grows past the delta limit takes the limit with it: it is the policy that is compared."""
    band = one.band_coin * scale
    return msgspec.structs.replace(
        one, band_coin=band, target_ratio=ratio, delta_limit_coin=max(one.delta_limit_coin, 4.0 * band)
    )


def compare(
    wish: Wish,
    load_strategy: LoadStrategy,
    policies: Sequence[str],
    scales: Iterable[float],
    *,
    workers: int | None = None,
    told: Callable[[float], None] = lambda _share: None,
) -> list[Point]:
    """Run every policy at every scale on the wish's path, on local processes. `load_strategy`: a module's function."""
    wishes = [
        (policy, scale, variant(wish.settings, policy, scale, load_strategy)) for policy in policies for scale in scales
    ]
    jobs = [
        (policy, scale, msgspec.structs.replace(wish, settings=one), load_strategy) for policy, scale, one in wishes
    ]
    count = min(workers or os.cpu_count() or 1, len(jobs))
    points: list[Point] = []
    if count == 1:
        for number, job in enumerate(jobs, start=1):
            points += _run(job)
            told(number / len(jobs))
        return points
    with ProcessPoolExecutor(count) as pool:
        for number, found in enumerate(pool.map(_run, jobs), start=1):
            points += found
            told(number / len(jobs))
    return points


def _run(job: tuple[str, float, Wish, LoadStrategy]) -> list[Point]:
    policy, scale, wish, load_strategy = job
    return points_of(run_backtest(wish, load_strategy), policy, scale)


def points_of(result: Result, policy: str, scale: float) -> list[Point]:
    """One point for each underlying of a run."""
    return [
        Point(
            policy=policy,
            scale=scale,
            underlying=one.underlying,
            tracking_error_usd=one.measures.tracking_error_usd,
            cost_usd_day=one.measures.cost_usd_per_day,
            orders_day=one.measures.orders_per_day,
            efficiency=one.measures.efficiency,
        )
        for one in result.hedges
    ]


def frontier_of(points: Sequence[Point], policy: str, underlying: str) -> Frontier:
    """The cheapest points of one policy on one underlying."""
    mine = [one for one in points if one.policy == policy and one.underlying == underlying]
    return frontier(np.array([one.tracking_error_usd for one in mine]), np.array([one.cost_usd_day for one in mine]))


def dearer(points: Sequence[Point], policy: str, underlying: str, reference: str = Policy.OURS) -> float | None:
    """By how much a policy costs more than the reference at equal tracking error, as a ratio less one.

    Averaged over the tracking errors at which both were seen; None where their sweeps do not overlap.
    """
    one, other = frontier_of(points, policy, underlying), frontier_of(points, reference, underlying)
    if not len(one.deviation) or not len(other.deviation):
        return None
    low, high = max(one.deviation[0], other.deviation[0]), min(one.deviation[-1], other.deviation[-1])
    if not low <= high:
        return None
    try:
        ratios = [one.cost_at(at) / other.cost_at(at) for at in np.geomspace(low, high, 9).clip(low, high)]
    except DataError:
        return None
    return float(np.exp(np.mean(np.log(ratios)))) - 1.0
