"""Was the VaR right? A book held through recorded days: forecasts by the filter, exceptions counted and judged.

Owns the replay of forecasts; the tests are Kupiec's and Christoffersen's (`pricing/riskstats.py`). The book is the same
on every day, its prices move by the day's returns; forecasts know nothing of the day they are for.
"""

from collections.abc import Callable

import msgspec
import numpy as np

from hedgebot.domain.errors import DataError
from hedgebot.margin.tail_risk import SCENARIOS, tail_count
from hedgebot.pricing.black76 import Floats
from hedgebot.pricing.riskstats import chance_of, christoffersen, forecast_variance, kupiec

Profit = Callable[[Floats], Floats]
"""Profits of shape (n,) for joint moves of shape (n, factors)."""

REJECTED_BELOW = 0.05


class Backtest(msgspec.Struct, frozen=True, kw_only=True):
    """Exceptions of one book at one level. `es_ratio`: mean loss of the exceptions over the ES forecast; None: none.

    `kupiec_p` and `christoffersen_p` (of coverage and independence together) below 5 % reject the forecast.
    """

    name: str
    level: float
    days: int
    exceptions: int
    expected: float
    kupiec: float
    kupiec_p: float
    independence: float
    christoffersen_p: float
    es_ratio: float | None

    @property
    def passed(self) -> bool:
        """Whether neither test rejects."""
        return min(self.kupiec_p, self.christoffersen_p) >= REJECTED_BELOW


def backtest(name: str, profit: Profit, returns: Floats, per_mille: int) -> Backtest:
    """Hold the forecast of each day with 500 days before it against what came; returns of shape (days, factors)."""
    days = len(returns) - SCENARIOS
    if days < 1:
        msg = f"{len(returns)} days of returns, a backtest needs more than {SCENARIOS}"
        raise DataError(msg)
    deviation = np.sqrt(np.column_stack([forecast_variance(column) for column in returns.T]))
    standard = np.divide(returns, deviation, out=np.zeros_like(returns), where=deviation > 0.0)
    count, level = tail_count(SCENARIOS, per_mille), per_mille / 1_000
    came = profit(returns[SCENARIOS:])
    hits, ratios = np.zeros(days, dtype=np.bool_), []
    for day in range(days):
        simulated = profit(standard[day : day + SCENARIOS] * deviation[day + SCENARIOS])
        if came[day] < np.quantile(simulated, level):
            hits[day] = True
            shortfall = -float(np.sort(simulated)[:count].mean())
            ratios.append(-float(came[day]) / shortfall if shortfall > 0.0 else np.inf)
    exceptions = int(hits.sum())
    coverage, independence = kupiec(days, exceptions, level), christoffersen(hits)
    return Backtest(
        name=name,
        level=1.0 - level,
        days=days,
        exceptions=exceptions,
        expected=days * level,
        kupiec=coverage,
        kupiec_p=chance_of(coverage, 1),
        independence=independence,
        christoffersen_p=chance_of(coverage + independence, 2),
        es_ratio=float(np.mean(ratios)) if ratios else None,
    )
