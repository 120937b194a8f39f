"""How wide a band pays: width, trigger and target, what they will cost, and how good a realised hedge was.

Pure formulas for whoever proposes a band, predicts it or simulates it; one place for all three. Owns no state, no
market data and no decision. Symbols and derivations: hedging reference sections 4 to 8. The exposure x (coin, its
target taken off) diffuses with variance s^2 per day, risk costs half of gamma sigma_d^2 S^2 x^2 USD a day, a trade
costs kappa S per coin and phi per order; the band minimises their sum.

Units: coin, USD, days. `cost_ratio` is one-way (fee + half spread + impact) per notional: a round trip is twice that.
`vol_root_day` is volatility per root day, annual / sqrt(365). `risk_aversion` is absolute, per USD: solve it once at
reference conditions and hold it, for solved anew at every tick it makes the width constant and the gain is gone.
"""

import math
from typing import NamedTuple, TypeVar

import numpy as np

from hedgebot.pricing.black76 import Floats

Number = TypeVar("Number", float, Floats)
Row = float | Floats
"""Many values, or one that stands for all of them."""

DAYS_PER_YEAR = 365.0

TARGET_RATIO_DEFAULT = 0.75
"""Target over trigger: 1 % more turnover than trading to the edge at the same variance, and 13 times fewer orders."""

FLOOR_OF_REFERENCE = 0.25
"""Least share of its slow average that the width keeps: net gamma of a mixed book passes through zero."""

FLOOR_LOTS = 2.0
"""Least width in lots: a threshold of one tick trades back and forth."""

BARRIER_SHIFT = 0.5826
"""-zeta(1/2)/sqrt(2 pi): checks at intervals move a barrier outward by this, times s sqrt(dt).

Broadie, Glasserman and Kou, "A continuity correction for discrete barrier options", 1997.
"""

DWELL_SHIFT = math.sqrt(math.pi / 2.0)
"""Mean of a Brownian meander of unit length: a trade that waits until the delta was outside for D lands s sqrt(D) times
this beyond the edge.

Chesney, Jeanblanc-Picque and Yor, "Brownian excursions and Parisian barrier options", 1997.
"""

NOISE_SHARE_MIN = 0.46
"""Least standard deviation of the band over that of the volatility error: the total is then 10 % above the floor."""

_ROUNDS_MAX = 500
_CHANGE_MIN = 1e-13


class Conditions(NamedTuple):
    """What a band is made for. `variance_coin2_day` is s^2 (see `exposure_variance`); `order_cost_usd` is phi."""

    price_usd: float
    vol_root_day: float
    cost_ratio: float
    variance_coin2_day: float
    order_cost_usd: float = 0.0

    @property
    def risk_usd2_day(self) -> float:
        """Variance per day of one coin's value: sigma_d^2 S^2."""
        return (self.vol_root_day * self.price_usd) ** 2


class Band(NamedTuple):
    """Nothing is traded within the trigger; outside it the trade goes to the target, on the same side."""

    trigger_coin: float
    target_coin: float


class Lateness(NamedTuple):
    """What lets a delta go beyond its edge before it is hedged, in days.

    `check_days`: from one look to the next, and what an order takes; `dwell_days`: how long it must have been outside;
    `interval_days`: the least time since the last hedge.
    """

    check_days: float = 0.0
    dwell_days: float = 0.0
    interval_days: float = 0.0


class Forecast(NamedTuple):
    """What a band will do; the tracking error times sqrt(days) covers a longer time. Volatility error comes on top."""

    tracking_error_usd_root_day: float
    turnover_coin_day: float
    cost_usd_day: float
    orders_day: float


class Forecasts(NamedTuple):
    """`Forecast` of many bands or conditions."""

    tracking_error_usd_root_day: Floats
    turnover_coin_day: Row
    cost_usd_day: Row
    orders_day: Row


def vol_root_day(vol_year: float) -> float:
    """Volatility per root day of an annual one (1.00 = 100 %); years of 365 days."""
    return vol_year / math.sqrt(DAYS_PER_YEAR)


def exposure_variance(gamma: Number, price: Number, vol_root_day: Number | float, flow_variance: float = 0.0) -> Number:
    """s^2 in coin^2 a day: gamma^2 sigma_d^2 S^2 of the market, and `flow_variance` of fills that we do not choose.

    `gamma` is the whole book's, with its sign summed before (coin per USD). `flow_variance`: see `flow_variance_after`.
    """
    moved = gamma * vol_root_day * price
    return moved * moved + flow_variance


