"""Rounding: onto the step, never across it, never in the direction that costs."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.decimals import float_or_none, floor_to_step, is_multiple, plain, price_down, price_up

values = st.decimals(-1_000_000, 1_000_000, places=9)
steps = st.one_of(
    st.sampled_from([Decimal(text) for text in ("1", "0.1", "0.5", "0.001", "0.0001", "0.05", "10", "100", "1E+1")]),
    st.decimals(Decimal("0.00001"), 1000, places=5),
)


@given(values, steps)
def test_flooring_shrinks_by_less_than_a_step(value: Decimal, step: Decimal) -> None:
    floored = floor_to_step(value, step)
    assert is_multiple(floored, step)
    assert abs(value) - step < abs(floored) <= abs(value)
    assert floored * value >= 0


@given(values, steps)
def test_prices_never_cross_the_protective_direction(price: Decimal, tick: Decimal) -> None:
    low, high = price_down(price, tick), price_up(price, tick)
    assert price - tick < low <= price <= high < price + tick
    assert is_multiple(low, tick)
    assert is_multiple(high, tick)


@given(values, steps)
def test_rounding_again_changes_nothing(value: Decimal, step: Decimal) -> None:
    assert floor_to_step(floor_to_step(value, step), step) == floor_to_step(value, step)
    assert price_down(price_down(value, step), step) == price_down(value, step)
    assert price_up(price_down(value, step), step) == price_down(value, step)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=12))
def test_plain_text_is_the_same_number_without_an_exponent(value: Decimal) -> None:
    text = plain(value)
    assert Decimal(text) == value
    assert "E" not in text.upper()
    assert not ("." in text and text.endswith(("0", ".")))


def test_plain_text_of_odd_spellings() -> None:
    assert plain(Decimal("1E+3")) == "1000"
    assert plain(Decimal("1E-8")) == "0.00000001"
    assert plain(Decimal(100)) == "100"
    assert plain(Decimal("0.00")) == "0"


def test_more_steps_than_can_be_counted_are_no_whole_number_of_them() -> None:
    assert not is_multiple(Decimal("1e30"), Decimal("0.001"))
    assert not is_multiple(Decimal("-1e30"), Decimal("0.001"))
    assert is_multiple(Decimal("1e20"), Decimal("0.001"))


def test_an_unknown_number_stays_unknown_as_a_float() -> None:
    assert float_or_none(None) is None
    assert float_or_none(Decimal("0.10")) == 0.1
