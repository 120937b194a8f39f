from decimal import Decimal
from typing import Any

import pytest

from hedgebot.venues.reading import (
    FrameProblem,
    as_object,
    as_rows,
    float_or_none,
    ns_from_ms,
    number,
    number_or_none,
    price_or_none,
    sample,
    text,
    text_or_none,
)


@pytest.mark.parametrize("value", ["", None])
def test_empty_is_unknown_and_never_zero(value: Any) -> None:
    raw = {"x": value}
    assert number_or_none(raw, "x") is None
    assert float_or_none(raw, "x") is None
    assert price_or_none(raw, "x") is None
    assert text_or_none(raw, "x") is None
    with pytest.raises(FrameProblem, match="x is missing"):
        number(raw, "x")


def test_a_missing_field_is_unknown() -> None:
    assert number_or_none({}, "x") is None
    with pytest.raises(FrameProblem):
        text({}, "x")


def test_a_true_zero_is_no_unknown() -> None:
    assert float_or_none({"x": "0"}, "x") == 0.0


def test_numbers_stay_exact() -> None:
    assert str(number({"x": "0.10"}, "x")) == "0.10"
    assert number({"x": 480}, "x") == Decimal(480)


@pytest.mark.parametrize("value", ["abc", "NaN", "Infinity", 1.5, True, [], {}])
def test_what_is_no_exact_number_is_a_problem(value: Any) -> None:
    with pytest.raises(FrameProblem, match="must be a number"):
        number_or_none({"x": value}, "x")


def test_a_price_of_zero_means_that_there_is_none() -> None:
    assert price_or_none({"x": "0"}, "x") is None
    assert price_or_none({"x": "-1"}, "x") is None
    assert price_or_none({"x": "0.5"}, "x") == Decimal("0.5")


def test_milliseconds_become_nanoseconds() -> None:
    assert ns_from_ms({"ts": "1795000000355"}, "ts") == 1_795_000_000_355_000_000
    for wrong in ("0", "-5", "1.5"):
        with pytest.raises(FrameProblem, match="timestamp"):
            ns_from_ms({"ts": wrong}, "ts")


def test_shapes() -> None:
    assert as_object({"a": 1}, "it") == {"a": 1}
    assert as_rows([{"a": 1}], "it") == ({"a": 1},)
    for wrong in (None, "text", {"a": 1}, [1]):
        with pytest.raises(FrameProblem):
            as_rows(wrong, "it")


def test_a_sample_is_short_and_escaped() -> None:
    assert len(sample("x" * 5_000)) == 200
    assert "\x1b" not in sample("\x1b[31mred")
