"""Plays many bands over one recorded path of exposure, fast: what each would have cost, and left open.

Owns the replay of a band policy on arrays: the unhedged exposure and the price at each look, from a journal or from a
run. No engine, no venue: fills are whole, at the look, at a cost ratio; lots floor a trade. The engine's own run tells
whether that is near enough (`hedgebot backtest`). A band looks far ahead for its next exit by the extremes of blocks,
so that a quiet hour costs no more than a quiet second.
"""

import math
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor

import msgspec
import numpy as np

from hedgebot.domain.errors import DataError
from hedgebot.pricing.black76 import Floats

_ROUNDING = 1e-9
BLOCK, NEAR, CHUNK = 256, 64, 32


class Seen(msgspec.Struct, frozen=True):
    """What the engine knew at each look, arrays of shape (n,); NaN where it was not known yet.

    Gamma in coin per USD, volatility per root day, variance of the flow in coin^2 a day, overshoot in coin.
    """

    gamma: Floats
    vol_root_day: Floats
    flow_variance: Floats
    overshoot_coin: Floats


class Exposure(msgspec.Struct, frozen=True):
    """One underlying over time, arrays of shape (n,): days, price in USD, exposure without hedges in coin.

    `seen` is there where an engine lived through it: strategies that follow its estimates can be played then.
    `lot_coin` is the smallest step of its hedge, 0 where that is not known. `cost_bps` is what a hedge cost one way at
    its end, where own fills tell; None: as configured.
    """

    days: Floats
    price: Floats
    unhedged_coin: Floats
    seen: Seen | None = None
    lot_coin: float = 0.0
    cost_bps: float | None = None

    def part(self, first: int, last: int) -> "Exposure":
        """The looks from `first` up to `last`."""
        columns = (self.days[first:last], self.price[first:last], self.unhedged_coin[first:last])
        return Exposure(*columns, lot_coin=self.lot_coin, cost_bps=self.cost_bps)


class BandChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A fixed band: its half width in coin, and where a trade ends as a share of it."""

    trigger_coin: float
    target_ratio: float


class BudgetChoice(msgspec.Struct, frozen=True, kw_only=True):
    """A band that a strategy makes anew at every look, for so much tracking error (USD per square root of a day)."""

    tracking_error_usd: float


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """What one choice came to on a path. Money in USD a day; the tracking error per square root of a day."""

    choice: BandChoice | BudgetChoice
    tracking_error_usd: float
    cost_usd_day: float
    orders_day: float
    turnover_coin_day: float


def checked(path: Exposure) -> Exposure:
    """The path; DataError that names the first look that is no good."""
    count = len(path.days)
    if count < 2 or len(path.price) != count or len(path.unhedged_coin) != count:
        raise DataError(f"a path needs at least two looks of equal columns, this one has {count}")
    for name in ("days", "price", "unhedged_coin"):
        bad = np.flatnonzero(~np.isfinite(getattr(path, name)))
        if len(bad):
            raise DataError(f"{name} at look {bad[0]} is {getattr(path, name)[bad[0]]}, it must be a number")
    back = np.flatnonzero(np.diff(path.days) <= 0.0)
    if len(back):
        raise DataError(f"look {back[0] + 1} is not after the one before it: sort the path and drop doubles")
    low = np.flatnonzero(path.price <= 0.0)
    if len(low):
        raise DataError(f"price at look {low[0]} is {path.price[low[0]]}, it must be above zero")
    return path


class Extremes:
    """Least and largest exposure of each block of looks, to jump over blocks in which nothing happens."""

    def __init__(self, unhedged_coin: Floats) -> None:
        blocks = -(-len(unhedged_coin) // BLOCK)
        padded = np.full(blocks * BLOCK, unhedged_coin[-1])
        padded[: len(unhedged_coin)] = unhedged_coin
        table = padded.reshape(blocks, BLOCK)
        self._coin = unhedged_coin
        self._low, self._high = table.min(axis=1), table.max(axis=1)
        self._moves: Floats | None = None

    def moves(self, path: Exposure) -> Floats:
        """Changes of the path's price, taken once for all bands."""
        if self._moves is None:
            self._moves = np.diff(path.price)
        return self._moves

    def next_outside(self, first: int, low: float, high: float) -> int:
        """The first look from `first` on whose exposure is below `low` or above `high`; the length where none is."""
        coin, count = self._coin, len(self._coin)
        if first >= count:
            return count
        block = first // BLOCK
        end = min((block + 1) * BLOCK, count)
        # The next exit of a tight band is near: a few looks first, then the rest of the block, then blocks.
        near = min(first + NEAR, end)
        for begin, stop in ((first, near), (near, end)):
            found = _first_outside(coin[begin:stop], low, high) if begin < stop else -1
            if found >= 0:
                return begin + found
        begin, chunk = block + 1, CHUNK
        while begin < len(self._low):
            ahead = (self._low[begin : begin + chunk] < low) | (self._high[begin : begin + chunk] > high)
            hit = int(ahead.argmax())
            if ahead[hit]:
                start = (begin + hit) * BLOCK
                return start + _first_outside(coin[start : start + BLOCK], low, high)
            begin, chunk = begin + chunk, chunk * 4
        return count


