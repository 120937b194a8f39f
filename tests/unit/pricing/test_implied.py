"""Implied volatility against what made the premium, against two solvers of others, and where none exists."""

import numpy as np
import py_lets_be_rational
import pytest
import QuantLib
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.pricing.black76 import Bools, Floats, greeks, price
from hedgebot.pricing.implied import NoVol, implied_vol


def _world(size: int, seed: int) -> tuple[Floats, Floats, Floats, Floats, Bools]:
    """Options out of the money: from a minute to three years, far into the wings, volatility 5 to 500 %."""
    random = np.random.default_rng(seed)
    forward = np.exp(random.uniform(2.0, 12.0, size))
    log_moneyness = random.normal(0.0, 1.0, size)
    years = np.exp(random.uniform(np.log(1 / 365 / 1440), np.log(3.0), size))
    vol = np.exp(random.uniform(np.log(0.05), np.log(5.0), size))
    return forward, forward * np.exp(log_moneyness), years, vol, log_moneyness > 0.0


def test_gives_back_the_volatility_that_made_the_premium() -> None:
    forward, strike, years, vol, is_call = _world(20_000, 1)
    found = implied_vol(price(forward, strike, years, vol, is_call), forward, strike, years, is_call)
    known = found.reason == NoVol.FOUND
    assert known.sum() > 10_000
    assert np.nanmax(np.abs(found.vol[known] / vol[known] - 1.0)) < 1e-10
    assert set(np.unique(found.reason[~known]).tolist()) == {NoVol.NO_TIME_VALUE}
    assert np.isnan(found.vol[~known]).all()


def test_agrees_with_lets_be_rational_into_the_deepest_wings() -> None:
    forward, strike, years, vol, is_call = _world(3_000, 2)
    premium = price(forward, strike, years, vol, is_call)
    found = implied_vol(premium, forward, strike, years, is_call)
    known = np.flatnonzero(found.reason == NoVol.FOUND)
    assert premium[known].min() < 1e-100
    theirs = [
        py_lets_be_rational.implied_volatility_from_a_transformed_rational_guess(
            *(premium[at], forward[at], strike[at], years[at]), 1.0 if is_call[at] else -1.0
        )
        for at in known
    ]
    assert np.abs(found.vol[known] / np.array(theirs) - 1.0).max() < 2e-12


def test_agrees_with_quantlib_on_a_chain() -> None:
    for log_moneyness in np.linspace(-0.8, 0.8, 17):
        forward, strike, years = 60_000.0, 60_000.0 * float(np.exp(log_moneyness)), 45 / 365
        for call in (True, False):
            kind = QuantLib.Option.Call if call else QuantLib.Option.Put
            premium = QuantLib.blackFormula(kind, strike, forward, 0.7 * years**0.5)
            theirs = QuantLib.blackFormulaImpliedStdDev(kind, strike, forward, premium, 1.0, 0.0, 0.3, 1e-12, 500)
            columns = (np.array([premium]), np.array([forward]), np.array([strike]), np.array([years]))
            ours = implied_vol(*columns, np.array([call]))
            assert ours.vol[0] == pytest.approx(theirs / years**0.5, abs=1e-9)


@given(
    log_moneyness=st.floats(-3.0, 3.0),
    days=st.floats(0.01, 1_000),
    vol=st.floats(0.02, 6.0),
    call=st.booleans(),
)
def test_the_found_volatility_prices_back(log_moneyness: float, days: float, vol: float, call: bool) -> None:
    """In the money too, where digits are lost to intrinsic value: the premium comes back to its own rounding."""
    arrays = (np.array([100.0]), np.array([100.0 * float(np.exp(log_moneyness))]), np.array([days / 365]))
    is_call = np.array([call])
    premium = price(*arrays, np.array([vol]), is_call)
    found = implied_vol(premium, *arrays, is_call)
    if found.reason[0] != NoVol.FOUND:
        assert found.reason[0] in {NoVol.NO_TIME_VALUE, NoVol.ABOVE_BOUND}
        assert greeks(*arrays, np.array([vol]), is_call).vega[0] < 1e-3
        return
    again = price(*arrays, found.vol, is_call)
    assert again[0] == pytest.approx(premium[0], abs=1e-12 * (100.0 + float(arrays[1][0])), rel=1e-10)


@pytest.mark.parametrize(
    ("premium", "strike", "years", "call", "reason"),
    [
        (9.0, 90.0, 0.1, True, NoVol.BELOW_INTRINSIC),
        (-0.1, 110.0, 0.1, True, NoVol.BELOW_INTRINSIC),
        (10.0, 90.0, 0.1, True, NoVol.NO_TIME_VALUE),
        (0.0, 110.0, 0.1, True, NoVol.NO_TIME_VALUE),
        (100.0, 110.0, 0.1, True, NoVol.ABOVE_BOUND),
        (90.0, 90.0, 0.1, False, NoVol.ABOVE_BOUND),
        (12.0, 90.0, 0.0, True, NoVol.EXPIRED),
        (12.0, 90.0, -0.1, True, NoVol.EXPIRED),
        (float("nan"), 90.0, 0.1, True, NoVol.NOT_A_NUMBER),
        (float("inf"), 90.0, 0.1, True, NoVol.NOT_A_NUMBER),
        (12.0, 0.0, 0.1, True, NoVol.NOT_A_NUMBER),
        (12.0, 90.0, float("nan"), True, NoVol.NOT_A_NUMBER),
    ],
)
def test_where_there_is_none_it_says_why(
    premium: float, strike: float, years: float, call: bool, reason: NoVol
) -> None:
    """A good neighbour keeps its volatility."""
    good = float(price(np.array([100.0]), np.array([100.0]), np.array([0.1]), np.array([0.6]), np.array([True]))[0])
    found = implied_vol(
        np.array([premium, good]),
        np.full(2, 100.0),
        np.array([strike, 100.0]),
        np.array([years, 0.1]),
        np.array([call, True]),
    )
    assert np.isnan(found.vol[0])
    assert found.reason.tolist() == [reason, NoVol.FOUND]
    assert found.vol[1] == pytest.approx(0.6, rel=1e-13)


def test_extremes_of_time_value() -> None:
    """Close to the upper bound, at the money with a volatility of a millionth, and at the inflection itself."""
    forward, strike = np.full(3, 100.0), np.array([150.0, 100.0, 100.0 * float(np.exp(0.5))])
    vol = np.array([12.0, 1e-6, 1.0])
    premium = price(forward, strike, np.ones(3), vol, np.full(3, True))
    found = implied_vol(premium, forward, strike, np.ones(3), np.full(3, True))
    assert found.vol == pytest.approx(vol, rel=1e-6)


def test_nothing_asked_nothing_found() -> None:
    nothing = np.empty(0)
    found = implied_vol(nothing, nothing, nothing, nothing, np.empty(0, dtype=np.bool_))
    assert (len(found.vol), len(found.reason)) == (0, 0)
