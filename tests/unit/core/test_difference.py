"""What differs between a snapshot and the ledger: roundings are taken over, their sum of a day is not."""

from decimal import Decimal

import pytest

from hedgebot.core import difference
from hedgebot.core.step import Step
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command, RecordAdjustment
from hedgebot.domain.durations import NS_PER_DAY
from hedgebot.domain.instrument import Side
from tests.support.playbook import ACCOUNT, BTC_PERP, BTC_USDC, MS, Playbook, of_type


def qty(book: Playbook) -> Decimal:
    return book.state.coins[f"{ACCOUNT}|BTC"].qty


def compared(book: Playbook, btc: str, after_ms: float = 10.0) -> tuple[Command, ...]:
    """The venue is asked a moment after what was booked last."""
    book.tick(after_ms)
    return book.snapshot(btc=btc)


def test_less_than_a_lot_is_taken_over_with_its_evidence() -> None:
    book = Playbook()
    book.ready(btc="0.04")
    (said,) = of_type(compared(book, "0.0395"), RecordAdjustment)
    assert (said.before, said.after) == ("0.04", "0.0395")
    assert "less than one lot" in said.evidence
    assert qty(book) == Decimal("0.0395")
    assert not book.is_up(AlertKind.RECON_BREAK)


def test_roundings_of_one_day_that_come_to_a_lot_are_a_difference() -> None:
    """Nine tenths of a lot at each snapshot would be thousands of them a day, each without a word."""
    book = Playbook()
    book.ready(btc="0.04")
    compared(book, "0.0391")
    compared(book, "0.0382")
    assert book.is_up(AlertKind.RECON_BREAK)
    assert not book.state.accounts[ACCOUNT].reconciled
    assert qty(book) == Decimal("0.0391")


def test_what_an_account_opens_with_is_no_rounding() -> None:
    """Dust that was there all along takes nothing of what the day's roundings may come to."""
    book = Playbook()
    book.ready(btc="0.0009")
    opening = [one for one in of_type(book.heard, RecordAdjustment) if one.subject == "BTC"]
    assert [one.evidence.partition(",")[0] for one in opening] == ["opening position"]
    compared(book, "0.0013")
    assert not book.is_up(AlertKind.RECON_BREAK)
    assert qty(book) == Decimal("0.0013")


def test_roundings_go_to_and_fro_and_begin_anew_with_each_day() -> None:
    book = Playbook()
    book.at_ns += NS_PER_DAY - book.at_ns % NS_PER_DAY - 1_000 * MS
    book.ready(btc="0.04")
    for btc in ("0.0391", "0.04", "0.0391", "0.04", "0.0394"):
        compared(book, btc)
    compared(book, "0.0388", after_ms=1_000)
    assert not book.is_up(AlertKind.RECON_BREAK)
    assert qty(book) == Decimal("0.0388")


@pytest.mark.parametrize(
    ("wild", "thin", "held", "words"),
    [
        (True, False, "0.4", "the market is wild: auto-deleveraging or liquidation suspected"),
        (False, True, "0.4", "its margin is low: liquidation suspected"),
        (False, False, "0.4", ""),
        (True, True, "1.4", ""),
    ],
)
def test_a_position_that_shrank_in_a_stressed_market_is_suspected_to_be_closed_by_force(
    wild: bool, thin: bool, held: str, words: str
) -> None:
    book = Playbook()
    book.ready([book.position("1")])
    account = book.state.accounts[ACCOUNT]
    account.margin.high_vol = wild
    wallet = book.wallet(maintenance="600000" if thin else "10000")
    book.send(ev.WalletUpdated(report=wallet, source=ev.Source.STREAM))
    book.tick()
    account.margin.high_vol = wild
    book.snapshot([book.position(held)], wallet=wallet)
    told = next(one for one in book.state.alerts.values() if one.kind is AlertKind.RECON_BREAK)
    assert told.summary.endswith(f"; {words}" if words else "no execution explains it")
    assert not book.state.underlyings["BTC"].forced, "one snapshot is a guess"
    account.margin.high_vol = wild
    book.snapshot([book.position(held)], wallet=wallet)
    assert (BTC_PERP in book.state.underlyings["BTC"].forced) is bool(words)
    step = Step(book.state, seq=0, at_ns=book.at_ns)
    difference.accept_differences(step, account, "ann")
    (row,) = of_type(tuple(step.commands), RecordAdjustment)
    assert row.evidence == "accepted by ann at unkill" + (f"; {words}" if words else "")


@pytest.mark.parametrize("listed", [True, False])
def test_what_the_venue_repeats_is_a_difference_with_its_number(listed: bool) -> None:
    book = Playbook()
    book.ready([book.position("1", BTC_USDC)])
    held = [book.position("0.4", BTC_USDC)] if listed else []
    book.snapshot(held)
    book.snapshot(held)
    (seen,) = book.state.accounts[ACCOUNT].mismatches.values()
    assert (seen.ledger_value, seen.venue_value, seen.count) == (Decimal(1), Decimal("0.4" if listed else 0), 2)


def test_an_operator_takes_over_the_difference_and_not_an_old_number() -> None:
    book = Playbook()
    book.ready([book.position("1", BTC_USDC)])
    book.snapshot([book.position("0.4", BTC_USDC)])
    # A fill that came since is in the ledger already, and in what the venue says next.
    book.send(book.fill(Side.BUY, "0.1", BTC_USDC))
    step = Step(book.state, seq=1, at_ns=book.at_ns)
    difference.accept_differences(step, book.state.accounts[ACCOUNT], "ada")
    (said,) = of_type(step.commands, RecordAdjustment)
    assert (said.before, said.after) == ("1.1", "0.5")
    assert "ada" in said.evidence
    assert not book.state.accounts[ACCOUNT].mismatches