def _first_outside(coin: Floats, low: float, high: float) -> int:
    outside = (coin < low) | (coin > high)
    at = int(outside.argmax())
    return at if outside[at] else -1


def play(
    path: Exposure, choice: BandChoice, *, cost_ratio: float, lot_coin: float = 0.0, extremes: Extremes | None = None
) -> Played:
    """One band over a path that begins unhedged."""
    far = extremes or Extremes(path.unhedged_coin)
    trigger, inside = choice.trigger_coin, choice.trigger_coin * choice.target_ratio
    starts, hedges = hedged(
        path.unhedged_coin,
        lambda at, hedge: far.next_outside(at, -trigger - hedge, trigger - hedge),
        lambda _at: inside,
        lot_coin,
    )
    return summed(path, choice, starts, hedges, cost_ratio, far.moves(path))


def hedged(
    off_coin: Floats,
    next_outside: Callable[[int, float], int],
    inside_coin: Callable[[int], float],
    lot_coin: float,
) -> tuple[list[int], list[float]]:
    """From which looks on which hedges are held, in coin, where each trade goes as far as `inside_coin`, in whole lots.

    `off_coin` is the distance from the band's middle without a hedge; `next_outside` gives the first look from one on
    at which that distance and the hedge are outside, the length where there is none.
    """
    hedge, at, count = 0.0, 0, len(off_coin)
    starts, hedges = [0], [0.0]
    while (at := next_outside(at, hedge)) < count:
        distance = off_coin.item(at) + hedge
        traded = abs(distance) - inside_coin(at)
        if lot_coin > 0.0:
            traded = math.floor(traded / lot_coin + _ROUNDING) * lot_coin
        if traded > 0.0:
            hedge += traded if distance < 0.0 else -traded
            starts.append(at)
            hedges.append(hedge)
        at += 1
    return starts, hedges


def summed(
    path: Exposure,
    choice: BandChoice | BudgetChoice,
    starts: Sequence[int],
    hedges: Sequence[float],
    cost_ratio: float,
    moves: Floats,
) -> Played:
    """What hedges came to that were held from each of the looks `starts` on; `moves` are the changes of the price."""
    moments, held = np.array(starts), np.array(hedges)
    trades = np.abs(np.diff(held))
    delta_coin = path.unhedged_coin + np.repeat(held, np.diff(moments, append=len(path.unhedged_coin)))
    left = delta_coin[:-1] * moves
    days = float(path.days[-1] - path.days[0])
    volume = float(trades.sum())
    cost = float(trades @ path.price[moments[1:]]) * cost_ratio
    return Played(
        choice=choice,
        tracking_error_usd=float(np.sqrt(left @ left / days)),
        cost_usd_day=cost / days,
        orders_day=(len(starts) - 1) / days,
        turnover_coin_day=volume / days,
    )


def sweep(
    path: Exposure,
    choices: Sequence[BandChoice],
    *,
    cost_ratio: float,
    lot_coin: float = 0.0,
    workers: int | None = None,
) -> list[Played]:
    """Every band over the path, on local processes where there are many; in the order of the choices."""
    checked(path)
    count = min(workers or os.cpu_count() or 1, len(choices))
    if count <= 1:
        return _sweep((path, tuple(choices), cost_ratio, lot_coin))
    # Dealt out in turn: tight bands take longest and stand beside each other.
    shares = [tuple(choices[number::count]) for number in range(count)]
    with ProcessPoolExecutor(count) as pool:
        found = list(pool.map(_sweep, [(path, share, cost_ratio, lot_coin) for share in shares]))
    by_choice = {one.choice: one for share in found for one in share}
    return [by_choice[one] for one in choices]


def _sweep(job: tuple[Exposure, tuple[BandChoice, ...], float, float]) -> list[Played]:
    path, choices, cost_ratio, lot_coin = job
    far = Extremes(path.unhedged_coin)
    return [play(path, one, cost_ratio=cost_ratio, lot_coin=lot_coin, extremes=far) for one in choices]
