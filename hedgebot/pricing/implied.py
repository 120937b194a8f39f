"""Implied volatility of Black-76 premiums, vectorised; NaN with its reason where none exists. Owns no quotes.

The premium is turned into the time value of the out-of-the-money option, as a share of sqrt(F K). With
x = -|ln(F/K)|, h = x/s, t = s/2 and total deviation s = vol sqrt(years) that share is
b(s) = e^(x/2) N(h + t) - e^(-x/2) N(h - t), which rises from 0 to e^(x/2) and has its inflection at s^2 = 2|x|. The
unknown is s. Below the inflection 1/ln b is nearly quadratic in s, far above it ln(e^(x/2) - b) is nearly so, and in
between b itself is nearly linear: Halley steps on the transform that fits, inside a bracket that can only shrink. Idea
of the transforms: Jaeckel, "Let's be rational", 2015; code and constants are our own.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import erfcx, ndtr, ndtri

from hedgebot.pricing.black76 import Bools, Floats

_ROUNDS_MAX = 60
# Steps are of third order: after one of this share of the deviation, what is left is rounding.
_LAST_STEP = 1e-6
# In the money, time value below this many units in the last place of forward and strike is rounding, not volatility;
# out of the money only what is about to underflow is.
_NOISE_ULPS = 2.0
_PREMIUM_MIN = 1e-280
# The bracket's end above the inflection: b is its bound in float64 long before.
_DEVIATION_BEYOND = 80.0
_ROOT_HALF = float(np.sqrt(0.5))
_ROOT_HALF_PI = float(np.sqrt(np.pi / 2.0))
_INV_ROOT_TWO_PI = float(1.0 / np.sqrt(2.0 * np.pi))
_HALF_LOG_TWO_PI = float(0.5 * np.log(2.0 * np.pi))


class NoVol(IntEnum):
    """Why a premium has no implied volatility."""

    FOUND = 0
    NOT_A_NUMBER = 1
    """An input is missing, or forward or strike is not above zero."""
    EXPIRED = 2
    BELOW_INTRINSIC = 3
    """An arbitrage, or the forward is not the one that the premium was made with."""
    NO_TIME_VALUE = 4
    """The premium is its intrinsic value to rounding: every small volatility gives it."""
    ABOVE_BOUND = 5
    """A call worth the forward or more, a put worth the strike or more."""


class ImpliedVol(NamedTuple):
    """Shape (n,): annual volatility (1.00 = 100 %), NaN where there is none, and `NoVol` for each."""

    vol: Floats
    reason: npt.NDArray[np.int8]


class _Step(NamedTuple):
    """Of the transformed equation at s: Newton's step, second over first derivative, and whether s is too large."""

    newton: Floats
    bend: Floats
    too_large: Bools


_Equation = Callable[[Floats], _Step]


def implied_vol(premium: Floats, forward: Floats, strike: Floats, years: Floats, is_call: Bools) -> ImpliedVol:
    """Volatility whose `black76.price` is the undiscounted premium; every argument has shape (n,)."""
    with np.errstate(invalid="ignore", over="ignore"):
        intrinsic = np.maximum(np.where(is_call, 1.0, -1.0) * (forward - strike), 0.0)
        excess = premium - intrinsic
        # By parity the distance to the bound is the same for the option in and out of the money.
        missing = np.where(is_call, forward, strike) - premium
        valid = np.isfinite(premium) & (forward > 0.0) & (strike > 0.0) & np.isfinite(years + forward + strike)
        noise = np.where(intrinsic > 0.0, _NOISE_ULPS * np.spacing(forward + strike), _PREMIUM_MIN)
        reason = np.select(
            [~valid, years <= 0.0, missing <= 0.0, excess < -noise, excess <= noise],
            [NoVol.NOT_A_NUMBER, NoVol.EXPIRED, NoVol.ABOVE_BOUND, NoVol.BELOW_INTRINSIC, NoVol.NO_TIME_VALUE],
            NoVol.FOUND,
        ).astype(np.int8)
    vol = np.full(premium.shape, np.nan)
    good = reason == NoVol.FOUND
    forward, strike = forward[good], strike[good]
    # Roots one by one: the product of two large prices may overflow.
    scale = np.sqrt(forward) * np.sqrt(strike)
    distance = np.abs(np.log(forward / strike))
    vol[good] = _deviations(distance, excess[good] / scale, missing[good] / scale) / np.sqrt(years[good])
    return ImpliedVol(vol, reason)


