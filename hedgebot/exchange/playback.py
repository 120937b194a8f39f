"""Turns recorded candles into the grid of a price path, faster or slower than they were recorded.

Owns the path inside a candle, where extremes go, and what a gap does. Inside a bar the price goes open, low, high,
close (high first where the bar fell); with minutes beside the bars, the minutes give the shape and each bar's low and
high are put where the minutes are lowest and highest. The grid step next to an extreme has exactly its price, so true
lows and highs are always touched. On a grid coarser than a second the extremes stand between the points
(`Inside`), and the points have the path's own prices. Of recorded quotes each point has the one that stood then, its
middle and its spread: nothing is drawn between two of them. Gap policy: nothing trades from the end of the last candle
before a gap until the first one after it, nor after the recording's end; prices are held. Reads no files.
"""

import copy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hedgebot.exchange.chaintape import ChainTape
from hedgebot.exchange.fundingtape import FundingTape
from hedgebot.exchange.pricepath import FINE_STEP_S, SECONDS_PER_YEAR, STEPS_PER_BLOCK, Inside, PathBlock, Quoted
from hedgebot.exchange.scenario import UnderlyingSpec

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]

_GAP_STEPS = 1.5
_STRESS_RANGE = (0.5, 8.0)
_STRESS_WINDOW_NS = 300 * 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotes:
    """Recorded best bids and asks, each standing from its time (UTC ns, rising) to the next one's.

    `half_ratio` is half the spread over the middle; sizes are coins, NaN where the file has none. `middle` is None
    where candles say more of the price.
    """

    times_ns: Times
    half_ratio: Floats
    bid_coin: Floats
    ask_coin: Floats
    middle: Floats | None = None

    def at(self, moments: Floats) -> Quoted:
        """What stood at moments; before the first quote, the first."""
        place = np.maximum(np.searchsorted(self.times_ns, moments, side="right") - 1, 0)
        return Quoted(half_ratio=self.half_ratio[place], bid_coin=self.bid_coin[place], ask_coin=self.ask_coin[place])

    def mean_bps(self, first_ns: float, last_ns: float) -> float:
        """Mean spread over a stretch of time, in basis points; each quote counts as long as it stands in it."""
        edges = np.clip(np.append(self.times_ns.astype(np.float64), last_ns), first_ns, last_ns)
        edges[0] = first_ns
        weights = np.diff(edges)
        return float(np.average(self.half_ratio, weights=weights)) * 2e4 if weights.any() else float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Candles by open time (UTC ns, rising), `step_ns` long; `silent` ones had no trade (None: none is known to be).

    `column` is the one of their file that says what unit their prices have, `paid` its turnover over its volume, where
    it has both (else NaN). `quotes` are None where none were recorded.
    """

    times_ns: Times
    step_ns: int
    opens: Floats
    highs: Floats
    lows: Floats
    closes: Floats
    silent: npt.NDArray[np.bool_] | None = None
    column: str = "close"
    paid: float = np.nan
    quotes: Quotes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Minutes:
    """Minute rows: `spot`, `perp` are middles of the minute that starts at the time, `mark`, `index` its opens."""

    times_ns: Times
    step_ns: int
    spot: Floats
    perp: Floats
    mark: Floats
    index: Floats


@dataclass(frozen=True, slots=True)
class Curve:
    """Prices at rising moments, linear between them. `pinned` moments must be met exactly on any grid."""

    times_ns: Floats
    prices: Floats
    pinned: npt.NDArray[np.bool_]

    def sample(self, moments: Floats, *, pin: bool = True) -> Floats:
        """Prices at rising, evenly spaced moments; a pinned price is at the sample nearest to it (unless not `pin`)."""
        sampled = self.at(moments)
        if pin and len(moments) > 1:
            step = moments[1] - moments[0]
            places = np.rint((self.times_ns[self.pinned] - moments[0]) / step).astype(np.int64)
            inside = (places >= 0) & (places < len(moments))
            sampled[places[inside]] = self.prices[self.pinned][inside]
        return sampled

    def inside(self, moments: Floats, prices: Floats) -> tuple[Floats, Floats]:
        """Lowest and highest of the steps that end at evenly spaced moments, over the prices there."""
        before = self.at(2.0 * moments[:1] - moments[1:2])
        begins = np.concatenate((before, prices[:-1]))
        lows, highs = np.minimum(begins, prices), np.maximum(begins, prices)
        step = moments[1] - moments[0]
        first, last = np.searchsorted(self.times_ns, (moments[0] - step, moments[-1]), side="right")
        places = np.searchsorted(moments, self.times_ns[first:last], side="left")
        np.minimum.at(lows, places, self.prices[first:last])
        np.maximum.at(highs, places, self.prices[first:last])
        return lows / prices, highs / prices

    def at(self, moments: Floats) -> Floats:
        """Prices at moments, by the line between those that are known."""
        found: Floats = np.interp(moments, self.times_ns, self.prices)
        return found


@dataclass(frozen=True, slots=True)
class Stairs(Curve):
    """Prices that stand from their moment until the next one's, as quotes do."""

    def at(self, moments: Floats) -> Floats:
        """Prices at moments; before the first one, the first."""
        return self.prices[np.maximum(np.searchsorted(self.times_ns, moments, side="right") - 1, 0)]


