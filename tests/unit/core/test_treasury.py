"""Top-ups as a conversation: planned at the line, moved once under limits, proposed beyond them, ended by proof."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core.engine import Engine
from hedgebot.core.state import decode_state, encode_state
from hedgebot.core.treasury import MOVES_KEPT
from hedgebot.core.treasury_state import Move, MoveStatus
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command, Mode, MoveCollateral, RecordMove, RecordOperator
from hedgebot.domain.kill import KillAction, KillScope
from hedgebot.domain.operator_events import ProposalDecided
from hedgebot.domain.settings import MarginMode
from hedgebot.domain.treasury import (
    FundingWalletRead,
    MoveAnswered,
    MoveFound,
    MoveLookedUp,
    MoveOutcome,
    TreasurySettings,
)
from strategies.delta_neutral import STRATEGY
from tests.support.margins import account_of, held, margined, report
from tests.support.playbook import ACCOUNT, Playbook, of_type

LIMITS = TreasurySettings(
    account=ACCOUNT,
    coin="USDT",
    top_up_use=0.6,
    target_use=0.4,
    emergency_qty=Decimal(5_000),
    move_max_qty=Decimal(3_000),
    day_max_qty=Decimal(8_000),
)


def book_with(funding: str | None = "20000", **changes: object) -> Playbook:
    """Ten BTC short at 100,000: 5,000 USD of maintenance margin. The funding wallet is read as given."""
    plain = margined(MarginMode.CROSS, hedges=False, liquidation_distance_min=0.0)
    settings = msgspec.structs.replace(plain, treasury=(msgspec.structs.replace(LIMITS, **changes),))
    book = Playbook(settings)
    book.ready(positions=[held(book, "-10")])
    if funding is not None:
        read(book, funding)
    return book


def read(book: Playbook, funding: str) -> None:
    book.send(FundingWalletRead(account=ACCOUNT, balances={"USDT": Decimal(funding)}))


def look(book: Playbook, equity: float, seconds: float = 1.1) -> tuple[Command, ...]:
    """The venue reports an equity; looks at the treasury for so long (a step beyond 5 s would be a pause)."""
    heard: list[Command] = []
    while seconds > 0.0:
        report(book, equity)
        heard += book.tick(after_ms=min(seconds, 2.0) * 1_000)
        seconds -= 2.0
    return tuple(heard)


def moves(book: Playbook) -> list[Move]:
    return list(book.state.treasury.moves.values())


def answer(book: Playbook, outcome: MoveOutcome = MoveOutcome.DONE, code: str = "0") -> tuple[Command, ...]:
    transfer_id = moves(book)[-1].transfer_id
    return book.send(MoveAnswered(account=ACCOUNT, transfer_id=transfer_id, outcome=outcome, code=code, message="said"))


def looked_up(book: Playbook, found: MoveFound, asked_before_ms: float = 0.0) -> tuple[Command, ...]:
    asked_at_ns = book.at_ns - round(asked_before_ms * 1e6)
    transfer_id = moves(book)[-1].transfer_id
    return book.send(MoveLookedUp(account=ACCOUNT, transfer_id=transfer_id, found=found, asked_at_ns=asked_at_ns))


def decide(book: Playbook, number: int, *, approve: bool = True) -> tuple[Command, ...]:
    return book.send(ProposalDecided(operator="ann", reason="seen", number=number, approve=approve))


def test_above_its_line_an_account_is_topped_up_to_its_target_once() -> None:
    book = book_with()
    assert of_type(look(book, 9_000.0), MoveCollateral) == []  # 5,000 / 9,000 is below the line
    heard = look(book, 8_000.0)
    (sent,) = of_type(heard, MoveCollateral)
    # 5,000 / 0.4 is 12,500: 4,500 are missing, and 3,000 may go at once by themselves.
    assert (sent.move.coin, sent.move.qty, sent.account) == ("USDT", Decimal(3_000), ACCOUNT)
    assert sent.move.deadline_ns - sent.move.sent_at_ns == 5_000_000_000
    (record,) = of_type(heard, RecordMove)
    assert (record.status, record.operator, record.emergency_qty) == ("sent", "", Decimal(0))
    assert "margin use of main is 62.5%, its line is 60.0%" in record.why
    for _ in range(5):
        assert of_type(look(book, 8_000.0), MoveCollateral) == []
    heard = answer(book)
    assert [one.status for one in of_type(heard, RecordMove)] == ["done"]
    # 11,000 is below the line again: the rest is not worth anybody's word.
    assert of_type(look(book, 11_000.0), MoveCollateral) == []
    assert [one.status for one in moves(book)] == [MoveStatus.DONE]


def test_what_is_beyond_the_limits_waits_for_an_operator() -> None:
    book = book_with(move_max_qty=Decimal(0))
    look(book, 8_000.0)
    (proposal,) = moves(book)
    assert (proposal.status, proposal.qty, proposal.emergency_qty) == (MoveStatus.PROPOSED, Decimal(4_500), Decimal(0))
    (alert,) = [one for one in book.state.alerts.values() if one.kind is AlertKind.TOP_UP_WANTED]
    assert "`hedgebot treasury approve 1`" in alert.summary
    assert of_type(decide(book, 2), RecordOperator)[0].explanation == "there is no proposal 2; waiting: 1"
    heard = decide(book, 1)
    (sent,) = of_type(heard, MoveCollateral)
    assert sent.move.qty == Decimal(4_500)
    assert of_type(heard, RecordOperator)[0].accepted
    assert not book.is_up(AlertKind.TOP_UP_WANTED)
    # Said twice it is not moved twice.
    again = decide(book, 1)
    assert of_type(again, MoveCollateral) == []
    assert of_type(again, RecordOperator)[0].explanation == "1 is sent; waiting: none"
    answer(book)
    # What an operator approved does not count against what may move by itself.
    assert book.state.treasury.moved_by_itself(ACCOUNT, book.at_ns) == 0


def test_an_approval_moves_nothing_until_the_account_and_its_funding_wallet_are_known() -> None:
    book = book_with(move_max_qty=Decimal(0))
    look(book, 8_000.0)
    book.send(ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=False, reason="gone"))
    book.send(ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=True, reason=""))
    said = of_type(decide(book, 1), RecordOperator)[0]
    words = f"the venue is being asked what {ACCOUNT} holds: approve it again once that is known"
    assert (said.accepted, said.explanation) == (False, words)
    book.snapshot(positions=[held(book, "-10")])
    look(book, 8_000.0, seconds=61.0)
    book.agree()
    said = of_type(decide(book, 1), RecordOperator)[0]
    words = "the funding wallet was not read for 62 s, 60 is the limit: approve it again once that is known"
    assert (said.accepted, said.explanation) == (False, words)
    # A restart knows no wallet.
    book.engine = Engine(STRATEGY.build, decode_state(encode_state(book.state)))
    book.start(epoch=2)
    book.ready(positions=[held(book, "-10")])
    said = of_type(decide(book, 1), RecordOperator)[0]
    words = "the venue is being asked what the funding wallet holds: approve it again once that is known"
    assert (said.accepted, said.explanation) == (False, words)
    read(book, "20000")
    heard = decide(book, 1)
    assert of_type(heard, RecordOperator)[0].accepted
    assert len(of_type(book.heard, MoveCollateral)) == 1


def test_the_emergency_segment_is_touched_by_an_operators_word_only() -> None:
    book = book_with(funding="6000", move_max_qty=Decimal(8_000))
    (sent,) = of_type(look(book, 8_000.0), MoveCollateral)
    assert sent.move.qty == Decimal(1_000)  # the buffer
    answer(book)
    read(book, "5000")
    look(book, 8_200.0, seconds=5.0)
    proposal = moves(book)[-1]
    assert (proposal.status, proposal.qty, proposal.emergency_qty) == (
        MoveStatus.PROPOSED,
        Decimal(4_300),
        Decimal(4_300),
    )


def test_what_no_wallet_here_has_is_told_to_be_brought_by_people() -> None:
    book = book_with(funding="1500", emergency_qty=Decimal(0))
    look(book, 8_000.0)
    assert book.is_up(AlertKind.TOP_UP_WANTED)
    summaries = [one.summary for one in book.state.alerts.values() if one.kind is AlertKind.TOP_UP_WANTED]
    assert any("3000 USDT must be brought from outside, which hedgebot never does" in one for one in summaries)


def test_a_proposal_ends_by_rejection_by_time_and_when_it_is_not_needed() -> None:
    book = book_with(move_max_qty=Decimal(0), proposal_s=60.0)
    look(book, 8_000.0)
    decide(book, 1, approve=False)
    assert (moves(book)[0].status, moves(book)[0].operator) == (MoveStatus.REJECTED, "ann")
    look(book, 8_000.0)
    assert moves(book)[-1].number == 2
    look(book, 9_000.0)  # below the line, not far from it: it stays
    assert moves(book)[-1].status is MoveStatus.PROPOSED
    look(book, 12_000.0)
    assert moves(book)[-1].status is MoveStatus.WITHDRAWN
    assert not book.is_up(AlertKind.TOP_UP_WANTED)
    look(book, 8_000.0)
    for _ in range(4):
        read(book, "20000")
        look(book, 8_000.0, seconds=20.0)
    assert MoveStatus.EXPIRED in {one.status for one in moves(book)}
    assert of_type(decide(book, 3), MoveCollateral) == []


def test_a_need_that_grew_replaces_its_proposal() -> None:
    book = book_with(move_max_qty=Decimal(0))
    look(book, 8_000.0)
    look(book, 7_500.0)  # 5,000: within a quarter of 4,500
    assert len(moves(book)) == 1
    look(book, 6_500.0)
    assert [(one.status, one.qty) for one in moves(book)] == [
        (MoveStatus.WITHDRAWN, Decimal(4_500)),
        (MoveStatus.PROPOSED, Decimal(6_000)),
    ]


def test_limits_of_time_and_day_bind_what_moves_by_itself() -> None:
    book = book_with(day_max_qty=Decimal(4_000), cool_down_s=30.0)
    look(book, 5_500.0)
    answer(book)
    heard = look(book, 6_000.0, seconds=5.0)  # in its cool-down: the operator is asked
    assert of_type(heard, MoveCollateral) == []
    assert moves(book)[-1].status is MoveStatus.PROPOSED
    read(book, "17000")
    (sent,) = of_type(look(book, 6_000.0, seconds=31.0), MoveCollateral)
    assert sent.move.qty == Decimal(1_000)  # what is left of the day
    answer(book)
    read(book, "16000")
    assert of_type(look(book, 6_000.0, seconds=31.0), MoveCollateral) == []
    day = 86_400
    book.at_ns += day * 1_000_000_000
    assert book.state.treasury.moved_by_itself(ACCOUNT, book.at_ns) == 0


def test_a_days_limit_is_not_forgotten_with_the_moves_that_filled_it() -> None:
    """An operator's word ends proposals as often as he likes: what moved by itself today still counts."""
    book = book_with(day_max_qty=Decimal(3_000), cool_down_s=0.0)
    look(book, 8_000.0)
    answer(book)
    read(book, "17000")
    assert book.state.treasury.moved_by_itself(ACCOUNT, book.at_ns) == Decimal(3_000)
    for _ in range(MOVES_KEPT + 5):
        look(book, 8_000.0)
        decide(book, moves(book)[-1].number, approve=False)
        read(book, "17000")
    assert len(moves(book)) <= MOVES_KEPT + 2
    assert book.state.treasury.moved_by_itself(ACCOUNT, book.at_ns) == Decimal(3_000)
    assert of_type(look(book, 8_000.0), MoveCollateral) == []


