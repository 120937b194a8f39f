import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.margin.collateral import collateral_qty, debt, hourly_interest
from hedgebot.margin.parameters import Borrowing, Collateral, CollateralTier

TIERED = Collateral(
    tiers=(
        CollateralTier(qty_max=10.0, ratio=0.9),
        CollateralTier(qty_max=30.0, ratio=0.5),
        CollateralTier(qty_max=None, ratio=0.0),
    )
)
TERMS = Borrowing(
    hourly_rate=0.00001, amount_max=1_000.0, interest_free_max=50.0, initial_rate=0.2, maintenance_rate=0.04
)


@pytest.mark.parametrize(("qty", "counted"), [(4.0, 3.6), (10.0, 9.0), (20.0, 14.0), (100.0, 19.0), (-7.0, -7.0)])
def test_each_part_of_a_holding_counts_at_its_tiers_ratio(qty: float, counted: float) -> None:
    assert collateral_qty(TIERED, qty) == pytest.approx(counted)


@given(st.floats(0, 100), st.floats(0, 100))
def test_more_coins_never_count_for_less_and_never_for_more_than_themselves(one: float, more: float) -> None:
    assert collateral_qty(TIERED, one) <= collateral_qty(TIERED, one + more) + 1e-9
    assert collateral_qty(TIERED, one) <= one


def test_only_what_unrealised_losses_borrow_is_free_of_interest() -> None:
    realised_only = debt(TERMS, borrowed=200.0, realised=200.0)
    assert (realised_only.bearing, realised_only.free) == (200.0, 0.0)
    mixed = debt(TERMS, borrowed=200.0, realised=170.0)
    assert (mixed.unrealised, mixed.bearing) == (30.0, 170.0)
    beyond = debt(TERMS, borrowed=200.0, realised=20.0)
    assert (beyond.unrealised, beyond.free, beyond.bearing) == (180.0, 50.0, 150.0)
    assert hourly_interest(TERMS, beyond) == pytest.approx(0.0015)


def test_interest_above_the_limit_grows_with_the_cube_of_the_utilisation() -> None:
    at_limit = hourly_interest(TERMS, debt(TERMS, borrowed=1_000.0, realised=1_000.0))
    above = hourly_interest(TERMS, debt(TERMS, borrowed=2_000.0, realised=2_000.0))
    assert at_limit == pytest.approx(0.01)
    assert above == pytest.approx(2 * at_limit * 8)
