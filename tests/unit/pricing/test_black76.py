"""Black-76 against closed-form anchors, finite differences, parity and its limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.pricing.black76 import NS_PER_YEAR, Floats, greeks, price, years_to


def _one(value: float) -> Floats:
    return np.array([value])


def _price(forward: float, strike: float, years: float, vol: float, *, call: bool) -> float:
    return float(price(_one(forward), _one(strike), _one(years), _one(vol), np.array([call]))[0])


# S = F = 60,000, vol 0.6: value in coin and delta, hedging reference section 3.2.
ANCHORS = [
    (60_000.0, 30, True, 0.06853941, 0.53426970),
    (60_000.0, 30, False, 0.06853941, -0.46573030),
    (54_000.0, 7, True, 0.10383764, 0.90482755),
]


@pytest.mark.parametrize(("strike", "days", "call", "value_coin", "delta"), ANCHORS)
def test_reproduces_the_reference_anchors(
    strike: float, days: int, call: bool, value_coin: float, delta: float
) -> None:
    years = days / 365
    assert _price(60_000.0, strike, years, 0.6, call=call) / 60_000.0 == pytest.approx(value_coin, abs=5e-9)
    found = greeks(_one(60_000.0), _one(strike), _one(years), _one(0.6), np.array([call]))
    assert found.delta[0] == pytest.approx(delta, abs=5e-9)


@given(
    forward=st.floats(1_000, 200_000),
    moneyness=st.floats(0.5, 2.0),
    days=st.floats(0.5, 400),
    vol=st.floats(0.1, 2.0),
    call=st.booleans(),
)
def test_greeks_are_the_derivatives_of_the_price(
    forward: float, moneyness: float, days: float, vol: float, call: bool
) -> None:
    strike, years = forward * moneyness, days / 365
    found = greeks(_one(forward), _one(strike), _one(years), _one(vol), np.array([call]))
    step = forward * 1e-4
    up, mid, down = (_price(forward + move, strike, years, vol, call=call) for move in (step, 0.0, -step))
    assert found.delta[0] == pytest.approx((up - down) / (2 * step), abs=1e-4)
    assert found.gamma[0] * forward == pytest.approx(
        (up - 2 * mid + down) / step**2 * forward, abs=2e-3 * max(1, 1 / vol)
    )
    bump = 1e-4
    vega = (
        _price(forward, strike, years, vol + bump, call=call) - _price(forward, strike, years, vol - bump, call=call)
    ) / (2 * bump)
    assert found.vega[0] == pytest.approx(vega, abs=forward * 1e-4)


@given(forward=st.floats(1_000, 200_000), moneyness=st.floats(0.2, 5.0), days=st.floats(0, 400), vol=st.floats(0, 3))
def test_put_call_parity_and_bounds(forward: float, moneyness: float, days: float, vol: float) -> None:
    strike, years = forward * moneyness, days / 365
    call = _price(forward, strike, years, vol, call=True)
    put = _price(forward, strike, years, vol, call=False)
    assert call - put == pytest.approx(forward - strike, abs=forward * 1e-9)
    assert max(forward - strike, 0.0) - forward * 1e-9 <= call <= forward * (1 + 1e-9)


@pytest.mark.parametrize(
    ("strike", "call", "delta"), [(90.0, True, 1.0), (110.0, True, 0.0), (110.0, False, -1.0), (100.0, True, 0.5)]
)
def test_at_expiry_only_intrinsic_value_is_left(strike: float, call: bool, delta: float) -> None:
    found = greeks(_one(100.0), _one(strike), _one(0.0), _one(0.6), np.array([call]))
    assert found.delta[0] == delta
    assert (found.gamma[0], found.vega[0], found.theta[0]) == (0.0, 0.0, 0.0)
    assert _price(100.0, strike, 0.0, 0.6, call=call) == max((100.0 - strike) if call else (strike - 100.0), 0.0)


def test_years_never_run_backwards() -> None:
    assert years_to(2 * NS_PER_YEAR, NS_PER_YEAR) == 1.0
    assert years_to(0, NS_PER_YEAR) == 0.0