def _deviations(distance: Floats, share: Floats, missing: Floats) -> Floats:
    """S of each `share` = b(s); `distance` is |ln(F/K)|, `missing` what the share lacks to its bound."""
    bend_at = np.sqrt(2.0 * distance)
    bound = np.exp(-0.5 * distance)
    share_at_bend = 0.5 * bound - ndtr(-bend_at) / bound
    low = share < share_at_bend
    high = ~low & (missing < 0.5 * bound)
    mid = ~(low | high)
    # The tangent at the inflection stays left of the root, since b bends down from there.
    tangent = bend_at + np.maximum(share - share_at_bend, 0.0) / (_INV_ROOT_TWO_PI * bound)
    found = np.empty_like(share)
    if low.any():
        x, log_share = distance[low], np.log(share[low])
        start = np.minimum(x / np.sqrt(-2.0 * log_share), bend_at[low])
        found[low] = _root(_below(x, log_share), start, np.zeros_like(x), bend_at[low])
    if mid.any():
        x = distance[mid]
        found[mid] = _root(_between(x, share[mid]), tangent[mid], bend_at[mid], bend_at[mid] + _DEVIATION_BEYOND)
    if high.any():
        x = distance[high]
        # Exact at the money; elsewhere a fair start.
        normal = -2.0 * ndtri(0.5 * missing[high] / bound[high])
        start = np.maximum(np.minimum(tangent[high], normal + bend_at[high]), normal)
        found[high] = _root(_above(x, np.log(missing[high])), start, bend_at[high], bend_at[high] + _DEVIATION_BEYOND)
    return found


def _root(equation: _Equation, start: Floats, low: Floats, high: Floats) -> Floats:
    """Halley's steps inside a bracket; its middle where a step would leave it or is no number."""
    at = np.where((start > low) & (start < high), start, 0.5 * (low + high))
    moving = np.ones(at.shape, dtype=np.bool_)
    for _ in range(_ROUNDS_MAX):
        step = equation(at)
        low, high = np.where(step.too_large, low, at), np.where(step.too_large, at, high)
        with np.errstate(all="ignore"):
            # A denominator near zero is a bend that the quadratic cannot follow: half of Newton's step is the bound.
            move = step.newton / np.maximum(1.0 + 0.5 * step.newton * step.bend, 0.5)
            to = at + move
        inside = (to >= low) & (to <= high)
        to = np.where(moving, np.where(inside, to, 0.5 * (low + high)), at)
        moving &= np.abs(to - at) > _LAST_STEP * to
        at = to
        if not moving.any():
            break
    return at


def _below(distance: Floats, log_share: Floats) -> _Equation:
    """1/ln b = 1/ln(share), left of the inflection: holds where b itself underflows."""

    def equation(s: Floats) -> _Step:
        with np.errstate(all="ignore"):
            h, t = -distance / s, 0.5 * s
            # b = density * mills, both of them scaled: erfcx keeps what the normal distribution would lose.
            mills = _ROOT_HALF_PI * (erfcx(-_ROOT_HALF * (h + t)) - erfcx(-_ROOT_HALF * (h - t)))
            log_b = np.log(mills) - 0.5 * (h * h + t * t) - _HALF_LOG_TWO_PI
            slope = 1.0 / mills
            newton = (1.0 / log_b - 1.0 / log_share) * log_b * log_b / slope
            bend = _vega_slope(distance, s) - slope - 2.0 * slope / log_b
        return _Step(newton, bend, log_b > log_share)

    return equation


def _between(distance: Floats, share: Floats) -> _Equation:
    """B = share, right of the inflection."""

    def equation(s: Floats) -> _Step:
        h, t, half = -distance / s, 0.5 * s, np.exp(-0.5 * distance)
        over = half * ndtr(h + t) - ndtr(h - t) / half - share
        vega = _INV_ROOT_TWO_PI * np.exp(-0.5 * (h * h + t * t))
        return _Step(-over / vega, _vega_slope(distance, s), over > 0.0)

    return equation


def _above(distance: Floats, log_missing: Floats) -> _Equation:
    """ln(bound - b) = ln(missing), near the bound: both normal distributions are added, nothing cancels."""

    def equation(s: Floats) -> _Step:
        with np.errstate(all="ignore"):
            h, t, half = -distance / s, 0.5 * s, np.exp(-0.5 * distance)
            left = half * ndtr(-(h + t)) + ndtr(h - t) / half
            slope = _INV_ROOT_TWO_PI * np.exp(-0.5 * (h * h + t * t)) / left
            over = np.log(left) - log_missing
        return _Step(over / slope, _vega_slope(distance, s) + slope, over < 0.0)

    return equation


def _vega_slope(distance: Floats, s: Floats) -> Floats:
    """Second over first derivative of b."""
    return distance * distance / (s * s * s) - 0.25 * s
