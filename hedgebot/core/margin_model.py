"""Our own number for an account's margin: Bybit's unified account in cross and portfolio mode, in USD. Pure.

Accounts of other venues are handed on to the registry's models (`margin_venue.py`).
Owns the aggregation over an account and what one order more does to it; the formulas are `hedgebot.margin`, the figures
a dated file (margin reference section 6.3). What it does not cover is `UNCOVERED`: in portfolio mode the result is a
lower bound, which the venue's own number corrects (`margin_watch.py`). Must not know limits.
"""

import math
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from hedgebot.core import margin_venue
from hedgebot.core.margin_legs import Contract, MarginBook, Parameters
from hedgebot.core.margin_state import Figures
from hedgebot.domain.health import use_of
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.settings import MarginMode
from hedgebot.margin.bybit_portfolio import UNCOVERED as UNCOVERED_PORTFOLIO
from hedgebot.margin.bybit_portfolio import scenarios_of
from hedgebot.margin.collateral import collateral_qty
from hedgebot.margin.parameters import ParameterSet, Portfolio
from hedgebot.margin.scenario import Floats
from hedgebot.margin.venue_models import VenueModel

UNCOVERED: Final = {
    MarginMode.CROSS: ("margin of open spot orders",),
    MarginMode.PORTFOLIO: tuple(f"{one} contingency" for one in UNCOVERED_PORTFOLIO),
}


class Margins(NamedTuple):
    """Initial and maintenance margin in USD."""

    initial: float
    maintenance: float


class Model(NamedTuple):
    """An account's book as it stands with the parameters it is judged by."""

    parameters: Parameters
    mode: MarginMode
    book: MarginBook
    now: Figures

    @property
    def uncovered(self) -> tuple[str, ...]:
        """What the model leaves out."""
        return self.parameters.uncovered if isinstance(self.parameters, VenueModel) else UNCOVERED[self.mode]


class Standing(NamedTuple):
    """An account's equity and margins now, in USD, the larger of both numbers; `worst` with live orders filled."""

    equity: float
    initial: float
    maintenance: float
    worst: float

    @property
    def use(self) -> float:
        """Maintenance margin / equity with live orders filled; infinite when margin is due and no equity is left."""
        return use_of(self.worst, self.equity)


def figures(
    parameters: Parameters, mode: MarginMode, book: MarginBook, extra: tuple[InstrumentId, float] | None = None
) -> Figures:
    """Margins and balance of an account; `extra` is one order more, as signed contracts of an instrument in the book.

    Initial margin is of the worst that the live orders can do; so is `maintenance_worst`.
    """
    buys, sells = book.buys, book.sells
    if extra is not None:
        name, size = extra
        side = buys if size > 0.0 else sells
        changed = side | {name: side.get(name, 0.0) + abs(size)}
        buys, sells = (changed, sells) if size > 0.0 else (buys, changed)
    if isinstance(parameters, VenueModel):
        return margin_venue.figures(parameters, book, buys, sells)
    if mode is MarginMode.PORTFOLIO:
        initial, now, worst = _portfolio(parameters.portfolio, book, buys, sells)
    else:
        initial, now, worst = _cross(parameters, book, buys, sells)
    balance, debts = _balance(parameters, mode, book)
    return Figures(
        initial=initial + debts.initial,
        maintenance=now + debts.maintenance,
        maintenance_worst=worst + debts.maintenance,
        balance=balance,
    )


# --- cross -----------------------------------------------------------------------------------------------------------


def _cross(
    parameters: ParameterSet, book: MarginBook, buys: dict[InstrumentId, float], sells: dict[InstrumentId, float]
) -> tuple[float, float, float]:
    initial = sum(one.initial for one in book.grids.values())
    now = sum(one.maintenance for one in book.grids.values())
    worst = now
    for name, one in book.contracts.items():
        each = value_each(one)
        usd = book.prices[one.rules.settle]
        ladder = parameters.ladder(one.rules.underlying, is_inverse=one.rules.kind.is_inverse)
        held = one.contracts
        most = max(abs(held), abs(held + buys.get(name, 0.0)), abs(held - sells.get(name, 0.0)))
        # Without a leverage the tier's own rate is all that is known: the venue refuses what it finds too little for.
        initial += ladder.initial(most * each, one.leverage or float("inf")) * usd
        now += ladder.maintenance(abs(held) * each) * usd
        worst += ladder.maintenance(most * each) * usd
    return initial, now, worst


def close_fee_usd(parameters: Parameters, mode: MarginMode, book: MarginBook) -> float:
    """What closing every position at its bankruptcy price would cost, in USD: a venue may count it in both margins.

    0 where the record says nothing of it, and in portfolio margin. Without a leverage the price is that of the entry.
    """
    if not isinstance(parameters, ParameterSet) or parameters.close_fee is None or mode is not MarginMode.CROSS:
        return 0.0
    found = 0.0
    for one in book.contracts.values():
        side, inverse = math.copysign(1.0, one.contracts), one.rules.kind.is_inverse
        # Against the coin an inverse position gains what its value at entry has above the one now.
        entered = abs(one.contracts) * value_each(one) + (side if inverse else -side) * one.profit
        share = 0.0 if one.leverage is None else 1.0 / one.leverage
        bust = 1.0 + share * (side if inverse else -side)
        found += max(entered, 0.0) * bust * book.prices[one.rules.settle] * bool(one.contracts)
    return found * parameters.close_fee.taker_rate


