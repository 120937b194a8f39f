"""How one underlying's exposure moves by itself, and how well it was kept: numbers of a state, and their arithmetic.

Owns the estimates that a band is made of (variance of fills that we do not choose, volatility) and the sums behind
realised figures (hedging reference sections 4, 6 and 7). Pure: moments and prices are handed in. Must not know orders,
accounts or the engine's state.
"""

import math
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from hedgebot.core.cost_state import Costs
from hedgebot.core.move_window import MoveWindow
from hedgebot.core.strategy import BandTerms
from hedgebot.domain.durations import NS_PER_DAY
from hedgebot.pricing.band import (
    Band,
    Conditions,
    Forecasts,
    Row,
    efficiency,
    exposure_variance,
    flow_variance_after,
    forecast,
    mean_square,
    vol_root_day,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Exact = TypeVar("Exact", np.float64, np.int64)

FLOW_HALF_LIFE_DAYS = 3.0
VOL_HALF_LIFE_DAYS = 1.0
KNOWN_AFTER_DAYS = 1.0 / 24.0
"""Before an hour has been seen an estimate is none: a quiet minute is not a quiet book."""

LOOK_GAP_NS = 300 * 1_000_000_000
"""Looks that are farther apart (a process that was down, an exposure that was unknown) add nothing up."""

VOL_STEP_NS = 60 * 1_000_000_000
"""How often the price moves the realised volatility."""

# A gap longer than this says nothing of the volatility inside it.
_VOL_GAP_NS = 600 * 1_000_000_000
_VOL_KNOWN_WEIGHT = 1.0 - math.exp2(-0.5 * KNOWN_AFTER_DAYS / VOL_HALF_LIFE_DAYS)


class Drift(msgspec.Struct, kw_only=True):
    """Estimates of one underlying. `flow` is in coin^2 per day, `log_var` of log price per day; both exponential.

    `flow_coin` is the same fills' volume in coin per day: with `flow` it says how lumpy they are. `direct` and
    `direct_coin` are those of fills in the hedge itself, which a hedge ratio leaves whole. `terms`, `warning`,
    `bounded` and `risk_aversion` are those of the band in force.
    The newest hedge's moment and price and the price's `moves` are kept for rules that wait; `costs` is what hedges
    cost by our own fills.
    """

    terms: BandTerms = msgspec.field(default_factory=BandTerms)
    warning: str = ""
    bounded: str = ""
    risk_aversion: float = 0.0
    direct: float = 0.0
    direct_coin: float = 0.0
    since_ns: int = 0
    flow: float = 0.0
    flow_coin: float = 0.0
    flow_at_ns: int = 0
    log_var: float = 0.0
    log_weight: float = 0.0
    vol_price: float = 0.0
    vol_at_ns: int = 0
    hedged_at_ns: int = 0
    hedged_price: float = 0.0
    costs: Costs = msgspec.field(default_factory=Costs)
    moves: MoveWindow = msgspec.field(default_factory=MoveWindow)

    def add_flow(self, moved_coin: float, at_ns: int, *, direct: bool = False) -> None:
        """A fill that was no hedge moved the delta; `direct`: it was in the hedge itself."""
        days = self._days(self.flow_at_ns, at_ns)
        exposed, hedged = (0.0, moved_coin) if direct else (moved_coin, 0.0)
        self.flow = flow_variance_after(self.flow, days, FLOW_HALF_LIFE_DAYS, exposed)
        self.direct = flow_variance_after(self.direct, days, FLOW_HALF_LIFE_DAYS, hedged)
        # The same weights for |q| in place of q^2.
        self.flow_coin = flow_variance_after(self.flow_coin, days, FLOW_HALF_LIFE_DAYS, math.sqrt(abs(exposed)))
        self.direct_coin = flow_variance_after(self.direct_coin, days, FLOW_HALF_LIFE_DAYS, math.sqrt(abs(hedged)))
        self.flow_at_ns = at_ns

    @property
    def seen_flow(self) -> float:
        """`flow` and `direct` as a band sees them: of an exposure its hedge ratio."""
        return self.terms.hedge_ratio * self.terms.hedge_ratio * self.flow + self.direct

    @property
    def seen_flow_coin(self) -> float:
        """The same for the volume."""
        return self.terms.hedge_ratio * self.flow_coin + self.direct_coin

    def overshoot_coin(self, variance_coin2_day: float, at_ns: int) -> float:
        """How far a fill carries the delta past an edge, on the mean: E q^2 / (2 E |q|), by the fills' share of s^2.

        A delta that diffuses stops at the edge; one that jumps lands beyond it (mean excess of a renewal process).
        """
        volume = self.seen_flow_coin
        if volume <= 0.0 or variance_coin2_day <= 0.0:
            return 0.0
        flow = self.flow_at(at_ns)
        if flow is None:
            return 0.0
        return min(flow / variance_coin2_day, 1.0) * self.seen_flow / (2.0 * volume)

    def flow_at(self, at_ns: int) -> float | None:
        """s_flow^2 of what a band sees (coin^2 a day); None before it is known. It is weighed by how long was seen."""
        seen_days = self._days(self.since_ns, at_ns)
        if not self.since_ns or seen_days < KNOWN_AFTER_DAYS:
            return None
        if (flow := self.seen_flow) == 0.0:
            return 0.0
        decayed = flow_variance_after(flow, self._days(self.flow_at_ns, at_ns), FLOW_HALF_LIFE_DAYS)
        return decayed / (1.0 - math.exp2(-seen_days / FLOW_HALF_LIFE_DAYS))

    @property
    def vol_due_ns(self) -> int:
        """From when on a price moves the volatility again."""
        return self.vol_at_ns + VOL_STEP_NS

    def add_price(self, price: float, at_ns: int) -> None:
        """The live price; once a minute it moves the realised volatility."""
        if not self.since_ns:
            self.since_ns = self.flow_at_ns = at_ns
        if self.vol_price > 0.0 and at_ns < self.vol_due_ns:
            return
        gap_ns = at_ns - self.vol_at_ns
        if self.vol_price > 0.0 and gap_ns <= _VOL_GAP_NS:
            days = gap_ns / NS_PER_DAY
            keep = math.exp2(-days / VOL_HALF_LIFE_DAYS)
            self.log_var = self.log_var * keep + math.log(price / self.vol_price) ** 2 / days * (1.0 - keep)
            self.log_weight = self.log_weight * keep + 1.0 - keep
        self.vol_price, self.vol_at_ns = price, at_ns

    def realised_vol_root_day(self) -> float | None:
        """Realised volatility per root day; None before half an hour of it has been seen."""
        return math.sqrt(self.log_var / self.log_weight) if self.log_weight >= _VOL_KNOWN_WEIGHT else None

    @staticmethod
    def _days(since_ns: int, at_ns: int) -> float:
        return max(at_ns - since_ns, 0) / NS_PER_DAY


class TrackingSums(msgspec.Struct, kw_only=True):
    """What adds up over time: realised sums, and the integrals of what was predicted meanwhile.

    `off2`: integral of (x - target)^2 over days; `moved2`: squared changes of the exposure without hedges; `left2`:
    squared USD that the open delta gained or lost between looks. Money is USD, positive is a cost.
    """

    days: float = 0.0
    off2: float = 0.0
    moved2: float = 0.0
    left2: float = 0.0
    volume_coin: float = 0.0
    cost_usd: float = 0.0
    orders: int = 0
    predicted_days: float = 0.0
    predicted_off2: float = 0.0
    predicted_te2: float = 0.0
    predicted_volume_coin: float = 0.0
    predicted_cost_usd: float = 0.0
    predicted_orders: float = 0.0
    predicted_moved2: float = 0.0

    def add_row(self, parts: dict[str, Floats]) -> None:
        """Add to each sum its parts one after the other, as a loop would: no pairwise sums."""
        if not parts:
            return
        rows = np.array(list(parts.values()))
        rows[:, 0] += [getattr(self, name) for name in parts]
        for name, total in zip(parts, np.add.accumulate(rows, axis=1)[:, -1].tolist(), strict=True):
            setattr(self, name, total)

    def since(self, before: "TrackingSums") -> "TrackingSums":
        """What came after an earlier state of these sums."""
        return TrackingSums(**{name: getattr(self, name) - getattr(before, name) for name in self.__struct_fields__})


class Tracking(msgspec.Struct, kw_only=True):
    """How one underlying was kept: sums since the journal began, where they stood when the day's window began.

    `at_ns`, `off_coin`, `unhedged_coin` and `price` are the last look's; `hedged_coin` is what our fills moved in all.
    """

    sums: TrackingSums = msgspec.field(default_factory=TrackingSums)
    before: TrackingSums = msgspec.field(default_factory=TrackingSums)
    since_ns: int = 0
    recorded_ns: int = 0
    hedged_coin: float = 0.0
    at_ns: int = 0
    off_coin: float = 0.0
    unhedged_coin: float = 0.0
    price: float = 0.0

    @property
    def window(self) -> TrackingSums:
        """The sums of the window that runs."""
        return self.sums.since(self.before)

    def begin_window(self) -> None:
        """From here on the window counts anew; where the exposure stands goes on."""
        self.before, self.since_ns = msgspec.structs.replace(self.sums), self.at_ns

    def look(self, *, off_coin: float, delta_coin: float, price: float, at_ns: int) -> float:
        """Take the exposure as it is; the days that this look adds, 0 where nothing was seen for too long."""
        unhedged, gap_ns = delta_coin - self.hedged_coin, at_ns - self.at_ns
        days = gap_ns / NS_PER_DAY if 0 < gap_ns <= LOOK_GAP_NS else 0.0
        if days:
            sums = self.sums
            sums.days += days
            moved, left = unhedged - self.unhedged_coin, self.off_coin * (price - self.price)
            # Products, not powers: those of a row (`look_row`) are the same to the last bit.
            sums.off2 += self.off_coin * self.off_coin * days
            sums.moved2 += moved * moved
            sums.left2 += left * left
        self.since_ns = self.since_ns or at_ns
        self.at_ns, self.off_coin, self.unhedged_coin, self.price = at_ns, off_coin, unhedged, price
        return days

    def predict(self, band: Band, conditions: Conditions, days: float, below: Band | None = None) -> None:
        """What this band will do under these conditions for so long; `below` is its lower side where that differs."""
        expected, sums = forecast(band, conditions, below), self.sums
        sums.predicted_days += days
        error = expected.tracking_error_usd_root_day
        sums.predicted_te2 += error * error * days
        sums.predicted_off2 += float(mean_square(band.trigger_coin, band.target_coin, below)) * days
        sums.predicted_volume_coin += expected.turnover_coin_day * days
        sums.predicted_cost_usd += expected.cost_usd_day * days
        sums.predicted_orders += expected.orders_day * days
        sums.predicted_moved2 += conditions.variance_coin2_day * days

    def days_row(self, at_ns: Ints) -> Floats:
        """The days that each of several looks, one after the other, will add; 0 where nothing was seen for too long."""
        gap_ns = _steps(at_ns, self.at_ns)
        days: Floats = gap_ns / NS_PER_DAY
        unseen = gap_ns <= 0
        unseen |= gap_ns > LOOK_GAP_NS
        if unseen[unseen.argmax()]:
            days[unseen] = 0.0
        return days

    def look_row(
        self,
        off_coin: Floats,
        delta_coin: Floats,
        price: Floats,
        at_ns: Ints,
        days: Floats,
        promised: dict[str, Floats],
    ) -> None:
        """`look` at several moments, one after the other, to the last bit; `days` are those of `days_row`.

        `promised` is what the same looks, or the last of them, add to what was predicted (`promised_row`).
        """
        unhedged, off = delta_coin - self.hedged_coin, _shifted(off_coin, self.off_coin)
        moved, left = _steps(unhedged, self.unhedged_coin), off * _steps(price, self.price)
        unseen = days == 0.0
        if unseen[unseen.argmax()]:
            moved[unseen] = left[unseen] = 0.0
        parts = {"days": days, "off2": off * off * days, "moved2": moved * moved, "left2": left * left}
        if promised and len(promised["predicted_days"]) == len(days):
            self.sums.add_row(parts | promised)
        else:
            self.sums.add_row(parts)
            self.sums.add_row(promised)
        self.since_ns = self.since_ns or int(at_ns[0])
        self.at_ns, self.price = int(at_ns[-1]), float(price[-1])
        self.off_coin, self.unhedged_coin = float(off_coin[-1]), float(unhedged[-1])

    @staticmethod
    def promised_row(
        trigger_coin: Row,
        target_coin: Row,
        expected: Forecasts,
        variance: Row,
        days: Floats,
        below: tuple[Row, Row] | None = None,
    ) -> dict[str, Floats]:
        """What `predict` adds at several looks, to the last bit; numbers are the same in all of them."""
        error = expected.tracking_error_usd_root_day
        rates: dict[str, Row] = {
            "predicted_te2": error * error,
            "predicted_off2": mean_square(trigger_coin, target_coin, below),
            "predicted_volume_coin": expected.turnover_coin_day,
            "predicted_cost_usd": expected.cost_usd_day,
            "predicted_orders": expected.orders_day,
            "predicted_moved2": variance,
        }
        # What is nothing in all of them adds nothing.
        parts = {name: rate * days for name, rate in rates.items() if not isinstance(rate, float) or rate != 0.0}
        parts["predicted_days"] = days
        return parts

    def hedged(self, moved_coin: float, cost_usd: float) -> None:
        """A fill of ours."""
        self.hedged_coin += moved_coin
        self.sums.volume_coin += abs(moved_coin)
        self.sums.cost_usd += cost_usd


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Predicted or realised, over one window (hedging reference section 6). None: nothing was seen to make it of."""

    tracking_error_usd_root_day: float | None
    cost_usd_day: float | None
    turnover_coin_day: float | None
    orders_day: float | None
    variance_coin2_day: float | None
    efficiency: float | None


def realised(sums: TrackingSums) -> Figures:
    """What came of it."""
    if sums.days <= 0.0:
        return _NOTHING
    return Figures(
        tracking_error_usd_root_day=math.sqrt(sums.left2 / sums.days),
        cost_usd_day=sums.cost_usd / sums.days,
        turnover_coin_day=sums.volume_coin / sums.days,
        orders_day=sums.orders / sums.days,
        variance_coin2_day=sums.moved2 / sums.days,
        efficiency=_efficiency(sums.off2 / sums.days, sums.volume_coin, sums.moved2),
    )


def predicted(sums: TrackingSums) -> Figures:
    """What the bands in force promised meanwhile."""
    days = sums.predicted_days
    if days <= 0.0:
        return _NOTHING
    moved2 = sums.predicted_moved2
    return Figures(
        tracking_error_usd_root_day=math.sqrt(sums.predicted_te2 / days),
        cost_usd_day=sums.predicted_cost_usd / days,
        turnover_coin_day=sums.predicted_volume_coin / days,
        orders_day=sums.predicted_orders / days,
        variance_coin2_day=moved2 / days,
        efficiency=_efficiency(sums.predicted_off2 / days, sums.predicted_volume_coin, moved2),
    )


def _efficiency(variance_coin2: float, volume_coin: float, moved2: float) -> float | None:
    found = efficiency(variance_coin2, volume_coin, moved2)
    return found if math.isfinite(found) else None


_NOTHING = Figures(
    tracking_error_usd_root_day=None,
    cost_usd_day=None,
    turnover_coin_day=None,
    orders_day=None,
    variance_coin2_day=None,
    efficiency=None,
)


def conditions(
    *, price: float, vol_day: float | None, cost_bps: float, gamma: float, flow: float | None
) -> Conditions | None:
    """What a band is made for now; None while the volatility, the flow or the price is not known."""
    if vol_day is None or flow is None or not (price > 0.0 and vol_day > 0.0):
        return None
    return Conditions(
        price_usd=price,
        vol_root_day=vol_day,
        cost_ratio=cost_bps * 1e-4,
        variance_coin2_day=exposure_variance(gamma, price, vol_day, flow),
    )


def _steps(values: NDArray[Exact], first: float) -> NDArray[Exact]:
    """How far each value is from the one before it, the first one from `first`."""
    found = np.empty_like(values)
    np.subtract(values[1:], values[:-1], out=found[1:])
    found[0] = values[0] - values.dtype.type(first)
    return found


def _shifted(values: Floats, first: float) -> Floats:
    """The value before each, the first one's being given."""
    found = np.empty_like(values)
    found[1:], found[0] = values[:-1], first
    return found


def implied_vol_root_day(vol_year: float) -> float | None:
    """An implied volatility per root day; None for one that is not above zero."""
    return vol_root_day(vol_year) if vol_year > 0.0 else None
