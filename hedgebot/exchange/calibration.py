"""Estimates the liquidity of one recorded instrument: spread, depth, trades, impact, replenishment, queues, latency.

Owns the estimators and what each of them means. Reads no files (`calibration_frames.py`) and decides no parameters:
`liquidity.py` holds those, in the units of this module. What six minutes cannot tell carries its standard error.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hedgebot.domain.errors import DataError
from hedgebot.exchange.calibration_frames import PROFILE_BPS, Floats, Recording, Times
from hedgebot.exchange.liquidity import BookLaw

# After an order that took this part of the touch, the touch counts as eaten.
_EATEN_SHARE = 0.9
# Touches below this part of the mean are too small to tell a recovery from noise.
_TOUCH_MIN = 0.25
_RECOVERY_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0)
_RECOVERED_S = (2.0, 2.5, 3.0)
_QUEUE_EVERY_NS, _QUEUE_WATCH_NS = 1_000_000_000, 5_000_000_000
_IMPACT_S = (0.1, 1.0, 20.0)
_IMPACT_QUANTILES = (0.5, 0.75, 0.9, 0.97, 0.99, 0.998, 1.0)
_WINDOW_S = 10.0
_MEMORY_LAGS = 20
_SECONDS_MIN, _TAKERS_MIN = 60, 100
# Half of the measured answer to flow is taken for caused by it, the rest for what takers knew or followed. Never more
# than half the walk through the book, so that nobody earns by pushing a price (`ladder.py`).
_PERMANENT_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """A regression's slope with its standard error."""

    value: float
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one recording says. USD, seconds, basis points of the middle; see `estimate` for each figure's meaning."""

    symbol: str
    kind: str
    seconds: float
    spread_bps: float
    spread_excess_bps: float
    spread_p99_bps: float
    one_tick_share: float
    touch_usd: float
    depth_usd: tuple[float, ...]
    depth_exponent: float
    trades_per_s: float
    trade_median_usd: float
    trade_mean_usd: float
    trade_p99_usd: float
    sign_persistence: float
    sign_memory_trades: float
    flow_follows_price: float
    touch_half_life_s: float
    touch_half_life_events: int
    cancel_ahead_per_s_last: float
    cancel_ahead_per_s_even: float
    trade_ahead_per_s: float
    impact_bps: tuple[tuple[float, tuple[float, ...]], ...]
    impact_exponent: Slope
    flow_slope_1s: Slope
    flow_slope_10s: Slope
    depth_vol_exponent: Slope
    spread_vol_exponent: Slope
    rate_vol_exponent: Slope
    volatility: float
    lag_ms: tuple[float, float, float]
    publish_ms: tuple[float, float]


