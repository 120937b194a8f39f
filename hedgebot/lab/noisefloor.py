"""Estimates what an error in volatility leaves of a book of options, however tight its band (hedging reference 8).

Owns the windows of history, the volatility that a hedger had in them and the smallest deviation over all widths. A book
is valued and hedged with a volatility that is not the one to come; what that leaves is no band's to remove. Knows no
engine and no configuration; fills are whole, at the check, as everywhere in the paper of record.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from hedgebot.domain.durations import NS_PER_DAY
from hedgebot.domain.errors import DataError
from hedgebot.exchange.recordfile import Rows, utc
from hedgebot.lab.bandsim import Bands, Clock, Step, play
from hedgebot.pricing.band import DAYS_PER_YEAR
from hedgebot.pricing.black76 import Floats, greeks, price

WIDTHS = (0.006, 0.01, 0.015, 0.02, 0.03, 0.05, 0.085, 0.13, 0.2)
"""Half widths of the bands, per coin of options: beyond them a band leaves more than any volatility error."""

TRAILING_DAYS = 30.0
WINDOWS_MIN = 30
BAR_DAYS_MAX = 1.0
VOL_MAX = 10.0
_EVERY_DAYS = 1.0


class Held(NamedTuple):
    """One position of options: coins (long positive), strike over forward, days to its expiry."""

    coins: float
    strike_ratio: float
    days: float
    is_call: bool = True


class Series(NamedTuple):
    """Numbers at even moments, `step_days` apart, from `first_ns` (UTC) on."""

    values: Floats
    step_days: float
    first_ns: int

    @classmethod
    def of(cls, rows: Rows, column: str) -> "Series":
        """A column on the grid of its usual step; what is missing has the value before. DataError for coarse rows."""
        step_ns = int(np.median(np.diff(rows.times_ns)))
        if step_ns > BAR_DAYS_MAX * NS_PER_DAY:
            raise DataError(
                f"recording {rows.path}: its rows are {step_ns / NS_PER_DAY:.3g} days apart; a hedge is looked at at "
                "least once a day, give hours or minutes"
            )
        count = int((rows.times_ns[-1] - rows.times_ns[0]) // step_ns) + 1
        moments = rows.times_ns[0] + np.arange(count, dtype=np.int64) * step_ns
        place = np.searchsorted(rows.times_ns, moments, side="right") - 1
        return cls(rows.columns[column][place], step_ns / NS_PER_DAY, int(rows.times_ns[0]))

    def at(self, rows: "Series") -> Floats:
        """These numbers at the moments of other rows: the newest that was known; NaN before the first."""
        moments = rows.first_ns + np.arange(len(rows.values)) * rows.step_days * NS_PER_DAY
        place = np.floor((moments - self.first_ns) / (self.step_days * NS_PER_DAY) + 1e-9).astype(np.int64)
        known = self.values[np.clip(place, 0, len(self.values) - 1)]
        return np.where((place < 0) | (place >= len(self.values) + round(1.0 / self.step_days)), np.nan, known)


class NoiseFloor(msgspec.Struct, frozen=True, kw_only=True):
    """What no band can track better than. USD; `floor_usd` and `known_usd` per square root of a day.

    `premium_usd` is what the options were worth when a window began, gross; `days` their mean life by value.
    `known_usd`: the same with each window's own volatility, known in advance: what checks at these intervals leave.
    """

    windows: int
    independent: float
    days: float
    check_hours: float
    deviation_usd: float
    floor_usd: float
    known_usd: float
    premium_usd: float
    half_width_coin: float

    @property
    def premium_share(self) -> float:
        """The deviation over what the options were worth."""
        return self.deviation_usd / self.premium_usd


def noise_floor(
    closes: Series,
    held: Sequence[Held],
    price_usd: float,
    *,
    vols: Series | None = None,
    trailing_days: float = TRAILING_DAYS,
) -> NoiseFloor:
    """The floor of a book at a price, over all windows of history.

    Its volatility is what the closes did in `trailing_days` before a window, for all of it, or what `vols` (fractions a
    year) had at each moment. DataError where history is too short.
    """
    if not held:
        raise DataError("the book holds no options: nothing in it is valued with a volatility, its noise floor is 0")
    world = _world(closes, held, price_usd, vols, trailing_days)
    if not world.gross.mean() > 0.0:
        raise DataError("the book's options are worth nothing in any window of history: they have no noise floor")
    profit = _least(world)
    known = _least(world._replace(vols=np.broadcast_to(world.realised, world.windows.shape)))
    life = world.mean_life_days
    return NoiseFloor(
        windows=world.windows.shape[1],
        independent=world.windows.shape[1] * _EVERY_DAYS / (world.steps * world.step_days),
        days=life,
        check_hours=24.0 * world.step_days,
        deviation_usd=profit[0],
        floor_usd=profit[0] / life**0.5,
        known_usd=known[0] / life**0.5,
        premium_usd=float(world.gross.mean()),
        half_width_coin=profit[1],
    )


class _World(NamedTuple):
    """A book on windows of prices, shape (steps + 1, windows), with the volatility that each moment is hedged with."""

    windows: Floats
    vols: Floats
    held: Sequence[Held]
    price_usd: float
    step_days: float

    @property
    def steps(self) -> int:
        """Checks of each window, its end included."""
        return len(self.windows) - 1

    @property
    def realised(self) -> Floats:
        """Annual volatility of each window."""
        moves = np.diff(np.log(self.windows), axis=0)
        return np.asarray(moves.std(axis=0) * (DAYS_PER_YEAR / self.step_days) ** 0.5)

    @property
    def values(self) -> Floats:
        """What each position is worth when a window begins, without its sign, shape (positions, windows)."""
        found = [abs(one.coins) * self._priced(one, 0) for one in self.held]
        return np.array(found)

    @property
    def gross(self) -> Floats:
        """What all of them are worth then, shape (windows,)."""
        return np.asarray(self.values.sum(axis=0))

    @property
    def mean_life_days(self) -> float:
        """Days to expiry, weighted by value."""
        return float(np.average([self.ends(one) * self.step_days for one in self.held], weights=self.values.mean(1)))

    def ends(self, one: Held) -> int:
        """The check at which a position expires: at least the first."""
        return max(round(one.days / self.step_days), 1)

    def block(self) -> Iterator[Step]:
        """The book's own delta hedged with the coin; each option is settled where it expires."""
        paid = -sum((np.sign(one.coins) * row for one, row in zip(self.held, self.values, strict=True)), np.zeros(1))
        nothing = np.zeros(self.windows.shape[1])
        for number, spot in enumerate(self.windows):
            delta = nothing.copy()
            for one in self.held:
                if number < self.ends(one):
                    delta += one.coins * greeks(*self._columns(one, number)).delta
                elif number == self.ends(one):
                    gain = (spot - one.strike_ratio * self.price_usd) * (1.0 if one.is_call else -1.0)
                    paid = paid + one.coins * np.maximum(gain, 0.0)
            yield Step(spot, -delta, nothing, paid if number == self.steps else None)

    def _priced(self, one: Held, number: int) -> Floats:
        return price(*self._columns(one, number))

    def _columns(self, one: Held, number: int) -> tuple[Floats, Floats, Floats, Floats, np.ndarray]:
        spot = self.windows[number]
        years = (self.ends(one) - number) * self.step_days / DAYS_PER_YEAR
        strike = one.strike_ratio * self.price_usd
        return (
            spot,
            np.full_like(spot, strike),
            np.full_like(spot, years),
            self.vols[number],
            np.full(spot.shape, one.is_call),
        )


