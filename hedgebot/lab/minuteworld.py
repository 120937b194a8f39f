"""Calls hedged with a perpetual through recorded minutes: the perpetual's own mark, its real funding, every policy.

Owns the windows and what the policies are compared at. Opens of mark and index are used, never the mids, which know the
minute's close (data FACTS.md).

The tracking error is what a policy differs from the exact hedge at every check: that is the band's own, and what the
product predicts. What the exact hedge itself leaves (a window's volatility is known, its path is not) is the floor that
every policy has in common (hedging reference section 8); it is told apart.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hedgebot.domain.durations import NS_PER_MINUTE
from hedgebot.domain.errors import DataError
from hedgebot.exchange.fundingtape import FundingTape
from hedgebot.exchange.playback import Minutes
from hedgebot.lab.bandsim import Bands, Clock, Policy, Step, play
from hedgebot.lab.frontier import Frontier, frontier
from hedgebot.lab.worlds import COST_RATIO, DAYS, START, short_call_step
from hedgebot.pricing.black76 import Floats, price

MINUTES_PER_YEAR = 365 * 1_440
WIDTHS = (0.003, 0.006, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.085, 0.1, 0.13, 0.16, 0.2)
RISK_AVERSIONS = (0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
EVERY = (5, 10, 15, 30, 60, 120, 180, 240, 360, 480, 720, 1_440, 2_880)

OURS = "ours (width by gamma, to 0.75 of the trigger)"
TO_EDGE = "fixed band to its edge"
TO_ZERO = "fixed band to zero"
BY_TIME = "fixed time"
_EXACT = "the exact hedge at every check"


class MinuteCalls(NamedTuple):
    """One call sold at the money on each window of the index, hedged with the perpetual; all prices from 100.

    `spots` is the index, `marks` the perpetual, `rates` the funding settled in each row (0 elsewhere). Rows stand one
    minute apart, `starts` are some of them, every `check` of them is a check.
    """

    spots: Floats
    marks: Floats
    rates: Floats
    starts: npt.NDArray[np.intp]
    minutes: int = DAYS * 1_440
    check: int = 1
    cost_ratio: float = COST_RATIO

    @property
    def vol(self) -> Floats:
        """Annual volatility of each window, of its hourly log returns: minutes would count the noise of the marks."""
        hours = np.arange(0, self.minutes + 1, 60)
        prices = np.log(self.spots[self.starts[np.newaxis, :] + hours[:, np.newaxis]])
        return np.asarray(np.diff(prices, axis=0).std(axis=0) * np.sqrt(MINUTES_PER_YEAR / 60))

    @property
    def premium(self) -> Floats:
        """What each call was sold for."""
        shape = self.starts.shape
        years = self.minutes / MINUTES_PER_YEAR
        spot = np.full(shape, START)
        return price(spot, spot, np.full(shape, years), self.vol, np.ones(shape, dtype=np.bool_))

    def blocks(self) -> Iterator[Iterator[Step]]:
        """All windows in one block."""
        yield self._block()

    def _block(self) -> Iterator[Step]:
        vol, scale = self.vol, START / self.spots[self.starts]
        for minute in range(0, self.minutes + 1, self.check):
            rows = self.starts + minute
            spot, mark = self.spots[rows] * scale, self.marks[rows] * scale
            # What was settled since the last check; the rate is paid on the mark.
            since = rows - (self.check if minute else 0) + 1
            paid = sum((self.rates[np.minimum(since + one, rows)] for one in range(self.check)), np.zeros(len(rows)))
            funding = paid * mark if minute else None
            if minute == self.minutes:
                nothing = np.zeros_like(spot)
                owed = self.premium - np.maximum(spot - START, 0.0)
                yield Step(spot, nothing, nothing, owed, mark, funding)
                return
            years = (self.minutes - minute) / MINUTES_PER_YEAR
            step = short_call_step(spot, START, years, vol, self.cost_ratio)
            yield step._replace(hedge_price=mark, funding=funding)


def world_of(minutes: Minutes, tape: FundingTape, *, days: int = DAYS, every_hours: int = 24) -> MinuteCalls:
    """Windows of so many days that start every so many hours; DataError where the rows do not hold one."""
    rows = int((minutes.times_ns[-1] - minutes.times_ns[0]) // NS_PER_MINUTE) + 1
    moments = minutes.times_ns[0] + np.arange(rows, dtype=np.int64) * NS_PER_MINUTE
    # A minute that is missing has the last one's prices.
    place = np.searchsorted(minutes.times_ns, moments, side="right") - 1
    length = days * 1_440
    starts = np.arange(0, rows - length, every_hours * 60)
    if not len(starts):
        raise DataError(f"the minutes hold {rows / 1_440:.1f} days; a window has {days}, give more of them")
    settled = np.zeros(rows)
    at = (tape.times_ns - minutes.times_ns[0]) // NS_PER_MINUTE
    inside = (at >= 0) & (at < rows)
    if not inside.any():
        raise DataError("no funding settlement falls into the minutes; give the funding of the same time")
    np.add.at(settled, at[inside], tape.rates[inside])
    return MinuteCalls(minutes.index[place], minutes.mark[place], settled, starts, length)


def policies() -> tuple[Policy, ...]:
    """Ours and what others do."""
    scales = tuple(one ** (-1.0 / 3.0) for one in RISK_AVERSIONS)
    return (
        Bands(OURS, scales, 0.75, scaled=True),
        Bands(TO_EDGE, WIDTHS, 1.0),
        Bands(TO_ZERO, WIDTHS, 0.0),
        Clock(BY_TIME, EVERY),
    )


class Compared(NamedTuple):
    """Frontier of each policy and the mean funding it paid at the middle of its sweep, in shares of the premium.

    `floor` is the deviation that the exact hedge at every check leaves, before its costs.
    """

    lines: Mapping[str, Frontier]
    funding: Mapping[str, float]
    floor: float
    windows: int


def compare(world: MinuteCalls) -> Compared:
    """Play every policy over the same windows."""
    premium = float(world.premium.mean())
    played = play(world.blocks(), (*policies(), Clock(_EXACT, (1,))), world.cost_ratio)
    exact = played.pop(_EXACT).profit[0]
    lines = {
        name: frontier((one.profit - exact).std(axis=1) / premium, one.mean_cost / premium)
        for name, one in played.items()
    }
    funding = {name: float(one.funding[len(one.funding) // 2].mean()) / premium for name, one in played.items()}
    return Compared(lines, funding, float(exact.std()) / premium, len(world.starts))