def estimate(recording: Recording) -> Measured:
    """Every figure of one recording; DataError for one that is too short to tell.

    Spreads are time-weighted means, `spread_excess_bps` beyond one tick. `touch_usd` is the mean at one best price,
    `depth_usd` within each of `PROFILE_BPS` on one side; beyond the touch it grows with distance to `depth_exponent`.
    `sign_persistence` is the correlation of neighbouring takers' signs and fades by 1/e in `sign_memory_trades`.
    `cancel_ahead_per_s_*`: what a queue loses to cancels, if the newest cancel first (last) or all alike (even).
    """
    one = recording
    if one.seconds < _SECONDS_MIN or len(one.taker_usd) < _TAKERS_MIN:
        found = f"{one.seconds:.0f} s with {len(one.taker_usd)} takers"
        msg = f"{one.symbol}: {found} are too few; give at least {_SECONDS_MIN} s with {_TAKERS_MIN}"
        raise DataError(msg)
    weights = np.diff(one.quote_ns) / (one.quote_ns[-1] - one.quote_ns[0])
    spread_bps = ((one.ask - one.bid) / one.middle * 1e4)[:-1]
    ticks = np.round((one.ask - one.bid)[:-1] / one.tick)
    touch = float((weights * (one.bid_usd + one.ask_usd)[:-1]).sum() / 2)
    profile = one.profile.mean(axis=(0, 1))
    mean_spread = float((weights * spread_bps).sum())
    persistence, memory = _sign_memory(one.taker_sign)
    half_life_s, events = _touch_half_life(one, touch)
    last, even, trades = _queue_rates(one)
    depth, spread, rate, volatility = _answers_to_volatility(one)
    impact, exponent = _impact(one)
    lag = one.lag_ms - np.percentile(one.lag_ms, 0.1)
    return Measured(
        symbol=one.symbol,
        kind=one.kind,
        seconds=one.seconds,
        spread_bps=mean_spread,
        spread_excess_bps=mean_spread - one.tick / float(one.middle.mean()) * 1e4,
        spread_p99_bps=_weighted_percentile(spread_bps, weights, 0.99),
        one_tick_share=float(weights[ticks <= 1].sum()),
        touch_usd=touch,
        depth_usd=tuple(profile.tolist()),
        depth_exponent=_depth_exponent(profile, touch),
        trades_per_s=len(one.taker_usd) / one.seconds,
        trade_median_usd=float(np.median(one.taker_usd)),
        trade_mean_usd=float(one.taker_usd.mean()),
        trade_p99_usd=float(np.percentile(one.taker_usd, 99)),
        sign_persistence=persistence,
        sign_memory_trades=memory,
        flow_follows_price=_flow_follows_price(one),
        touch_half_life_s=half_life_s,
        touch_half_life_events=events,
        cancel_ahead_per_s_last=last,
        cancel_ahead_per_s_even=even,
        trade_ahead_per_s=trades,
        impact_bps=impact,
        impact_exponent=exponent,
        flow_slope_1s=_flow_slope(one, 1.0),
        flow_slope_10s=_flow_slope(one, 10.0),
        depth_vol_exponent=depth,
        spread_vol_exponent=spread,
        rate_vol_exponent=rate,
        volatility=volatility,
        lag_ms=(float(np.percentile(lag, 50)), float(np.percentile(lag, 99)), float(np.percentile(lag, 99.9))),
        publish_ms=(float(np.percentile(one.publish_ms, 50)), float(np.percentile(one.publish_ms, 99))),
    )


def book_laws(measured: Sequence[Measured]) -> tuple[BookLaw, ...]:
    """Parameters from measurements, in their order. The half-life is one for all: their median, as events are few."""
    half_life_s = float(np.median([one.touch_half_life_s for one in measured if one.touch_half_life_events]))
    return tuple(
        BookLaw(
            touch_usd=_rounded(one.touch_usd),
            depth_10bps_usd=_rounded(one.depth_usd[-1]),
            depth_exponent=_rounded(one.depth_exponent),
            spread_excess_bps=_rounded(max(one.spread_excess_bps, 0.0)),
            trades_per_s=_rounded(one.trades_per_s),
            trade_median_usd=_rounded(one.trade_median_usd),
            trade_mean_usd=_rounded(one.trade_mean_usd),
            sign_persistence=_rounded(one.sign_persistence),
            sign_memory_trades=_rounded(one.sign_memory_trades),
            half_life_s=_rounded(half_life_s),
            cancel_ahead_per_s=_rounded((one.cancel_ahead_per_s_last + one.cancel_ahead_per_s_even) / 2.0),
            permanent_bps_per_musd=_rounded(
                _PERMANENT_SHARE * max(min(one.flow_slope_10s.value, PROFILE_BPS[-1] / (one.depth_usd[-1] / 1e6)), 0.0)
            ),
        )
        for one in measured
    )


def _rounded(value: float) -> float:
    """Three figures: the recordings do not know more."""
    return float(f"{value:.3g}")


def _places(one: Recording, moments_ns: Times) -> Times:
    """Number of the quote that stood at each moment."""
    return np.clip(np.searchsorted(one.quote_ns, moments_ns, side="right") - 1, 0, len(one.quote_ns) - 1)


def _grid(one: Recording, window_s: float) -> Times:
    return np.arange(one.quote_ns[0], one.quote_ns[-1], int(window_s * 1e9), dtype=np.int64)


def _weighted_percentile(values: Floats, weights: Floats, share: float) -> float:
    order = np.argsort(values)
    return float(values[order][np.searchsorted(np.cumsum(weights[order]), share)])


def _depth_exponent(profile: Floats, touch: float) -> float:
    """Slope of log(depth beyond the touch) on log(distance), from 1 bps on."""
    far = np.array(PROFILE_BPS) >= 1.0
    behind = np.maximum(profile[far] - touch, 0.01 * profile[far])
    return float(np.polyfit(np.log(np.array(PROFILE_BPS)[far]), np.log(behind), 1)[0])


