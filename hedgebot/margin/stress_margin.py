"""What a stress leaves of each account: equity, margin use, and which scenario is the worst by either.

Owns the joint judgement. The requirement after a move is the venue's own number plus what our tiered model says the
move adds (margin reference section 4); where the venue said none, the model alone. Portfolio accounts need more for
short options than this knows, and less for what nets: an estimate, and it says so.
"""

import msgspec
import numpy as np

from hedgebot.domain.riskbook import AccountPoint, RiskBook
from hedgebot.margin.parameters import ParameterSet
from hedgebot.margin.revaluation import Columns, Pocket
from hedgebot.margin.stress import Losses, Scenarios, StressSet, day_scenarios, grid_scenarios, stressed, underlyings_of
from hedgebot.pricing.black76 import Floats

MODEL = "the venue's number, plus what tiered margin adds after the move"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario for the whole book. `margin_use` is that of the account that is then nearest to liquidation.

    None: an account's equity or margin is unknown. Infinite: margin is due and nothing is left.
    """

    name: str
    profit_usd: float
    price_usd: float
    basis_usd: float
    funding_usd: float
    liquidity_usd: float
    margin_use: float | None
    account: str


class StressReport(msgspec.Struct, frozen=True, kw_only=True):
    """The stress of a book. `spot` and `vol` head the rows and columns of `table`: the worst profit in each cell."""

    id: str
    scenarios: int
    spot: tuple[float, ...]
    vol: tuple[float, ...]
    table: tuple[tuple[float, ...], ...]
    days: tuple[Outcome, ...]
    worst: Outcome
    worst_margin: Outcome | None
    margin_use_now: float | None
    margin_model: str = MODEL


def report(book: RiskBook, stress: StressSet, parameters: ParameterSet) -> StressReport:
    """Grid and days on a book that has at least one underlying."""
    columns, names = Columns.of(book), underlyings_of(book)
    grid, days = grid_scenarios(stress.grid, names), day_scenarios(stress, names)
    on_grid, on_days = _judge(book, columns, grid, parameters), _judge(book, columns, days, parameters)
    rows = len(stress.grid.spot), len(stress.grid.vol)
    cells = on_grid.total.reshape(*rows, -1).min(axis=2)
    outcomes = [*(on_days.at(number) for number in range(len(days.names))), on_grid.worst()]
    known = [one for one in (on_grid.worst_margin(), on_days.worst_margin()) if one is not None]
    now = _judge(book, columns, _standstill(grid), parameters)
    return StressReport(
        id=stress.id,
        scenarios=len(grid.names) + len(days.names),
        spot=stress.grid.spot,
        vol=stress.grid.vol,
        table=tuple(tuple(row) for row in cells.tolist()),
        days=tuple(outcomes[:-1]),
        worst=min(outcomes, key=lambda one: one.profit_usd),
        worst_margin=max(known, key=lambda one: one.margin_use or 0.0, default=None),
        margin_use_now=now.at(0).margin_use,
    )


class _Judged(msgspec.Struct, frozen=True, kw_only=True):
    """The book under n scenarios."""

    names: tuple[str, ...]
    losses: Losses
    use: Floats
    nearest: tuple[str, ...]

    @property
    def total(self) -> Floats:
        return self.losses.total

    def at(self, number: int) -> Outcome:
        use = float(self.use[number])
        return Outcome(
            name=self.names[number],
            profit_usd=float(self.total[number]),
            price_usd=float(self.losses.price[number]),
            basis_usd=float(self.losses.basis[number]),
            funding_usd=-float(self.losses.funding[number]),
            liquidity_usd=-float(self.losses.liquidity[number]),
            margin_use=None if np.isnan(use) else use,
            account=self.nearest[number],
        )

    def worst(self) -> Outcome:
        return self.at(int(np.argmin(self.total)))

    def worst_margin(self) -> Outcome | None:
        """Where the book loses more of two scenarios without equity left, that one is the worse."""
        if np.isnan(self.use).any():
            return None
        return self.at(int(np.lexsort((self.total, -self.use))[0]))


def _standstill(grid: Scenarios) -> Scenarios:
    none = np.zeros(1)
    return Scenarios(
        names=("now",),
        moves=dict.fromkeys(grid.moves, none),
        vol=none,
        basis=none,
        funding=dict.fromkeys(grid.funding, none),
        cost_growth=0.0,
    )


def _judge(book: RiskBook, columns: Columns, scenarios: Scenarios, parameters: ParameterSet) -> _Judged:
    count = len(scenarios.names)
    by_account = stressed(columns, scenarios)
    nothing = np.zeros(count)
    sums = {name: nothing.copy() for name in ("price", "basis", "funding", "liquidity")}
    uses = []
    judged = [one for one in book.accounts if not one.watched]
    for account in judged:
        losses = by_account.get(account.account)
        for name in sums if losses is not None else ():
            sums[name] = sums[name] + getattr(losses, name)
        pockets = [one for one in columns.pockets if one.account == account.account]
        uses.append(
            _use(book.believed(account), pockets, nothing if losses is None else losses.total, scenarios, parameters)
        )
    table = np.array(uses) if uses else np.full((1, count), np.nan)
    nearest = [judged[number].account if uses else "" for number in np.argmax(table, axis=0)]
    return _Judged(names=scenarios.names, losses=Losses(**sums), use=table.max(axis=0), nearest=tuple(nearest))


def _use(
    account: AccountPoint, pockets: list[Pocket], profit: Floats, scenarios: Scenarios, parameters: ParameterSet
) -> Floats:
    """Maintenance margin over equity after each scenario; not a number where the venue's figures are unknown."""
    if account.equity_usd is None or account.maintenance_margin_usd is None:
        return np.full(len(profit), np.nan)
    added = np.zeros(len(profit))
    for pocket in pockets:
        moves = np.concatenate(([0.0], scenarios.moves[pocket.underlying]))
        need = _requirement(pocket, moves, np.concatenate(([0.0], scenarios.vol)), parameters)
        added = added + need[1:] - need[0]
    need_after = np.maximum(account.maintenance_margin_usd + added, 0.0)
    equity = account.equity_usd + profit
    broke = np.where(need_after > 0.0, np.inf, 0.0)
    return np.divide(need_after, equity, out=broke, where=equity > 0.0)


def _requirement(pocket: Pocket, moves: Floats, vol: Floats, parameters: ParameterSet) -> Floats:
    """Tiered maintenance margin in USD after each move: contracts by their ladder, options sold by the formula."""
    ladder = parameters.ladder(pocket.underlying, is_inverse=False)
    prices = pocket.price_usd * (1.0 + moves)
    pairs, back = np.unique(np.column_stack((moves, vol)), axis=0, return_inverse=True)
    values, where = np.unique(np.outer(pocket.nominal_coins, prices), return_inverse=True)
    found = np.array([ladder.maintenance(float(one)) for one in values])[where]
    need = found.reshape(len(pocket.nominal_coins), len(prices)).sum(axis=0)
    sold = pocket.options.short_calls_and_puts
    if sold.any():
        rates = parameters.short_option
        premium = pocket.options.premiums(pairs[:, 0], pairs[:, 1])
        index = (pocket.price_usd * (1.0 + pairs[:, 0]))[:, np.newaxis]
        each = np.maximum(rates.maintenance * index, rates.maintenance * premium) + premium
        need = need + ((each + rates.liquidation_fee * index) @ sold)[back]
    return np.asarray(need)
