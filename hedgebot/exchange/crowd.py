"""The crowd's aggressive orders on the grid: how many, which side, what size, as the recordings have them.

Owns the law and its seeded draws, a block of steps at a time. Knows no books: the market matches what comes from here.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hedgebot.domain.instrument import Side

Floats = npt.NDArray[np.float64]
Trades = tuple[tuple[Side, int], ...]
"""Taker's side and lots of each trade of one step."""

# More trades in a step than this are told as one of their whole volume: the grid is too coarse to tell them apart.
FINE_TRADES_MAX = 4.0
# Share of takers who go with the price's move of the step. In the recordings net takers and a moving price agree in 92
# to 98 of 100 tenths of a second (`calibrate`: 0.84 to 0.96); the grid's price moves in every tenth, so fewer do here,
# or nothing would be left of their own persistence.
_FOLLOWERS = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdShape:
    """Takers of one book in normal times; log-normal sizes by median and mean, in lots.

    `persistence` is the correlation of neighbouring signs, `memory_trades` how many trades it takes to fade by 1/e;
    trades a step grow with stress to `rate_power`.
    """

    trades_per_step: float
    median_lots: float
    mean_lots: float
    persistence: float
    memory_trades: float
    rate_power: float


class Crowd:
    """One book's takers. `block` must be called for one block of steps after the other."""

    def __init__(self, shape: CrowdShape, random: np.random.Generator) -> None:
        self._shape = shape
        self._random = random
        self._mood = 1.0
        self._log_spread = math.sqrt(2.0 * math.log(shape.mean_lots / shape.median_lots))
        fade = math.exp(-1.0 / max(shape.memory_trades, 1e-6))
        self._turn = (1.0 - fade) / 2.0
        # Signs of the mood alone are alike by lean squared times the fade; followers thin that.
        self._lean = min(math.sqrt(shape.persistence / fade) / (1.0 - _FOLLOWERS), 1.0)

    def block(self, stress: Floats, moves: Floats) -> dict[int, Trades]:
        """Trades by step of a block, for its stress and price moves (only their signs count)."""
        rates = self._shape.trades_per_step * stress**self._shape.rate_power
        coarse = rates > FINE_TRADES_MAX
        counts = np.where(coarse, 1, self._random.poisson(np.minimum(rates, FINE_TRADES_MAX)))
        steps = np.repeat(np.arange(len(rates)), counts)
        signs = self._signs(np.sign(moves)[steps])
        lots = self._lots(rates[steps], coarse[steps])
        trades: dict[int, list[tuple[Side, int]]] = {}
        for step, sign, size in zip(steps.tolist(), signs.tolist(), lots.tolist(), strict=True):
            trades.setdefault(step, []).append((Side.BUY if sign > 0 else Side.SELL, size))
        return {step: tuple(one) for step, one in trades.items()}

    def _signs(self, moves: Floats) -> Floats:
        """Signs of takers: followers go with the move, the others with a mood that turns now and then."""
        draws = self._random.random((3, len(moves)))
        moods = self._mood * np.cumprod(np.where(draws[0] < self._turn, -1.0, 1.0))
        if len(moods):
            self._mood = float(moods[-1])
        own = np.where(draws[1] < (1.0 + self._lean) / 2.0, moods, -moods)
        return np.where((draws[2] < _FOLLOWERS) & (moves != 0.0), moves, own)

    def _lots(self, rates: Floats, coarse: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Sizes: one order's, or where a step holds many, a gamma variable with the mean and variance of their sum."""
        shape, spread = self._shape, self._log_spread
        sizes = shape.median_lots * np.exp(spread * self._random.standard_normal(len(rates)))
        if coarse.any():
            many = rates[coarse]
            order = many / max(math.expm1(spread * spread), 1e-9)
            sizes[coarse] = self._random.gamma(order) * (many * shape.mean_lots / order)
        return np.maximum(np.rint(sizes), 1.0).astype(np.int64)
