"""Holds recorded numbers against what else is known, so that a whole file in another unit is refused, not played.

Owns how far numbers may be from each other: prices of one coin from what the scenario says, from what the coin was
worth in that year, from other columns and files of the same time, from what was turned over and from its options;
funding rates from what a market pays. Must not read files.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from hedgebot.domain.durations import NS_PER_HOUR
from hedgebot.domain.errors import DataError
from hedgebot.exchange.chaintape import ChainTape
from hedgebot.exchange.playback import Bars, Floats, Minutes, RecordedPath, Times
from hedgebot.exchange.recordfile import Rows, as_file
from hedgebot.exchange.scenario import RecordingSpec, UnderlyingSpec
from hedgebot.pricing.band import DAYS_PER_YEAR

# A coin's history may be far below the price at which a scenario begins, and is rarely far above it.
START_BELOW_MIN, START_ABOVE_MAX = 1.0 / 200.0, 8.0
# A scenario that begins so near to a year's prices says that they are meant, whatever the coin was worth in it.
START_NEAR = 1.15
# Two prices of one coin at one time, in the middle of all their moments: a basis stays at some percent for days; in a
# crash it is a sixth, for minutes. A stretch below an hour may be such a crash.
BESIDE_MAX, BESIDE_SHORT_MAX = 1.08, 1.35
# An old forward is tens of percent from its coin, and captures are hours apart.
APART_MAX = 2.0
# What was paid over what was traded is the price of a coin, or a power of ten of it where one of them has another unit.
TENS_MAX, TENS_OFF_MAX = 4, 0.06
# The middle price of a year's rows may be so far beyond its lowest and highest: another venue, another fiat coin.
YEAR_BEYOND_MAX = 1.25
# The same a year after the last one that is known. The farthest that the middle of a year below was from the prices of
# the year before: ETH's of 2021, 3.5 times the highest of 2020.
NEXT_YEAR_BEYOND_MAX = 5.0
# Lowest and highest of each year in USD, of Binance's daily klines (spot), which are public on the exchange.
YEARS: Mapping[str, Mapping[int, tuple[float, float]]] = {
    "BTC": {
        2018: (3_156.0, 17_177.0),
        2019: (3_349.0, 13_970.0),
        2020: (3_782.0, 29_300.0),
        2021: (28_130.0, 69_000.0),
        2022: (15_476.0, 48_190.0),
        2023: (16_499.0, 44_700.0),
        2024: (38_555.0, 108_353.0),
        2025: (74_508.0, 126_200.0),
    },
    "ETH": {
        2018: (81.0, 1_440.0),
        2019: (100.0, 367.0),
        2020: (86.0, 759.0),
        2021: (714.0, 4_868.0),
        2022: (881.0, 3_901.0),
        2023: (1_190.0, 2_446.0),
        2024: (2_100.0, 4_108.0),
        2025: (1_385.0, 4_957.0),
    },
}
# Columns of marks and indices that files of candles and quotes may have, and what they are called. Not "index" alone:
# tables that are written with their row numbers call those so.
BESIDE_NAMES: Mapping[str, tuple[str, ...]] = {
    "mark": ("mark", "mark_price", "markPrice"),
    "index": ("index_price", "indexPrice"),
}
# Half of all listed strikes are never farther from the forward.
STRIKES_APART_MAX = 3.0
# A median beyond 330 % a year for a whole file was never seen of a coin that is worth hedging; percent are beyond it.
RATE_DAY_MAX = 0.009
CAPTURES_ASKED_MAX = 200


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
    for bars, file in ((perp, spec.perp_bars), (spot, spec.spot_bars)):
        if bars is not None:
            _check_paid(as_file(file).file, bars, underlying.start_price)
    level = float(np.median(first.values))
    ratio = level / underlying.start_price
    for column in found:
        _check_years(column, spec.underlying, underlying.start_price)
    if not START_BELOW_MIN <= ratio <= START_ABOVE_MAX:
        beside = f"the scenario has {spec.underlying} at {_number(underlying.start_price)}"
        raise DataError(
            f"{_differ(first.file, f'column {first.column}', level, beside, ratio)}; where they are, name a --scenario "
            "whose start_price is near them"
        )


def check_columns(rows: Rows, column: str, prices: Floats) -> None:
    """DataError for a column of marks or indices that is not in the unit of its file's prices; NaN is none."""
    for name in BESIDE_NAMES:
        if name not in rows.columns:
            continue
        values = rows.columns[name]
        known = np.isfinite(values) & (values > 0.0)
        if known.any():
            times_ns = rows.times_ns[known]
            mine = _Prices(rows.path, column, times_ns, prices[known])
            _check_beside(mine, _Prices(rows.path, name, times_ns, values[known]))


