"""Parameters, windows and cursors."""

from decimal import Decimal
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.exchange.wire.codes import WireError
from hedgebot.exchange.wire.params import DAY_MS, Params, page

NOW_MS = 1_800_000_000_000


def test_empty_is_absent() -> None:
    params = Params({"a": "", "b": None, "c": 0, "d": False, "e": 1.5})
    assert [params.text(name, "-") for name in "abcdef"] == ["-", "-", "0", "false", "1.5", "-"]


@pytest.mark.parametrize(
    "read",
    [
        lambda params: params.required("nothing"),
        lambda params: params.text("list"),
        lambda params: params.whole("word"),
        lambda params: params.number("word", "Qty invalid"),
        lambda params: params.number("nan", "Qty invalid"),
        lambda params: params.flag("word"),
        lambda params: params.category(),
        lambda params: params.limit(1, 100),
    ],
)
def test_what_cannot_be_read_is_the_venues_error(read: object) -> None:
    params = Params({"list": [1], "word": "x", "nan": "NaN", "limit": "101", "category": "futures"})
    with pytest.raises(WireError) as caught:
        read(params)  # type: ignore[operator]
    assert caught.value.code == 10001


def test_what_can_be_read() -> None:
    params = Params({"n": "7", "d": "0.10", "yes": True, "one": "1", "category": "spot", "limit": 5})
    assert (params.whole("n"), params.number("d", ""), params.flag("yes"), params.flag("one")) == (
        7,
        Decimal("0.10"),
        True,
        True,
    )
    assert (params.category(), params.limit(20, 50), params.flag("absent")) == ("spot", 5, False)
    assert (params.limit(1, 3, clips=True), params.limit(1, 7, clips=True)) == (3, 5)


@pytest.mark.parametrize(
    ("values", "start_ms", "end_ms"),
    [
        ({}, NOW_MS - 7 * DAY_MS, NOW_MS),
        ({"startTime": "1000"}, 1_000, 1_000 + 7 * DAY_MS),
        ({"endTime": NOW_MS - 5}, NOW_MS - 5 - 7 * DAY_MS, NOW_MS - 5),
        ({"startTime": 5, "endTime": 9}, 5, 9),
    ],
)
def test_windows_are_completed_as_documented(values: dict[str, object], start_ms: int, end_ms: int) -> None:
    since_ns, until_ns = Params(values).window_ns(NOW_MS, 7 * DAY_MS)
    # The end is included: the last millisecond belongs to the window.
    assert (since_ns, until_ns) == (start_ms * 1_000_000, (end_ms + 1) * 1_000_000)


@pytest.mark.parametrize("values", [{"startTime": 9, "endTime": 5}, {"startTime": 0, "endTime": 8 * DAY_MS}])
def test_bad_windows_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(WireError):
        Params(values).window_ns(NOW_MS, 7 * DAY_MS)


@given(st.integers(0, 40), st.integers(1, 10), st.booleans())
def test_pages_cover_everything_once(count: int, size: int, twice_encoded: bool) -> None:
    rows, seen, cursor = list(range(count)), list[int](), ""
    while True:
        sent = unquote(cursor) if twice_encoded else cursor
        shown, cursor = page(rows, Params({"cursor": sent}), size)
        seen += shown
        if not cursor:
            break
    assert seen == rows


def test_a_foreign_cursor_is_refused() -> None:
    with pytest.raises(WireError):
        page([1, 2], Params({"cursor": "page_args=-1"}), 1)


@pytest.mark.parametrize(
    "text", ["1e999999", "1e-999999", "1e16", "9" * 41, "NaN", "-Infinity", "sNaN", "0x1", "", "[]"]
)
def test_numbers_without_measure_are_refused(text: str) -> None:
    with pytest.raises(WireError) as caught:
        Params({"qty": text}).number("qty", "Qty invalid")
    assert caught.value.code == 10001
