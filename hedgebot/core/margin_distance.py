"""How far the market may move until an account is liquidated, by our model: each underlying alone, and all together.

Owns the search. A move changes marks, coin prices, options and what is borrowed; volatilities stay. Correlations of 0
and 1 are both looked at and the nearer one is told (margin reference section 9). Must not know limits.
"""

from typing import NamedTuple

from hedgebot.core import margin_legs, margin_model, margin_options
from hedgebot.core.margin_legs import Contract, MarginBook, OptionColumns, Parameters
from hedgebot.core.margin_model import Model, Standing
from hedgebot.core.margin_state import Distance, Figures, OptionGrid, Stress
from hedgebot.core.state import AccountState, EngineState
from hedgebot.domain.instrument import STABLECOINS
from hedgebot.domain.settings import MarginMode
from hedgebot.margin import distance
from hedgebot.margin.positions import options_moved
from hedgebot.margin.venue_models import VenueModel

STRESS_NS = 1_000_000_000


class _Found(NamedTuple):
    names: tuple[str, ...]
    columns: dict[str, OptionColumns]


def nearest(state: EngineState, account: AccountState, model: Model, now: Standing, at_ns: int) -> Distance | None:
    """The nearest move that liquidates; None when none within the searched range does, or options are unknown."""
    book = _read(state, account, model, at_ns)
    if book is None:
        return None
    found = distance.nearest(
        {name: model.book.prices.get(name, 0.0) for name in book.names},
        lambda group, move: _excess(model, now, _moved(model, book.columns, group, move)),
    )
    return None if found is None else Distance(underlying=found.underlying, move=found.move, price=found.price)


def left_after(
    state: EngineState, account: AccountState, model: Model, now: Standing, move: float, at_ns: int
) -> float | None:
    """What is left above the maintenance margin, in USD, after all underlyings moved together, the worse way."""
    book = _read(state, account, model, at_ns)
    if book is None:
        return None
    return min(_excess(model, now, _moved(model, book.columns, book.names, sign * move)) for sign in (-1.0, 1.0))


def stressed(state: EngineState, account: AccountState, model: Model, now: Standing, at_ns: int) -> Stress | None:
    """What the least move that an account must bear changes in what it has above its maintenance margin, either way.

    Kept until the position changes or a second has passed; None while options are unknown.
    """
    margin, ratio = account.margin, state.limits.liquidation_distance_min
    held = {str(name): one.contracts for name, one in model.book.contracts.items() if one.contracts}
    held |= {f"options {name}": float(grid.moves) for name, grid in model.book.grids.items()}
    known = margin.stress
    if known and known.held == held and known.ratio == ratio and at_ns - known.at_ns <= STRESS_NS:
        return known
    book = _read(state, account, model, at_ns)
    if book is None:
        return None
    still = _excess(model, now, model.now)
    down, up = (
        _excess(model, now, _moved(model, book.columns, book.names, sign * ratio)) - still for sign in (-1.0, 1.0)
    )
    margin.stress = Stress(down=down, up=up, ratio=ratio, at_ns=at_ns, held=held)
    return margin.stress


def _read(state: EngineState, account: AccountState, model: Model, at_ns: int) -> _Found | None:
    names = dict.fromkeys(
        (
            *(one.rules.underlying for one in model.book.contracts.values()),
            *(one.underlying for one in model.book.options),
            *model.book.grids,
            *_coins(model.book),
        )
    )
    columns: dict[str, OptionColumns] = {}
    for name in model.book.grids:
        found = margin_legs.option_columns(state, account, name, model.book.prices, at_ns)
        if isinstance(found, str):
            return None
        columns[name] = found
    return _Found(tuple(names), columns)


def _coins(book: MarginBook) -> list[str]:
    """What moves the coins: each the underlying that it is or stands for. One that nobody prices counts for nothing."""
    return [
        book.tokens.get(coin, coin)
        for coin, qty in book.coins.items()
        if qty and coin not in STABLECOINS and coin in book.prices
    ]


def _excess(model: Model, now: Standing, after: Figures) -> float:
    """Equity above the maintenance margin in USD; the venue's own numbers are carried along by the model's change."""
    equity = now.equity + after.balance - model.now.balance
    return equity - max(after.maintenance, now.maintenance + after.maintenance - model.now.maintenance)


def _moved(model: Model, columns: dict[str, OptionColumns], group: tuple[str, ...], move: float) -> Figures:
    """The model's figures of the same book after a move of the underlyings of a group."""
    book = model.book
    prices = {
        coin: price * (1.0 + move) if book.tokens.get(coin, coin) in group else price
        for coin, price in book.prices.items()
    }
    contracts = {
        name: _contract_at(one, move) if one.rules.underlying in group else one for name, one in book.contracts.items()
    }
    grids = {
        name: _grid_at(columns[name], move, model.parameters, model.mode) if name in group else grid
        for name, grid in book.grids.items()
    }
    options = tuple(margin_options.moved(one, move) if one.underlying in group else one for one in book.options)
    moved = book._replace(contracts=contracts, buys={}, sells={}, grids=grids, prices=prices, options=options)
    return margin_model.figures(model.parameters, model.mode, moved)


def _contract_at(one: Contract, move: float) -> Contract:
    mark, nominal = one.mark * (1.0 + move), one.contracts * float(one.rules.contract_size)
    gain = nominal * (1.0 / one.mark - 1.0 / mark) if one.rules.kind.is_inverse else nominal * (mark - one.mark)
    return one._replace(mark=mark, profit=one.profit + gain)


def _grid_at(columns: OptionColumns, move: float, parameters: Parameters, mode: MarginMode) -> OptionGrid:
    grid = OptionGrid()
    legs = columns.legs
    # Where a venue's model judges, no options are held: such a book has no model.
    if not len(legs.qty) or isinstance(parameters, VenueModel):
        return grid
    there = OptionColumns(options_moved(legs, move), columns.spot * (1.0 + move), columns.settles)
    margin_legs.fill(grid, there, parameters, mode)
    return grid