def flow_variance_after(
    flow_variance: float, elapsed_days: float, half_life_days: float, qty_coin: float = 0.0
) -> float:
    """s_flow^2 (coin^2 a day) some time later and after one more fill that was no hedge; `qty_coin` 0 only decays it.

    Exponentially weighted sum of q^2 per day: what a steady flow of q every dt gives is q^2/dt.
    """
    decayed = flow_variance * math.exp2(-elapsed_days / half_life_days)
    return decayed + math.log(2.0) / half_life_days * qty_coin * qty_coin


def half_width(cost_ratio: float, price: Number, variance: Number, vol_root_day: float, risk_aversion: float) -> Number:
    """W = [1.5 kappa S s^2 / (gamma sigma_d^2 S^2)]^(1/3) in coin: half width of a band that trades to its edge.

    Without flow it is Whalley and Wilmott's, [1.5 kappa S Gamma^2 / gamma]^(1/3) ("An asymptotic analysis of an optimal
    hedging model for option pricing with transaction costs", 1997), without their discount factor.
    """
    scale = 1.5 * cost_ratio / (risk_aversion * vol_root_day * vol_root_day)
    found: Number = (scale * variance / price) ** (1.0 / 3.0)
    return found


def width_coin(conditions: Conditions, risk_aversion: float) -> float:
    """`half_width` at these conditions. ValueError for a risk aversion, volatility or price that is not above zero."""
    _above_zero(risk_aversion=risk_aversion, vol_root_day=conditions.vol_root_day, price_usd=conditions.price_usd)
    return half_width(
        conditions.cost_ratio,
        conditions.price_usd,
        conditions.variance_coin2_day,
        conditions.vol_root_day,
        risk_aversion,
    )


def bounded_width(width_coin: float, reference_coin: float, lot_coin: float, cap_coin: float = math.inf) -> float:
    """The width within its floor and cap; the floor wins. `reference_coin` is a slow average of the width."""
    floor = max(FLOOR_LOTS * lot_coin, FLOOR_OF_REFERENCE * reference_coin)
    return max(min(width_coin, cap_coin), floor)


def trigger_ratio(target_ratio: float) -> float:
    """b/w at which a band with this target over trigger has the variance of one that reflects at w."""
    return math.sqrt(2.0 / (1.0 + target_ratio * target_ratio))


def band_of_width(width_coin: float, target_ratio: float = TARGET_RATIO_DEFAULT) -> Band:
    """Trigger b = w sqrt(2/(1 + rho^2)) and target a = rho b: the variance of reflecting at w. Orders cost nothing."""
    if not 0.0 <= target_ratio <= 1.0:
        msg = f"the target ratio is {target_ratio:g}, it must be between 0 (to the centre) and 1 (to the edge)"
        raise ValueError(msg)
    trigger = width_coin * trigger_ratio(target_ratio)
    return Band(trigger, target_ratio * trigger)


def band_with_order_cost(conditions: Conditions, risk_aversion: float) -> Band:
    """The best trigger and target where each order costs `order_cost_usd` (section 5.3); without it both are w.

    Fixed point in u = a + b and v = b - a; each round is a contraction, so that its bound is never met in practice.
    """
    width = width_coin(conditions, risk_aversion)
    if conditions.order_cost_usd <= 0.0 or width == 0.0:
        return Band(width, width)
    risk = risk_aversion * conditions.risk_usd2_day / 12.0
    coin_cost = conditions.cost_ratio * conditions.price_usd
    variance, order_cost = conditions.variance_coin2_day, conditions.order_cost_usd
    total, gap = 2.0 * width, 0.0
    for _ in range(_ROUNDS_MAX):
        gap = min((variance * order_cost / (risk * total)) ** (1.0 / 3.0), total)
        last, total = total, (variance * (order_cost / gap + coin_cost) / risk) ** (1.0 / 3.0)
        if abs(total - last) < _CHANGE_MIN * total:
            break
    return Band((total + gap) / 2.0, (total - gap) / 2.0)


def loss_usd_day(band: Band, conditions: Conditions, risk_aversion: float) -> float:
    """J: trading cost and price of risk of a band, per day; what `band_with_order_cost` minimises.

    s^2 [phi/(uv) + kappa S/u] + gamma sigma_d^2 S^2 (u^2 + v^2)/24 with u = b + a and v = b - a.
    """
    total, gap = band.trigger_coin + band.target_coin, band.trigger_coin - band.target_coin
    risk = risk_aversion * conditions.risk_usd2_day / 24.0 * (total * total + gap * gap)
    return forecast(band, conditions).cost_usd_day + risk


