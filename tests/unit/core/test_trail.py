"""The trail: bounded, newest last, and a quote's forward keeps its ratio as far as a price of late explains it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.core.trail import KEEP_NS, LAG_NS_MAX, SPELL_NS, Spell, note, note_range, note_ranges, price_of_quote

MS = 1_000_000
START = 1_760_000_000_000_000_000


def _trail(*prices: tuple[float, float]) -> list[Spell]:
    trail: list[Spell] = []
    for at_ms, price in prices:
        note(trail, START + round(at_ms * MS), price)
    return trail


def test_a_spell_keeps_its_lowest_and_highest_price() -> None:
    trail = _trail((0, 100.0), (100, 90.0), (200, 110.0), (250, 120.0))
    assert [(one.low, one.high) for one in trail] == [(90.0, 110.0), (120.0, 120.0)]


def test_a_range_of_prices_is_what_they_would_be_one_by_one() -> None:
    one_by_one = _trail((0, 100.0), (100, 90.0), (200, 110.0), (260, 95.0), (300, 120.0))
    at_once: list[Spell] = []
    note_range(at_once, START, 90.0, 110.0)
    note_range(at_once, START + 260 * MS, 95.0, 120.0)
    assert at_once == one_by_one


@given(
    old_ms=st.lists(st.integers(0, 9_000), max_size=20),
    spells=st.lists(st.integers(1, 40), min_size=1, max_size=50),
    gap_ms=st.integers(0, 8_000),
)
def test_ranges_at_once_are_what_they_would_be_one_by_one(old_ms: list[int], spells: list[int], gap_ms: int) -> None:
    one_by_one, at_once = (_trail(*((at_ms, 100.0 + at_ms) for at_ms in sorted(old_ms))) for _ in range(2))
    at_ns, begin = [], START + (max(old_ms, default=0) + gap_ms) * MS
    for number in spells:
        at_ns.append(begin)
        begin = (begin // SPELL_NS + number) * SPELL_NS + number * MS
    lows, highs = [90.0 + one for one in spells], [95.0 + one for one in spells]
    for moment, low, high in zip(at_ns, lows, highs, strict=True):
        note_range(one_by_one, moment, low, high)
    note_ranges(at_once, at_ns, lows, highs)
    assert at_once == one_by_one


@given(st.lists(st.tuples(st.integers(0, 20_000), st.floats(1.0, 1e6)), max_size=60))
def test_the_trail_is_bounded_and_in_order(prices: list[tuple[int, float]]) -> None:
    trail = _trail(*prices)
    moments = [one.from_ns for one in trail]
    assert moments == sorted(set(moments))
    assert len(trail) <= KEEP_NS // SPELL_NS + 2
    assert all(one.low <= one.high for one in trail)


def test_an_older_price_is_no_news() -> None:
    trail = _trail((5_000, 100.0), (0, 50.0))
    assert [(one.low, one.high) for one in trail] == [(100.0, 100.0)]


@pytest.mark.parametrize(
    ("quoted_ms", "expected", "found"),
    [
        (1_100, 100.0, 100.0),  # explained by the price before the jump
        (1_100, 103.0, 103.0),  # by one on the way
        (1_100, 90.0, 100.0),  # by none: the nearest
        (1_100, 200.0, 105.0),
        (4_000, 100.0, 105.0),  # the price before the jump is too old for this quote
    ],
)
def test_a_ratio_is_held_as_far_as_prices_of_late_explain(quoted_ms: int, expected: float, found: float) -> None:
    trail = _trail((0, 100.0), (500, 100.0), (1_000, 105.0))
    assert price_of_quote(trail, START + quoted_ms * MS, (105.0,), expected) == found


def test_prices_that_are_as_new_as_the_forward_count_without_a_trail() -> None:
    assert price_of_quote([], START, (100.0, 105.0), 103.0) == 103.0
    assert price_of_quote([], START, (100.0,), 103.0) == 100.0


@given(
    st.lists(st.tuples(st.integers(0, 6_000), st.floats(1.0, 1e6)), max_size=30),
    st.floats(1.0, 1e6),
    st.floats(1.0, 1e6),
)
def test_the_price_found_is_within_what_was_seen(prices: list[tuple[int, float]], now: float, expected: float) -> None:
    trail = _trail(*sorted(prices))
    found = price_of_quote(trail, START + LAG_NS_MAX, (now,), expected)
    seen = [now, *(one.low for one in trail), *(one.high for one in trail)]
    assert min(seen) <= found <= max(seen)