def test_the_emergency_segment_is_not_touched_on_a_reading_from_before_a_move() -> None:
    book = book_with("9000", cool_down_s=0.0)  # 4,000 above the emergency segment
    look(book, 6_000.0)
    answer(book)
    (sent,) = of_type(look(book, 6_000.0, seconds=6.0), MoveCollateral)  # the wallet is not read again
    assert sent.move.qty == Decimal(1_000)


@pytest.mark.parametrize("scope", [(KillScope.ALL, ""), (KillScope.ACCOUNT, ACCOUNT), (KillScope.VENUE, "bybit")])
def test_under_a_kill_nothing_moves_by_itself_and_an_operator_still_may(scope: tuple[KillScope, str]) -> None:
    book = book_with()
    book.send(ev.OperatorKilled(operator="ann", reason="odd", scope=scope[0], name=scope[1], action=KillAction.FREEZE))
    assert of_type(look(book, 8_000.0), MoveCollateral) == []
    (proposal,) = moves(book)
    assert proposal.status is MoveStatus.PROPOSED
    plan = book.state.treasury.of(ACCOUNT).plan
    assert plan is not None
    assert plan.waits == "a kill stands (odd)"
    assert of_type(decide(book, 1), MoveCollateral)[0].move.qty == Decimal(4_500)