def _world(closes: Series, held: Sequence[Held], price_usd: float, vols: Series | None, trailing_days: float) -> _World:
    step = closes.step_days
    steps = max(max(round(one.days / step), 1) for one in held)
    before = max(round(trailing_days / step), 2) if vols is None else 0
    starts = np.arange(before, len(closes.values) - steps, max(round(_EVERY_DAYS / step), 1))
    if vols is None:
        used = np.broadcast_to(_trailing(closes, starts, before), (steps + 1, len(starts)))
    else:
        known = vols.at(closes)
        rows = known[starts[np.newaxis, :] + np.arange(steps + 1)[:, np.newaxis]] if len(starts) else np.empty((0, 0))
        whole = np.isfinite(rows).all(axis=0) if len(starts) else np.empty(0, dtype=np.bool_)
        starts, used = starts[whole], rows[:, whole]
    if len(starts) < WINDOWS_MIN:
        days = len(closes.values) * step
        raise DataError(
            f"the history has {days:.4g} days from {utc(closes.first_ns)} on, which hold {len(starts)} windows of "
            f"{steps * step:.4g} days with a volatility known before each; at least {WINDOWS_MIN} are needed, a day "
            "apart: give a longer one"
        )
    windows = closes.values[starts[np.newaxis, :] + np.arange(steps + 1)[:, np.newaxis]]
    return _World(price_usd * windows / windows[0], used, held, price_usd, step)


def _trailing(closes: Series, starts: np.ndarray, before: int) -> Floats:
    """Annual volatility of the bars before each start."""
    moves = np.diff(np.log(closes.values))
    found = [moves[start - before : start].std() for start in starts.tolist()]
    return np.asarray(np.array(found) * (DAYS_PER_YEAR / closes.step_days) ** 0.5)


def _least(world: _World) -> tuple[float, float]:
    """The smallest deviation of the profit over all widths, USD, and its half width in coin (0: the exact hedge)."""
    coins = sum(abs(one.coins) for one in world.held)
    factors = tuple(coins * one for one in WIDTHS)
    played = play([world.block()], (Bands("bands", factors, 1.0), Clock("exact", (1,))), cost_ratio=0.0)
    bands, exact = (played[name].deviation for name in ("bands", "exact"))
    best = int(bands.argmin())
    return (float(bands[best]), factors[best]) if bands[best] < exact[0] else (float(exact[0]), 0.0)
