"""Numbers and moments as the wire writes them."""

from decimal import Decimal

import pytest

from hedgebot.exchange.wire.words import dec, flt, ms, ms_text, scalar, writable


@pytest.mark.parametrize(
    ("value", "text"),
    [(Decimal("1E+3"), "1000"), (Decimal("0.50"), "0.5"), (Decimal("1E-8"), "0.00000001"), (Decimal(0), "0")],
)
def test_exact_numbers_have_no_exponent(value: Decimal, text: str) -> None:
    assert dec(value) == text


def test_none_is_the_empty_text_or_what_is_asked_for() -> None:
    assert (dec(None), dec(None, "0"), flt(None), flt(None, 4, "0"), ms_text(None)) == ("", "0", "", "0", "")


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [(0.1, 8, "0.1"), (-0.0000000001, 8, "0"), (1e-9, 10, "0.000000001"), (1e6, 2, "1000000"), (2.5, 0, "2")],
)
def test_floats_are_plain(value: float, places: int, text: str) -> None:
    assert flt(value, places) == text


def test_milliseconds_are_cut_not_rounded() -> None:
    assert (ms(1_999_999), ms_text(1_999_999)) == (1, "1")


def test_scalars_are_written_and_nothing_deeper() -> None:
    deep: list[object] = []
    for _ in range(5_000):
        deep = [deep]
    values: tuple[object, ...] = ("x", 1, 1.5, True, None, {}, deep)
    assert [scalar(one) for one in values] == ["x", "1", "1.5", "true", "", "", ""]


def test_raw_bytes_become_writable() -> None:
    assert writable("a\udcffb") == "a?b"
