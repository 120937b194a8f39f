"""Distance to liquidation: closed forms for linear books in both modes and directions, options, and the dead."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import margin_distance, margin_gate
from hedgebot.core.ledger import set_position
from hedgebot.core.margin_state import Distance
from hedgebot.domain.settings import MarginMode
from tests.support.margins import account_of, held, margined, model_of, report
from tests.support.playbook import ACCOUNT, BTC_CALL, Playbook


def _book(contracts: str, mode: MarginMode = MarginMode.CROSS) -> Playbook:
    book = Playbook(margined(mode, hedges=False))
    book.ready(positions=[held(book, contracts)])
    return book


def _distance(book: Playbook) -> Distance | None:
    account, model = account_of(book), model_of(book)
    now = margin_gate.standing(book.state, account, model, model.now, book.at_ns)
    assert now is not None
    return margin_distance.nearest(book.state, account, model, now, book.at_ns)


def test_a_long_dies_below_and_a_short_above() -> None:
    for contracts, move in (("5", -0.095 / 0.995), ("-5", 0.095 / 1.005)):
        book = _book(contracts)
        report(book, 50_000.0)
        found = _distance(book)
        assert found is not None
        assert found.underlying == "BTC"
        assert found.move == pytest.approx(move, abs=2e-4)
        assert abs(found.move) >= abs(move)


def test_coins_behind_a_short_perpetual_take_the_price_away() -> None:
    book = _book("-5")
    report(book, 90_000.0, coins={"BTC": "0.9", "USDT": "0"})
    hedged = _distance(book)
    report(book, 90_000.0, coins={"BTC": "0", "USDT": "90000"})
    alone = _distance(book)
    assert alone is not None
    assert hedged is not None
    assert alone.move == pytest.approx(0.175 / 1.005, abs=2e-4)
    # Nine tenths of a coin, at its haircut, gain on the way up what they are worth.
    assert hedged.move > 1.15 * alone.move


def test_portfolio_margin_of_a_perpetual_leaves_less_room() -> None:
    book = _book("-5", MarginMode.PORTFOLIO)
    report(book, 60_000.0)
    found = _distance(book)
    assert found is not None
    # 60,000 - 500,000 m = 500,000 * (1 + m) * (0.1 + 0.0003)
    assert found.move == pytest.approx((60_000 - 50_150) / (500_000 * 1.1003), abs=2e-4)


def test_short_options_are_revalued_at_each_move() -> None:
    book = _book("0", MarginMode.PORTFOLIO)
    book.send(book.option())
    set_position(book.state, ACCOUNT, BTC_CALL, Decimal(-5), Decimal(6_000), book.at_ns)
    report(book, 60_000.0)
    found = _distance(book)
    assert found is not None
    assert 0.0 < found.move < 0.40


def test_an_account_that_is_dead_already_is_at_no_distance() -> None:
    book = _book("-5")
    report(book, 1_000.0)
    found = _distance(book)
    assert found is not None
    assert found.move == 0.0


def test_a_rich_account_is_nowhere_near() -> None:
    book = _book("-0.1")
    report(book, 1_000_000.0)
    assert _distance(book) is None


def test_a_token_behind_a_short_perpetual_moves_with_what_it_stands_for() -> None:
    """Named, nine tenths of a coin take the price away like the coin; nobody's coin, they stand still."""
    found = {}
    for tokens in ({}, {"WBTC": Decimal("0.9")}):
        made = margined(hedges=False)
        named = msgspec.structs.replace(made.underlyings[0], tokens=tokens)
        book = Playbook(msgspec.structs.replace(made, underlyings=(named,)))
        book.ready(positions=[held(book, "-5")])
        report(book, 90_000.0, coins={"WBTC": "1", "USDT": "0"}, prices={"WBTC": 90_000.0})
        found[bool(tokens)] = _distance(book)
    alone, moved = found[False], found[True]
    assert alone is not None
    assert moved is not None
    assert moved.move > 1.1 * alone.move
    assert alone.underlying == moved.underlying == "BTC"
