"""What an account in portfolio margin gains in each cell of the grid, leg by leg, one base coin at a time.

Owns the attribution of a grid to instruments; scenarios, law and margin are `hedgebot.margin.bybit_portfolio`, legs
`portfolio.py`. Changes nothing, and is not what margin calls are made of: `portfolio_requirement` is.
"""

from dataclasses import dataclass

import numpy as np

from hedgebot.domain.instrument import Instrument
from hedgebot.exchange.account import Account
from hedgebot.exchange.market import Market
from hedgebot.exchange.portfolio import contracts_of, legs_of
from hedgebot.exchange.types import MarginMode
from hedgebot.exchange.world import World
from hedgebot.margin.bybit_portfolio import PortfolioMargin, aggregate, law_of, scenarios_of
from hedgebot.margin.parameters import Portfolio
from hedgebot.margin.scenario import Floats, Grid, evaluate


@dataclass(frozen=True, slots=True)
class LegGrid:
    """One instrument's net contracts and its profits in USD, an array of shape (moves, shocks)."""

    instrument: Instrument
    contracts: float
    profits: Floats


@dataclass(frozen=True, slots=True)
class CoinGrid:
    """One base coin's part of a book: relative moves, volatility shocks, legs (contracts first), and its margin."""

    coin: str
    index: float
    moves: tuple[float, ...]
    shocks: tuple[float, ...]
    legs: tuple[LegGrid, ...]
    margin: PortfolioMargin

    def total(self) -> Floats:
        """Profit of the whole in USD, shape (moves, shocks)."""
        return _sum(self.legs, len(self.moves), len(self.shocks))

    def part(self, *, options: bool) -> Floats:
        """Profit of its options, or of its perpetuals and futures."""
        chosen = tuple(one for one in self.legs if one.instrument.kind.is_option is options)
        return _sum(chosen, len(self.moves), len(self.shocks))


def coin_grids(world: World, parameters: Portfolio, account: Account) -> tuple[CoinGrid, ...]:
    """The grids of an account's base coins, by name; none for an account that is not in portfolio margin."""
    if account.margin.mode is not MarginMode.PORTFOLIO:
        return ()
    by_coin: dict[str, list[tuple[Market, float]]] = {}
    for name, size in contracts_of(account).items():
        market = world.markets[name]
        if size:
            by_coin.setdefault(market.instrument.underlying, []).append((market, size))
    return tuple(_of_coin(world, parameters, coin, by_coin[coin]) for coin in sorted(by_coin))


def _of_coin(world: World, parameters: Portfolio, coin: str, held: list[tuple[Market, float]]) -> CoinGrid:
    legs, index = legs_of(world, held), world.usd_price(coin)
    grid = evaluate(legs, scenarios_of(parameters), law_of(parameters))
    moves = parameters.price_moves
    shocks = tuple(grid.scenarios.vol_shocks[: len(grid.scenarios) // len(moves)].tolist())
    return CoinGrid(
        coin=coin,
        index=index,
        moves=moves,
        shocks=shocks,
        legs=tuple(
            LegGrid(market.instrument, size, profits.reshape(len(moves), len(shocks)))
            for (market, size), profits in zip(_in_grid_order(held), _columns(grid, index), strict=True)
        ),
        margin=aggregate(parameters, grid, legs, index=index, quote_usd=1.0),
    )


def _in_grid_order(held: list[tuple[Market, float]]) -> list[tuple[Market, float]]:
    """As `_columns` has them: linear contracts, inverse ones, options; each in their order."""
    return sorted(held, key=lambda one: (one[0].instrument.kind.is_option, one[0].instrument.kind.is_inverse))


def _columns(grid: Grid, index: float) -> list[Floats]:
    """Each leg's profits in USD; coin profits count at the moved index, as in the margin itself."""
    coin_price = index * (1.0 + grid.scenarios.moves)
    inverse = [column * coin_price for column in grid.inverse.T]
    return [*grid.linear.T, *inverse, *grid.options.T]


def _sum(legs: tuple[LegGrid, ...], moves: int, shocks: int) -> Floats:
    found = np.zeros((moves, shocks))
    for one in legs:
        found += one.profits
    return found
