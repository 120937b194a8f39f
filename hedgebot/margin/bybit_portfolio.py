"""Bybit's portfolio margin of one base coin: the worst of 33 cells plus contingencies; IM is a factor of MM.

Owns the venue's choice of scenarios, law and aggregation; the revaluation is `scenario.py`, the figures are data. How
well it is verified (margin reference section 6.3, case BYB-1): scenario law inferred from one published sample, its
option grid reproduced to 2.3e-6 USDT; futures contingency to the printed digits. NOT covered, because no formula is
known: option, vega, future-delta and USDT/USDC contingencies (`uncovered` names them), so the result is a lower bound.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from hedgebot.margin.parameters import Portfolio
from hedgebot.margin.scenario import Grid, Legs, Scenarios, VolLaw, evaluate

UNCOVERED: Final = ("option", "vega", "future_delta", "usdt_usdc")


@dataclass(frozen=True, slots=True)
class PortfolioMargin:
    """Margin of one base coin in USD, with the grid it comes from. `worst` is the number of the worst cell."""

    initial: float
    maintenance: float
    worst: int
    worst_loss: float
    futures_contingency: float
    profits: tuple[float, ...]
    uncovered: tuple[str, ...] = UNCOVERED


def scenarios_of(parameters: Portfolio) -> Scenarios:
    """Price moves (11) with volatility unchanged, up and down: 33 cells, ordered by move."""
    return Scenarios.cross(parameters.price_moves, (0.0, parameters.iv_up, -parameters.iv_down))


def law_of(parameters: Portfolio) -> VolLaw:
    """One power at every term, also above 30 days; days are counted up to whole ones by whoever makes the legs."""
    return VolLaw(power_short=parameters.iv_power, power_long=parameters.iv_power)


def days_counted(years: float) -> float:
    """Days to expiry as this venue's volatility law counts them: begun days whole, at least one."""
    return max(float(np.ceil(years * 365.0 - 1e-9)), 1.0)


def portfolio_margin(parameters: Portfolio, legs: Legs, *, index: float, quote_usd: float = 1.0) -> PortfolioMargin:
    """Margin of a book on one base coin; `index` in quote currency per coin, `quote_usd` USD per quote unit.

    Options' `base` must be the feed's marks: the cell without shocks is then not exactly zero, as at the venue.
    """
    grid = evaluate(legs, scenarios_of(parameters), law_of(parameters))
    return aggregate(parameters, grid, legs, index=index, quote_usd=quote_usd)


def aggregate(parameters: Portfolio, grid: Grid, legs: Legs, *, index: float, quote_usd: float) -> PortfolioMargin:
    """Margin from a grid that is there already. A book that gains in every cell needs its contingencies only."""
    profits = grid.total(index) * quote_usd
    worst = int(np.argmin(profits))
    loss = max(-float(profits[worst]), 0.0)
    futures_coins = float(np.abs(legs.linear_qty).sum() + np.abs(legs.inverse_qty).sum())
    contingency = parameters.futures_contingency_rate * futures_coins * index * quote_usd
    maintenance = loss + contingency
    return PortfolioMargin(
        initial=maintenance * parameters.initial_factor,
        maintenance=maintenance,
        worst=worst,
        worst_loss=loss,
        futures_contingency=contingency,
        profits=tuple(profits.tolist()),
    )
