"""The one scenario engine: price moves x volatility law x weights -> profit of each leg, and their sum.

Owns the grid and the revaluation in it (Black-76 on each option's own forward). Venue models choose scenarios, law, the
value that options are compared with, and how a grid becomes a margin. Sizes are signed coins; profits are in quote
currency (inverse legs: in coin). Must not know venues. Source: the margin reference section 2.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

import numpy as np
import numpy.typing as npt

from hedgebot.pricing import black76

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

REFERENCE_DAYS = 30.0


@dataclass(frozen=True, slots=True)
class Scenarios:
    """Arrays of shape (n,): relative move of the underlying, volatility shock (0 = none), weight of the profit."""

    moves: Floats
    vol_shocks: Floats
    weights: Floats

    @classmethod
    def cross(cls, moves: tuple[float, ...], vol_shocks: tuple[float, ...]) -> Self:
        """Every move with every shock, ordered by move, then shock; weight 1."""
        every = np.repeat(np.asarray(moves, dtype=np.float64), len(vol_shocks))
        shocks = np.tile(np.asarray(vol_shocks, dtype=np.float64), len(moves))
        return cls(every, shocks, np.ones_like(every))

    def __len__(self) -> int:
        """Number of scenarios."""
        return len(self.moves)

    def joined(self, other: "Scenarios") -> "Scenarios":
        """These, then the others."""
        return Scenarios(
            np.concatenate((self.moves, other.moves)),
            np.concatenate((self.vol_shocks, other.vol_shocks)),
            np.concatenate((self.weights, other.weights)),
        )


class VolKind(StrEnum):
    """How a shock changes a volatility."""

    MULTIPLICATIVE = "multiplicative"  # iv * (1 + shock * (30/days)^power)
    ADDITIVE = "additive"  # iv + shock


@dataclass(frozen=True, slots=True)
class VolLaw:
    """What a volatility shock does by days to expiry. `floor_up` (0: none) is the least volatility after an up-shock.

    Days at or below 30 have `power_short`, longer ones `power_long`; `days_min` bounds the term factor.
    """

    kind: VolKind = VolKind.MULTIPLICATIVE
    power_short: float = 0.0
    power_long: float = 0.0
    days_min: float = 1.0
    floor_up: float = 0.0

    def shocked(self, vol: Floats, days: Floats, shocks: Floats) -> Floats:
        """Volatilities of shape (n, m) for m options under n shocks; never below zero."""
        by_scenario = shocks[:, np.newaxis]
        if self.kind is VolKind.ADDITIVE:
            raised = vol + by_scenario
        else:
            power = np.where(days <= REFERENCE_DAYS, self.power_short, self.power_long)
            term = (REFERENCE_DAYS / np.maximum(days, self.days_min)) ** power
            raised = vol * (1.0 + by_scenario * term)
        if self.floor_up > 0.0:
            raised = np.where(by_scenario > 0.0, np.maximum(raised, self.floor_up), raised)
        return np.maximum(raised, 0.0)


def _none() -> Floats:
    return np.zeros(0)


@dataclass(frozen=True, slots=True)
class OptionLegs:
    """Arrays of shape (m,): signed coins, forward, strike, years and days to expiry, volatility, right, base value.

    `days` is what the venue's law counts (a ceiling, or fractions); `base` is the value per coin that profit counts
    from: the feed's mark or the model's unshocked value.
    """

    qty: Floats = field(default_factory=_none)
    forward: Floats = field(default_factory=_none)
    strike: Floats = field(default_factory=_none)
    years: Floats = field(default_factory=_none)
    days: Floats = field(default_factory=_none)
    vol: Floats = field(default_factory=_none)
    is_call: Bools = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    base: Floats = field(default_factory=_none)


@dataclass(frozen=True, slots=True)
class Legs:
    """A book on one underlying. Linear and inverse arrays are signed coins and the price that moves."""

    options: OptionLegs = field(default_factory=OptionLegs)
    linear_qty: Floats = field(default_factory=_none)
    linear_price: Floats = field(default_factory=_none)
    inverse_qty: Floats = field(default_factory=_none)


@dataclass(frozen=True, slots=True)
class Grid:
    """Weighted profits, shape (n, legs): linear and options in quote currency, inverse in coin."""

    scenarios: Scenarios
    linear: Floats
    inverse: Floats
    options: Floats

    def total(self, spot: float = 0.0) -> Floats:
        """Profit of each scenario in quote currency, shape (n,); coin profits at the moved `spot` price."""
        coin_price = spot * (1.0 + self.scenarios.moves)
        return np.asarray(self.linear.sum(axis=1) + self.options.sum(axis=1) + self.inverse.sum(axis=1) * coin_price)


def option_values(legs: OptionLegs, scenarios: Scenarios, law: VolLaw) -> Floats:
    """Premium per coin of each option in each scenario, shape (n, m)."""
    if not len(legs.qty):
        return np.zeros((len(scenarios), 0))
    forward = legs.forward * (1.0 + scenarios.moves)[:, np.newaxis]
    vol = law.shocked(legs.vol, legs.days, scenarios.vol_shocks)
    years = np.broadcast_to(legs.years, vol.shape)
    return black76.price(forward, legs.strike, years, vol, legs.is_call)


def evaluate(legs: Legs, scenarios: Scenarios, law: VolLaw) -> Grid:
    """Revalue a book in every scenario."""
    moves, weights = scenarios.moves[:, np.newaxis], scenarios.weights[:, np.newaxis]
    options = legs.options
    return Grid(
        scenarios,
        linear=weights * moves * (legs.linear_qty * legs.linear_price),
        inverse=weights * (1.0 - 1.0 / (1.0 + moves)) * legs.inverse_qty,
        options=weights * options.qty * (option_values(options, scenarios, law) - options.base),
    )