def late_shift(band: Band, variance_coin2_day: float, late: Lateness) -> float:
    """How far beyond its trigger a delta that diffuses is hedged on the mean, in coin (section 5.4).

    Looks dt apart: 0.5826 s sqrt(dt). A dwell of D: sqrt(pi/2) s sqrt(D). An interval of I, in which the delta starts
    at its target: what of a normal with deviation s sqrt(I) lies beyond the trigger. The last two were held against
    simulated walks; sums of them are approximate, and an interval of a whole cycle of hedges is too long for it.
    """
    if variance_coin2_day <= 0.0:
        return 0.0
    root = math.sqrt(variance_coin2_day)
    shift = root * (BARRIER_SHIFT * math.sqrt(late.check_days) + DWELL_SHIFT * math.sqrt(late.dwell_days))
    if late.interval_days > 0.0:
        reach = root * math.sqrt(late.interval_days)
        gap = (band.trigger_coin - band.target_coin) / reach
        beyond = math.exp(-0.5 * gap * gap) / math.sqrt(2.0 * math.pi) - 0.5 * gap * math.erfc(gap / math.sqrt(2.0))
        shift += reach * beyond
    return shift


def checked_trigger(band: Band, shift_coin: float, floor_coin: float = 0.0, gap_share: float = 0.0) -> Band:
    """The band whose trigger is moved inward by `late_shift`, to `floor_coin` at most.

    The effective barrier then stands where the formula wants it. The target keeps `gap_share` of its way to the
    trigger: it is never left outside.
    """
    trigger, target = band
    drawn = min(max(trigger - shift_coin, floor_coin, 0.0), trigger)
    return Band(drawn, max(min(target, drawn - gap_share * (trigger - target)), 0.0))


def risk_aversion_for(tracking_error_usd_root_day: float, conditions: Conditions) -> float:
    """Gamma (1/USD) at which the band's tracking error is this budget under reference conditions.

    w0 = sqrt(3) TE/(sigma_d S), gamma = 1.5 kappa S s^2/(sigma_d^2 S^2 w0^3). ValueError for what is not above zero.
    """
    _above_zero(
        tracking_error_usd_root_day=tracking_error_usd_root_day,
        vol_root_day=conditions.vol_root_day,
        price_usd=conditions.price_usd,
        cost_ratio=conditions.cost_ratio,
        variance_coin2_day=conditions.variance_coin2_day,
    )
    width = math.sqrt(3.0) * tracking_error_usd_root_day / (conditions.vol_root_day * conditions.price_usd)
    cost = 1.5 * conditions.cost_ratio * conditions.price_usd * conditions.variance_coin2_day
    return cost / (conditions.risk_usd2_day * width**3)


def least_budget(noise_floor: float) -> float:
    """The smallest total tracking error that is worth asking for beside a volatility error of so much; same unit."""
    return noise_floor * math.sqrt(1.0 + NOISE_SHARE_MIN * NOISE_SHARE_MIN)


def band_budget(total: float, noise_floor: float) -> float:
    """What of a total tracking error is left for the band beside the volatility error: sqrt(total^2 - floor^2).

    Same unit for both. ValueError with the floor's number where the band's share would be below `NOISE_SHARE_MIN` of
    it: tighter than that costs money and tracks no better (section 8).
    """
    least = least_budget(noise_floor)
    if not total >= least:
        msg = (
            f"a tracking error of {total:g} cannot be had: volatility error alone leaves {noise_floor:g}, "
            f"and below {least:.4g} hedging costs more and tracks no better"
        )
        raise ValueError(msg)
    return math.sqrt(total * total - noise_floor * noise_floor)


def mean_square(trigger_coin: Row, target_coin: Row, below: tuple[Row, Row] | None = None) -> Row:
    """Mean of x^2 (coin^2) that a band leaves: (b^2 + a^2)/6, where the sides differ weighted by their b + a.

    `below` are trigger and target of the side below the centre. Derivation: the exit problems of x from either target,
    by the chain of the sides that it leaves from, whose probabilities are as the other side's b - a.
    """
    one = (trigger_coin * trigger_coin + target_coin * target_coin) / 6.0
    if below is None:
        return one
    other = (below[0] * below[0] + below[1] * below[1]) / 6.0
    reach, reach_below = trigger_coin + target_coin, below[0] + below[1]
    return (one * reach + other * reach_below) / (reach + reach_below)


