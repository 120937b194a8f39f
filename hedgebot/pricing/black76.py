"""Black-76 prices and greeks of European options on a forward, vectorised. Owns no market data.

Discounting is left out (r = 0): stablecoin-settled crypto options are margined and quoted undiscounted. A year is 365
days. Source: Black, "The pricing of commodity contracts", 1976. Deltas are Black-Scholes per coin of contract, never
premium-adjusted.

Limits: at zero time or zero volatility the option is worth its intrinsic value, its delta is 0 or 1 (one half at the
strike exactly) and gamma, vega and theta are zero.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NS_PER_YEAR = 365 * 86_400 * 1_000_000_000
# Below this standard deviation of the log price nothing varies any more; dividing by it would overflow.
_DEVIATION_MIN = 1e-9
_INV_SQRT_2PI = 1.0 / math.sqrt(2.0 * math.pi)


class Greeks(NamedTuple):
    """Arrays of shape (n,): delta per coin, gamma per quote unit, vega per 1.00 of volatility, theta per day."""

    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats


def years_to(expiry_ns: int, now_ns: int) -> float:
    """Time to expiry in years of 365 days, never negative."""
    return max(expiry_ns - now_ns, 0) / NS_PER_YEAR


def price(forward: Floats, strike: Floats, years: Floats, vol: Floats, is_call: Bools) -> Floats:
    """Undiscounted premium in quote currency per coin; every argument has shape (n,), forward and strike > 0."""
    deviation = vol * np.sqrt(years)
    d1 = _d1(forward, strike, deviation)
    call = forward * ndtr(d1) - strike * ndtr(d1 - deviation)
    # Put from parity: exact to rounding, and one pair of normal distributions instead of two.
    premium = np.where(is_call, call, call - forward + strike)
    return np.maximum(premium, 0.0)


def greeks(forward: Floats, strike: Floats, years: Floats, vol: Floats, is_call: Bools) -> Greeks:
    """Delta, gamma, vega and theta; every argument has shape (n,), forward and strike > 0."""
    root_years = np.sqrt(years)
    deviation = vol * root_years
    d1 = _d1(forward, strike, deviation)
    call_delta = ndtr(d1)
    density = np.exp(-0.5 * d1 * d1) * _INV_SQRT_2PI
    alive = deviation > _DEVIATION_MIN
    safe_deviation = np.where(alive, deviation, 1.0)
    safe_years = np.where(years > 0.0, years, 1.0)
    gamma = np.where(alive, density / (forward * safe_deviation), 0.0)
    vega = np.where(alive, forward * density * root_years, 0.0)
    theta = np.where(alive, -forward * density * vol / (2.0 * np.sqrt(safe_years)) / 365.0, 0.0)
    return Greeks(delta=np.where(is_call, call_delta, call_delta - 1.0), gamma=gamma, vega=vega, theta=theta)


def _d1(forward: Floats, strike: Floats, deviation: Floats) -> Floats:
    """Standardised log-moneyness; +-infinity (0 at the strike) where nothing is left to vary."""
    log_moneyness = np.log(forward / strike)
    alive = deviation > _DEVIATION_MIN
    safe = np.where(alive, deviation, 1.0)
    limit = np.where(log_moneyness == 0.0, 0.0, np.copysign(np.inf, log_moneyness))
    return np.where(alive, log_moneyness / safe + 0.5 * deviation, limit)
