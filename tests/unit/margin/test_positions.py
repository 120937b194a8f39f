"""A risk book as margin models read it, and what a move does to it."""

import numpy as np
import pytest

from hedgebot.domain.riskbook import LegKind, LinearLeg
from hedgebot.margin.positions import CoinBook, Line, after_move, books_of, groups_of, moved
from tests.support.riskbooks import book, coins, option


def test_legs_become_lines_options_and_coins_owned() -> None:
    short = LinearLeg(
        account="main",
        underlying="BTC",
        instrument="f",
        kind=LegKind.FUTURE,
        coins=-0.9,
        nominal_coins=1.0,
        price_usd=99.0,
    )
    one = book(
        coins("BTC", 2.0, kind=LegKind.COINS),
        short,
        option("BTC", -3.0, price=100.0, strike=120.0),
        prices={"BTC": 100.0},
    )
    found = books_of(one)["BTC"]
    assert (found.owned_coins, found.option_names) == (2.0, ("x:option:BTC-120-C",))
    assert [(line.coins, line.price_usd) for line in found.lines] == [(-1.0, 99.0)]
    assert found.options.qty.tolist() == [-3.0]
    assert books_of(one, lambda leg: leg is not short)["BTC"].lines == ()


def gained(one: CoinBook, move: float) -> float:
    return after_move({"BTC": one}, ("BTC",), move)[1]


def test_each_underlying_moves_alone_and_several_also_together() -> None:
    assert groups_of(()) == []
    assert groups_of(("BTC",)) == [("BTC",)]
    assert groups_of(("BTC", "ETH")) == [("BTC",), ("ETH",), ("BTC", "ETH")]


def test_what_is_not_in_the_group_stays() -> None:
    books = {name: CoinBook(100.0, (Line(name, 1.0, 100.0),), owned_coins=2.0) for name in ("BTC", "ETH")}
    after, usd = after_move(books, ("ETH",), -0.1)
    assert after["BTC"] is books["BTC"]
    assert after["ETH"].index_usd == pytest.approx(90.0)
    assert usd == pytest.approx(-30.0)


@pytest.mark.parametrize("move", [-0.3, 0.2])
def test_an_inverse_contract_gains_in_usd_what_a_linear_one_does(move: float) -> None:
    linear, inverse = (CoinBook(50_000.0, (Line("x", 2.0, 50_000.0, is_inverse=one),)) for one in (False, True))
    assert gained(inverse, move) == pytest.approx(gained(linear, move)) == pytest.approx(100_000.0 * move)
    assert moved(linear, move).lines[0].coins == 2.0
    assert moved(inverse, move).lines[0].value_usd == pytest.approx(100_000.0)


def test_a_move_reprices_options_from_the_value_now() -> None:
    one = books_of(book(option("BTC", 1.0, price=100_000.0, strike=100_000.0)))["BTC"]
    up, down = gained(one, 0.1), gained(one, -0.1)
    assert up > 0.0 > down
    assert up + down > 0.0  # a long option is convex
    assert one.delta_coins == pytest.approx(0.53, abs=0.03)
    assert np.all(moved(one, 0.1).options.base > one.options.base)


def test_what_is_flat_needs_no_margin() -> None:
    assert books_of(book(coins("BTC", 1.0, kind=LegKind.COINS)))["BTC"].is_empty
    assert not books_of(book(coins("BTC", 1.0)))["BTC"].is_empty