def forecast(band: Band, conditions: Conditions, below: Band | None = None) -> Forecast:
    """Tracking error, turnover, cost and orders of a band under conditions that stay (section 6).

    `below` is the side below the centre where it is another one. A band that trades to its edge has no number of
    orders: infinity, each of no size.
    """
    trigger, target, variance = band.trigger_coin, band.target_coin, conditions.variance_coin2_day
    spread = math.sqrt(mean_square(trigger, target, below))
    if below is None:
        turnover = _over(variance, trigger + target)
        orders = _over(variance, (trigger - target) * (trigger + target))
    else:
        reach, gap, gap_below = map(float, _sides(trigger, target, below))
        turnover = _over(2.0 * variance, reach)
        orders = _over(variance * (gap + gap_below), gap * gap_below * reach)
    cost = conditions.cost_ratio * conditions.price_usd * turnover
    if conditions.order_cost_usd > 0.0:
        cost += conditions.order_cost_usd * orders
    return Forecast(conditions.vol_root_day * conditions.price_usd * spread, turnover, cost, orders)


def forecast_row(
    trigger_coin: Row,
    target_coin: Row,
    price_usd: Floats,
    variance_coin2_day: Row,
    vol_root_day: Row,
    cost_ratio: float,
    below: tuple[Row, Row] | None = None,
) -> Forecasts:
    """`forecast` of bands under many conditions at once, to the last bit; orders cost nothing of their own.

    A number in place of a row is the same in all of them, also in what is found.
    """
    squares = mean_square(trigger_coin, target_coin, below)
    spread = math.sqrt(squares) if isinstance(squares, float) else np.sqrt(squares)
    if below is None:
        turnover = _over_row(variance_coin2_day, trigger_coin + target_coin)
        orders = _over_row(variance_coin2_day, (trigger_coin - target_coin) * (trigger_coin + target_coin))
    else:
        reach, gap, gap_below = _sides(trigger_coin, target_coin, below)
        turnover = _over_row(2.0 * variance_coin2_day, reach)
        orders = _over_row(variance_coin2_day * (gap + gap_below), gap * gap_below * reach)
    is_still = isinstance(turnover, float) and turnover == 0.0
    cost: Row = 0.0 if is_still else cost_ratio * price_usd * turnover
    return Forecasts(vol_root_day * price_usd * spread, turnover, cost, orders)


def efficiency(variance_coin2: float, turnover_coin_day: float, exposure_variance_coin2_day: float) -> float:
    """E = sqrt(Var x) turnover / s^2 of a realised hedge; NaN where the exposure did not move.

    Var is the time-weighted mean of (x - target)^2, turnover the hedge volume a day, s^2 the sum of squared changes of
    the exposure without hedges a day. With a target of 0.75 expect 0.26 to 0.30; about 0.41 is trading to zero, 0.56
    hedging by the clock, above it churning.
    """
    if exposure_variance_coin2_day <= 0.0:
        return math.nan
    return math.sqrt(variance_coin2) * turnover_coin_day / exposure_variance_coin2_day


def efficiency_of(target_ratio: float) -> float:
    """E of a band with this target over trigger under constant conditions: sqrt((1 + rho^2)/6)/(1 + rho)."""
    return math.sqrt((1.0 + target_ratio * target_ratio) / 6.0) / (1.0 + target_ratio)


def _sides(trigger: Row, target: Row, below: tuple[Row, Row]) -> tuple[Row, Row, Row]:
    """What triggers and targets of both sides come to together, and how far apart they are on each."""
    return (trigger + target) + (below[0] + below[1]), trigger - target, below[0] - below[1]


def _over(above: float, below: float) -> float:
    """A rate: nothing moves, nothing is traded; in a band of no width, without end."""
    if above == 0.0:
        return 0.0
    return above / below if below > 0.0 else math.inf


def _over_row(above: Row, below: Row) -> Row:
    if isinstance(above, float) and isinstance(below, float):
        return _over(above, below)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(below > 0.0, above / below, np.inf)
    found: Floats = np.where(above == 0.0, 0.0, rate)
    return found


def _above_zero(**named: float) -> None:
    for name, value in named.items():
        if not (value > 0.0 and math.isfinite(value)):
            msg = f"{name} is {value:g}, it must be above zero"
            raise ValueError(msg)
