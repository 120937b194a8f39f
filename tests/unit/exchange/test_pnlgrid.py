"""The grid of portfolio margin, leg by leg, adds up to the margin that is charged."""

import pytest

from hedgebot.exchange.pnlgrid import coin_grids
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.types import MarginMode
from tests.unit.exchange.margin_world import BTCUSDT, account_of, holding, risk_of

BOOK = (
    ("option:BTC/2/0/C", "-1"),
    ("linear:ETHUSDT", "-30"),
    ("linear:BTCUSDT", "2"),
    ("option:BTC/2/0/P", "3"),
)


def test_legs_add_up_to_the_margin_of_each_coin(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, *BOOK, mode=MarginMode.PORTFOLIO)
    grids = exchange.portfolio_grids("main")
    assert [one.coin for one in grids] == ["BTC", "ETH"]
    for grid in grids:
        assert grid.total().shape == (11, 3)
        assert grid.total() == pytest.approx(grid.part(options=True) + grid.part(options=False))
        assert grid.total().ravel().tolist() == pytest.approx(list(grid.margin.profits))
    needed = sum(one.margin.maintenance for one in grids)
    assert exchange.wallet("main").maintenance_margin_usd == pytest.approx(needed)


def test_each_leg_has_its_own_profits(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, *BOOK, mode=MarginMode.PORTFOLIO)
    grid = exchange.portfolio_grids("main")[0]
    perp, call, put = grid.legs
    assert perp.instrument.id == BTCUSDT
    (mark,) = (float(one.mark_price) for one in exchange.positions("main") if one.instrument == BTCUSDT)
    for number, move in enumerate(grid.moves):
        assert perp.profits[number] == pytest.approx([2.0 * mark * move] * 3)
    same, up, down = grid.shocks
    assert same == 0.0
    assert up > 0.0 > down
    middle = grid.moves.index(0.0)
    # A short call loses when volatility rises, long puts gain.
    assert call.contracts == -1.0
    assert call.profits[middle][1] < call.profits[middle][0] < call.profits[middle][2]
    assert put.contracts == 3.0
    assert put.profits[middle][1] > put.profits[middle][0] > put.profits[middle][2]
    assert put.profits[0][0] > put.profits[-1][0]


def test_an_inverse_contract_counts_at_the_moved_index(scenario: Scenario, start_ns: int) -> None:
    book = (("linear:BTCUSDT", "1"), ("inverse:BTCUSD", "-90000"))
    exchange = holding(scenario, start_ns, *book, mode=MarginMode.PORTFOLIO)
    (grid,) = exchange.portfolio_grids("main")
    linear, inverse = grid.legs
    assert inverse.instrument.kind.is_inverse
    assert inverse.profits[0][0] > 0.0 > linear.profits[0][0]
    # Short: its profit in USD is nearly linear in the price; together little is left.
    assert abs(grid.total()).max() < 0.05 * abs(linear.profits).max()


@pytest.mark.parametrize("mode", [MarginMode.CROSS, MarginMode.ISOLATED])
def test_other_modes_and_empty_books_have_none(scenario: Scenario, start_ns: int, mode: MarginMode) -> None:
    exchange = holding(scenario, start_ns, *BOOK, mode=mode)
    assert exchange.portfolio_grids("main") == ()
    risk, account = risk_of(exchange), account_of(exchange)
    account.margin.mode = MarginMode.PORTFOLIO
    account.positions.clear()
    assert coin_grids(risk.world, risk.parameters.portfolio, account) == ()
