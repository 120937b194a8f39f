from typing import Any

import pytest

from hedgebot.margin import venue_tiers as venue
from hedgebot.margin.tiers import Ladder, Tier


@pytest.mark.needs_data
def test_binances_ladder_and_ratio(margin_cases: dict[str, Any]) -> None:
    case = margin_cases["BIN-5"]
    rows = case["inputs"]["tiers_cap_mmr"]
    ladder = Ladder(
        tiers=tuple(Tier(value_max_settle=cap, initial_rate=1.0, maintenance_rate=rate) for cap, rate in rows)
    )
    assert [ladder.deduction(number) for number in range(len(rows))] == pytest.approx(case["expected"]["cum"])
    assert ladder.maintenance(5_000_000) == pytest.approx(case["expected"]["MM_5M"])
    ratio = margin_cases["BIN-7"]
    found = venue.binance_ratio(ratio["inputs"]["accountEquity"], ratio["inputs"]["accountMaintMargin"])
    assert found == pytest.approx(ratio["expected"]["uniMMR"], abs=ratio["tolerance"])
    assert venue.binance_ratio(1.0, 0.0) == float("inf")


@pytest.mark.needs_data
@pytest.mark.parametrize("name", ["BIN-1", "BIN-2"])
def test_binances_liquidation_price(margin_cases: dict[str, Any], name: str) -> None:
    case = margin_cases[name]
    inputs, other = case["inputs"], case["inputs"]["other"]
    rest = None
    if other is not None:
        rest = venue.Others(
            maintenance=other["qty"] * other["mark"] * other["mmr"] - other["cum"],
            profit=other["qty"] * (other["mark"] - other["entry"]),
        )
    price = venue.binance_liquidation_price(
        qty=inputs["side"] * inputs["qty"],
        entry=inputs["entry"],
        wallet=inputs["wallet"],
        rate=inputs["mmr"],
        deduction=inputs["cum"],
        others=rest,
    )
    assert price == pytest.approx(case["expected"]["liq_price"], abs=case["tolerance"])


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


@pytest.mark.needs_data
def test_hyperliquids_numbers(margin_cases: dict[str, Any]) -> None:
    case = margin_cases["HL-1"]
    inputs = case["inputs"]
    price = inputs["positionValue"] / inputs["szi"]
    equity = inputs["positionValue"] + inputs["rawUsd"]
    available = equity - inputs["positionValue"] / (2 * inputs["maxLeverage"])
    found = venue.hyperliquid_liquidation_price(
        price=price, size=inputs["szi"], available=available, leverage_max=inputs["maxLeverage"]
    )
    assert found == pytest.approx(case["expected"]["liquidationPx"], abs=case["tolerance"])
    health = margin_cases["HL-2"]
    coins = tuple(tuple(health["inputs"][name]) for name in ("BTC", "HYPE"))
    assert venue.hyperliquid_health(coins, health["inputs"]["borrowed"]) == pytest.approx(
        health["expected"]["health"], abs=health["tolerance"]
    )
    assert venue.hyperliquid_health(coins, 0.0) == float("inf")
    debts = margin_cases["HL-4"]
    partial, _ = venue.hyperliquid_borrow_thresholds(10 * 33.0, 0.5)
    _, full = venue.hyperliquid_borrow_thresholds(10 * 30.0, 0.5)
    assert partial == pytest.approx(debts["expected"]["partial_threshold_33"])
    assert full == pytest.approx(debts["expected"]["full_threshold_30"])


@pytest.mark.needs_data
def test_dydxs_numbers(margin_cases: dict[str, Any]) -> None:
    case = margin_cases["DYDX-1"]
    inputs = case["inputs"]
    # Equity of the page: 1,000 USDC collateral and a short of 3 at 3,000.
    price = venue.dydx_liquidation_price(equity=inputs["e"], size=inputs["s"], price=inputs["p"], rate=inputs["MMF"])
    assert price == pytest.approx(case["expected"]["liq"], abs=case["tolerance"])
    scaled = margin_cases["DYDX-3"]["inputs"]
    ppm = venue.dydx_initial_ppm(
        base_ppm=scaled["base_ppm"],
        open_interest=scaled["oi"],
        lower_cap=scaled["lower"],
        upper_cap=scaled["upper"],
    )
    assert venue.dydx_margin(scaled["notional"], ppm) == margin_cases["DYDX-3"]["expected"]["im"]


def test_dydxs_fraction_is_flat_outside_its_caps() -> None:
    caps = {"base_ppm": 50_000, "lower_cap": 100, "upper_cap": 200}
    assert venue.dydx_initial_ppm(open_interest=100, **caps) == 50_000
    assert venue.dydx_initial_ppm(open_interest=200, **caps) == 1_000_000
    assert venue.dydx_initial_ppm(open_interest=10**9, base_ppm=50_000, lower_cap=0, upper_cap=0) == 50_000
    assert venue.dydx_liquidation_price(equity=1e6, size=1.0, price=100.0, rate=0.05) is None
