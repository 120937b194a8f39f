import math

import pytest

from hedgebot.venues.health.words import absent, inverted, less, printed_unit, relation, told, total


def test_a_ratio_that_points_down_is_turned_round() -> None:
    assert inverted(1.25) == 0.8
    assert inverted(None) is None
    assert inverted(0.0) == math.inf
    assert inverted(-3.0) == math.inf


def test_the_finest_printed_digit_counts() -> None:
    assert printed_unit({"a": "1.250", "b": "7"}, "a", "b", "c") == pytest.approx(0.001)
    assert printed_unit({"b": "7"}, "b") == 1.0
    assert printed_unit({}, "b") == 0.0


def test_a_relation_needs_both_numbers() -> None:
    assert relation("r", None, 1.0, 0.1) == ()
    (one,) = relation("r", 1.0, 1.2, 0.1)
    assert not one.holds


def test_what_is_missing_is_named() -> None:
    assert absent({"a": "", "b": "1"}, "a", "b", "c") == ("a is empty", "no c")


def test_what_is_unknown_makes_a_sum_unknown_and_not_smaller() -> None:
    assert total() == 0.0
    assert total(1.0, 2.5) == 3.5
    assert total(1.0, None) is None
    assert less(3.0, 1.0) == 2.0
    assert less(None, 1.0) is less(3.0, None) is None


def test_an_account_that_tells_its_amounts_as_they_are() -> None:
    found = told("x", "main", "USD", {"e": "10.5", "m": "2.25"}, ("e", "i", "m"))
    assert (found.equity, found.initial, found.maintenance) == (10.5, None, 2.25)
    assert found.printed == pytest.approx(0.01)
    assert found.missing == ("no i",)
