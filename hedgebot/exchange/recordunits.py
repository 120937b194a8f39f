"""Holds recorded numbers against what else is known, so that a whole file in another unit is refused, not played.

Owns how far numbers may be from each other: prices of one coin from what the scenario says, from other columns and
files of the same time and from its options; funding rates from what a market pays. Must not read files.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from hedgebot.domain.durations import NS_PER_HOUR
from hedgebot.domain.errors import DataError
from hedgebot.exchange.chaintape import ChainTape
from hedgebot.exchange.playback import Bars, Floats, Minutes, RecordedPath, Times
from hedgebot.exchange.recordfile import as_file
from hedgebot.exchange.scenario import RecordingSpec, UnderlyingSpec

# A coin's history may be far below the price at which a scenario begins, and is rarely far above it.
START_BELOW_MIN, START_ABOVE_MAX = 1.0 / 200.0, 8.0
# Two prices of one coin at one time: a basis of weeks is a few percent, an old forward's tens of them.
APART_MAX = 2.0
# Half of all listed strikes are never farther from the forward.
STRIKES_APART_MAX = 3.0
# A median beyond 330 % a year for a whole file was never seen of a coin that is worth hedging; percent are beyond it.
RATE_DAY_MAX = 0.009
CAPTURES_ASKED_MAX = 200
DAYS_PER_YEAR = 365.0


class _Prices(NamedTuple):
    """A column of prices at its times."""

    file: str
    column: str
    times_ns: Times
    values: Floats

    def between(self, first_ns: int, last_ns: int) -> Floats:
        """Prices of a stretch of time, both ends in it."""
        first, last = np.searchsorted(self.times_ns, (first_ns, last_ns + 1))
        return self.values[first:last]


def check_prices(
    spec: RecordingSpec, perp: Bars | None, spot: Bars | None, minutes: Minutes | None, underlying: UnderlyingSpec
) -> None:
    """DataError for prices that cannot be in the unit of the others, or of the scenario."""
    found = list(_columns(spec, perp, spot, minutes))
    first = found[0]
    for other in found[1:]:
        _check_beside(other, first)
    level = float(np.median(first.values))
    ratio = level / underlying.start_price
    if not START_BELOW_MIN <= ratio <= START_ABOVE_MAX:
        beside = f"the scenario has {spec.underlying} at {_number(underlying.start_price)}"
        raise DataError(
            f"{_differ(first.file, f'column {first.column}', level, beside, ratio)}; where they are, name a --scenario "
            "whose start_price is near them"
        )


def check_chain(spec: RecordingSpec, path: RecordedPath) -> None:
    """DataError for a chain whose forwards or strikes are not in the unit of the prices that are played."""
    chain: ChainTape | None = path.chain
    if chain is None:
        return
    file = as_file(spec.chain).file
    some = chain.captures[:: 1 + len(chain.captures) // CAPTURES_ASKED_MAX]
    forwards = [one.forward for capture in some for one in capture.smiles.values()]
    forward, index = float(np.median(forwards)), float(np.median([path.index_at(one.at_ns) for one in some]))
    if _apart(forward, index) > APART_MAX:
        beside = f"the recorded price is about {_number(index)}"
        raise DataError(_differ(file, "its forward", forward, beside, forward / index))
    strike = float(np.median([float(one.strike) for one in chain.options]))
    if _apart(strike, forward) > STRIKES_APART_MAX:
        beside = f"its forwards are about {_number(forward)}"
        raise DataError(_differ(file, "column strike", strike, beside, strike / forward))


def check_rates(file: str, column: str, times_ns: Times, rates: Floats) -> None:
    """DataError for rates (fractions per interval, all of a file) that would be absurd in their middle."""
    if len(rates) < 2:
        return
    hours = float(np.median(np.diff(times_ns))) / NS_PER_HOUR
    middle = float(np.median(np.abs(rates)))
    a_day = middle * 24.0 / hours
    if a_day > RATE_DAY_MAX:
        raise DataError(
            f"recording {file}: column {column} is about {middle:g} in its middle, every {hours:g} hours: "
            f"{100.0 * a_day * DAYS_PER_YEAR:,.0f} % a year; rates must be fractions per interval (0.01 % is 0.0001), "
            "these look like percent: divide them by 100"
        )


def _columns(spec: RecordingSpec, perp: Bars | None, spot: Bars | None, minutes: Minutes | None) -> Iterable[_Prices]:
    for bars, file in ((perp, spec.perp_bars), (spot, spec.spot_bars)):
        if bars is not None:
            yield _Prices(as_file(file).file, bars.column, bars.times_ns, bars.closes)
    if minutes is not None:
        file = as_file(spec.minutes).file
        yield _Prices(file, "index_price", minutes.times_ns, minutes.index)
        yield _Prices(file, "spot_mid", minutes.times_ns, minutes.spot)
        yield _Prices(file, "perp_mid", minutes.times_ns, minutes.perp)
        yield _Prices(file, "perp_mark", minutes.times_ns, minutes.mark)


def _check_beside(one: _Prices, other: _Prices) -> None:
    """Medians over the time that both have; nothing where they have none in common."""
    first_ns = int(max(one.times_ns[0], other.times_ns[0]))
    last_ns = int(min(one.times_ns[-1], other.times_ns[-1]))
    mine, theirs = one.between(first_ns, last_ns), other.between(first_ns, last_ns)
    if not len(mine) or not len(theirs):
        return
    here, there = float(np.median(mine)), float(np.median(theirs))
    if _apart(here, there) > APART_MAX:
        beside = f"column {other.column} of {other.file} is about {_number(there)} at the same time"
        raise DataError(_differ(one.file, f"column {one.column}", here, beside, here / there))


def _differ(file: str, what: str, value: float, beside: str, ratio: float) -> str:
    """The sentence on a price and what it was held against."""
    return (
        f"recording {file}: {what} is about {_number(value)}, where {beside}; prices must be quote currency for one "
        f"coin{_guess(ratio)}"
    )


def _apart(one: float, other: float) -> float:
    return max(one / other, other / one)


def _number(price: float) -> str:
    return f"{price:.8g}"


def _guess(ratio: float) -> str:
    """What the unit may be, by how far prices are off."""
    if 1 / 5_000 < ratio < 1 / 200:
        return " (these look like thousands)"
    return " (these look like cents)" if 20 < ratio < 500 else ""
