"""Paths to hedge on: the reference's model A, its book of 28 options, and recorded prices. Owns no policy.

A world gives blocks of paths as steps; with the same seed the same ones. Prices are worth 100 at their start.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from hedgebot.lab.bandsim import Step
from hedgebot.pricing.band import exposure_variance, half_width, vol_root_day
from hedgebot.pricing.black76 import Bools, Floats, greeks, price

START = 100.0
VOL = 0.60
COST_RATIO = 0.0005
DAYS = 30
PATHS_PER_BLOCK = 1_000

BOOK_STRIKES = (80.0, 90.0, 95.0, 100.0, 105.0, 110.0, 125.0)
BOOK = {
    7: (-2, -2, 2, -1, 1, 1, 1),
    14: (-2, -1, -2, -1, 2, 1, -2),
    30: (1, -2, 2, 2, 2, 1, 2),
    60: (-1, -2, 1, -1, 1, 2, -1),
}
"""Calls held by days to expiry, one for each strike; negative is short. Net gamma changes its sign."""
BOOK_DAYS = 14


class ShortCall(NamedTuple):
    """Model A: one call sold at the money on a driftless lognormal price.

    Hedged on the delta of its true volatility, or of `hedge_vol`.
    """

    steps: int = 2_880
    paths: int = 20_000
    seed: int = 1
    cost_ratio: float = COST_RATIO
    hedge_vol: float = VOL

    @property
    def premium(self) -> float:
        """What the call was sold for."""
        found = price(*_columns(np.array([START]), START, DAYS / 365, VOL))
        return float(found[0])

    def blocks(self) -> Iterator[Iterator[Step]]:
        """All paths, by blocks."""
        for number, size in enumerate(_sizes(self.paths)):
            yield self._block(walks(np.random.default_rng((self.seed, number)), size, self.steps, DAYS / 365))

    def _block(self, spots: Iterator[Floats]) -> Iterator[Step]:
        for number, spot in enumerate(spots):
            years = DAYS / 365 * (1.0 - number / self.steps)
            if number == self.steps:
                nothing = np.zeros_like(spot)
                yield Step(spot, nothing, nothing, self.premium - np.maximum(spot - START, 0.0))
                return
            yield short_call_step(spot, START, years, self.hedge_vol, self.cost_ratio)


def walks(random: np.random.Generator, size: int, steps: int, years: float, vol: float = VOL) -> Iterator[Floats]:
    """A driftless lognormal price of `size` paths, from its start to the end of `years`: steps + 1 of them."""
    spot = np.full(size, START)
    deviation = vol * (years / steps) ** 0.5
    yield spot
    for _ in range(steps):
        spot = spot * np.exp(deviation * random.standard_normal(size) - 0.5 * deviation * deviation)
        yield spot


def short_call_step(spot: Floats, strike: float, years: float, vol: float | Floats, cost_ratio: float) -> Step:
    """The exact hedge of one call sold, and the half width at a risk aversion of one per USD."""
    found = greeks(*_columns(spot, strike, years, vol))
    day = vol_root_day(VOL)  # it cancels: without flow the width depends on gamma alone
    shape = half_width(cost_ratio, spot, exposure_variance(found.gamma, spot, day), day, 1.0)
    return Step(spot, found.delta, shape)


class MixedBook(NamedTuple):
    """28 calls of four expiries, long and short, over two weeks; a width's shape is |net gamma|^(2/3)."""

    steps: int = 1_344
    paths: int = 4_000
    seed: int = 2

    def blocks(self) -> Iterator[Iterator[Step]]:
        """All paths, by blocks."""
        for number, size in enumerate(_sizes(self.paths)):
            yield self._block(walks(np.random.default_rng((self.seed, number)), size, self.steps, BOOK_DAYS / 365))

    def _block(self, spots: Iterator[Floats]) -> Iterator[Step]:
        profit: Floats | None = None
        for number, spot in enumerate(spots):
            days = BOOK_DAYS * number / self.steps
            delta, gamma, value = np.zeros_like(spot), np.zeros_like(spot), np.zeros_like(spot)
            settled = np.zeros_like(spot)
            for expiry, held in BOOK.items():
                left = expiry - days
                if left < -1e-9:
                    continue
                over = left < 1e-9
                for strike, qty in zip(BOOK_STRIKES, held, strict=True):
                    if over:
                        settled += qty * np.maximum(spot - strike, 0.0)
                        continue
                    found = greeks(*_columns(spot, strike, left / 365, VOL))
                    delta += qty * found.delta
                    gamma += qty * found.gamma
                    value += qty * found.premium
            profit = settled - value if profit is None else profit + settled
            shape = np.abs(gamma) ** (2.0 / 3.0)
            yield Step(spot, -delta, shape, profit + value if number == self.steps else None)


class RecordedCalls(NamedTuple):
    """One call sold at the money on each recorded window, its volatility the window's own (known in advance).

    `windows` are prices of shape (steps + 1, windows), each worth 100 at its start.
    """

    windows: Floats
    cost_ratio: float = COST_RATIO

    @property
    def steps(self) -> int:
        """Checks of each window, its end included."""
        return len(self.windows) - 1

    @property
    def vol(self) -> Floats:
        """Annual volatility of each window's hourly log returns."""
        return np.asarray(np.diff(np.log(self.windows), axis=0).std(axis=0) * np.sqrt(8_760.0))

    @property
    def premium(self) -> Floats:
        """What each call was sold for."""
        return price(*_columns(self.windows[0], START, DAYS / 365, self.vol))

    def blocks(self) -> Iterator[Iterator[Step]]:
        """All windows in one block."""
        yield self._block()

    def _block(self) -> Iterator[Step]:
        steps, vol = self.steps, self.vol
        for number, spot in enumerate(self.windows):
            if number == steps:
                nothing = np.zeros_like(spot)
                yield Step(spot, nothing, nothing, self.premium - np.maximum(spot - START, 0.0))
                return
            yield short_call_step(spot, START, DAYS / 365 * (1.0 - number / steps), vol, self.cost_ratio)


def hourly_windows(closes: Floats, hours: int = DAYS * 24, every: int = 24, first: int = 720) -> Floats:
    """Windows of `hours` that start every so many bars from bar `first`, each scaled to 100: (hours + 1, windows)."""
    starts = np.arange(first, len(closes) - hours, every)
    windows = closes[starts[np.newaxis, :] + np.arange(hours + 1)[:, np.newaxis]]
    return np.asarray(START * windows / windows[0])


def _columns(
    spot: Floats, strike: float, years: float, vol: float | Floats
) -> tuple[Floats, Floats, Floats, Floats, Bools]:
    shape = spot.shape
    vols = np.full(shape, vol) if isinstance(vol, float) else vol
    return spot, np.full(shape, strike), np.full(shape, years), vols, np.ones(shape, dtype=np.bool_)


def _sizes(paths: int) -> list[int]:
    whole, rest = divmod(paths, PATHS_PER_BLOCK)
    return [PATHS_PER_BLOCK] * whole + ([rest] if rest else [])
