"""What people see of top-ups: segments, lines, plan, and the moves with their numbers."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core.treasury_view import moves, treasuries
from hedgebot.core.view import book_view
from hedgebot.domain.commands import MoveCollateral
from tests.support.playbook import Playbook, of_type
from tests.unit.core.test_treasury import book_with, decide, look


def test_segments_and_a_proposal_are_shown_with_their_numbers() -> None:
    book = book_with(funding="7000", move_max_qty=0)
    look(book, 8_000.0)
    (one,) = treasuries(book.state, book.at_ns)
    assert (one.account, one.coin, one.buffer_qty, one.emergency_qty) == ("main", "USDT", "2000", "5000")
    assert (one.line_use, one.target_use, one.moved_by_itself_qty) == (0.6, 0.4, "0")
    assert "4500 USDT wait for an operator" in one.plan
    (move,) = moves(book.state, book.at_ns)
    assert (move.number, move.qty, move.emergency_qty, move.status) == (1, "4500", "2500", "proposed")
    assert move.left_ms is not None
    assert 3_500_000 < move.left_ms <= 3_600_000
    decide(book, 1, approve=False)
    (move,) = moves(book.state, book.at_ns)
    assert (move.status, move.operator, move.left_ms) == ("rejected", "ann", None)
    view = book_view(book.state, book.at_ns)
    assert view.treasury == treasuries(book.state, book.at_ns)
    assert view.moves == (move,)


def test_a_wallet_that_was_never_read_is_unknown() -> None:
    book = book_with(funding=None)
    (one,) = treasuries(book.state, book.at_ns)
    assert (one.buffer_qty, one.emergency_qty, one.age_ms, one.plan) == (None, None, None, "")


def test_what_is_on_its_way_is_in_the_funding_wallet_no_more() -> None:
    book = book_with(funding="20000")
    (before,) = treasuries(book.state, book.at_ns)
    look(book, 8_000.0)
    (move,) = moves(book.state, book.at_ns)
    (after,) = treasuries(book.state, book.at_ns)
    assert move.status == "sent"
    assert before.buffer_qty is not None
    assert after.buffer_qty is not None
    assert Decimal(after.buffer_qty) == Decimal(before.buffer_qty) - Decimal(move.qty)


def spare_of(book: Playbook) -> str:
    (one,) = treasuries(book.state, book.at_ns)
    return one.spare_qty


def test_what_trading_holds_beyond_its_target_is_told_and_never_moved() -> None:
    book = book_with(funding="7000")
    look(book, 8_000.0)
    assert spare_of(book) == "0", "a top-up is wanted"
    book = book_with(funding="7000")
    heard = look(book, 150_000.0)
    # 5,000 of maintenance margin are 40 % of 12,500; ten coins set aside more than that at first, at ten times.
    assert float(spare_of(book)) == pytest.approx(50_000.0)
    assert not of_type(heard, MoveCollateral)
    # What it gives leaves it at its target, from which no top-up is planned: nothing goes to and fro.
    look(book, 100_000.0)
    assert spare_of(book) == "0"
    assert treasuries(book.state, book.at_ns)[0].plan == ""


def test_what_bears_the_market_and_what_is_not_worth_a_move_is_not_spare() -> None:
    book = book_with(funding="7000")
    limits = msgspec.structs.replace(book.state.settings.limits, liquidation_distance_min=0.02)
    book.state.settings = msgspec.structs.replace(book.state.settings, limits=limits)
    look(book, 125_000.0)
    assert float(spare_of(book)) == pytest.approx(25_000.0), "a move of 3 % costs 30,000 of the 125,000"
    limits = msgspec.structs.replace(limits, liquidation_distance_min=0.078)
    book.state.settings = msgspec.structs.replace(book.state.settings, limits=limits)
    assert float(spare_of(book)) == pytest.approx(125_000.0 - 117_000.0 - 5_585.0), "one of 11.7 % leaves less"
    book = book_with(funding="7000", move_min_qty=100_000)
    look(book, 150_000.0)
    assert spare_of(book) == "0"
