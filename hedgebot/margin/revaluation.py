"""A book as columns, and its full revaluation when underlyings and volatilities move. Chooses no scenario.

Owns the arrays. Profits are USD, positive is a gain; options are worth Black-76 on their own forward, which moves with
its underlying, at their own volatility times one plus the shock (sticky strike). Time stands still in a scenario.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from hedgebot.domain.riskbook import LegKind, RiskBook
from hedgebot.pricing.black76 import NS_PER_YEAR, Bools, Floats, greeks, price

MOVE_MIN = -0.99
"""No price falls below nothing; a filtered scenario may ask for it."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options of one underlying on one account, shape (m,): signed coins and what prices them."""

    coins: Floats
    forward: Floats
    strike: Floats
    years: Floats
    vol: Floats
    is_call: Bools

    @property
    def short_calls_and_puts(self) -> Floats:
        """Coins sold, positive, zero where bought."""
        return np.maximum(-self.coins, 0.0)

    def premiums(self, moves: Floats, vol_shocks: Floats) -> Floats:
        """Premium per coin, shape (n, m), for n moves with their volatility shocks (0.5: half as much again)."""
        forward = self.forward * (1.0 + moves)[:, np.newaxis]
        vol = self.vol * np.maximum(1.0 + vol_shocks, 0.0)[:, np.newaxis]
        return price(forward, self.strike, self.years, vol, self.is_call)

    def deltas(self, moves: Floats, vol_shocks: Floats) -> Floats:
        """Delta in coins of all of them, shape (n,)."""
        shape = (len(moves), len(self.coins))
        forward = (self.forward * (1.0 + moves)[:, np.newaxis]).ravel()
        vol = (self.vol * np.maximum(1.0 + vol_shocks, 0.0)[:, np.newaxis]).ravel()
        strike, years, is_call = (
            np.tile(self.strike, len(moves)),
            np.tile(self.years, len(moves)),
            np.tile(self.is_call, len(moves)),
        )
        # One more underlying unit moves each forward by forward / underlying, near one: taken as one, as the book does.
        return np.asarray(greeks(forward, strike, years, vol, is_call).delta.reshape(shape) @ self.coins)


@dataclass(frozen=True, slots=True)
class Pocket:
    """Everything on one underlying in one account. `derivative_coins` are perps and futures, `perp_coins` perps only.

    `nominal_coins` are sizes that tiered margin is asked for, one for each contract.
    """

    account: str
    underlying: str
    price_usd: float
    cost_ratio: float
    coins: float
    derivative_coins: float
    perp_coins: float
    nominal_coins: Floats
    options: Options

    def profits(self, moves: Floats, vol_shocks: Floats) -> Floats:
        """USD gained in each of n scenarios by the move and the volatility alone."""
        moves = np.maximum(moves, MOVE_MIN)
        found = self.coins * self.price_usd * moves
        if len(self.options.coins):
            here = self.options.premiums(np.zeros(1), np.zeros(1))
            found = found + (self.options.premiums(moves, vol_shocks) - here) @ self.options.coins
        return np.asarray(found)

    def deltas(self, moves: Floats, vol_shocks: Floats) -> Floats:
        """Delta in coins after each scenario."""
        moves = np.maximum(moves, MOVE_MIN)
        if not len(self.options.coins):
            return np.full(len(moves), self.coins)
        return np.asarray(self.coins + self.options.deltas(moves, vol_shocks))


@dataclass(frozen=True, slots=True)
class Columns:
    """The book by account and underlying, in the order of the book."""

    pockets: tuple[Pocket, ...]

    @classmethod
    def of(cls, book: RiskBook) -> Self:
        """Sort a book's legs into pockets; those without any leg are left out."""
        found = []
        for account in book.accounts:
            for point in book.underlyings:
                at = (account.account, point.underlying)
                linear = [one for one in book.linear if (one.account, one.underlying) == at]
                options = [one for one in book.options if (one.account, one.underlying) == at]
                if not linear and not options:
                    continue
                found.append(
                    Pocket(
                        account=account.account,
                        underlying=point.underlying,
                        price_usd=point.price_usd,
                        cost_ratio=point.cost_bps * 1e-4,
                        coins=sum(one.coins for one in linear),
                        derivative_coins=sum(one.coins for one in linear if one.kind is not LegKind.COINS),
                        perp_coins=sum(one.coins for one in linear if one.kind is LegKind.PERP),
                        nominal_coins=np.array(
                            [abs(one.nominal_coins or one.coins) for one in linear if one.kind is not LegKind.COINS]
                        ),
                        options=Options(
                            coins=np.array([one.coins for one in options]),
                            forward=np.array([one.forward for one in options]),
                            strike=np.array([one.strike for one in options]),
                            years=np.maximum(
                                np.array([one.expiry_ns for one in options], dtype=np.float64) - book.at_ns, 0.0
                            )
                            / NS_PER_YEAR,
                            vol=np.array([one.vol for one in options]),
                            is_call=np.array([one.is_call for one in options], dtype=np.bool_),
                        ),
                    )
                )
        return cls(tuple(found))
