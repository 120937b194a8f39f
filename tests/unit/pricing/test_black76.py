"""Black-76 against closed-form anchors, finite differences, parity and its limits."""

import numpy as np
import pytest
import QuantLib
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.pricing.black76 import NS_PER_YEAR, Floats, bounded, delta_one, greeks, price, some, years_to


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
    assert found.premium[0] == mid
    up_vol, down_vol = (
        greeks(_one(forward), _one(strike), _one(years), _one(vol + move), np.array([call])) for move in (bump, -bump)
    )
    vanna = (up_vol.delta[0] - down_vol.delta[0]) / (2 * bump)
    assert found.vanna[0] == pytest.approx(vanna, abs=1e-4 * max(1.0, vol**-3))
    volga = (up_vol.vega[0] - down_vol.vega[0]) / (2 * bump)
    assert found.volga[0] == pytest.approx(volga, abs=forward * 1e-4 * max(1.0, vol**-3))
    later = _price(forward, strike, years + 1e-6, vol, call=call) - _price(
        forward, strike, years - 1e-6, vol, call=call
    )
    assert found.theta[0] == pytest.approx(-later / 2e-6 / 365, abs=forward * 1e-5 * max(1.0, vol))


def test_agrees_with_quantlib_on_price_and_greeks() -> None:
    """QuantLib's own Black calculator: price, delta, gamma, vega and theta of options from near to far."""
    for forward, moneyness, days, vol, call in [
        (60_000.0, 1.0, 30, 0.6, True),
        (60_000.0, 0.4, 90, 0.9, False),
        (3_000.0, 2.5, 365, 1.2, True),
        (100.0, 1.3, 1, 0.8, True),
        (100.0, 0.7, 7, 0.5, False),
    ]:
        strike, years = forward * moneyness, days / 365
        payoff = QuantLib.PlainVanillaPayoff(QuantLib.Option.Call if call else QuantLib.Option.Put, strike)
        theirs = QuantLib.BlackCalculator(payoff, forward, vol * years**0.5, 1.0)
        ours = greeks(_one(forward), _one(strike), _one(years), _one(vol), np.array([call]))
        assert ours.premium[0] == pytest.approx(theirs.value(), rel=1e-11)
        assert ours.delta[0] == pytest.approx(theirs.deltaForward(), rel=1e-11)
        assert ours.gamma[0] == pytest.approx(theirs.gammaForward(), rel=1e-11)
        assert ours.vega[0] == pytest.approx(theirs.vega(years), rel=1e-11)
        assert ours.theta[0] * 365 == pytest.approx(theirs.theta(forward, years), rel=1e-9)


def test_a_far_put_keeps_its_digits() -> None:
    """By parity it would be the rounding of two large sums: 1e-12 of 60,000 against a premium of 1e-16."""
    value = _price(60_000.0, 15_000.0, 7 / 365, 1.2, call=False)
    reference = QuantLib.blackFormula(QuantLib.Option.Put, 15_000.0, 60_000.0, 1.2 * (7 / 365) ** 0.5)
    assert 0.0 < value < 1e-9
    assert value == pytest.approx(reference, rel=1e-6)


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
    assert [float(column[0]) for column in found[2:]] == [0.0] * 5
    assert found.premium[0] == _price(100.0, strike, 0.0, 0.6, call=call)
    assert _price(100.0, strike, 0.0, 0.6, call=call) == max((100.0 - strike) if call else (strike - 100.0), 0.0)


def test_years_never_run_backwards() -> None:
    assert years_to(2 * NS_PER_YEAR, NS_PER_YEAR) == 1.0
    assert years_to(0, NS_PER_YEAR) == 0.0


def test_one_expired_option_leaves_its_neighbours_alone() -> None:
    columns = (np.full(3, 100.0), np.array([90.0, 100.0, 110.0]), np.array([0.1, 0.0, 0.1]), np.array([0.6, 0.6, 0.0]))
    calls = np.array([True, True, True])
    together = greeks(*columns, calls)
    alone = greeks(columns[0][:1], columns[1][:1], columns[2][:1], columns[3][:1], calls[:1])
    assert [float(column[0]) for column in together] == [float(column[0]) for column in alone]
    assert together.delta.tolist()[1:] == [0.5, 0.0]
    assert together.premium.tolist()[1:] == [0.0, 0.0]


def test_a_missing_volatility_is_not_taken_for_zero() -> None:
    found = greeks(
        np.full(2, 100.0), np.full(2, 90.0), np.full(2, 0.1), np.array([np.nan, 0.6]), np.array([True, True])
    )
    assert all(np.isnan(column[0]) and np.isfinite(column[1]) for column in found)
    assert np.isnan(price(_one(100.0), _one(90.0), _one(0.1), _one(np.nan), np.array([True])))[0]


def test_no_options_at_all() -> None:
    nothing = np.empty(0)
    assert all(len(column) == 0 for column in greeks(nothing, nothing, nothing, nothing, np.empty(0, dtype=np.bool_)))


@given(
    forward=st.floats(10.0, 200_000.0),
    moneyness=st.one_of(st.just(1.0), st.floats(0.2, 5.0)),
    years=st.one_of(st.just(0.0), st.floats(0.0, 2.0)),
    vol=st.one_of(st.just(0.0), st.floats(0.0, 20.0)),
    call=st.booleans(),
)
def test_the_delta_of_one_option_is_the_columns_to_the_last_bit(
    forward: float, moneyness: float, years: float, vol: float, *, call: bool
) -> None:
    strike = forward * moneyness
    column = greeks(_one(forward), _one(strike), _one(years), _one(vol), np.array([call])).delta
    assert delta_one(forward, strike, years, vol, is_call=call) == float(column[0])


def test_bounded_is_numpys_clip_to_the_last_bit() -> None:
    values = np.array([-np.inf, -1.0, -0.0, 0.0, 1e-300, 0.3, 1.0, 7.0, np.inf, np.nan])
    assert bounded(values, 0.05, 1.0).tobytes() == np.clip(values, 0.05, 1.0).tobytes()
    assert bounded(np.array([]), 0.0, 1.0).tolist() == []


@pytest.mark.parametrize("flags", [[], [False, False], [False, True], [True]])
def test_some_is_a_plain_truth(flags: list[bool]) -> None:
    assert some(np.array(flags, dtype=np.bool_)) is any(flags)
