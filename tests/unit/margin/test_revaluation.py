"""Full revaluation against one option at a time, and against closed forms of linear legs."""

import numpy as np
import pytest

from hedgebot.domain.riskbook import LegKind
from hedgebot.margin.revaluation import Columns
from hedgebot.pricing.black76 import greeks, price
from tests.support.riskbooks import book, coins, option

MOVES, SHOCKS = np.array([-0.4, -0.1, 0.0, 0.2]), np.array([0.5, 0.0, 0.0, -0.3])


def test_a_linear_leg_earns_its_coins_times_the_move() -> None:
    (pocket,) = Columns.of(book(coins("BTC", 2.0), coins("BTC", -0.5, kind=LegKind.COINS))).pockets
    assert pocket.profits(MOVES, SHOCKS) == pytest.approx(1.5 * 100_000.0 * MOVES)
    assert (pocket.derivative_coins, pocket.perp_coins) == (2.0, 2.0)
    assert pocket.deltas(MOVES, SHOCKS) == pytest.approx(np.full(4, 1.5))


def test_options_are_worth_what_the_pricer_says_one_by_one() -> None:
    legs = (
        option("BTC", -3.0, price=101_000.0, strike=120_000.0),
        option("BTC", 2.0, price=99_000.0, strike=80_000.0, call=False),
    )
    (pocket,) = Columns.of(book(*legs)).pockets
    for number, (move, shock) in enumerate(zip(MOVES, SHOCKS, strict=True)):
        expected = delta = 0.0
        for leg in legs:
            years, right = np.array([30 / 365]), np.array([leg.is_call])
            args = np.array([leg.strike]), years
            before = price(np.array([leg.forward]), *args, np.array([leg.vol]), right)[0]
            then = np.array([leg.forward * (1 + move)]), *args, np.array([leg.vol * (1 + shock)]), right
            expected += leg.coins * (price(*then)[0] - before)
            delta += leg.coins * greeks(*then).delta[0]
        assert pocket.profits(MOVES, SHOCKS)[number] == pytest.approx(expected, rel=1e-12)
        assert pocket.deltas(MOVES, SHOCKS)[number] == pytest.approx(delta, rel=1e-12)


def test_a_price_never_falls_below_nothing() -> None:
    (pocket,) = Columns.of(book(option("BTC", 1.0, price=100_000.0, strike=100_000.0))).pockets
    assert np.isfinite(pocket.profits(np.array([-1.5]), np.zeros(1))).all()


def test_accounts_and_underlyings_are_kept_apart_and_empty_ones_left_out() -> None:
    found = Columns.of(book(coins("ETH", 1.0))).pockets
    assert [(one.account, one.underlying) for one in found] == [("main", "ETH")]
    assert Columns.of(book()).pockets == ()
