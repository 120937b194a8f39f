from typing import Any

import numpy as np
import pytest

from hedgebot.margin.deribit_portfolio import DeribitParameters, portfolio_margin, roll_shock, scenarios_of
from hedgebot.margin.scenario import Legs, VolLaw, evaluate


def parameters(**changes: float) -> DeribitParameters:
    values: dict[str, Any] = {
        "price_range": 0.16,
        "buckets_per_side": 4,
        "volatility_range_up": 0.5,
        "volatility_range_down": 0.25,
        "short_term_vega_power": 0.3,
        "long_term_vega_power": 0.13,
        "min_volatility_for_shock_up": 0.5,
        "extended_table_factor": 1.0,
        "annualised_move_risk": 0.075,
        "min_annualised_move": 0.01,
        "pnl_offset": 0.0,
        "max_offsetable_pnl": 0.0,
        "max_delta_shock": 0.1,
        "delta_total_liq_shock_threshold": 2e7,
        "mm_factor": 0.8,
    }
    return DeribitParameters(**(values | changes))


@pytest.mark.needs_data
def test_the_published_futures_account_is_reproduced(margin_cases: dict[str, Any]) -> None:
    case = margin_cases["DER-1"]
    inputs, expected = case["inputs"], case["expected"]
    perp, future = inputs["positions"]["BTC-PERPETUAL"], inputs["positions"]["BTC-28JUN24"]
    margin = portfolio_margin(
        parameters(),
        Legs(inverse_qty=np.array([perp, future])),
        index=inputs["index"],
        deltas=((perp, None), (future, 9.5 / 365)),
        order_margin=inputs["open_orders_margin"],
        mmp_margin=inputs["mmp_margin"],
    )
    same = margin.standard.reshape(9, 3)[:, 1]
    by_move = expected["aggregated_standard_by_move"]
    assert same[:4] == pytest.approx([by_move[move] for move in ("-0.16", "-0.12", "-0.08", "-0.04")], rel=1e-13)
    assert margin.worst_case == pytest.approx(expected["worst_case"], rel=1e-13)
    assert margin.roll_shock == pytest.approx(expected["roll_shock"], rel=1e-9)
    assert margin.delta_shock == expected["delta_shock"]
    assert margin.risk_matrix == pytest.approx(expected["risk_matrix_margin"], rel=1e-9)
    assert margin.initial == expected["initial_margin"]
    assert margin.maintenance == pytest.approx(expected["maintenance_margin"], rel=1e-9)


@pytest.mark.needs_data
def test_the_extended_table_shows_a_future_the_edge_of_the_range(margin_cases: dict[str, Any]) -> None:
    case = margin_cases["DER-1"]
    legs = Legs(inverse_qty=np.array([case["inputs"]["positions"]["BTC-PERPETUAL"]]))
    standard, extended = scenarios_of(parameters())
    assert len(standard) == 27
    found = evaluate(legs, extended, VolLaw()).inverse[:, 0]
    assert found == pytest.approx(case["expected"]["perp_extended"], rel=1e-13)


def test_a_books_gain_does_not_lower_its_own_loss() -> None:
    legs = Legs(inverse_qty=np.array([1.0]))
    plain = portfolio_margin(parameters(), legs, index=50_000.0, deltas=((1.0, None),))
    offset = portfolio_margin(
        parameters(pnl_offset=0.6, max_offsetable_pnl=1e6), legs, index=50_000.0, deltas=((1.0, None),)
    )
    assert plain.worst_case == offset.worst_case > 0.0


def test_large_deltas_are_shocked_and_far_expiries_roll_more() -> None:
    legs = Legs(inverse_qty=np.array([1_000.0]))
    margin = portfolio_margin(parameters(), legs, index=50_000.0, deltas=((1_000.0, None),))
    assert margin.delta_shock == pytest.approx(100.0)
    assert roll_shock(parameters(), ((1.0, 1.0), (-1.0, None))) == pytest.approx(np.exp(0.075) - 1.0 + 0.01)
