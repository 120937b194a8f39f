"""What becomes of a difference of cash: a lost book, a stream, an old one, an operator's word."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import cash
from hedgebot.core.cash_state import CoinCash
from hedgebot.core.engine import Engine
from hedgebot.core.state import decode_state, encode_state
from hedgebot.core.step import Step
from hedgebot.core.unkill import checklist, to_review
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import RaiseAlert, RecordAdjustment
from hedgebot.domain.instrument import Side
from hedgebot.domain.kill import KillAction, KillScope
from strategies.delta_neutral import STRATEGY
from tests.support.playbook import ACCOUNT, BTC_PERP, BTC_USDC, MS, Playbook, of_type
from tests.unit.core.test_cash import OPENED, SUBJECT, coin, read, told


@pytest.fixture
def book() -> Playbook:
    made = Playbook()
    made.ready()
    return made


def lose(book: Playbook) -> None:
    """An execution that comes after a later one: what was realised is not known any more."""
    early = book.fill(Side.BUY, "0.1", BTC_PERP, price=Decimal(90_000))
    book.at_ns += 10 * MS
    book.send(book.fill(Side.BUY, "0.1", BTC_PERP, price=Decimal(90_000)))
    book.send(early)
    assert not coin(book).opened_ns


def accept(book: Playbook) -> list[RecordAdjustment]:
    step = Step(book.state, seq=book.seq, at_ns=book.at_ns)
    cash.accept(step, book.state.accounts[ACCOUNT], "ann")
    return of_type(step.commands, RecordAdjustment)


def unmet_of_cash(book: Playbook) -> list[str]:
    """What the checklist of an unkill has against the cash."""
    killed = ev.OperatorKilled(operator="ann", reason="x", scope=KillScope.ALL, name="", action=KillAction.FREEZE)
    book.send(killed)
    latch = book.state.latches[KillScope.ALL]
    reviewed = tuple(name for name, _ in to_review(book.state, latch))
    word = ev.OperatorUnkilled(operator="ann", reason="looked", reviewed=reviewed)
    return [one for one in checklist(book.state, word, latch, book.at_ns) if "cash" in one]


def restore(book: Playbook, state: bytes) -> None:
    """Go on from a snapshot of the state."""
    book.engine = Engine(STRATEGY.build, decode_state(state))


def words(book: Playbook) -> str:
    return book.state.alerts[f"{AlertKind.RECON_BREAK}|{SUBJECT}"].summary


def test_a_told_difference_stays_with_its_amount_where_the_coin_is_opened_anew(book: Playbook) -> None:
    read(book, OPENED - 100)
    read(book, OPENED - 100)
    lose(book)
    heard = read(book, OPENED + 7_000, entry="90000")
    (row,) = [one for one in of_type(heard, RecordAdjustment) if one.subject == "USDT cash"]
    assert Decimal(row.after) == OPENED + 7_100
    assert "the -100 that were told stay missing" in row.evidence
    assert coin(book).opened_ns
    assert told(book)
    # It ends by itself when the money is back, as any other does.
    read(book, OPENED + 7_100, entry="90000")
    assert not told(book)


def test_what_goes_after_a_told_difference_is_told_also_where_the_book_was_lost(book: Playbook) -> None:
    read(book, OPENED - 100)
    read(book, OPENED - 100)
    read(book, OPENED - 300)
    lose(book)
    for _ in range(3):
        read(book, OPENED - 300, entry="90000")
    assert "(-100)" in words(book)
    read(book, OPENED - 50_300, entry="90000")
    read(book, OPENED - 50_300, entry="90000")
    assert "(-50100)" in words(book)


def test_an_operators_word_ends_a_told_difference_of_a_lost_book_also_over_a_restart(book: Playbook) -> None:
    read(book, OPENED - 100)
    read(book, OPENED - 100)
    read(book, OPENED - 300)
    lose(book)
    assert unmet_of_cash(book) == []
    read(book, OPENED - 300, entry="90000")
    restore(book, encode_state(book.state))
    assert unmet_of_cash(book) == []
    (row,) = accept(book)
    assert (Decimal(row.before), Decimal(row.after)) == (OPENED - 200, OPENED - 300)
    read(book, OPENED - 300, entry="90000")
    assert coin(book).difference is None


def test_a_told_difference_of_contracts_that_pay_by_the_session_can_be_accepted(book: Playbook) -> None:
    """A coin that is not compared meanwhile keeps what was told of it, and stands against no unkill."""
    account = book.state.accounts[ACCOUNT]
    account.cash["USDC"] = CoinCash(qty=Decimal(100), opened_ns=1, equal_ns=book.at_ns)
    read(book, OPENED, USDC="50")
    read(book, OPENED, USDC="50")
    book.send(book.fill(Side.BUY, "0.4", BTC_USDC, fee="1", fee_coin="USDC"))
    read(book, OPENED, USDC="30")
    assert coin(book, "USDC").opened_ns == 0
    assert unmet_of_cash(book) == []
    (row,) = accept(book)
    assert Decimal(row.after) - Decimal(row.before) == -50
    assert cash.told(account) == {}


def test_a_difference_that_was_told_before_amounts_were_kept_is_accepted_as_it_was_seen(book: Playbook) -> None:
    read(book, OPENED - 100)
    read(book, OPENED - 100)
    plain = msgspec.msgpack.decode(encode_state(book.state))
    for field in ("told_gap", "allowed"):
        del plain["accounts"][ACCOUNT]["cash"]["USDT"]["difference"][field]
    del plain["accounts"][ACCOUNT]["cash"]["USDT"]["debt"]
    restore(book, msgspec.msgpack.encode(plain))
    (row,) = accept(book)
    assert Decimal(row.after) == OPENED - 100


@pytest.mark.parametrize("hours", [90])
def test_the_allowance_that_grows_does_not_swallow_what_was_seen(book: Playbook, hours: int) -> None:
    read(book, OPENED - 900)
    read(book, OPENED - 900)
    for _ in range(hours):
        read(book, OPENED - 900, after_s=3_600.0)
    assert told(book)
    assert coin(book).qty == OPENED
    read(book, OPENED - 9)
    assert not told(book)


def test_what_was_seen_is_not_swallowed_by_a_balance_that_grows(book: Playbook) -> None:
    read(book, OPENED - 30)
    coin(book).qty += 9_000_000
    read(book, OPENED + 9_000_000 - 30)
    assert told(book)


def test_a_stream_is_told_at_its_third_reading_and_anew_when_it_has_doubled(book: Playbook) -> None:
    told_at = []
    for number in range(1, 13):
        heard = [one for one in of_type(read(book, OPENED - 1_000 * number), RaiseAlert) if one.subject == SUBJECT]
        told_at += [number for _ in heard]
    assert told_at == [3, 6, 12]


@pytest.mark.parametrize(
    ("gone", "is_told"),
    [
        ((1_000, 2_000), False),
        ((1_000, 900, 800, 700), False),
        ((100, 900, 300, 800, 200), False),
        ((700, -700, 800, -800), False),
        ((1_000, 2_000, -3_000), False),
        # What is allowed anyway is not taken for a part that came back.
        ((1_000, 2_000, 1_999), True),
        ((1_000, 900, 900), True),
        ((-500, -600, -700), True),
    ],
)
def test_readings_that_shrink_back_or_turn_are_other_differences(
    book: Playbook, gone: tuple[int, ...], is_told: bool
) -> None:
    for one in gone:
        read(book, OPENED - one)
    assert told(book) is is_told


def test_what_comes_the_other_way_after_a_told_difference_is_told(book: Playbook) -> None:
    for gap in (-1_000, -1_000, 300, 400, 500):
        read(book, OPENED + gap)
    assert "(+500)" in words(book)


def test_what_is_allowed_beside_a_told_difference_is_not_told_anew_until_it_adds_up(book: Playbook) -> None:
    read(book, OPENED - 1_000)
    read(book, OPENED - 1_000)
    told_at = []
    for more in (5, 5, 9, 9, 12, 12, 12):
        heard = [one for one in of_type(read(book, OPENED - 1_000 - more), RaiseAlert) if one.subject == SUBJECT]
        told_at += [more for _ in heard]
    assert told_at == [12]


def test_an_accept_takes_what_was_told_and_the_rest_is_told_next(book: Playbook) -> None:
    for number in range(1, 6):
        read(book, OPENED - 1_000 * number)
    assert "(-3000)" in words(book)
    assert unmet_of_cash(book) == []
    (row,) = accept(book)
    assert Decimal(row.after) == OPENED - 3_000
    assert not told(book)
    read(book, OPENED - 5_000)
    read(book, OPENED - 5_000)
    assert "(-2000)" in words(book)


@pytest.mark.parametrize(("back", "taken"), [(-400, -400), (300, None)])
def test_an_accept_never_takes_more_than_is_gone(book: Playbook, back: int, taken: int | None) -> None:
    read(book, OPENED - 1_000)
    read(book, OPENED - 1_000)
    read(book, OPENED + back)
    assert [Decimal(one.after) - OPENED for one in accept(book)] == ([] if taken is None else [taken])
    assert not told(book)
