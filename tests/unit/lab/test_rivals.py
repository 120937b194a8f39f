"""Formulas of others against the reference's anchors, with both signs of gamma (hedging reference section 15)."""

import math

import numpy as np
import pytest
from scipy.special import ndtr

from hedgebot.lab.rivals import leland_vol, zakamouline, zakamouline_vol


def test_zakamoulines_anchors_for_a_long_call() -> None:
    """S = K = 100, one year, 30 %, cost 2 %, risk aversion 1: Sinclair's numbers."""
    band = zakamouline(np.array([100.0]), np.array([0.0131493]), 0.3, 1.0, 0.02, 1.0)
    assert band.fixed[0] == pytest.approx(0.0022222, abs=1e-7)
    assert band.moving[0] == pytest.approx(0.0516070, abs=1e-6)
    assert band.adjustment[0] == pytest.approx(-0.6323616, abs=1e-6)
    vol = float(zakamouline_vol(0.3, band.adjustment, short_gamma=False)[0])
    assert vol == pytest.approx(0.1818996, abs=1e-6)
    delta, width = float(ndtr(0.5 * vol)), float(band.fixed[0] + band.moving[0])
    assert (delta - width, delta + width) == pytest.approx((0.4824045, 0.5900630), abs=1e-6)


def test_who_is_short_gamma_hedges_at_a_larger_volatility() -> None:
    adjustment = np.array([-0.2])
    assert zakamouline_vol(0.6, adjustment, short_gamma=True)[0] > 0.6
    assert zakamouline_vol(0.6, adjustment, short_gamma=False)[0] < 0.6


def test_lelands_volatility_grows_with_the_cost_of_a_round_trip_and_the_frequency() -> None:
    short = leland_vol(0.6, 0.0005, 1 / 365, short_gamma=True)
    assert short**2 == pytest.approx(0.36 * (1 + math.sqrt(2 / math.pi) * 0.001 / (0.6 * math.sqrt(1 / 365))))
    assert leland_vol(0.6, 0.0005, 1 / 8_760, short_gamma=True) > short > 0.6
    assert leland_vol(0.6, 0.0005, 1 / 365, short_gamma=False) < 0.6
