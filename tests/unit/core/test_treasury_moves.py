"""The life of a move as a conversation: never sent twice, looked up until there is proof, ended by proof or a word."""

from decimal import Decimal

import pytest

from hedgebot.core.engine import Engine
from hedgebot.core.state import decode_state, encode_state
from hedgebot.core.treasury_state import MoveStatus
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import (
    Command,
    Mode,
    MoveCollateral,
    QueryMove,
    RecordAdjustment,
    RecordMove,
    RecordOperator,
)
from hedgebot.domain.durations import NS_PER_DAY
from hedgebot.domain.operator_events import MoveResolved, Resolution
from hedgebot.domain.treasury import MoveFound, MoveOutcome
from strategies.delta_neutral import STRATEGY
from tests.support.margins import account_of, held, report
from tests.support.playbook import ACCOUNT, Playbook, of_type
from tests.unit.core.test_treasury import answer, book_with, decide, look, looked_up, moves, read

ADOPT, FORGET = Resolution.ADOPT, Resolution.FORGET


def resolve(book: Playbook, resolution: Resolution, number: int = 1, evidence: str = "ticket 42") -> RecordOperator:
    heard = book.send(MoveResolved(operator="eve", reason=evidence, number=number, resolution=resolution))
    return of_type(heard, RecordOperator)[0]


def lost(**changes: object) -> Playbook:
    """A move that nobody can look up: no answer came, its deadline has passed, the venue's list cannot be read."""
    book = book_with("20000", **changes)
    look(book, 8_000.0)
    answer(book, MoveOutcome.UNKNOWN, "local:timeout")
    look(book, 8_000.0, seconds=40.0)
    looked_up(book, MoveFound.UNREADABLE)
    return book


def test_a_move_without_an_answer_is_looked_up_and_never_sent_again() -> None:
    book = book_with()
    look(book, 8_000.0)
    heard = answer(book, MoveOutcome.UNKNOWN, "local:timeout")
    assert [one.status for one in of_type(heard, RecordMove)] == ["unknown"]
    (query,) = of_type(book.tick(after_ms=10), QueryMove)
    assert query.transfer_id == moves(book)[0].transfer_id
    # Absent before its deadline is evidence of nothing; twice after it is proof.
    looked_up(book, MoveFound.ABSENT)
    looked_up(book, MoveFound.ABSENT)
    assert moves(book)[0].status is MoveStatus.UNKNOWN
    look(book, 8_000.0, seconds=9.0)
    looked_up(book, MoveFound.UNREADABLE)
    looked_up(book, MoveFound.ABSENT)
    assert moves(book)[0].status is MoveStatus.UNKNOWN
    assert len(moves(book)) == 1
    heard = looked_up(book, MoveFound.ABSENT)
    assert [one.status for one in of_type(heard, RecordMove)] == ["absent"]
    assert book.is_up(AlertKind.MOVE_UNPROVEN)
    # A new need is a new move with an id of its own, after the cool-down.
    read(book, "20000")
    look(book, 8_000.0, seconds=601.0)
    read(book, "20000")
    look(book, 8_000.0)
    sent = of_type(book.heard, MoveCollateral)
    assert len({one.move.transfer_id for one in sent}) == len(sent)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (MoveFound.SUCCESS, MoveStatus.DONE),
        (MoveFound.FAILED, MoveStatus.REFUSED),
        (MoveFound.PENDING, MoveStatus.UNKNOWN),
    ],
)
def test_what_the_venues_list_says_is_proof(found: MoveFound, status: MoveStatus) -> None:
    book = book_with()
    look(book, 8_000.0)
    answer(book, MoveOutcome.UNKNOWN, "131214")
    looked_up(book, found)
    assert moves(book)[0].status is status


def test_an_unproven_move_is_told_and_after_three_failures_nothing_moves_by_itself() -> None:
    book = book_with(cool_down_s=0.0)
    look(book, 8_000.0)
    for _ in range(5):
        read(book, "20000")
        look(book, 8_000.0, seconds=10.0)
        book.agree()
    assert book.is_up(AlertKind.MOVE_UNPROVEN)
    answer(book, MoveOutcome.REFUSED, "131212")
    for _ in range(4):
        read(book, "20000")
        look(book, 8_000.0)
        if moves(book)[-1].status.is_moving:
            answer(book, MoveOutcome.REFUSED, "131212")
    assert sum(one.status is MoveStatus.REFUSED for one in moves(book)) == 3
    assert moves(book)[-1].status is MoveStatus.PROPOSED
    decide(book, moves(book)[-1].number)
    answer(book)
    assert book.state.treasury.of(ACCOUNT).failures == 0


