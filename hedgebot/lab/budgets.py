"""Plays the bands that a strategy makes at every look, for many tracking budgets, over one path of exposure.

The strategy itself is asked, with what the engine knew at each look, so that what is searched is what would trade.
Owns the asking and the replay of a band that changes; `sweep.py` has the fixed ones. Fills are whole, at the look.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hedgebot.core import policy, tracking, volatility
from hedgebot.core.state import UnderlyingState
from hedgebot.core.strategy import Strategy, UnderlyingView
from hedgebot.domain.durations import NS_PER_DAY, NS_PER_S
from hedgebot.domain.errors import DataError
from hedgebot.domain.settings import UnderlyingSettings
from hedgebot.lab.sweep import BudgetChoice, Exposure, Played, hedged, summed
from hedgebot.pricing.band import Lateness
from hedgebot.pricing.black76 import Floats

LOOKS_MAX = 20_000
"""A strategy is asked at every look: more of them add time, and nothing to the choice."""

SPAN = 4.0
COUNT = 17
_AHEAD = 256

StrategyFor = Callable[[float], Strategy]
"""The strategy with a tracking budget (USD per square root of a day); ConfigError for one that cannot be had."""


class MovingBand(NamedTuple):
    """Centre, half width and inside target at each look, in coin, arrays of shape (n,)."""

    centre: Floats
    trigger: Floats
    inside: Floats

    def part(self, first: int, last: int) -> "MovingBand":
        """The looks from `first` up to `last`."""
        return MovingBand(self.centre[first:last], self.trigger[first:last], self.inside[first:last])


def known_now(
    underlying: UnderlyingState, settings: UnderlyingSettings, at_ns: int
) -> tuple[float, float, float, float]:
    """What an engine knows at a moment, in the order of `Seen`; NaN for what it does not."""
    now, flow = tracking.conditions_of(underlying, settings, at_ns), underlying.drift.flow_at(at_ns)
    vol = volatility.vol_day_of(underlying)
    overshoot = underlying.drift.overshoot_coin(now.variance_coin2_day, at_ns) if now else 0.0
    return tracking.seen_gamma(underlying), _or_nan(vol), _or_nan(flow), overshoot


def budgets(present_usd: float, count: int = COUNT) -> list[BudgetChoice]:
    """Budgets around the present one, from a quarter of it to four times, evenly by their logarithm."""
    found = np.geomspace(present_usd / SPAN, present_usd * SPAN, count)
    return [BudgetChoice(tracking_error_usd=float(f"{one:.4g}")) for one in found]


def thinned(path: Exposure, looks_max: int = LOOKS_MAX) -> Exposure:
    """At most so many looks, evenly; the last one is kept."""
    if len(path.days) <= looks_max:
        return path
    rows = np.unique(np.linspace(0, len(path.days) - 1, looks_max).round().astype(int))
    columns = (path.days[rows], path.price[rows], path.unhedged_coin[rows])
    seen = path.seen
    if seen is not None:
        seen = type(seen)(*(getattr(seen, name)[rows] for name in seen.__struct_fields__))
    return Exposure(*columns, seen, path.lot_coin, path.cost_bps)


def asked(path: Exposure, strategy: Strategy, settings: UnderlyingSettings, lot_coin: float = 0.0) -> MovingBand:
    """What comes into force of a strategy's proposal at each look; DataError where nobody knew what it needs."""
    seen = path.seen
    if seen is None:
        raise DataError("this path has no estimates of gamma, volatility and flow: budgets need an engine's run")
    late = Lateness(check_days=settings.looked_every_s * NS_PER_S / NS_PER_DAY)
    rows = np.empty((3, len(path.days)))
    for number in range(len(path.days)):
        view = UnderlyingView(
            at_ns=round(path.days.item(number) * NS_PER_DAY),
            delta_coin=path.unhedged_coin.item(number),
            gamma_coin_per_usd=_known(seen.gamma, number) or 0.0,
            price_usd=path.price.item(number),
            settings=settings,
            lot_coin=lot_coin or None,
            vol_root_day=_known(seen.vol_root_day, number),
            flow_variance=_known(seen.flow_variance, number),
            overshoot_coin=_known(seen.overshoot_coin, number) or 0.0,
            late=late,
            cost_bps=path.cost_bps,
        )
        proposal = strategy.propose(view, None)
        if proposal is None:
            raise DataError(f"strategy {strategy.name} proposes nothing by itself: it has no band to tune")
        proposal = policy.in_force(proposal, settings.delta_limit_coin)
        rows[:, number] = proposal.centre_coin, proposal.trigger_coin, proposal.inside_coin
    return MovingBand(*rows)


def play_moving(
    path: Exposure, band: MovingBand, choice: BudgetChoice, *, cost_ratio: float, lot_coin: float = 0.0
) -> Played:
    """One moving band over a path that begins unhedged."""
    off = path.unhedged_coin - band.centre
    starts, hedges = hedged(
        off, lambda at, hedge: _next_outside(off, band.trigger, hedge, at), band.inside.item, lot_coin
    )
    return summed(path, choice, starts, hedges, cost_ratio, np.diff(path.price))


def _next_outside(off: Floats, trigger: Floats, hedge: float, first: int) -> int:
    """The first look from `first` on at which the delta is outside; the length where there is none."""
    count, ahead = len(off), _AHEAD
    while first < count:
        stop = min(first + ahead, count)
        outside = np.abs(off[first:stop] + hedge) > trigger[first:stop]
        hit = int(outside.argmax())
        if outside[hit]:
            return first + hit
        first, ahead = stop, ahead * 4
    return count


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _known(column: Floats, number: int) -> float | None:
    value = column.item(number)
    return value if math.isfinite(value) else None
