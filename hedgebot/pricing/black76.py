"""Black-76 prices and greeks of European options on a forward, vectorised. Owns no market data.

Discounting is left out (r = 0): stablecoin-settled crypto options are margined and quoted undiscounted. A year is 365
days. Source: Black, "The pricing of commodity contracts", 1976. Deltas are Black-Scholes per coin of contract, never
premium-adjusted; `delta.py` owns the other conventions.

Limits: at zero time or zero volatility the option is worth its intrinsic value, its delta is 0 or 1 (one half at the
strike exactly) and every other greek is zero. What is not a number stays one: a missing volatility is no zero.
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
_DAYS_PER_YEAR = 365.0


class Greeks(NamedTuple):
    """Premium and its derivatives per coin of contract, each of shape (n,), in quote currency where not said otherwise.

    `delta` is Black-Scholes in coin per coin (to the forward), `gamma` is coin per quote unit, `vega` per 1.00 of
    volatility, `theta` per day of 1/365 year, `vanna` is coin per 1.00 of volatility (of delta; equally vega's
    derivative to the forward), `volga` is vega's change per 1.00 of volatility.
    """

    premium: Floats
    delta: Floats
    gamma: Floats
    vega: Floats
    theta: Floats
    vanna: Floats
    volga: Floats


def some(flags: Bools) -> bool:
    """Whether any is set; `flags.any()` is the same for several times the price of a short column."""
    return bool(np.count_nonzero(flags))


def bounded(values: Floats, least: float, most: float) -> Floats:
    """Values held between two bounds; `np.clip` is the same for several times the price of a short column."""
    return np.minimum(np.maximum(values, least), most)


def years_to(expiry_ns: int, now_ns: int) -> float:
    """Time to expiry in years of 365 days, never negative."""
    return max(expiry_ns - now_ns, 0) / NS_PER_YEAR


def price(forward: Floats, strike: Floats, years: Floats, vol: Floats, is_call: Bools) -> Floats:
    """Undiscounted premium in quote currency per coin; arguments broadcast, forward and strike > 0."""
    deviation = vol * np.sqrt(years)
    side = np.where(is_call, 1.0, -1.0)
    dead = deviation <= _DEVIATION_MIN
    if not some(dead):
        return _premium(forward, strike, deviation, side)
    premium = _premium(forward, strike, np.where(dead, 1.0, deviation), side)
    return np.where(dead, np.maximum(side * (forward - strike), 0.0), premium)


def greeks(forward: Floats, strike: Floats, years: Floats, vol: Floats, is_call: Bools) -> Greeks:
    """Premium and its six greeks in one pass; every argument has shape (n,), forward and strike > 0."""
    dead = vol * np.sqrt(years) <= _DEVIATION_MIN
    side = np.where(is_call, 1.0, -1.0)
    if not some(dead):
        return _living(forward, strike, years, vol, side)
    found = _living(forward, strike, np.where(dead, 1.0, years), np.where(dead, 1.0, vol), side)
    gain = side * (forward - strike)
    return Greeks(
        np.where(dead, np.maximum(gain, 0.0), found.premium),
        np.where(dead, side * np.heaviside(gain, 0.5), found.delta),
        *(np.where(dead, 0.0, column) for column in found[2:]),
    )


def delta_one(forward: float, strike: float, years: float, vol: float, *, is_call: bool) -> float:
    """`greeks(...).delta` of one option, to the last bit, without the columns: where one quote is looked at a time."""
    side, deviation = 1.0 if is_call else -1.0, vol * math.sqrt(years)
    if deviation <= _DEVIATION_MIN:
        gain = side * (forward - strike)
        return side * (0.5 if gain == 0.0 else float(gain > 0.0))
    # Logarithm and distribution are the columns' own: another library's differ in the last bit.
    d1 = float(np.log(forward / strike)) / deviation + 0.5 * deviation
    return float(ndtr(side * d1)) * side


def _premium(forward: Floats, strike: Floats, deviation: Floats, side: Floats) -> Floats:
    d1 = np.log(forward / strike) / deviation + 0.5 * deviation
    # The side goes into the normal distributions, not into parity: a far put would be the difference of two large sums.
    premium = side * (forward * ndtr(side * d1) - strike * ndtr(side * (d1 - deviation)))
    return np.maximum(premium, 0.0)


def _living(forward: Floats, strike: Floats, years: Floats, vol: Floats, side: Floats) -> Greeks:
    """Everything where something is left to vary. Each step is one pass over the columns: this is a hot path."""
    root_years = np.sqrt(years)
    deviation = vol * root_years
    d1 = np.log(forward / strike)
    d1 /= deviation
    d1 += 0.5 * deviation
    d2 = d1 - deviation
    delta = ndtr(side * d1)
    delta *= side
    premium = ndtr(side * d2)
    premium *= side
    premium *= strike
    np.subtract(forward * delta, premium, out=premium)
    np.maximum(premium, 0.0, out=premium)
    density = d1 * d1
    density *= -0.5
    np.exp(density, out=density)
    density *= _INV_SQRT_2PI
    vega = forward * density
    # gamma = density / (F sigma root T), vega = F density root T, theta = -vega sigma / 2T, all of one density.
    gamma = density / (forward * deviation)
    theta = vega * vol
    theta /= root_years
    theta *= -0.5 / _DAYS_PER_YEAR
    vega *= root_years
    d2 /= vol
    vanna = density
    vanna *= d2
    np.negative(vanna, out=vanna)
    volga = d1
    volga *= d2
    volga *= vega
    return Greeks(premium, delta, gamma, vega, theta, vanna, volga)
