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


def test_the_extended_table_shows_a_future_the_edge_of_the_range() -> None:
    standard, extended = scenarios_of(parameters())
    assert len(standard) == 27
    legs = Legs(inverse_qty=np.array([0.3]))
    far = evaluate(legs, extended, VolLaw()).inverse[:, 0]
    near = evaluate(legs, standard, VolLaw()).inverse[:, 0]
    assert far[:2] == pytest.approx([near.min()] * 2)
    assert far[2:] == pytest.approx([near.max()] * 6)


def test_a_dampener_only_shrinks_far_cells_and_is_left_out_unless_given() -> None:
    legs = Legs(inverse_qty=np.array([1.0]))
    plain = portfolio_margin(parameters(), legs, index=50_000.0, deltas=((1.0, None),))
    damped = portfolio_margin(parameters(extended_dampener=1_000.0), legs, index=50_000.0, deltas=((1.0, None),))
    assert plain.counted[27:28] == pytest.approx(plain.extended[:1])
    assert plain.counted[27] < damped.counted[27] < 0.0
    assert damped.counted[:27] == pytest.approx(plain.counted[:27])