def test_a_move_and_a_proposal_outlive_a_restart_and_a_snapshot() -> None:
    book = book_with()
    look(book, 8_000.0)
    sent = moves(book)[0]
    book.engine = Engine(STRATEGY.build, decode_state(encode_state(book.state)))
    heard = book.start(epoch=2)
    assert moves(book)[0].status is MoveStatus.UNKNOWN
    assert of_type(heard, MoveCollateral) == []
    (query,) = of_type(book.tick(), QueryMove)
    assert query.transfer_id == sent.transfer_id


def test_a_move_that_only_the_journal_knows_is_looked_up() -> None:
    book = book_with()
    look(book, 8_000.0)
    (sent,) = of_type(book.heard, MoveCollateral)
    fresh = Playbook(book.settings)
    fresh.send(ev.RunStarted(run_id="r", epoch=3, settings=book.settings, version="test", restored_moves=(sent.move,)))
    assert [(one.number, one.status, one.qty) for one in moves(fresh)] == [(1, MoveStatus.UNKNOWN, Decimal(3_000))]
    assert fresh.state.treasury.next_number == 2
    assert of_type(fresh.tick(), QueryMove)[0].transfer_id == sent.move.transfer_id


@pytest.mark.parametrize(("resolution", "status"), [(ADOPT, MoveStatus.DONE), (FORGET, MoveStatus.FORGOTTEN)])
def test_a_lost_move_is_ended_by_a_word_with_evidence(resolution: Resolution, status: MoveStatus) -> None:
    book = lost()
    assert book.is_up(AlertKind.MOVE_UNPROVEN)
    word = MoveResolved(operator="eve", reason="ticket 42", number=1, resolution=resolution)
    heard = book.send(word)
    assert of_type(heard, RecordOperator)[0].accepted
    assert (moves(book)[0].status, moves(book)[0].note) == (status, f"{resolution} by eve: ticket 42")
    (adjusted,) = of_type(heard, RecordAdjustment)
    assert (adjusted.subject, adjusted.before, adjusted.after) == ("move 1", "unknown", status.value)
    assert adjusted.evidence == f"{resolution} by eve: ticket 42"
    assert [one.status for one in of_type(heard, RecordMove)] == [status.value]
    # As with an order, the venue is asked before anything is sent.
    assert not account_of(book).reconciled
    book.snapshot(positions=[held(book, "-10")])
    assert account_of(book).reconciled
    assert of_type(book.tick(after_ms=60_000.0), QueryMove) == []
    # Said twice it is refused.
    assert not resolve(book, resolution).accepted


def test_a_word_without_evidence_before_the_deadline_or_about_another_move_is_refused() -> None:
    book = book_with(move_max_qty=Decimal(0))
    look(book, 8_000.0)
    assert resolve(book, ADOPT).explanation == "move 1 is proposed; without a proven end: none"
    decide(book, 1)
    assert "wait until its deadline has passed" in resolve(book, FORGET).explanation
    look(book, 8_000.0, seconds=20.0)
    assert "it needs evidence" in resolve(book, ADOPT, evidence="").explanation
    assert resolve(book, ADOPT, number=7).explanation == "there is no move 7; without a proven end: 1"
    assert moves(book)[0].status is MoveStatus.UNKNOWN
    answer(book)
    assert resolve(book, FORGET).explanation == "move 1 is done; without a proven end: none"


def test_after_a_forgotten_move_nothing_moves_by_itself_until_an_approved_one_succeeds() -> None:
    book = lost(cool_down_s=0.0)
    assert resolve(book, FORGET).accepted
    book.tick(after_ms=1_001)
    book.snapshot(positions=[held(book, "-10")])
    read(book, "20000")
    assert of_type(look(book, 8_000.0, seconds=5.0), MoveCollateral) == []
    assert moves(book)[-1].status is MoveStatus.PROPOSED
    assert book.is_up(AlertKind.MOVE_UNPROVEN)
    plan = book.state.treasury.of(ACCOUNT).plan
    assert plan is not None
    assert plan.waits == "the last moves failed or one was forgotten, until an approved one succeeds"
    # Were the word wrong, the coins went today: they still count for the day.
    assert book.state.treasury.moved_by_itself(ACCOUNT, book.at_ns) == Decimal(3_000)
    decide(book, moves(book)[-1].number)
    answer(book)
    assert not book.is_up(AlertKind.MOVE_UNPROVEN)
    assert book.state.treasury.of(ACCOUNT).failures == 0


def lost_beside_a_proposal() -> Playbook:
    """Move 1 is there, proposal 2 waits since the cool-down, move 3 went by itself later: nobody can look it up."""
    book = book_with("20000", cool_down_s=10.0)
    look(book, 8_000.0)
    answer(book)
    read(book, "17000")
    look(book, 8_000.0, seconds=5.0)
    look(book, 8_000.0, seconds=8.0)
    answer(book, MoveOutcome.UNKNOWN, "local:timeout")
    look(book, 8_000.0, seconds=40.0)
    looked_up(book, MoveFound.UNREADABLE)
    assert [one.status for one in moves(book)] == [MoveStatus.DONE, MoveStatus.PROPOSED, MoveStatus.UNKNOWN]
    return book


