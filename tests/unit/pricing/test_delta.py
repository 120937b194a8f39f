"""Conventions of delta against their definitions: the coin value's own derivative, the window, the smile."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.pricing.black76 import NS_PER_YEAR, Floats, greeks, price
from hedgebot.pricing.delta import (
    SETTLEMENT_WINDOW_NS,
    averaged_years,
    averaged_years_one,
    net_transaction_delta,
    settlement_share,
    settlement_share_one,
    smile_adjusted_delta,
    smile_slope,
)

MINUTE_NS = 60_000_000_000


def _one(value: float) -> Floats:
    return np.array([value])


# S = F = 60,000, vol 0.6: net transaction delta, hedging reference section 3.2.
@pytest.mark.parametrize(
    ("strike", "days", "call", "expected"),
    [
        (60_000.0, 30, True, 0.46573030),
        (60_000.0, 30, False, -0.53426970),
        (54_000.0, 7, True, 0.80098991),
        (1e-6, 30, True, 0.0),
    ],
)
def test_reproduces_the_net_transaction_anchors(strike: float, days: int, call: bool, expected: float) -> None:
    found = greeks(_one(60_000.0), _one(strike), _one(days / 365), _one(0.6), np.array([call]))
    assert net_transaction_delta(found.delta, found.premium / 60_000.0)[0] == pytest.approx(expected, abs=5e-9)


@given(moneyness=st.floats(0.5, 2.0), days=st.floats(1, 300), vol=st.floats(0.2, 1.5), call=st.booleans())
def test_it_is_the_price_times_the_slope_of_the_coin_value(
    moneyness: float, days: float, vol: float, call: bool
) -> None:
    def coin(spot: float) -> float:
        premium = price(_one(spot), _one(100.0 * moneyness), _one(days / 365), _one(vol), np.array([call]))
        return float(premium[0]) / spot

    found = greeks(_one(100.0), _one(100.0 * moneyness), _one(days / 365), _one(vol), np.array([call]))
    slope = (coin(100.01) - coin(99.99)) / 0.02
    assert net_transaction_delta(found.delta, found.premium / 100.0)[0] == pytest.approx(100.0 * slope, abs=1e-5)


def test_sticky_strike_is_the_plain_delta_and_more_stickiness_follows_the_skew() -> None:
    delta, vega, skew = _one(0.5), _one(6_800.0), _one(-0.2)
    assert smile_adjusted_delta(delta, vega, skew, 60_000.0)[0] == 0.5
    assert smile_adjusted_delta(delta, vega, skew, 60_000.0, 2.0)[0] == pytest.approx(0.5 - 6_800.0 * 0.2 / 60_000.0)


def test_local_volatility_stickiness_is_the_total_derivative_on_a_moving_smile() -> None:
    """R = 2: at a fixed strike the volatility moves along the skew as the forward rises."""
    skew, spot, strike, years = -0.15, 60_000.0, 66_000.0, 30 / 365

    def premium(forward: float) -> float:
        vol = 0.6 + skew * np.log(strike / spot) + skew * np.log(forward / spot)
        return float(price(_one(forward), _one(strike), _one(years), _one(vol), np.array([True]))[0])

    vol = 0.6 + skew * float(np.log(strike / spot))
    found = greeks(_one(spot), _one(strike), _one(years), _one(vol), np.array([True]))
    expected = (premium(spot + 1.0) - premium(spot - 1.0)) / 2.0
    adjusted = smile_adjusted_delta(found.delta, found.vega, _one(skew), spot, 2.0)
    assert adjusted[0] == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("stickiness", [0.0, 0.99, 2.5, float("nan")])
def test_sticky_moneyness_is_refused(stickiness: float) -> None:
    with pytest.raises(ValueError, match="it must be between 1"):
        smile_adjusted_delta(_one(0.5), _one(1.0), _one(0.1), 100.0, stickiness)


def test_the_slope_of_a_parabola_is_found_on_uneven_strikes() -> None:
    log_moneyness = np.array([-0.5, -0.2, -0.05, 0.1, 0.4])
    slope = smile_slope(log_moneyness, 0.6 - 0.1 * log_moneyness + 0.5 * log_moneyness**2)
    assert slope[1:-1] == pytest.approx(-0.1 + log_moneyness[1:-1], abs=1e-12)
    with pytest.raises(ValueError, match="ascending"):
        smile_slope(log_moneyness[::-1], log_moneyness)
    with pytest.raises(ValueError, match="two strikes"):
        smile_slope(log_moneyness[:1], log_moneyness[:1])


@pytest.mark.parametrize(("elapsed_minutes", "share"), [(-600, 1.0), (0, 1.0), (15, 0.5), (30, 0.0), (31, 0.0)])
def test_delta_decays_over_the_settlement_window(elapsed_minutes: int, share: float) -> None:
    expiry_ns = 1_000 * SETTLEMENT_WINDOW_NS
    now_ns = expiry_ns - SETTLEMENT_WINDOW_NS + elapsed_minutes * MINUTE_NS
    assert settlement_share(_one(float(expiry_ns)), now_ns)[0] == share


def test_the_venues_own_example_of_the_window() -> None:
    """Half of the window gone, delta 1.0, mark 0.3 coin: 0.35 (Deribit's example, hedging reference section 3.3)."""
    left = settlement_share(_one(30.0 * MINUTE_NS), 15 * MINUTE_NS)
    assert (left * net_transaction_delta(_one(1.0), _one(0.3)))[0] == 0.35


def test_an_average_varies_for_a_third_of_its_window_and_less_inside_it() -> None:
    hour = 60.0 * MINUTE_NS
    per_year = 365 * 24.0
    assert averaged_years(_one(2 * hour), 0)[0] * per_year == pytest.approx(1.5 + 0.5 / 3)
    assert averaged_years(_one(0.25 * hour), 0)[0] * per_year == pytest.approx(0.25 * 0.25 / 3)
    assert averaged_years(_one(0.0), MINUTE_NS)[0] == 0.0


def test_a_window_of_average_has_the_delta_and_gamma_of_simulated_averages() -> None:
    """Half of the window gone at 100: the rest is simulated; delta by common paths, the share times Black-76's."""
    window_ns, left_ns, vol, taken = SETTLEMENT_WINDOW_NS, SETTLEMENT_WINDOW_NS // 2, 0.8, 99.97
    random = np.random.default_rng(5)
    steps = 200
    shocks = random.standard_normal((20_000, steps)) * vol * np.sqrt(left_ns / NS_PER_YEAR / steps)
    shape = np.exp(np.cumsum(np.vstack([shocks, -shocks]), axis=1)).mean(axis=1)

    def value(spot: float) -> float:
        return float(np.maximum(0.5 * taken + 0.5 * spot * shape - 100.0, 0.0).mean())

    bump = 0.02
    delta = (value(100.0 + bump) - value(100.0 - bump)) / (2 * bump)
    gamma = (value(100.0 + bump) - 2 * value(100.0) + value(100.0 - bump)) / bump**2
    years = averaged_years(_one(float(left_ns)), 0, window_ns)
    found = greeks(_one(0.5 * taken + 50.0), _one(100.0), years, _one(vol), np.array([True]))
    assert float(found.delta[0]) * 0.5 == pytest.approx(delta, abs=0.005)
    assert float(found.gamma[0]) * 0.25 == pytest.approx(gamma, rel=0.05)


@given(left_ns=st.integers(-MINUTE_NS, 40 * MINUTE_NS), now_ns=st.integers(1_700_000_000, 1_900_000_000))
def test_one_option_counts_its_window_as_the_columns_do_to_the_last_bit(left_ns: int, now_ns: int) -> None:
    now_ns *= 1_000_000_000
    expiry_ns = now_ns + left_ns
    assert averaged_years_one(expiry_ns, now_ns) == float(averaged_years(_one(float(expiry_ns)), now_ns)[0])
    assert settlement_share_one(expiry_ns, now_ns) == float(settlement_share(_one(float(expiry_ns)), now_ns)[0])
