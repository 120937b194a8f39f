"""Statistics of risk forecasts and of a proxy hedge: Kupiec, Christoffersen, filtered history, cross hedge. Pure.

Sources: Kupiec 1995, Christoffersen 1998, Barone-Adesi et al. 1999; hedging reference sections 10.1 and 11.
"""

import numpy as np
from scipy.special import chdtrc, xlogy

from hedgebot.pricing.black76 import Bools, Floats

EWMA_DECAY = 0.94
_SEED_DAYS = 30
_SCENARIOS = 500


def kupiec(days: int, hits: int, level: float) -> float:
    """Likelihood ratio that exceptions come at their level; chi-square with one degree of freedom."""
    seen = hits / days
    expected = xlogy(days - hits, 1.0 - level) + xlogy(hits, level)
    found = xlogy(days - hits, 1.0 - seen) + xlogy(hits, seen)
    return float(-2.0 * (expected - found))


def christoffersen(hits: Bools) -> float:
    """Likelihood ratio that an exception today says nothing of tomorrow; chi-square with one degree of freedom."""
    before, after = hits[:-1], hits[1:]
    counts = {(one, two): int(np.sum((before == one) & (after == two))) for one in (0, 1) for two in (0, 1)}
    from_calm, from_hit = counts[0, 0] + counts[0, 1], counts[1, 0] + counts[1, 1]
    after_calm = counts[0, 1] / from_calm if from_calm else 0.0
    after_hit = counts[1, 1] / from_hit if from_hit else 0.0
    always = (counts[0, 1] + counts[1, 1]) / (from_calm + from_hit)
    same = xlogy(counts[0, 0] + counts[1, 0], 1.0 - always) + xlogy(counts[0, 1] + counts[1, 1], always)
    apart = (
        xlogy(counts[0, 0], 1.0 - after_calm)
        + xlogy(counts[0, 1], after_calm)
        + xlogy(counts[1, 0], 1.0 - after_hit)
        + xlogy(counts[1, 1], after_hit)
    )
    return float(-2.0 * (same - apart))


def chance_of(ratio: float, freedoms: int) -> float:
    """Probability of a likelihood ratio as large as this one where nothing is wrong: the tail of chi-square."""
    return float(chdtrc(freedoms, max(ratio, 0.0)))


def forecast_variance(returns: Floats, decay: float = EWMA_DECAY) -> Floats:
    """EWMA variance that was known before each return; the first one's is the variance of the first 30 returns."""
    found = np.empty(len(returns))
    found[0] = returns[:_SEED_DAYS].var()
    for number in range(1, len(returns)):
        found[number] = decay * found[number - 1] + (1.0 - decay) * returns[number - 1] ** 2
    return found


def filtered_exceptions(returns: Floats, level: float = 0.01, scenarios: int = _SCENARIOS) -> Bools:
    """Days on which the loss passed the filtered historical forecast, from the first with enough scenarios on.

    The forecast is the quantile of the last `scenarios` returns over their own deviation, times the deviation of now.
    """
    deviation = np.sqrt(forecast_variance(returns))
    standard = returns / deviation
    windows = np.lib.stride_tricks.sliding_window_view(standard, scenarios)[:-1]
    limits = np.quantile(windows, level, axis=1) * deviation[scenarios:]
    return np.asarray(returns[scenarios:] < limits)


def ewma_hedge_ratio(position: Floats, proxy: Floats, decay: float = 0.985) -> Floats:
    """USD short of the proxy per USD of the position, from the returns before each one; 1 before there is any."""
    found = np.ones(len(proxy))
    covariance = variance = 0.0
    for number in range(len(proxy) - 1):
        covariance = decay * covariance + (1.0 - decay) * float(position[number] * proxy[number])
        variance = decay * variance + (1.0 - decay) * float(proxy[number]) ** 2
        if variance > 0.0:
            found[number + 1] = covariance / variance
    return found


def hedging_effectiveness(position: Floats, proxy: Floats, ratio: Floats | float) -> float:
    """HE = 1 - Var(hedged)/Var(unhedged) of returns."""
    return float(1.0 - np.var(position - ratio * proxy) / np.var(position))
