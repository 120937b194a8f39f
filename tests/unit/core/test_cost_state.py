"""The cost of hedges by own fills: what it weighs, how far it moves, and what one bad fill can do."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.core.cost_state import HALF_LIFE_ORDERS, OUTLIER_RATIO, CostEstimate, Costs, band_cost_bps
from hedgebot.domain.settings import CostSource
from tests.support.playbook import settings

CONFIGURED = msgspec.structs.replace(settings().underlyings[0], cost_bps=5.0)
MEASURED = msgspec.structs.replace(CONFIGURED, cost_source=CostSource.MEASURED)


def noted(*costs_bps: float, notional: float = 10_000.0, share: float = 1.0, known: Costs | None = None) -> Costs:
    costs = known or Costs()
    for one in costs_bps:
        costs.note("perp", notional=notional, paid=one * 1e-4 * notional, share=share, expected_bps=5.0)
    return costs


def test_before_the_first_fill_it_is_the_configured_cost() -> None:
    assert Costs().whole.measured_bps is None
    assert band_cost_bps(Costs(), MEASURED) == 5.0


def test_unless_the_operator_asks_for_it_it_is_only_shown() -> None:
    costs = noted(*[9.0] * 30)
    assert band_cost_bps(costs, CONFIGURED) == 5.0
    assert costs.whole.measured_bps == pytest.approx(9.0)
    assert costs.whole.fills == 30


def test_the_configured_cost_weighs_as_many_orders_as_it_is_told_to() -> None:
    costs = noted(*[8.0] * 20)
    weight = sum(2.0 ** (-age / HALF_LIFE_ORDERS) for age in range(20))
    assert costs.whole.orders == pytest.approx(weight)
    assert band_cost_bps(costs, MEASURED) == pytest.approx((5.0 * 20.0 + 8.0 * weight) / (20.0 + weight))
    light = msgspec.structs.replace(MEASURED, cost_prior_orders=1e-9)
    assert band_cost_bps(costs, light) == pytest.approx(8.0)


def test_an_order_in_ten_pieces_weighs_as_one() -> None:
    whole, pieces = noted(8.0), noted(*[8.0] * 10, notional=1_000.0, share=0.1)
    assert pieces.whole.fills == 10
    assert pieces.whole.orders == pytest.approx(whole.whole.orders, rel=0.01)
    assert band_cost_bps(pieces, MEASURED) == pytest.approx(band_cost_bps(whole, MEASURED), rel=1e-3)


def test_fills_weigh_by_their_notional() -> None:
    costs = noted(4.0, notional=20_000.0, known=noted(10.0))
    assert costs.whole.measured_bps == pytest.approx(6.0, rel=0.02)


def test_a_small_first_order_does_not_speak_for_the_usual_ones() -> None:
    assert noted(*[8.0] * 5, known=noted(2.0, notional=10.0)).whole.measured_bps == pytest.approx(8.0, rel=0.05)
    assert noted(*[8.0] * 40, known=noted(2.0, notional=10.0)).whole.measured_bps == pytest.approx(8.0, rel=0.001)


def test_old_fills_are_forgotten() -> None:
    costs = noted(*[8.0] * 300)
    assert noted(*[6.0] * 600, known=costs).whole.measured_bps == pytest.approx(6.0, abs=0.05)


@given(bad_bps=st.floats(-5_000.0, 5_000.0), times=st.sampled_from((0.1, 1.0, 20.0)))
def test_one_bad_fill_moves_the_band_little(bad_bps: float, times: float) -> None:
    # The width goes with the cube root: after twenty orders as expected, one absurd one is worth a tenth of it at most,
    # and a fifth where it is twenty times as large as the others.
    before, after = noted(*[5.0] * 20), noted(bad_bps, notional=times * 10_000.0, known=noted(*[5.0] * 20))
    moved = (band_cost_bps(after, MEASURED) / band_cost_bps(before, MEASURED)) ** (1.0 / 3.0)
    assert abs(moved - 1.0) <= (0.2 if times > 1.0 else 0.1)
    assert abs(noted(bad_bps).whole.paid) <= (OUTLIER_RATIO + 1.0) * 5.0


@given(costs_bps=st.lists(st.floats(-300.0, 300.0), max_size=60))
def test_it_never_leaves_its_factor(costs_bps: list[float]) -> None:
    found = band_cost_bps(noted(*costs_bps), MEASURED)
    assert 2.5 <= found <= 10.0


def test_a_cost_far_above_a_configured_one_that_is_too_small_still_shows() -> None:
    costs = Costs()
    costs.note("perp", notional=10_000.0, paid=30.0, share=1.0, expected_bps=1.0)
    assert costs.whole.measured_bps == pytest.approx(30.0)


def test_each_instrument_has_its_own() -> None:
    costs = noted(6.0)
    costs.note("future", notional=10_000.0, paid=9.0, share=1.0, expected_bps=5.0)
    assert costs.instruments["perp"].measured_bps == pytest.approx(6.0)
    assert costs.instruments["future"].measured_bps == pytest.approx(9.0)
    assert costs.whole.measured_bps == pytest.approx(7.5, rel=0.01)


def test_an_instrument_that_was_dear_once_is_believed_anew_where_hedges_went_elsewhere() -> None:
    costs = noted(*[9.0] * 40)
    dear = costs.instruments["perp"].cost_bps(5.0, MEASURED)
    assert dear > 7.0
    for _ in range(500):
        costs.note("future", notional=10_000.0, paid=5.0, share=1.0, expected_bps=5.0)
    left = costs.instruments["perp"]
    assert left.measured_bps == pytest.approx(9.0)
    assert left.fills == 40
    assert left.cost_bps(5.0, MEASURED) == pytest.approx(5.0, abs=0.25)


def test_another_prior_has_its_own_bounds() -> None:
    dear = CostEstimate(fills=1, orders=1e6, notional=1.0, paid=30e-4)
    assert dear.cost_bps(1.0, MEASURED) == 2.0
    assert dear.cost_bps(1.0, MEASURED, most_bps=5.0) == 10.0
