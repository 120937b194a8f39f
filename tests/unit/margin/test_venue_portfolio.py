from typing import Any

import numpy as np
import pytest

from hedgebot.margin import venue_portfolio as venue
from hedgebot.margin.scenario import Legs, VolLaw, evaluate


@pytest.mark.needs_data
def test_okxs_published_unit_is_reproduced(margin_cases: dict[str, Any]) -> None:
    case = margin_cases["OKX-1"]
    inputs, expected = case["inputs"], case["expected"]
    given = inputs["params"]
    parameters = venue.OkxParameters(
        moves=tuple(given["MR1_moves"]),
        extreme_move=given["MR6_move"],
        basis_rate=given["MR4_rate"],
        slippage_rate=given["MR7_rate"],
        initial_factor=given["IMR_factor"],
    )
    coins = inputs["contracts"] * inputs["ct_val"]
    margin = venue.okx_futures(
        parameters,
        coins=coins,
        gross_coins=abs(coins),
        index=inputs["index_usdt"],
        mark=inputs["mark"],
        stable=inputs["usdt_usd"],
    )
    assert margin.spot_shock == pytest.approx(expected["mr1_by_move"]["-0.12"], rel=1e-13)
    assert margin.basis == pytest.approx(expected["mr4"], rel=1e-13)
    assert margin.extreme == pytest.approx(expected["mr6"], rel=1e-13)
    assert margin.slippage == pytest.approx(expected["mr7"], rel=1e-13)
    assert margin.maintenance == pytest.approx(expected["mmr"], rel=1e-13)
    assert margin.initial == pytest.approx(expected["imr"], rel=1e-13)


@pytest.mark.needs_data
def test_okxs_ratio(margin_cases: dict[str, Any]) -> None:
    inputs, expected = margin_cases["OKX-3"]["inputs"], margin_cases["OKX-3"]["expected"]
    ratio = venue.okx_ratio(inputs["adjEq"], expected["mmr"], inputs["notionalUsd"], inputs["liq_fee_rate"])
    assert ratio == pytest.approx(expected["mgnRatio"], rel=1e-12)
    assert venue.okx_ratio(1.0, 0.0, 0.0, 0.0005) == float("inf")


@pytest.mark.needs_data
def test_paradexs_least_charge_and_deltas_identities(margin_cases: dict[str, Any]) -> None:
    inputs = margin_cases["PDX-1"]["inputs"]
    deltas = (inputs["perp"], inputs["calls"] * inputs["call_delta"])
    charge = venue.paradex_least_charge(
        deltas, inputs["spot"], unhedged_rate=inputs["unhedged"], hedged_rate=inputs["hedged"]
    )
    assert charge == pytest.approx(margin_cases["PDX-1"]["expected"]["charge"])
    delta = margin_cases["DEL-1"]
    found = venue.delta_margins(
        delta["inputs"]["risk_margin"], tuple(delta["inputs"]["floors"]), delta["inputs"]["ucf"]
    )
    assert found == (delta["expected"]["im_wo_ucf"], delta["expected"]["mm_wo_ucf"])


@pytest.mark.needs_data
def test_spans_cells(margin_cases: dict[str, Any]) -> None:
    expected = margin_cases["SPAN-1"]["inputs"]
    cells = venue.span_scenarios(1.0, 1.0)
    found = sorted(zip(cells.moves.tolist(), cells.vol_shocks.tolist(), cells.weights.tolist(), strict=True))
    wanted = sorted(zip(expected["price_fraction"], expected["vol_fraction"], expected["weight"], strict=True))
    assert len(found) == 16
    assert np.array(found) == pytest.approx(np.array(wanted))


def test_a_span_margin_of_a_future_is_its_scan_range() -> None:
    grid = evaluate(
        Legs(linear_qty=np.array([-2.0]), linear_price=np.array([100.0])), venue.span_scenarios(0.3, 0.2), VolLaw()
    )
    assert -grid.total().min() == pytest.approx(2 * 100 * 0.3)  # the tail at 35 % of twice the range is less