def _sign_memory(signs: Floats) -> tuple[float, float]:
    """Persistence p and memory m of the autocorrelation p exp(-(lag - 1) / m): its first value, and its sum's match."""
    spread = signs - signs.mean()
    variance = float(spread.var()) or 1.0  # takers of one side only: nothing to correlate
    lags = [float((spread[:-lag] * spread[lag:]).mean() / variance) for lag in range(1, _MEMORY_LAGS + 1)]
    first = max(lags[0], 1e-3)
    # The sum of a geometric row is first / (1 - ratio).
    ratio = min(max(1.0 - first / max(sum(lags), first), 1e-3), 0.99)
    return first, -1.0 / math.log(ratio)


def _flow_follows_price(one: Recording) -> float:
    """Mean product of the signs of net takers and of the price's move, over tenths of seconds that have both."""
    grid = _grid(one, 0.1)
    moves = np.sign(np.diff(one.middle[_places(one, grid)]))
    flow = np.sign(np.histogram(one.taker_ns, bins=grid, weights=one.taker_sign)[0])
    both = (moves != 0) & (flow != 0)
    return float((moves * flow)[both].mean()) if both.any() else 0.0


def _touch_half_life(one: Recording, mean_usd: float) -> tuple[float, int]:
    """Seconds until an eaten touch has half of what it has 2 to 3 s later, and the number of events behind it."""
    before = _places(one, one.taker_ns - 1_000_000)
    stood = np.where(one.taker_sign > 0, one.ask_usd[before], one.bid_usd[before])
    eaten = (one.taker_usd >= _EATEN_SHARE * stood) & (stood > _TOUCH_MIN * mean_usd)

    def touch_after(delay_s: float) -> float:
        now = _places(one, one.taker_ns[eaten] + int(delay_s * 1e9))
        return float(np.where(one.taker_sign[eaten] > 0, one.ask_usd[now], one.bid_usd[now]).mean())

    if not eaten.any():
        return math.nan, 0
    sizes = np.maximum.accumulate([touch_after(delay_s) for delay_s in _RECOVERY_S])
    end = float(np.mean([touch_after(delay_s) for delay_s in _RECOVERED_S]))
    half = (sizes[0] + max(end, float(sizes[0]))) / 2.0
    return float(np.interp(half, sizes, _RECOVERY_S)), int(eaten.sum())


def _queue_rates(one: Recording) -> tuple[float, float, float]:
    """Per second: what a queue loses ahead to cancels (newest first; all alike) and to trades.

    An order is imagined at the back of each best price once a second and watched until the price is left.
    """
    last = _Queue()
    even = _Queue()
    for prices, sizes, sign in ((one.bid, one.bid_usd, -1.0), (one.ask, one.ask_usd, 1.0)):
        mine = one.taker_sign == sign
        traded = np.concatenate(([0.0], np.cumsum(one.taker_usd[mine])))[
            np.searchsorted(one.taker_ns[mine], one.quote_ns, side="right")
        ]
        for start in _places(one, _grid(one, _QUEUE_EVERY_NS / 1e9)).tolist():
            until = np.searchsorted(one.quote_ns, one.quote_ns[start] + _QUEUE_WATCH_NS)
            left = np.flatnonzero(prices[start:until] != prices[start])
            end = start + int(left[0]) if len(left) else int(until)
            times = one.quote_ns[start:end].tolist()
            rows = list(zip(times, sizes[start:end].tolist(), traded[start:end].tolist(), strict=True))
            last.watch(rows, even=False)
            even.watch(rows, even=True)
    return last.cancelled / last.waited, even.cancelled / even.waited, last.traded / last.waited


@dataclass(slots=True)
class _Queue:
    """Volume ahead of imagined orders: lost to cancels and trades (USD), and waited behind (USD seconds)."""

    cancelled: float = 0.0
    traded: float = 0.0
    waited: float = 0.0

    def watch(self, rows: list[tuple[int, float, float]], *, even: bool) -> None:
        """Follow one order from the first row on: (time, size at its price, volume traded there so far)."""
        at_ns, size, done = rows[0]
        ahead = size
        for now_ns, now_size, now_done in rows[1:]:
            self.waited += ahead * (now_ns - at_ns) / 1e9
            traded = min(now_done - done, ahead)
            ahead -= traded
            left = size - (now_done - done)
            cancelled = max(ahead - now_size, 0.0)
            if even:
                cancelled = ahead * min(max(left - now_size, 0.0) / left, 1.0) if left > 0 else 0.0
            ahead -= cancelled
            self.traded += traded
            self.cancelled += cancelled
            at_ns, size, done = now_ns, now_size, now_done
            if ahead <= 0.0:
                return