def test_reducing_does_not_stop_a_top_up_and_ends_by_it() -> None:
    book = book_with(move_max_qty=Decimal(8_000))
    report(book, 6_000.0)  # 5,000 / 6,000 is beyond the floor
    book.tick(after_ms=300)
    assert book.mode() is Mode.REDUCING
    (sent,) = of_type(look(book, 6_000.0), MoveCollateral)
    assert sent.move.qty == Decimal(6_500)
    answer(book)
    look(book, 12_500.0)
    assert book.mode() is Mode.ACTIVE


def test_nothing_is_planned_on_what_is_not_proven() -> None:
    book = book_with(funding=None)
    look(book, 8_000.0)
    assert moves(book) == []  # the funding wallet was never read
    read(book, "20000")
    book.send(ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=False, reason="cut"))
    look(book, 8_000.0)
    assert moves(book) == []
    old = book_with()
    for _ in range(4):
        look(old, 12_000.0, seconds=20.0)
    look(old, 8_000.0)
    assert moves(old) == []  # read too long ago


def test_what_was_moved_in_is_no_profit_and_hides_no_loss() -> None:
    book = book_with(move_max_qty=Decimal(8_000))
    account = account_of(book)
    look(book, 10_000.0)
    look(book, 8_000.0)  # 2,000 lost
    assert account.day_equity_usd is not None
    start = account.day_equity_usd
    answer(book)
    report(book, 12_500.0)  # it has the 4,500 inside, or not: not to be told yet
    report(book, 12_500.0)
    book.tick(after_ms=2_500)
    report(book, 12_500.0)
    assert account.day_equity_usd == start + 4_500
    assert book.state.risk.marks[-1].equity_usd == pytest.approx(float(start) + 4_500.0)


def test_an_equity_that_may_not_have_the_last_move_inside_is_not_made_up_for_twice() -> None:
    book = book_with(cool_down_s=0.0)
    look(book, 8_000.0)
    answer(book)
    read(book, "17000")
    book.tick(after_ms=1_100)  # the report of 8,000 is from before the move
    book.tick(after_ms=1_100)
    assert len(moves(book)) == 1
    look(book, 8_000.0, seconds=3.0)  # a later one says the same: the market took it, it is needed again
    assert [one.status for one in moves(book)] == [MoveStatus.DONE, MoveStatus.SENT]


def test_the_same_conversation_gives_the_same_moves() -> None:
    book = book_with()
    look(book, 8_000.0)
    answer(book)
    again = Engine(STRATEGY.build)
    commands = [one for stamped in book.log for one in again.step(stamped)]
    assert of_type(commands, MoveCollateral) == of_type(book.heard, MoveCollateral)