@pytest.mark.parametrize("resolution", [ADOPT, FORGET])
def test_after_a_word_no_approval_moves_anything_until_the_venue_was_asked(resolution: Resolution) -> None:
    book = lost_beside_a_proposal()
    sent = len(of_type(book.heard, MoveCollateral))
    assert resolve(book, resolution, number=3).accepted
    # It was planned before: the venue is asked first, and what is needed then is proposed anew.
    said = of_type(decide(book, 2), RecordOperator)[0]
    assert (said.accepted, said.explanation) == (False, "2 is withdrawn; waiting: none")
    assert moves(book)[1].note == "a word about move 3 came after it"
    look(book, 8_000.0, seconds=3.0)
    assert len(moves(book)) == 3
    book.snapshot(positions=[held(book, "-10")])
    look(book, 8_000.0, seconds=3.0)
    assert len(moves(book)) == 3
    read(book, "17000")
    look(book, 8_000.0, seconds=3.0)
    assert len(moves(book)) == 4
    # What arrived by a word is nothing that failed: the next one goes by itself again. What was forgotten holds it up.
    if resolution is FORGET:
        assert len(of_type(book.heard, MoveCollateral)) == sent
        assert of_type(decide(book, 4), RecordOperator)[0].accepted
    assert len(of_type(book.heard, MoveCollateral)) == sent + 1


def test_what_was_forgotten_or_taken_for_absent_may_still_be_adopted_and_proof_beats_a_word() -> None:
    book = lost()
    resolve(book, FORGET)
    assert resolve(book, ADOPT).accepted
    assert moves(book)[0].status is MoveStatus.DONE
    # Adopting takes the latch of forgetting not off: no move was proven.
    assert book.state.treasury.of(ACCOUNT).failures > 0
    other = lost()
    resolve(other, FORGET)
    looked_up(other, MoveFound.SUCCESS)
    assert moves(other)[0].status is MoveStatus.DONE


def test_a_kill_is_not_lifted_over_a_move_without_a_proven_end() -> None:
    book = lost()
    book.send(ev.OperatorKilled(operator="ann", reason="odd"))
    said = of_type(book.send(ev.OperatorUnkilled(operator="ann", reason="over")), RecordOperator)[0]
    assert f"move 1 to {ACCOUNT} is unknown: wait for its end, or `hedgebot treasury adopt` or `forget` it" in (
        said.explanation
    )
    resolve(book, ADOPT)
    said = of_type(book.send(ev.OperatorUnkilled(operator="ann", reason="over")), RecordOperator)[0]
    assert "move 1" not in said.explanation
    assert book.mode() is Mode.HALTED  # the margin is still thin: the rest of the checklist holds


def test_an_adopted_move_is_counted_once_on_the_day_it_was_sent() -> None:
    book = lost()
    account = account_of(book)
    start = account.day_equity_usd
    assert start is not None
    resolve(book, ADOPT)
    look(book, 12_500.0, seconds=5.0)
    assert account.day_equity_usd == start + 3_000


def test_a_day_that_began_with_the_move_inside_is_not_lifted_by_it_again() -> None:
    book = lost()
    account = account_of(book)
    book.at_ns += NS_PER_DAY
    report(book, 11_000.0)
    book.tick()
    start, mark = account.day_equity_usd, book.state.risk.marks[-1]
    assert start == Decimal(11_000)
    resolve(book, ADOPT)
    book.tick(after_ms=2_500)
    report(book, 11_000.0)
    assert moves(book)[0].counted
    assert (account.day_equity_usd, book.state.risk.marks[-1]) == (start, mark)


def test_a_high_that_was_noted_while_nobody_knew_is_not_lifted_twice() -> None:
    book = lost()
    before = book.state.risk.marks[-1].equity_usd
    look(book, 8_000.0, seconds=60.0)  # after a minute equity counts again, with the move inside
    report(book, before + 3_000.0)
    book.tick()
    assert book.state.risk.marks[-1].equity_usd == before + 3_000.0
    resolve(book, ADOPT)
    book.tick(after_ms=2_500)
    report(book, before + 3_000.0)
    assert moves(book)[0].counted
    assert book.state.risk.marks[-1].equity_usd == before + 3_000.0


def test_a_word_outlives_a_restart_and_replays_to_the_same() -> None:
    book = lost()
    resolve(book, FORGET)
    again = Engine(STRATEGY.build)
    commands: list[Command] = [one for stamped in book.log for one in again.step(stamped)]
    assert of_type(commands, RecordMove) == of_type(book.heard, RecordMove)
    book.engine = Engine(STRATEGY.build, decode_state(encode_state(book.state)))
    book.start(epoch=2)
    assert moves(book)[0].status is MoveStatus.FORGOTTEN
