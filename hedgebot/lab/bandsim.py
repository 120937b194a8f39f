"""Plays hedging policies over many price paths at once and tells each one's tracking error and cost. Vectorised.

Owns how a policy trades at each check and how its profit is counted; every policy sees the same paths. Must not know
where paths come from (worlds do), nor which figures are expected. It trades the reference's idealised book (no lots,
no fees but the one-way cost, fills at the check): what the engine itself does is the backtest's to tell.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, assert_never

import numpy as np
import numpy.typing as npt

from hedgebot.domain.errors import ProgrammingError
from hedgebot.pricing.band import trigger_ratio
from hedgebot.pricing.black76 import Floats


class Step(NamedTuple):
    """One check of all paths, each of shape (paths,): price, the hedge that would be exact, and the width's shape.

    A scaled band's half width is its factor times `shape`. The last step is the end: nothing is traded there, and
    `liability` is the profit of what was hedged, the hedge not counted. `hedge_price` is where the hedge trades, if
    that is not the spot; `funding` is what a coin of it pays at this check, before it is traded.
    """

    spot: Floats
    target: Floats
    shape: Floats
    liability: Floats | None = None
    hedge_price: Floats | None = None
    funding: Floats | None = None

    @property
    def traded_at(self) -> Floats:
        """Price of the hedge."""
        return self.spot if self.hedge_price is None else self.hedge_price


class Bands(NamedTuple):
    """One band policy at several half widths: of `factors` coin, or `scaled` by the shape of each step.

    `ratio` is the target over the trigger; the trigger is widened so that the variance is that of the edge policy.
    """

    name: str
    factors: tuple[float, ...]
    ratio: float
    scaled: bool = False


class Clock(NamedTuple):
    """Trade to the exact hedge at every n-th check, for several n."""

    name: str
    every: tuple[int, ...]


class Moves(NamedTuple):
    """Trade to the exact hedge once the price moved by more than a share since the last trade, for several shares."""

    name: str
    shares: tuple[float, ...]


Policy = Bands | Clock | Moves


@dataclass(frozen=True, slots=True)
class Played:
    """Of one policy, for each of its parameters (rows) and path (columns).

    `profit` is before the `cost` of trading and before the `funding` that was paid; `trades` is a count.
    """

    profit: Floats
    cost: Floats
    trades: Floats
    funding: Floats

    @property
    def deviation(self) -> Floats:
        """Standard deviation of the profit before costs, by parameter."""
        return np.asarray(self.profit.std(axis=1))

    @property
    def net_deviation(self) -> Floats:
        """Standard deviation of the profit after costs and funding, by parameter."""
        return np.asarray((self.profit - self.cost - self.funding).std(axis=1))

    @property
    def mean_trades(self) -> Floats:
        """Mean number of trades by parameter."""
        return np.asarray(self.trades.mean(axis=1))

    @property
    def mean_cost(self) -> Floats:
        """Mean cost by parameter."""
        return np.asarray(self.cost.mean(axis=1))


def play(
    blocks: Iterable[Iterable[Step]], policies: Sequence[Policy], cost_ratio: float, start: Floats | float | None = None
) -> dict[str, Played]:
    """Play every policy over blocks of paths. `start` is the first hedge, where it is not the first step's target.

    The first hedge costs nothing; what is left at the end is valued, not traded.
    """
    parts: dict[str, list[Played]] = {one.name: [] for one in policies}
    for block in blocks:
        for name, one in _play_block(block, policies, cost_ratio, start).items():
            parts[name].append(one)
    return {name: joined(found, axis=1) for name, found in parts.items()}


def joined(parts: Sequence[Played], axis: int) -> Played:
    """Played parts as one: of more paths (axis 1) or of more parameters (axis 0)."""
    return Played(
        np.concatenate([one.profit for one in parts], axis),
        np.concatenate([one.cost for one in parts], axis),
        np.concatenate([one.trades for one in parts], axis),
        np.concatenate([one.funding for one in parts], axis),
    )


class _Book:
    """Hedges of one policy, one row per parameter. Profit is summed by parts: only trades touch money."""

    def __init__(self, policy: Policy, first: Step, start: Floats | float) -> None:
        self._policy = policy
        # The one field beside the name and what it means: parameters, one row for each.
        shape = (len(policy[1]), len(first.spot))
        self.held = np.broadcast_to(start, shape).copy()
        self.spent = self.held * first.traded_at
        self.volume = np.zeros(shape)
        self.funding = np.zeros(shape)
        self.trades = np.zeros(shape)
        self._gap, self._size = np.empty(shape), np.empty(shape)
        if isinstance(policy, Bands):
            self._triggers = np.array(policy.factors)[:, np.newaxis] * trigger_ratio(policy.ratio)
            self._bounds = np.broadcast_to(self._triggers, shape).copy()
        self._last = np.broadcast_to(first.spot, shape).copy()

    def pay(self, funding: Floats) -> None:
        """Pay a settlement on what is held."""
        self.funding += self.held * funding

    def check(self, number: int, step: Step) -> None:
        """Trade where the policy says so."""
        price = step.traded_at
        match self._policy:
            case Bands():
                self._check_band(self._policy, step)
            case Clock():
                due = np.array([number % one == 0 for one in self._policy.every])
                for row in np.flatnonzero(due).tolist():
                    self._trade(np.arange(row * len(step.spot), (row + 1) * len(step.spot)), step.target, price)
            case Moves():
                moved = np.abs(step.spot / self._last - 1.0) > np.array(self._policy.shares)[:, np.newaxis]
                out = np.flatnonzero(moved)
                path = out % len(step.spot)
                self._trade(out, step.target[path], price[path])
                self._last.reshape(-1)[out] = step.spot[path]
            case _:
                assert_never(self._policy)

    def _check_band(self, policy: Bands, step: Step) -> None:
        if policy.scaled:
            np.multiply(self._triggers, step.shape, out=self._bounds)
        np.subtract(self.held, step.target, out=self._gap)
        np.abs(self._gap, out=self._size)
        out = np.flatnonzero(self._size > self._bounds)
        path = out % len(step.spot)
        inside = self._bounds.reshape(-1)[out] * policy.ratio
        self._trade(out, step.target[path] + np.copysign(inside, self._gap.reshape(-1)[out]), step.traded_at[path])

    def _trade(self, where: npt.NDArray[np.intp], to: Floats, spot: Floats) -> None:
        held = self.held.reshape(-1)
        change = to - held[where]
        held[where] = to
        money = change * spot
        self.spent.reshape(-1)[where] += money
        self.volume.reshape(-1)[where] += np.abs(money)
        self.trades.reshape(-1)[where] += 1.0

    def close(self, last: Step, cost_ratio: float) -> Played:
        """Value what is held."""
        if last.liability is None:
            raise ProgrammingError("a block of paths ended without the profit of what was hedged")
        profit = self.held * last.traded_at - self.spent + last.liability
        return Played(profit, cost_ratio * self.volume, self.trades, self.funding)


def _play_block(
    block: Iterable[Step], policies: Sequence[Policy], cost_ratio: float, start: Floats | float | None
) -> dict[str, Played]:
    books: dict[str, _Book] = {}
    last: Step | None = None
    for number, step in enumerate(block):
        if number == 0:
            first = step.target if start is None else start
            books = {one.name: _Book(one, step, first) for one in policies}
        else:
            for book in books.values():
                if step.funding is not None:
                    book.pay(step.funding)
                if step.liability is None:
                    book.check(number, step)
        last = step
    if last is None:
        raise ProgrammingError("a block of paths has no step")
    return {name: book.close(last, cost_ratio) for name, book in books.items()}
