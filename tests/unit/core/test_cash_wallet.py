"""What a wallet says beside its balances: what is owed, and when it was read."""

from decimal import Decimal

import pytest

from hedgebot.core import cash
from hedgebot.core.step import Step
from tests.support.playbook import ACCOUNT, BTC_PERP, Playbook
from tests.unit.core.test_cash import OPENED, coin, read, told


@pytest.fixture
def book() -> Playbook:
    made = Playbook()
    made.ready()
    return made


def test_the_interest_of_a_debt_that_an_unrealised_loss_makes_is_no_difference(book: Playbook) -> None:
    """A wallet of -500 and 120,000 of unrealised loss: 1.32 an hour on what is owed in all."""
    book.state.accounts[ACCOUNT].cash.clear()
    wallet = Decimal(-500)
    read(book, wallet, debt="120500")
    for _ in range(30):
        wallet -= Decimal("1.32325444")
        read(book, wallet, after_s=3_585.0, debt="120500")
        assert coin(book).difference is None
        read(book, wallet, debt="120500")


def test_the_largest_debt_since_the_coin_was_equal_counts_and_no_longer(book: Playbook) -> None:
    book.state.accounts[ACCOUNT].cash.clear()
    read(book, "-500", debt="500")
    read(book, "-500", debt="120500")
    read(book, "-500")
    assert coin(book).debt == 120_500
    read(book, "-501.3")
    assert coin(book).difference is None
    read(book, "-501.3", after_s=86_400.0)
    assert coin(book).qty == Decimal("-501.3")
    assert coin(book).debt == 0


def test_a_wallet_of_tomorrow_is_not_compared_and_blinds_nothing(book: Playbook) -> None:
    read(book, OPENED, ahead_s=30 * 86_400.0)
    read(book, OPENED - 700)
    read(book, OPENED - 700)
    assert told(book)
    # Nor does it open a coin.
    cash.forget_position(Step(book.state, seq=book.seq, at_ns=book.at_ns), book.state.accounts[ACCOUNT], BTC_PERP)
    read(book, OPENED, entry="90000", ahead_s=30 * 86_400.0)
    assert not coin(book).opened_ns
