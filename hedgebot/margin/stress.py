"""Stress of a book: a grid of spot, volatility, basis, funding and cross moves, and days that happened.

Owns the scenarios' shape and what each costs (hedging reference section 11.3): moves with full revaluation, basis on
perpetuals and futures, funding paid on perpetuals, and the cost of hedging anew what the move made of the delta, in a
market that got dearer. Figures of scenarios are a dated record that is handed in, with the source of each. Money is
USD; a profit is positive. What the account needs afterwards is `stress_margin.py`'s.
"""

from collections.abc import Mapping
from itertools import product

import msgspec
import numpy as np

from hedgebot.domain.decoding import decoded
from hedgebot.domain.riskbook import RiskBook
from hedgebot.margin.revaluation import Columns, Pocket
from hedgebot.pricing.black76 import Bools, Floats

HOURS_PER_PAYMENT = 8.0


class _Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the record's parts: an unknown key is an error."""


class StressGrid(_Record, frozen=True, kw_only=True):
    """Every combination of these, as ratios. `funding` is per 8 hours and paid for `funding_hours`.

    `cross` moves every underlying but the first of `reference` against it. `cost_growth`: a move m makes a hedge
    1 + cost_growth * abs(m) times as dear as the operator's cost_bps.
    """

    spot: tuple[float, ...]
    vol: tuple[float, ...]
    basis: tuple[float, ...]
    funding: tuple[float, ...]
    funding_hours: float
    cross: tuple[float, ...]
    reference: str
    cost_growth: float
    status: str


class StressDay(_Record, frozen=True, kw_only=True):
    """A day that happened. `moves` by coin, `*` for every other; `funding` is the sum of the day's payments.

    What a coin that `funding` does not name paid is not known: `*` is a size that whoever holds it pays, long or short.
    Each `status` says where a figure comes from, and which are assumed.
    """

    name: str
    moves: Mapping[str, float]
    vol: float
    basis: float
    funding: Mapping[str, float]
    status: str


class StressSet(_Record, frozen=True, kw_only=True):
    """The record: a grid and days, as of one day."""

    id: str
    as_of: str
    source: str
    grid: StressGrid
    days: tuple[StressDay, ...]

    def __post_init__(self) -> None:
        """Refuse a day without an answer for other coins, and a fall of all there is."""
        for day in self.days:
            for name in ("moves", "funding"):
                if "*" not in getattr(day, name):
                    msg = f"day {day.name}: {name} needs an entry '*' for every coin that it does not name"
                    raise ValueError(msg)
        falls = [*self.grid.spot, *self.grid.cross, *(move for day in self.days for move in day.moves.values())]
        if any(not move > -1.0 for move in falls):
            msg = "a price cannot fall by all of itself: every move must be above -1"
            raise ValueError(msg)


def parse_stress(content: bytes, name: str) -> StressSet:
    """Read a stress file's content; DataError names the file and what is wrong."""
    return decoded(content, StressSet, "stress scenarios", name)


class Scenarios(msgspec.Struct, frozen=True, kw_only=True):
    """n scenarios as columns: `moves` and `funding` (ratio of notional over the horizon) by underlying.

    Where `either` is true the sign of funding is not known: whoever holds a perpetual pays its size.
    """

    names: tuple[str, ...]
    moves: dict[str, Floats]
    vol: Floats
    basis: Floats
    funding: dict[str, Floats]
    cost_growth: float
    either: dict[str, Bools] = {}


class Losses(msgspec.Struct, frozen=True, kw_only=True):
    """What each scenario does, shape (n,), USD: profit of prices, of basis, funding paid, cost of hedging anew."""

    price: Floats
    basis: Floats
    funding: Floats
    liquidity: Floats

    @property
    def total(self) -> Floats:
        """All of it; negative is a loss."""
        return np.asarray(self.price + self.basis - self.funding - self.liquidity)


