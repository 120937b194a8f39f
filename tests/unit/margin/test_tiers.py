import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.margin.tiers import Ladder, ShortOptionRates, Tier, short_option_initial, short_option_maintenance

BYBIT_RATES = ShortOptionRates(initial=0.15, initial_floor=0.10, maintenance=0.03, liquidation_fee=0.002)


def ladder(*rows: tuple[float, float]) -> Ladder:
    return Ladder(
        tiers=tuple(Tier(value_max_settle=top, initial_rate=2 * rate, maintenance_rate=rate) for top, rate in rows)
    )


WORKED = ladder((1_000, 0.02), (2_000, 0.025), (3_000, 0.03), (4_000, 0.035), (5_000, 0.04))


def test_slabs_reproduce_the_venues_worked_example() -> None:
    assert WORKED.maintenance(3_500) == pytest.approx(92.5)  # BYB-5


@given(st.floats(0, 6_000), st.floats(1.01, 10))
def test_margin_grows_at_least_with_size(value: float, factor: float) -> None:
    assert WORKED.maintenance(value * factor) >= factor * WORKED.maintenance(value) - 1e-9


@pytest.mark.parametrize("edge", [1_000, 2_000, 3_000, 4_000])
def test_margin_has_no_step_at_a_tiers_edge(edge: float) -> None:
    assert WORKED.maintenance(edge + 1e-6) == pytest.approx(WORKED.maintenance(edge), abs=1e-6)


def test_leverage_cannot_go_below_the_tiers_own_rate() -> None:
    assert WORKED.initial(500, leverage=100) == pytest.approx(500 * 0.04)
    assert WORKED.initial(500, leverage=5) == pytest.approx(100)


def test_short_option_reproduces_the_venues_worked_example() -> None:
    assert short_option_maintenance(BYBIT_RATES, index=20_250, mark=290) == pytest.approx(938, abs=0.6)  # BYB-3
    initial = short_option_initial(BYBIT_RATES, index=20_250, mark=290, strike=18_500, is_call=False, order_price=280)
    assert initial == pytest.approx(2_315, abs=0.6)


def test_a_ladder_that_gets_cheaper_with_size_is_refused() -> None:
    with pytest.raises(ValueError, match="must rise"):
        ladder((1_000, 0.02), (2_000, 0.01))
    with pytest.raises(ValueError, match="at least one"):
        ladder()
