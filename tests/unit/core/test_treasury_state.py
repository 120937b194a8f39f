"""What is remembered of moves: what is on its way, what counts for a day, and when equity is unsure."""

from decimal import Decimal

import pytest

from hedgebot.core.treasury_state import UNSURE_NS_MAX, Move, MoveStatus, TreasuryState
from hedgebot.domain.durations import NS_PER_DAY
from tests.support.margins import account_of, report
from tests.support.playbook import ACCOUNT
from tests.unit.core.test_treasury import answer, book_with, look

SENT_NS = 1_000_000_000_000_000


def state_of(status: MoveStatus, **changes: object) -> TreasuryState:
    move = Move(
        number=1,
        account="main",
        coin="USDT",
        qty=Decimal(100),
        emergency_qty=Decimal(0),
        status=status,
        why="",
        made_ns=SENT_NS,
        sent_at_ns=SENT_NS,
    )
    for name, value in changes.items():
        setattr(move, name, value)
    return TreasuryState(moves={1: move}, next_number=2)


@pytest.mark.parametrize("status", list(MoveStatus))
def test_only_what_was_or_may_be_moved_counts_for_the_day(status: MoveStatus) -> None:
    moved = state_of(status).moved_by_itself("main", SENT_NS + 1)
    assert moved == (
        100 if status in {MoveStatus.SENT, MoveStatus.UNKNOWN, MoveStatus.DONE, MoveStatus.FORGOTTEN} else 0
    )
    assert state_of(status, operator="ann").moved_by_itself("main", SENT_NS + 1) == 0
    assert state_of(status).moved_by_itself("main", SENT_NS + NS_PER_DAY) == 0


def test_one_is_on_its_way_or_waits() -> None:
    assert state_of(MoveStatus.UNKNOWN).moving("main") is not None
    assert state_of(MoveStatus.UNKNOWN).moving("other") is None
    assert state_of(MoveStatus.DONE).moving("main") is None
    assert state_of(MoveStatus.PROPOSED).proposed("main") is not None
    assert state_of(MoveStatus.SENT).proposed("main") is None
    assert state_of(MoveStatus.SENT).last_sent_ns("main") == SENT_NS
    assert TreasuryState().last_sent_ns("main") == 0


def test_equity_is_unsure_while_a_move_may_be_inside_and_not_for_ever() -> None:
    assert state_of(MoveStatus.SENT).unsettled("main", SENT_NS + 1)
    assert not state_of(MoveStatus.UNKNOWN).unsettled("main", SENT_NS + UNSURE_NS_MAX)
    assert state_of(MoveStatus.DONE).unsettled("main", SENT_NS + 1)
    assert not state_of(MoveStatus.DONE, counted=True).unsettled("main", SENT_NS + 1)
    assert not state_of(MoveStatus.ABSENT).unsettled("main", SENT_NS + 1)


def test_a_move_of_a_coin_without_a_price_is_not_counted_as_nothing() -> None:
    book = book_with(move_max_qty=Decimal(8_000))
    account = account_of(book)
    look(book, 8_000.0)
    start = account.day_equity_usd
    assert start is not None
    (move,) = book.state.treasury.moves.values()
    answer(book)
    move.coin = "SOL"
    book.tick(after_ms=2_500)
    report(book, 12_500.0)
    assert (move.counted, account.day_equity_usd) == (False, start)
    assert book.state.treasury.unsettled(ACCOUNT, book.at_ns)
    book.tick(after_ms=1_000)
    report(book, 12_500.0, prices={"SOL": 2.0})
    assert (move.counted, account.day_equity_usd) == (True, start + 9_000)
