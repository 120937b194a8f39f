"""A hedge in another asset: its least-variance size and what risk remains. No venue margins by it.

Source: margin reference section 10, case ART-1. Volatilities and correlation are of the same period.
"""

import math


def hedge_ratio(correlation: float, own_vol: float, proxy_vol: float) -> float:
    """USD of the proxy to sell per USD held, for least variance; falls as the correlation falls."""
    return correlation * own_vol / proxy_vol


def residual_vol_ratio(correlation: float) -> float:
    """Volatility that the least-variance hedge leaves, as a share of the unhedged one."""
    return math.sqrt(1.0 - correlation * correlation)
