"""A price's move within a span: what counts, what is forgotten, and how little is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.core.move_window import PARTS, MoveWindow

MINUTE = 60_000_000_000
SPAN = 10 * MINUTE


def window(*prices: float, every_ns: int = MINUTE) -> MoveWindow:
    found = MoveWindow()
    for number, price in enumerate(prices):
        found.note(price, 1 + number * every_ns, SPAN)
    return found


def test_a_move_either_way_from_any_price_of_the_span_counts() -> None:
    assert window(100.0, 101.0, 100.5).moved(100.5, 1 + 2 * MINUTE) == pytest.approx(0.005)
    assert window(100.0, 101.0, 99.0).moved(99.0, 1 + 2 * MINUTE) == pytest.approx(1.0 - 99.0 / 101.0)
    assert window(100.0).moved(100.0, 1) == 0.0
    assert MoveWindow().moved(100.0, 1) == 0.0


def test_what_is_older_than_the_span_does_not_count() -> None:
    found = window(100.0, *[102.0] * 10)
    assert found.moved(102.0, 1 + SPAN) == pytest.approx(0.02)
    assert found.moved(102.0, SPAN + MINUTE) == pytest.approx(0.02), "100 stood until then"
    assert found.moved(102.0, 2 + SPAN + MINUTE) == 0.0
    found.note(102.0, 1 + SPAN + MINUTE, SPAN)
    assert found.moved(102.0, 1 + SPAN + MINUTE) == 0.0


def test_a_price_stands_until_the_next_one_comes() -> None:
    # Looks a minute apart, as in a long run, or none while the daemon was down: the jump is one of this moment.
    found = MoveWindow()
    found.note(100.0, 1, MINUTE // 2)
    found.note(103.0, 1 + 40 * MINUTE, MINUTE // 2)
    assert found.moved(103.0, 1 + 40 * MINUTE) == pytest.approx(0.03)


def test_a_hedge_begins_it_anew() -> None:
    found = window(100.0, 102.0)
    found.restart(102.0, 2 * MINUTE)
    assert found.moved(102.0, 2 * MINUTE) == 0.0
    assert found.moved(103.0, 3 * MINUTE) == pytest.approx(1.0 / 102.0)


def test_nothing_is_kept_for_nobody() -> None:
    found = window(100.0, 102.0)
    found.note(102.0, 3 * MINUTE, 0)
    found.restart(102.0, 3 * MINUTE)
    assert found == MoveWindow()


def test_no_price_is_none() -> None:
    found = window(0.0, 100.0)
    assert found.moved(101.0, 1 + MINUTE) == pytest.approx(0.01)


def test_another_span_begins_anew() -> None:
    found = window(100.0, 102.0)
    found.note(102.0, 3 * MINUTE, 2 * SPAN)
    assert found.moved(102.0, 3 * MINUTE) == 0.0


@given(
    steps=st.lists(st.tuples(st.integers(1, 2 * MINUTE), st.floats(90.0, 110.0)), min_size=1, max_size=200),
    span_ns=st.integers(1_000_000_000, SPAN),
)
def test_it_is_the_move_of_every_price_but_for_a_part_of_the_span(steps: list[tuple[int, float]], span_ns: int) -> None:
    found, seen, at_ns = MoveWindow(), [], 0
    for gap_ns, price in steps:
        at_ns += gap_ns
        seen.append((at_ns, price))
        found.note(price, at_ns, span_ns)
        assert len(found.ranges) <= PARTS + 2

    ends = [moment for moment, _ in seen[1:]] + [at_ns]

    def farthest(span: int) -> float:
        stood = [one for end, (_, one) in zip(ends, seen, strict=True) if end >= at_ns - span]
        return max(max(price / one - 1.0, 1.0 - price / one) for one in stood)

    assert farthest(span_ns - -(-span_ns // PARTS) - 1) <= found.moved(price, at_ns) <= farthest(span_ns)
