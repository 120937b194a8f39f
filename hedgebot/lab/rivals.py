"""Hedging formulas of others, for comparison only: the product does not trade by them. Pure.

Leland, "Option pricing and replication with transactions costs", 1985. Zakamouline, "European option pricing and
hedging with both fixed and proportional transaction costs", 2006; its constants were fitted for costs near 1 % and its
time is in years, a fit that has no dimension (hedging reference section 15).
"""

import math
from typing import NamedTuple

import numpy as np

from hedgebot.pricing.black76 import Floats


class ZakamoulineBand(NamedTuple):
    """Half width `fixed` + `moving` around the delta at sigma sqrt(1 + sign K); `adjustment` is K, below zero."""

    fixed: Floats
    moving: Floats
    adjustment: Floats


def zakamouline(
    spot: Floats, gamma: Floats, vol: float | Floats, years: float, cost_ratio: float, risk_aversion: float
) -> ZakamoulineBand:
    """H0, H1 and K at no interest; `gamma` is Black-Scholes at `vol`, the cost is one-way."""
    size = np.abs(gamma)
    fixed = cost_ratio / (risk_aversion * spot * vol * vol * years)
    root = vol**-0.25
    moving = 1.12 * cost_ratio**0.31 * years**0.05 * root * np.sqrt(size / risk_aversion)
    adjustment = -4.76 * cost_ratio**0.78 / years**0.02 * root * (risk_aversion * spot * spot * size) ** 0.15
    return ZakamoulineBand(fixed, moving, adjustment)


def zakamouline_vol(vol: float | Floats, adjustment: Floats, *, short_gamma: bool) -> Floats:
    """The volatility that the band's centre is hedged at: larger than `vol` for who is short gamma, else smaller."""
    return vol * np.sqrt(1.0 + (-adjustment if short_gamma else adjustment))


def leland_vol(vol: float, cost_ratio: float, interval_years: float, *, short_gamma: bool) -> float:
    """Volatility for hedging at fixed times: sigma^2 [1 +- sqrt(2/pi) 2 kappa/(sigma sqrt dt)], + when short gamma."""
    number = math.sqrt(2.0 / math.pi) * 2.0 * cost_ratio / (vol * math.sqrt(interval_years))
    return vol * math.sqrt(1.0 + (number if short_gamma else -number))