def _flow_slope(one: Recording, window_s: float) -> Slope:
    """Basis points that the middle moves per million USD of net taker volume in the same window."""
    grid = _grid(one, window_s)
    moves = np.diff(np.log(one.middle[_places(one, grid)])) * 1e4
    flow = np.histogram(one.taker_ns, bins=grid, weights=one.taker_sign * one.taker_usd)[0] / 1e6
    slope = float((flow * moves).sum() / (flow * flow).sum())
    error = math.sqrt(float(((moves - slope * flow) ** 2).sum()) / max(len(flow) - 1, 1) / float((flow * flow).sum()))
    return Slope(value=slope, error=error)


def _impact(one: Recording) -> tuple[tuple[tuple[float, tuple[float, ...]], ...], Slope]:
    """Mean move towards a taker's side by size: (mean USD, moves after `_IMPACT_S`), and the exponent after 1 s."""
    before = one.middle[_places(one, one.taker_ns - 1_000_000)]
    moves = [
        one.taker_sign * (one.middle[_places(one, one.taker_ns + int(after_s * 1e9))] / before - 1.0) * 1e4
        for after_s in _IMPACT_S
    ]
    edges = np.concatenate(([0.0], np.quantile(one.taker_usd, _IMPACT_QUANTILES)))
    rows: list[tuple[float, tuple[float, ...]]] = []
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        inside = (one.taker_usd > low) & (one.taker_usd <= high)
        if inside.any():
            rows.append((float(one.taker_usd[inside].mean()), tuple(float(move[inside].mean()) for move in moves)))
    points = [(math.log(usd), math.log(after[1])) for usd, after in rows if after[1] > 0]
    return tuple(rows), _line(np.array([x for x, _ in points]), np.array([y for _, y in points]))


def _line(x: Floats, y: Floats) -> Slope:
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if len(x) < 3 or float(x.std()) == 0.0:
        return Slope(value=math.nan, error=math.nan)
    slope, level = np.polyfit(x, y, 1)
    error = float((y - slope * x - level).std(ddof=2) / x.std() / math.sqrt(len(x)))
    return Slope(value=float(slope), error=error)


def _answers_to_volatility(one: Recording) -> tuple[Slope, Slope, Slope, float]:
    """Exponents of depth, spread beyond a tick and trade rate on volatility over ten-second windows; annual vol."""
    grid = _grid(one, _WINDOW_S)
    fine = np.log(one.middle[_places(one, _grid(one, 0.25))])
    per_window = int(_WINDOW_S / 0.25)
    count = len(grid) - 1
    squares = np.array([float((np.diff(fine[n * per_window : (n + 1) * per_window]) ** 2).sum()) for n in range(count)])
    with np.errstate(divide="ignore", invalid="ignore"):
        vol = np.log(np.sqrt(squares))
        rates = np.log(np.histogram(one.taker_ns, bins=grid)[0])
        excess = np.log(np.array([_mean_excess(one, a, b) for a, b in pairwise(grid.tolist())]))
        shares = np.array_split(one.profile[:, :, -1].mean(axis=1), count)
        depths = np.log(np.array([float(share.mean()) if len(share) else math.nan for share in shares]))
    years = count * _WINDOW_S / (365 * 86_400)
    return _line(vol, depths), _line(vol, excess), _line(vol, rates), math.sqrt(float(squares.sum()) / years)


def _mean_excess(one: Recording, start_ns: int, end_ns: int) -> float:
    """Time-weighted mean spread beyond one tick, in ticks; at least a hundredth, so that its logarithm is finite."""
    first, last = np.searchsorted(one.quote_ns, (start_ns, end_ns))
    if last - first < 2:
        return math.nan
    times = np.diff(one.quote_ns[first:last])
    ticks = (one.ask - one.bid)[first : last - 1] / one.tick - 1.0
    return max(float((ticks * times).sum() / times.sum()), 0.01)