def order_close_fee_usd(model: Model, one: Contract, size: float) -> float:
    """The same of an order that opens, at the dearer side of its leverage."""
    parameters = model.parameters
    if not isinstance(parameters, ParameterSet) or parameters.close_fee is None or model.mode is not MarginMode.CROSS:
        return 0.0
    value = abs(size) * value_each(one) * model.book.prices[one.rules.settle]
    return value * (1.0 + 1.0 / (one.leverage or 1.0)) * parameters.close_fee.taker_rate


def value_each(one: Contract) -> float:
    """Value of one contract at its mark, in its settlement coin."""
    size = float(one.rules.contract_size)
    return size / one.mark if one.rules.kind.is_inverse else size * one.mark


# --- portfolio -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=16)
def _moves(parameters: Portfolio) -> tuple[Floats, Floats]:
    """Move of each cell of the grid, and what an inverse coin gains in it per coin, as a fraction of the index."""
    moves = scenarios_of(parameters).moves
    return moves, (1.0 - 1.0 / (1.0 + moves)) * (1.0 + moves)


def _portfolio(
    parameters: Portfolio, book: MarginBook, buys: dict[InstrumentId, float], sells: dict[InstrumentId, float]
) -> tuple[float, float, float]:
    """Every base coin needs its own worst cell: coins are not netted."""
    coins = dict.fromkeys((*book.grids, *(one.rules.underlying for one in book.contracts.values())))
    initial = now = worst = 0.0
    for coin in coins:
        mine = [(name, one) for name, one in book.contracts.items() if one.rules.underlying == coin]
        grid = book.grids.get(coin)
        options = np.asarray(grid.profits) if grid is not None and grid.profits else None
        held = _coin_margin(parameters, book, coin, options, [(one, one.contracts) for _, one in mine])
        most = held
        for orders, sign in ((buys, 1.0), (sells, -1.0)):
            if any(name in orders for name, _ in mine):
                after = [(one, one.contracts + sign * orders.get(name, 0.0)) for name, one in mine]
                most = max(most, _coin_margin(parameters, book, coin, options, after))
        initial += most * parameters.initial_factor
        now, worst = now + held, worst + most
    return initial, now, worst


def _coin_margin(
    parameters: Portfolio, book: MarginBook, coin: str, options: Floats | None, held: list[tuple[Contract, float]]
) -> float:
    """Maintenance margin of one base coin in USD: what `bybit_portfolio.aggregate` finds, from sums instead of legs."""
    moves, inverse_moves = _moves(parameters)
    index = book.prices.get(coin, 0.0)
    linear_usd = inverse_usd = coins = 0.0
    for one, contracts in held:
        nominal = contracts * float(one.rules.contract_size)
        if one.rules.kind.is_inverse:
            inverse_usd += nominal / one.mark * index
            coins += abs(nominal / one.mark)
        else:
            linear_usd += nominal * one.mark * book.prices[one.rules.settle]
            coins += abs(nominal)
    profits = linear_usd * moves
    if inverse_usd:
        profits = profits + inverse_usd * inverse_moves
    if options is not None:
        profits = profits + options
    loss = max(-float(profits.min()), 0.0)
    return loss + parameters.futures_contingency_rate * coins * index


# --- what stands behind it -------------------------------------------------------------------------------------------


def _balance(parameters: ParameterSet, mode: MarginMode, book: MarginBook) -> tuple[float, Margins]:
    """Margin balance after haircuts, and what debts need, in USD. Options count only in portfolio margin."""
    profit: dict[str, float] = {}
    for one in book.contracts.values():
        profit[one.rules.settle] = profit.get(one.rules.settle, 0.0) + one.profit
    value: dict[str, float] = {}
    owned: dict[str, float] = {}
    for grid in book.grids.values():
        for coin, usd in grid.values.items():
            value[coin] = value.get(coin, 0.0) + usd
            owned[coin] = owned.get(coin, 0.0) + grid.owned[coin]
    balance = initial = maintenance = 0.0
    for coin in dict.fromkeys((*book.coins, *profit, *value)):
        price = book.prices.get(coin, 0.0)
        if price <= 0.0:
            continue  # a coin that nobody prices counts for nothing
        counted = book.coins.get(coin, 0.0) + profit.get(coin, 0.0)
        options = value.get(coin, 0.0) / price
        if mode is MarginMode.PORTFOLIO:
            counted = after = counted + options
        else:
            after = counted + options - owned.get(coin, 0.0) / price
        balance += collateral_qty(parameters.collateral_of(coin), counted) * price
        if after < 0.0:
            terms = parameters.borrowing_of(coin)
            initial += terms.initial_rate * -after * price
            maintenance += terms.maintenance_rate * -after * price
    return balance, Margins(initial, maintenance)
