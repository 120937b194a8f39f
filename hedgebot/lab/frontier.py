"""Compares policies at the same tracking error: the cheapest points of each, interpolated. Owns no simulation."""

from typing import NamedTuple

import numpy as np

from hedgebot.domain.errors import DataError
from hedgebot.pricing.black76 import Floats


class Frontier(NamedTuple):
    """Points that no other of the same policy beats: deviation rises, cost falls. `trades` are mean counts."""

    deviation: Floats
    cost: Floats
    trades: Floats | None = None

    def cost_at(self, deviation: float) -> float:
        """Cost at a deviation, log on log; DataError outside of what was swept."""
        return self._at(deviation, self.cost)

    def trades_at(self, deviation: float) -> float:
        """Trades at a deviation, log on log; DataError outside of what was swept, or where nobody counted them."""
        if self.trades is None:
            raise DataError("trades were not counted in this sweep")
        return self._at(deviation, self.trades)

    def _at(self, deviation: float, values: Floats) -> float:
        if not len(self.deviation) or not self.deviation[0] <= deviation <= self.deviation[-1]:
            low, high = (self.deviation[0], self.deviation[-1]) if len(self.deviation) else (np.nan, np.nan)
            raise DataError(f"the sweep reached deviations of {low:.4g} to {high:.4g}, not {deviation:.4g}; widen it")
        return float(np.exp(np.interp(np.log(deviation), np.log(self.deviation), np.log(values))))


def frontier(deviation: Floats, cost: Floats, trades: Floats | None = None) -> Frontier:
    """Keep the points of a sweep that are cheaper than every one that tracks better or as well."""
    order = np.lexsort((cost, deviation))
    best = np.inf
    kept = []
    for at in order.tolist():
        if 0.0 < cost[at] < best and deviation[at] > 0.0:
            best = float(cost[at])
            kept.append(at)
    return Frontier(deviation[kept], cost[kept], None if trades is None else trades[kept])


def dearer_percent(one: Frontier, other: Frontier, deviation: float) -> float:
    """Cost of `one` against `other` at the same deviation, in percent; negative is cheaper."""
    return 100.0 * (one.cost_at(deviation) / other.cost_at(deviation) - 1.0)
