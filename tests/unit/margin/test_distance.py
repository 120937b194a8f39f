"""How far a book is from liquidation on any model, held against closed forms."""

import pytest

from hedgebot.daemon.risk_files import read_registry
from hedgebot.domain.settings import MarginMode
from hedgebot.margin.distance import STEPS, excess_after, first_move, nearest, nearest_of
from hedgebot.margin.positions import CoinBook, Line
from hedgebot.margin.registry import Registry
from hedgebot.margin.venue_tiers import binance_liquidation_price, dydx_liquidation_price

PRECISION = 1e-4


@pytest.fixture(scope="module")
def models() -> Registry:
    return read_registry()


def book(coins: float, price: float = 100_000.0) -> dict[str, CoinBook]:
    return {"BTC": CoinBook(price, (Line("perp", coins, price),))}


@pytest.mark.parametrize("coins", [1.0, -1.0])
def test_one_position_is_liquidated_where_its_formula_says(models: Registry, coins: float) -> None:
    found = nearest_of(models.of("dydx", MarginMode.CROSS), book(coins), 20_000.0)
    wanted = dydx_liquidation_price(equity=20_000.0, size=coins, price=100_000.0, rate=0.012)
    assert found is not None
    assert found.underlying == "BTC"
    assert found.price == pytest.approx(wanted, rel=5 * PRECISION)


def test_tiers_are_those_of_the_price_it_moves_to(models: Registry) -> None:
    found = nearest_of(models.of("binance", MarginMode.CROSS), book(6.0), 100_000.0)
    wanted = binance_liquidation_price(qty=6.0, entry=100_000.0, wallet=100_000.0, rate=0.005, deduction=50.0)
    assert found is not None
    assert found.price == pytest.approx(wanted, rel=5 * PRECISION)


def test_a_pair_is_nearest_to_the_leg_that_moves_alone(models: Registry) -> None:
    pair = book(-1.0) | {"ETH": CoinBook(4_000.0, (Line("eth", 25.0, 4_000.0),))}
    found = nearest_of(models.of("hyperliquid", MarginMode.CROSS), pair, 20_000.0)
    assert found is not None
    assert found.underlying in {"BTC", "ETH"}
    assert excess_after(models.of("hyperliquid", MarginMode.CROSS), pair, 20_000.0, ("BTC", "ETH"), found.move) > 0.0


def test_what_cannot_be_liquidated_has_no_distance_and_what_already_is_has_none_left(models: Registry) -> None:
    model = models.of("bybit", MarginMode.CROSS)
    assert nearest_of(model, book(1.0), 1e9) is None
    gone = nearest_of(model, book(1.0), 0.0)
    assert gone is not None
    assert gone.move == 0.0


def test_beyond_a_table_nothing_is_taken_to_be_left(models: Registry) -> None:
    eth = {"ETH": CoinBook(4_000.0, (Line("eth", -700.0, 4_000.0),))}
    found = nearest_of(models.of("binance", MarginMode.CROSS), eth, 1e9)
    # 2.8M USD: a rise of 7 % leaves the tiers that are known.
    assert found is not None
    assert found.move == pytest.approx(3.0 / 2.8 - 1.0, abs=2 * PRECISION)


def test_the_search_is_no_coarser_than_it_says() -> None:
    for limit in (0.003, 0.07, 0.33):
        move = first_move(lambda one, limit=limit: limit - abs(one))  # type: ignore[misc]
        assert move is not None
        assert abs(move) == pytest.approx(limit, rel=0.01, abs=2e-5)
    assert first_move(lambda _move: 1.0) is None
    assert max(STEPS) == 0.8


@pytest.mark.parametrize(("price", "told"), [(0.0, None), (50_000.0, 45_000.0)])
def test_where_the_underlying_has_no_price_none_is_told(price: float, told: float | None) -> None:
    found = nearest({"BTC": price}, lambda _group, move: move + 0.1)
    assert found is not None
    assert (found.underlying, found.price) == ("BTC", None if told is None else pytest.approx(told, rel=1e-3))
    together = nearest({"BTC": price, "ETH": 4_000.0}, lambda group, move: move + (0.1 if len(group) > 1 else 2.0))
    assert together is not None
    assert (together.underlying, together.price) == ("", None)