def paid_price(volume: Floats | None, turnover: Floats | None) -> float:
    """What was paid for one of what was traded, in the middle; NaN where nobody recorded both."""
    if volume is None or turnover is None:
        return math.nan
    traded = (volume > 0.0) & (turnover > 0.0)
    return float(np.median(turnover[traded] / volume[traded])) if traded.any() else math.nan


def _check_paid(file: str, bars: Bars, start_price: float) -> None:
    """Turnover over volume is a price too. It proves another unit where it would bring prices nearer to the scenario.

    Being a power of ten off is no proof alone: venues count volume in contracts.
    """
    level = float(np.median(bars.closes))
    if not bars.paid > 0.0:
        return
    tens = math.log10(bars.paid / level)
    whole = round(tens)
    if whole == 0 or abs(whole) > TENS_MAX or abs(tens - whole) > TENS_OFF_MAX:
        return
    if _apart(bars.paid, start_price) < _apart(level, start_price):
        beside = f"turnover over volume is about {_number(bars.paid)}"
        raise DataError(_differ(file, f"column {bars.column}", level, beside, level / bars.paid))


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
    """Their middle ratio over the time that both have; nothing where they have none in common."""
    first_ns = int(max(one.times_ns[0], other.times_ns[0]))
    last_ns = int(min(one.times_ns[-1], other.times_ns[-1]))
    mine, theirs = one.between(first_ns, last_ns), other.between(first_ns, last_ns)
    if not len(mine) or not len(theirs):
        return
    # Each of the rows of one beside the newest that the other had by then.
    begins = np.searchsorted(one.times_ns, first_ns)
    place = np.searchsorted(other.times_ns, one.times_ns[begins : begins + len(mine)], side="right") - 1
    ratio = float(np.median(mine / other.values[np.maximum(place, 0)]))
    here, there = float(np.median(mine)), float(np.median(theirs))
    most = BESIDE_MAX if last_ns - first_ns >= NS_PER_HOUR else BESIDE_SHORT_MAX
    if _apart(ratio, 1.0) > most:
        beside = f"column {other.column} of {other.file} is about {_number(there)} at the same time"
        raise DataError(_differ(one.file, f"column {one.column}", here, beside, here / there))


def _check_years(one: _Prices, coin: str, start_price: float) -> None:
    """Medians of each year against what the coin was worth in it, as far as that is known."""
    years = YEARS.get(coin, {})
    for year, prices in _by_year(one):
        level = float(np.median(prices))
        told = year if year in years else year - 1
        if told not in years or _apart(level, start_price) <= START_NEAR:
            continue
        (lowest, highest), beyond = years[told], YEAR_BEYOND_MAX if told == year else NEXT_YEAR_BEYOND_MAX
        if not lowest / beyond <= level <= highest * beyond:
            beside = f"{coin} was worth {_number(lowest)} to {_number(highest)} USD in {told}"
            ratio = level / math.sqrt(lowest * highest)
            raise DataError(
                f"{_differ(one.file, f'column {one.column}', level, beside, ratio)}; where they are, name a --scenario "
                f"whose start_price is near them (it is {_number(start_price)})"
            )


def _by_year(one: _Prices) -> Iterator[tuple[int, Floats]]:
    years = one.times_ns.astype("datetime64[ns]").astype("datetime64[Y]").astype(np.int64) + 1970
    for year in np.unique(years).tolist():
        yield year, one.values[years == year]


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