def grid_scenarios(grid: StressGrid, underlyings: tuple[str, ...]) -> Scenarios:
    """Every combination. The cross residual moves what is not the reference; a book of the reference alone has none."""
    reference = grid.reference if grid.reference in underlyings else underlyings[0]
    others = [one for one in underlyings if one != reference]
    cross = grid.cross if others else (0.0,)
    rows = np.array(list(product(grid.spot, grid.vol, grid.basis, grid.funding, cross)))
    spot, vol, basis, funding, residual = rows.T
    paid = funding * grid.funding_hours / HOURS_PER_PAYMENT
    return Scenarios(
        names=tuple(
            _words(move, shock, gap, rate, apart, ",".join(others)) for move, shock, gap, rate, apart in rows.tolist()
        ),
        moves={one: spot if one == reference else (1.0 + spot) * (1.0 + residual) - 1.0 for one in underlyings},
        vol=vol,
        basis=basis,
        funding=dict.fromkeys(underlyings, paid),
        cost_growth=grid.cost_growth,
    )


def _words(spot: float, vol: float, basis: float, funding: float, cross: float, others: str) -> str:
    parts = [f"spot {spot:+.0%}", f"vol {vol:+.0%}", f"basis {basis:+.0%}", f"funding {funding:+.2%}/8h"]
    return ", ".join([*parts, f"{others} {cross:+.0%} more"] if others and cross else parts)


def day_scenarios(stress: StressSet, underlyings: tuple[str, ...]) -> Scenarios:
    """Each day of the record."""
    return Scenarios(
        names=tuple(day.name for day in stress.days),
        moves={one: np.array([day.moves.get(one, day.moves["*"]) for day in stress.days]) for one in underlyings},
        vol=np.array([day.vol for day in stress.days]),
        basis=np.array([day.basis for day in stress.days]),
        funding={one: np.array([day.funding.get(one, day.funding["*"]) for day in stress.days]) for one in underlyings},
        cost_growth=stress.grid.cost_growth,
        either={one: np.array([one not in day.funding for day in stress.days]) for one in underlyings},
    )


def underlyings_of(book: RiskBook) -> tuple[str, ...]:
    """Names in the book's order."""
    return tuple(one.underlying for one in book.underlyings)


def losses_of(pocket: Pocket, scenarios: Scenarios) -> Losses:
    """What the scenarios do to one pocket. Revalued once for each different pair of move and volatility."""
    moves, vol = scenarios.moves[pocket.underlying], scenarios.vol
    pairs, back = np.unique(np.column_stack((moves, vol)), axis=0, return_inverse=True)
    profits = pocket.profits(pairs[:, 0], pairs[:, 1])[back]
    now = float(pocket.deltas(np.zeros(1), np.zeros(1))[0])
    drift = np.abs(pocket.deltas(pairs[:, 0], pairs[:, 1]) - now)[back]
    after = pocket.price_usd * (1.0 + moves)
    either = scenarios.either.get(pocket.underlying, np.zeros(len(moves), dtype=np.bool_))
    # Positive funding is paid by longs to shorts.
    paid = np.where(either, abs(pocket.perp_coins), pocket.perp_coins) * scenarios.funding[pocket.underlying]
    dearer = pocket.cost_ratio * (1.0 + scenarios.cost_growth * np.abs(moves))
    return Losses(
        price=profits,
        basis=pocket.derivative_coins * after * scenarios.basis,
        funding=paid * after,
        liquidity=drift * after * dearer,
    )


def stressed(columns: Columns, scenarios: Scenarios) -> dict[str, Losses]:
    """What the scenarios do to each account."""
    found: dict[str, Losses] = {}
    for pocket in columns.pockets:
        one = losses_of(pocket, scenarios)
        before = found.get(pocket.account)
        found[pocket.account] = one if before is None else _added(before, one)
    return found


def _added(one: Losses, other: Losses) -> Losses:
    return Losses(
        price=one.price + other.price,
        basis=one.basis + other.basis,
        funding=one.funding + other.funding,
        liquidity=one.liquidity + other.liquidity,
    )
