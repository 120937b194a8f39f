"""Quotes as columns: exact, checked, and the same numbers as the events that they become."""

from decimal import Decimal

import numpy as np
import pytest

from hedgebot.domain.errors import DataError
from hedgebot.lab.quotes import BLOCK, Quotes
from tests.support.playbook import BTC_PERP

TICK = Decimal("0.1")


def quotes(bid: list[int], ask: list[int], at_ns: list[int] | None = None, tick: Decimal = TICK) -> Quotes:
    moments = at_ns if at_ns is not None else list(range(1, len(bid) + 1))
    return Quotes(BTC_PERP, tick, np.array(moments), np.array(bid), np.array(ask))


@pytest.mark.parametrize("tick", ["0.1", "0.5", "0.01", "0.00001", "1", "5", "2.5"])
def test_the_middle_is_the_float_of_the_exact_one(tick: str) -> None:
    random = np.random.default_rng(1)
    bid = random.integers(1, 3_000_000, 2_000)
    columns = quotes(bid.tolist(), (bid + random.integers(1, 9, 2_000)).tolist(), tick=Decimal(tick))
    for row, book in enumerate(columns.books()):
        assert book.bid is not None
        assert book.ask is not None
        assert (book.bid, book.ask) == columns.prices(row)
        assert float((book.bid + book.ask) / 2) == columns.mid[row]


@pytest.mark.parametrize(
    ("bid", "ask", "at_ns", "words"),
    [
        ([10, 10], [11, 11], [2, 2], "row 1 is not after"),
        ([10, 0], [11, 1], None, "row 1 is no price"),
        ([10, 12], [11, 12], None, "row 1 is crossed"),
        ([], [], [], "at least one row"),
        ([10], [11, 12], None, "equal length"),
    ],
)
def test_what_is_no_quote_is_refused(bid: list[int], ask: list[int], at_ns: list[int] | None, words: str) -> None:
    with pytest.raises(DataError, match=words):
        quotes(bid, ask, at_ns)


def test_prices_are_taken_on_the_tick_only() -> None:
    at_ns, bid, ask = np.array([1, 2]), np.array([100.1, 100.2]), np.array([100.2, 100.4])
    found = Quotes.of_prices(BTC_PERP, TICK, at_ns, bid, ask)
    assert found.prices(1) == (Decimal("100.2"), Decimal("100.4"))
    with pytest.raises(DataError, match=r"bid 100\.15 at row 0 is no multiple of 0\.1"):
        Quotes.of_prices(BTC_PERP, TICK, at_ns, np.array([100.15, 100.2]), ask)


def test_a_price_that_no_float_holds_is_refused() -> None:
    with pytest.raises(DataError, match="do not fit a float exactly"):
        _ = quotes([2**50], [2**50 + 1]).mid


def test_books_come_in_blocks_and_lose_none() -> None:
    count = BLOCK + 3
    columns = quotes(list(range(1, count + 1)), list(range(2, count + 2)))
    assert [book.venue_at_ns for book in columns.books()] == columns.at_ns.tolist()
    assert [book.venue_at_ns for book in columns.books(5, 7)] == [6, 7]


def test_a_pause_is_found_wherever_a_block_ends() -> None:
    count = 2 * BLOCK + 5
    for row in (1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, count - 1):
        at_ns = np.arange(count) + np.where(np.arange(count) >= row, 50, 0)
        bid = np.full(count, 10)
        columns = Quotes(BTC_PERP, TICK, at_ns, bid, bid + 1)
        assert columns.paused_after(0, 40) == row
        assert columns.paused_after(row, 40) == count


def test_what_changed_and_how_far_apart() -> None:
    columns = quotes([10, 10, 11], [12, 12, 12], [5, 7, 12])
    assert columns.changed(0, 3).tolist() == [True, False, True]
    assert columns.changed(1, 3).tolist() == [False, True]
    assert columns.changed(2, 3).tolist() == [True]
    assert [columns.paused_after(row, 2) for row in range(3)] == [2, 2, 3]
    assert [columns.paused_after(row, 1) for row in range(3)] == [1, 2, 3]
    assert columns.spread(np.arange(3)) == pytest.approx([0.2, 0.2, 0.1])
    assert len(columns) == 3
