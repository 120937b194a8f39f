import pytest

from hedgebot.margin import venue_tiers as venue


def test_a_second_position_that_loses_moves_binances_price_whatever_its_side() -> None:
    def price(profit: float) -> float:
        found = venue.binance_liquidation_price(
            qty=1.0, entry=100.0, wallet=50.0, rate=0.01, deduction=0.0, others=venue.Others(profit=profit)
        )
        assert found is not None
        return found

    assert price(-10.0) > price(0.0) > price(10.0)
    paid = venue.binance_liquidation_price(qty=1.0, entry=100.0, wallet=500.0, rate=0.01, deduction=0.0)
    assert paid is None


def test_dydxs_fraction_is_flat_outside_its_caps() -> None:
    caps = {"base_ppm": 50_000, "lower_cap": 100, "upper_cap": 200}
    assert venue.dydx_initial_ppm(open_interest=100, **caps) == 50_000
    assert venue.dydx_initial_ppm(open_interest=200, **caps) == 1_000_000
    assert venue.dydx_initial_ppm(open_interest=10**9, base_ppm=50_000, lower_cap=0, upper_cap=0) == 50_000
    assert venue.dydx_liquidation_price(equity=1e6, size=1.0, price=100.0, rate=0.05) is None


def test_without_positions_a_ratio_is_infinite_not_zero() -> None:
    assert venue.binance_ratio(1.0, 0.0) == float("inf")
    assert venue.hyperliquid_health(((1.0, 100.0, 0.5),), 0.0) == float("inf")


def test_a_loans_margin_is_its_rate_in_its_own_coin() -> None:
    assert venue.binance_loan_maintenance(15.0, 0.1) == pytest.approx(1.5)
