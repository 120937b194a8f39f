"""Coins of a wallet that nobody named are told by their account; dust, cash and what is accepted are not."""

from decimal import Decimal

import msgspec

from hedgebot.core.unnamed import describe, sentences
from hedgebot.core.view import book_view
from tests.support.margins import account_of, report
from tests.support.playbook import ACCOUNT, Playbook, settings


def _said(prices: dict[str, float], *accepted: str, **coins: str) -> tuple[str, ...]:
    made = settings()
    accounts = (msgspec.structs.replace(made.accounts[0], no_exposure=accepted),)
    book = Playbook(msgspec.structs.replace(made, accounts=accounts))
    book.ready()
    report(book, 1_000_000.0, maintenance=10.0, initial=20.0, coins=coins, prices=prices)
    shown = book_view(book.state, book.at_ns).accounts[0].unnamed
    assert shown == describe(book.state, account_of(book))
    return shown


def test_a_coin_that_nobody_named_is_told_with_what_to_do() -> None:
    (said,) = _said({"METH": 3_200.0}, METH="12.3", BTC="1", USDT="5", USDC="7")
    assert said.startswith("METH on main: 12.3 are no exposure; name it in `tokens` of the underlying")
    assert "`no_exposure` of the account" in said


def test_dust_what_is_accepted_and_nothing_are_not_told() -> None:
    assert _said({"METH": 3_200.0, "MNT": 1.0}, "MNT", METH="0.003", MNT="5000", ETH="0") == ()


def test_a_coin_without_a_price_may_be_worth_anything_and_a_debt_is_told() -> None:
    assert len(_said({"SOL": 150.0}, XYZ="0.0001", SOL="-2")) == 2


def test_an_account_without_a_wallet_has_nothing_to_say() -> None:
    assert describe(Playbook().state, account_of(Playbook())) == ()


def test_what_a_hedge_settles_in_is_cash() -> None:
    assert sentences(ACCOUNT, {"USDE": Decimal(5)}, {"USDE": 1.0}, ("BTC",)) == ()
    assert len(sentences(ACCOUNT, {"USDE": Decimal(500)}, {"USDE": 1.0}, ("BTC",))) == 1
    assert sentences(ACCOUNT, {"USDE": Decimal(500)}, {"USDE": 1.0}, ("BTC", "USDE")) == ()