def bar_curve(bars: Bars) -> Curve:
    """The path through bars alone."""
    third = bars.step_ns / 3.0
    rises = bars.closes >= bars.opens
    first, second = np.where(rises, bars.lows, bars.highs), np.where(rises, bars.highs, bars.lows)
    starts = bars.times_ns.astype(np.float64)
    # The close stands a microsecond before the next open, which may differ from it.
    times = np.column_stack((starts, starts + third, starts + 2 * third, starts + bars.step_ns - 1_000.0))
    prices = np.column_stack((bars.opens, first, second, bars.closes))
    pinned = np.tile([False, True, True, False], len(starts))
    return Curve(times.ravel(), prices.ravel(), pinned)


def minute_curve(times_ns: Times, middles: Floats, bars: Bars | None) -> Curve:
    """The path through minute middles, each at half its minute, with the bars' extremes where the minutes peak."""
    times = times_ns.astype(np.float64) + 30e9
    prices, pinned = middles.copy(), np.zeros(len(times), dtype=np.bool_)
    if bars is not None:
        for start, low, high in zip(bars.times_ns.tolist(), bars.lows.tolist(), bars.highs.tolist(), strict=True):
            first, last = np.searchsorted(times, (start, start + bars.step_ns))
            if last - first < 2:
                continue
            lowest, highest = first + np.argmin(middles[first:last]), first + np.argmax(middles[first:last])
            if lowest == highest:
                highest = first if lowest > first else last - 1
            prices[lowest], prices[highest] = low, high
            pinned[lowest] = pinned[highest] = True
    return Curve(times, prices, pinned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What else was recorded, on recorded time. `origin_ns` is the moment to begin at (None: the first row)."""

    origin_ns: int | None = None
    funding: FundingTape | None = None
    chain: ChainTape | None = None


class RecordedPath:
    """A price path that plays a recording; see the module for its law. At least one source must be given."""

    def __init__(
        self,
        *,
        perp: Bars | None,
        spot: Bars | None,
        minutes: Minutes | None,
        underlying: UnderlyingSpec,
        speed: float,
        step_s: float,
        beside: Beside | None = None,
    ) -> None:
        self._basis = 1.0 + underlying.basis_bps * 1e-4
        self._speed = speed
        self._coarse = step_s > FINE_STEP_S
        self._step_ns = step_s * speed * 1e9
        self._perp, self._spot = _curve(perp, minutes, "perp"), _curve(spot, minutes, "spot")
        self._index = Curve(minutes.times_ns.astype(np.float64), minutes.index, _none(minutes)) if minutes else None
        self._mark = Curve(minutes.times_ns.astype(np.float64), minutes.mark, _none(minutes)) if minutes else None
        sources = [one for one in (perp, spot, minutes) if one is not None]
        self._first = float(max(one.times_ns[0] for one in sources))
        beside = beside or Beside()
        self._start = self._first if beside.origin_ns is None else float(beside.origin_ns)
        self._end = float(min(one.times_ns[-1] + one.step_ns for one in sources))
        self._gaps = sorted(gap for one in sources for gap in _gaps(one))
        self._quiet = _spans([*self._gaps, *_silences(perp, spot)])
        self._funding = beside.funding
        # Recorded options, on recorded time.
        self.chain = beside.chain
        # Best bids and asks that were recorded, by what they are of.
        self.quotes = {
            name: bars.quotes for name, bars in (("perp", perp), ("spot", spot)) if bars is not None and bars.quotes
        }
        self._stress = _stress_curve(self._perp or self._spot, underlying.vol)
        self._block = 0
        self.start_price = float(self._sample(np.array([self._start, self._start + 1e9]))[0][0])

    @property
    def gaps(self) -> tuple[tuple[float, float], ...]:
        """Gaps of all sources as (from, until), recorded UTC ns; bars without volume are none."""
        return tuple(self._gaps)

    @property
    def quiet_s(self) -> float:
        """Seconds of the exchange's time that the longest stretch lasts in which nothing trades; 0 without one."""
        since, until = self._quiet
        return float((until - since).max()) / 1e9 / self._speed if len(since) else 0.0

    @property
    def days(self) -> float:
        """How long it plays, at its speed."""
        return (self._end - self._start) / self._speed / 86_400e9

    @property
    def speed(self) -> float:
        """How many times faster than recorded it is played."""
        return self._speed

    @property
    def origin_ns(self) -> int:
        """The recorded moment (UTC ns) that is played first."""
        return int(self._start)

    def funding(self, start_ns: int) -> FundingTape | None:
        """Recorded settlements on the time of an exchange that starts at `start_ns`; None where none are recorded."""
        if self._funding is None:
            return None
        delays = (self._funding.times_ns - self.origin_ns) / self._speed
        return FundingTape(start_ns + np.rint(delays).astype(np.int64), self._funding.rates)

    def index_at(self, moment_ns: float) -> float:
        """Index at a recorded moment."""
        return float(self._sample(np.array([moment_ns, moment_ns + 1e9]))[0][0])

    def delay_s(self, moment_ns: float) -> float:
        """Seconds of the exchange's time from the start until a recorded moment (UTC ns) is played."""
        return (moment_ns - self._start) / 1e9 / self._speed

    @property
    def seconds(self) -> float:
        """How long the recording plays, in the exchange's time."""
        return (self._end - self._start) / 1e9 / self._speed

    def afresh(self) -> "RecordedPath":
        """The same recording from its beginning; what was read of it is shared."""
        again = copy.copy(self)
        again._block = 0  # noqa: SLF001  (its own copy)
        return again

    def next_block(self) -> PathBlock:
        """The next steps of the recording; beyond its end prices are held and nothing is live."""
        steps = np.arange(STEPS_PER_BLOCK, dtype=np.float64) + self._block * STEPS_PER_BLOCK
        moments: Floats = self._start + self._step_ns * steps
        self._block += 1
        index, spot, perp = self._sample(moments)
        live = (moments >= self._first) & (moments < self._end)
        if len(self._quiet[0]):
            place = np.searchsorted(self._quiet[0], moments, side="right") - 1
            live &= (place < 0) | (moments >= self._quiet[1][place])
        return PathBlock(
            index=index,
            spot=spot,
            perp=perp,
            mark=self._mark.sample(moments) if self._mark else np.full(len(moments), np.nan),
            stress=self._stress.sample(moments),
            live=live,
            inside=self._inside(moments, spot, perp) if self._coarse else None,
            **{f"{name}_quoted": quotes.at(moments) for name, quotes in self.quotes.items()},
        )

    def _inside(self, moments: Floats, spot: Floats, perp: Floats) -> Inside:
        """What the grid does not show; of what was not recorded nothing more is known than of what was."""
        of_spot = self._spot.inside(moments, spot) if self._spot else None
        of_perp = self._perp.inside(moments, perp) if self._perp else None
        flat = (np.ones(len(moments)), np.ones(len(moments)))
        spot_low, spot_high = of_spot or of_perp or flat
        perp_low, perp_high = of_perp or of_spot or flat
        return Inside(spot_low=spot_low, spot_high=spot_high, perp_low=perp_low, perp_high=perp_high)

    def _sample(self, moments: Floats) -> tuple[Floats, Floats, Floats]:
        """Index, spot and perpetual; what was not recorded stands at the mean basis from what was."""
        pin = not self._coarse
        perp = self._perp.sample(moments, pin=pin) if self._perp else None
        spot = self._spot.sample(moments, pin=pin) if self._spot else None
        if spot is None:
            spot = perp / self._basis if perp is not None else np.full(len(moments), np.nan)
        if perp is None:
            perp = spot * self._basis
        return (self._index.sample(moments) if self._index else spot), spot, perp


def _curve(bars: Bars | None, minutes: Minutes | None, which: str) -> Curve | None:
    if bars is not None and bars.quotes is not None and bars.quotes.middle is not None:
        times = bars.quotes.times_ns.astype(np.float64)
        return Stairs(times, bars.quotes.middle, np.zeros(len(times), dtype=np.bool_))
    if minutes is not None:
        return minute_curve(minutes.times_ns, minutes.perp if which == "perp" else minutes.spot, bars)
    return bar_curve(bars) if bars is not None else None


def _none(minutes: Minutes) -> npt.NDArray[np.bool_]:
    return np.zeros(len(minutes.times_ns), dtype=np.bool_)


def _gaps(source: Bars | Minutes) -> list[tuple[float, float]]:
    """Missing candles, as (end of the last before, start of the first after)."""
    holes = np.flatnonzero(np.diff(source.times_ns) > _GAP_STEPS * source.step_ns)
    return [(float(source.times_ns[one] + source.step_ns), float(source.times_ns[one + 1])) for one in holes]


def _silences(perp: Bars | None, spot: Bars | None) -> list[tuple[float, float]]:
    """Bars in which nothing traded, of the perpetual where it was recorded: the other market alone is no reason."""
    bars = perp or spot
    if bars is None or bars.silent is None:
        return []
    starts = bars.times_ns[bars.silent].tolist()
    return [(float(since), float(since + bars.step_ns)) for since in starts]


def _spans(found: list[tuple[float, float]]) -> tuple[Floats, Floats]:
    """Spans as rising starts and ends, overlapping ones as one."""
    merged: list[tuple[float, float]] = []
    for since, until in sorted(found):
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until))
        else:
            merged.append((since, until))
    return np.array([one[0] for one in merged]), np.array([one[1] for one in merged])


def _stress_curve(curve: Curve | None, vol: float) -> Curve:
    """Realised range of each five minutes over what the underlying's volatility makes one expect."""
    if curve is None:
        return Curve(np.array([0.0]), np.array([1.0]), np.array([False]))
    number = ((curve.times_ns - curve.times_ns[0]) // _STRESS_WINDOW_NS).astype(np.int64)
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    spread = np.log(np.maximum.reduceat(curve.prices, starts) / np.minimum.reduceat(curve.prices, starts))
    # Expected range of a Brownian path over its deviation: sqrt(8 / pi), Parkinson 1980.
    expected = np.sqrt(8.0 / np.pi) * vol * np.sqrt(_STRESS_WINDOW_NS / 1e9 / SECONDS_PER_YEAR)
    return Curve(
        curve.times_ns[starts], np.clip(spread / expected, *_STRESS_RANGE), np.zeros(len(starts), dtype=np.bool_)
    )
