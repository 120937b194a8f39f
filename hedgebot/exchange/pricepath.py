"""Where prices come from, sampled on a fixed grid of steps: a seeded generator with jumps and volatility regimes.

Owns index, spot and perpetual middles per step; recorded paths (`playback.py`) give the same blocks. A path is a
function of its seed alone: however the exchange is advanced, step n has the same prices. Knows no books or orders.
"""

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from hedgebot.exchange.scenario import Scenario, UnderlyingSpec

Floats = npt.NDArray[np.float64]
STEPS_PER_BLOCK = 600
SECONDS_PER_YEAR = 365 * 86_400

# Regimes: multiple of the underlying's volatility, and mean stay in seconds.
_REGIMES = ((0.6, 90.0), (1.0, 120.0), (2.5, 25.0))
# From each regime: probability of the next one.
_NEXT = ((0.0, 0.85, 0.15), (0.6, 0.0, 0.4), (0.3, 0.7, 0.0))
_COMMON = "common market factor"


# Longer steps than this hide what happened inside them: their paths say how low and high the price went.
FINE_STEP_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """How far prices went between a grid point and the one before, as ratios to the price at the point.

    Lows are at most 1, highs at least 1.
    """

    spot_low: Floats
    spot_high: Floats
    perp_low: Floats
    perp_high: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Quoted:
    """The best bid and ask that were recorded, at each grid step: half the spread over the middle, sizes in coins.

    Sizes are NaN where none were recorded.
    """

    half_ratio: Floats
    bid_coin: Floats
    ask_coin: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class PathBlock:
    """`STEPS_PER_BLOCK` grid steps; arrays of that length, prices in quote currency per coin.

    `mark` is NaN where the exchange must compute it; `stress` is current over normal volatility; where `live` is False
    nothing trades and prices are held. `inside` is None on grids of at most a second, a market's quotes where none
    were recorded of it.
    """

    index: Floats
    spot: Floats
    perp: Floats
    mark: Floats
    stress: Floats
    live: npt.NDArray[np.bool_]
    inside: Inside | None = None
    spot_quoted: Quoted | None = None
    perp_quoted: Quoted | None = None


class PricePath(Protocol):
    """A source of blocks, taken one after the other."""

    start_price: float

    def next_block(self) -> PathBlock:
        """The next `STEPS_PER_BLOCK` steps."""

    def afresh(self) -> "PricePath":
        """The same path from its beginning, however much of this one was taken."""


def stream(seed: int, *names: str) -> np.random.Generator:
    """An independent random stream for a purpose, the same on every machine."""
    words = [zlib.crc32(name.encode()) for name in names]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *words])))


class SeededPath:
    """Correlated log-normal steps whose volatility switches between regimes, with jumps and a wandering basis."""

    def __init__(self, spec: UnderlyingSpec, seed: int, step_s: float, venue_seed: int | None = None) -> None:
        """`venue_seed` draws what is one exchange's own (its basis); None: everything comes from `seed`."""
        self.start_price = spec.start_price
        self._spec = spec
        self._seeds = seed, venue_seed
        self._step_s = step_s
        # The common factor is drawn alike by every underlying from a stream of its own, so that they move together.
        self._common = stream(seed, _COMMON)
        self._own = stream(seed, "path", spec.name)
        self._basis_draws = self._own if venue_seed is None else stream(venue_seed, "basis", spec.name)
        self._regimes = stream(seed, "regimes", _COMMON)
        self._extremes = stream(seed, "extremes", spec.name)
        self._regime = 1
        self._log_price = math.log(spec.start_price)
        self._perp_basis = spec.basis_bps
        self._spot_gap = 0.0

    def afresh(self) -> "SeededPath":
        """The same draws again, from the first."""
        seed, venue_seed = self._seeds
        return SeededPath(self._spec, seed, self._step_s, venue_seed)

    def next_block(self) -> PathBlock:
        """Draw the next block: every random number of a step comes from here, in a fixed order."""
        count, spec = STEPS_PER_BLOCK, self._spec
        stress = self._stress(count)
        weight = spec.correlation
        shocks = weight * self._common.standard_normal(count) + math.sqrt(1.0 - weight * weight) * (
            self._own.standard_normal(count)
        )
        returns = spec.vol * math.sqrt(self._step_s / SECONDS_PER_YEAR) * stress * shocks
        jumped = self._own.random(count) < spec.jumps_per_day * self._step_s / 86_400
        returns += np.where(jumped, spec.jump_size * self._own.standard_normal(count), 0.0)
        logs = self._log_price + np.cumsum(returns)
        inside = self._inside(np.concatenate(([self._log_price], logs)), stress)
        self._log_price = float(logs[-1])
        index = np.exp(logs)
        basis = self._wander(self._perp_basis, spec.basis_bps, 0.35, stress, 60.0)
        gap = self._wander(self._spot_gap, 0.0, 0.08, stress, 5.0)
        self._perp_basis, self._spot_gap = float(basis[-1]), float(gap[-1])
        return PathBlock(
            index=index,
            spot=index * (1.0 + gap * 1e-4),
            perp=index * (1.0 + basis * 1e-4),
            mark=np.full(count, np.nan),
            stress=stress,
            live=np.ones(count, dtype=np.bool_),
            inside=inside,
        )

    def _inside(self, logs: Floats, stress: Floats) -> Inside | None:
        """Extremes of each step by the law of a Brownian bridge between its ends (Karatzas and Shreve 1991, 4.3.40)."""
        if self._step_s <= FINE_STEP_S:
            return None
        variance = (self._spec.vol * stress) ** 2 * self._step_s / SECONDS_PER_YEAR
        draws = -2.0 * variance * np.log(1.0 - self._extremes.random((2, len(stress))))
        moves = np.diff(logs)
        reach = np.sqrt(moves**2 + draws)
        low, high = np.exp((-moves - reach[0]) / 2.0), np.exp((-moves + reach[1]) / 2.0)
        return Inside(spot_low=low, spot_high=high, perp_low=low, perp_high=high)

    def _stress(self, count: int) -> Floats:
        """Regime multiples per step; regimes are common to all underlyings."""
        draws = self._regimes.random((count, 2))
        stress = np.empty(count)
        for number in range(count):
            multiple, stay_s = _REGIMES[self._regime]
            stress[number] = multiple
            if draws[number, 0] < self._step_s / stay_s:
                cumulative = np.cumsum(_NEXT[self._regime])
                self._regime = int(np.searchsorted(cumulative, draws[number, 1], side="right"))
        return stress

    def _wander(self, start: float, mean: float, step_bps: float, stress: Floats, recall_s: float) -> Floats:
        """A mean-reverting walk in basis points: deviation grows with stress, and returns within `recall_s`."""
        keep = math.exp(-self._step_s / recall_s)
        shocks = (step_bps * math.sqrt(self._step_s) * stress * self._basis_draws.standard_normal(len(stress))).tolist()
        path, value = [], start
        for shock in shocks:
            value = mean + keep * (value - mean) + shock
            path.append(value)
        return np.array(path)


def all_paths_of(scenario: Scenario, given: Mapping[str, PricePath], step_s: float) -> dict[str, PricePath]:
    """A path for each underlying: the one that is given, from its beginning, else a seeded one.

    Where a path stands is its player's own: exchanges that are given the same one play the same prices.
    """
    shared = scenario.path_seed is not None
    seed = scenario.path_seed if scenario.path_seed is not None else scenario.seed
    return {
        spec.name: given[spec.name].afresh()
        if spec.name in given
        else SeededPath(spec, seed, step_s, scenario.seed if shared else None)
        for spec in scenario.underlyings
    }
