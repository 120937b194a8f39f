"""cost_aware: a band whose width follows what hedging costs, gamma and the client's trading (Whalley and Wilmott).

Does: keeps the tracking error that the operator pays for, at the least cost. Risk aversion is solved once, from
`tracking_error_usd` (USD per square root of a day) at the reference conditions of the parameters, and then held; the
width follows the variance of the exposure as it is (net gamma times volatility, and fills that we do not choose) and,
with `cost_source` = measured, what own hedges cost: aversion stays that of the configured cost, so dearer is wider.
Where `target` hedges a share of the exposure only, the variance is that share's (so is the reference variance meant).
Trades go to `target_ratio` of the edge, or to less of it where each order costs something (`order_cost_usd`): trigger
and target are then the best pair. Never wider than `cap_coin`, never tighter than two lots or a quarter of the
reference width, also where the trigger comes in for looks that are far apart (`check_interval_s`), a dwell or an
interval: what that leaves undone is told (MonitoringTooSlow). While quotes of held options are old the whole is
`stale_band_ratio` times as wide, as every band.
Limits: volatility and flow are estimates; before the first hour has been seen, the reference variance is used.
Fails: a budget below what an error in volatility leaves anyway costs money and tracks no better (`noise_floor_usd`;
`hedgebot lab floor` estimates it).
"""

import math

import msgspec

from hedgebot.core.strategy import Proposal, Strategy, UnderlyingView
from hedgebot.domain.durations import NS_PER_DAY, NS_PER_S
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.settings import StrategySettings
from hedgebot.pricing import band

GAP_SHARE = 0.25
"""Of the way from target to trigger that stays, however large the fills: below it every tick would be an order."""

BUDGET_USD_MIN = 0.1
"""Of the tracking error, per square root of a day: no lot of any coin moves less, so that below it stand coins."""

VOLS = (0.01, 5.0)
"""Volatilities a year that markets have; beyond them stand percent."""

SLOW_SHARE = 0.1
"""Of the trigger that the delta may go beyond it, where the trigger cannot come in any more, before it is told."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the plug-in; units stand in the names, `reference_vol` is per year (0.6 = 60 %)."""

    tracking_error_usd: float
    reference_price_usd: float
    reference_vol: float
    reference_variance_coin2_day: float
    cap_coin: float
    target_ratio: float = band.TARGET_RATIO_DEFAULT
    order_cost_usd: float = 0.0
    noise_floor_usd: float = 0.0


class CostAware:
    """A band made anew at every look, of one held risk aversion."""

    def __init__(self, name: str, parameters: Parameters) -> None:
        self.name = name
        self._parameters = parameters
        self._aversion: dict[float, float] = {}
        self._reference_width_coin = (
            math.sqrt(3.0)
            * self._budget()
            / (band.vol_root_day(parameters.reference_vol) * parameters.reference_price_usd)
        )

    @property
    def narrows(self) -> bool:
        """W falls with the price and with the flow that decays; the pair for an order's cost is not proven to."""
        return self._parameters.order_cost_usd <= 0.0

    def propose(self, view: UnderlyingView, previous: Proposal | None) -> Proposal:
        """Propose the width of this moment around the centre that an earlier strategy chose."""
        one = self._parameters
        conditions, known = self._conditions(view)
        aversion = self._risk_aversion(view.settings.cost_bps)
        wanted, ratio = self._shape(conditions, aversion)
        width = band.bounded_width(
            wanted, self._reference_width_coin, view.lot_coin or 0.0, one.cap_coin / band.trigger_ratio(ratio)
        )
        wished = band.band_of_width(width, ratio)
        late_coin = band.late_shift(wished, conditions.variance_coin2_day, view.late)
        floor_coin = band.bounded_width(0.0, self._reference_width_coin, view.lot_coin or 0.0)
        found = band.checked_trigger(wished, late_coin, floor_coin * band.trigger_ratio(ratio), GAP_SHARE)
        warning = _too_slow(view, found.trigger_coin - (wished.trigger_coin - late_coin), found.trigger_coin)
        # Fills and late looks overlap: whichever asks for the tighter trigger.
        filled = _drawn_in(wished, view.overshoot_coin)
        found = found._replace(trigger_coin=min(found.trigger_coin, filled.trigger_coin))
        centre_coin = previous.centre_coin if previous else 0.0
        return Proposal(
            strategy=self.name,
            centre_coin=centre_coin,
            trigger_coin=found.trigger_coin,
            inside_coin=found.target_coin,
            reason=f"keep {view.settings.underlying} within {found.trigger_coin:.4g} of {centre_coin:g}",
            patience=previous.patience if previous else None,
            warning=warning,
            risk_aversion=aversion,
            evidence={
                "tracking_error_usd": one.tracking_error_usd,
                "risk_aversion": aversion,
                "variance_coin2_day": conditions.variance_coin2_day,
                "vol_root_day": conditions.vol_root_day,
                "vol_source": view.vol_source if view.vol_root_day else "reference",
                "cost_bps": view.hedge_cost_bps,
                "estimates": "live" if known else "reference",
                "width_coin": width,
                "overshoot_coin": view.overshoot_coin,
                "late_coin": late_coin,
            },
        )

    def _budget(self) -> float:
        """What of the tracking error is left for the band beside the error in volatility."""
        one = self._parameters
        return band.band_budget(one.tracking_error_usd, one.noise_floor_usd)

    def _risk_aversion(self, cost_bps: float) -> float:
        """Solved once for each cost that the configuration has, at reference conditions."""
        if cost_bps not in self._aversion:
            one = self._parameters
            reference = band.Conditions(
                price_usd=one.reference_price_usd,
                vol_root_day=band.vol_root_day(one.reference_vol),
                cost_ratio=cost_bps * 1e-4,
                variance_coin2_day=one.reference_variance_coin2_day,
            )
            self._aversion[cost_bps] = band.risk_aversion_for(self._budget(), reference)
        return self._aversion[cost_bps]

    def _conditions(self, view: UnderlyingView) -> tuple[band.Conditions, bool]:
        """What the band is made for, and whether it rests on live estimates alone."""
        one = self._parameters
        known = view.vol_root_day is not None and view.flow_variance is not None
        vol = view.vol_root_day or band.vol_root_day(one.reference_vol)
        variance = one.reference_variance_coin2_day
        if view.flow_variance is not None and known:
            variance = band.exposure_variance(view.gamma_coin_per_usd, view.price_usd, vol, view.flow_variance)
        return (
            band.Conditions(
                price_usd=view.price_usd,
                vol_root_day=vol,
                cost_ratio=view.hedge_cost_bps * 1e-4,
                variance_coin2_day=variance,
                order_cost_usd=one.order_cost_usd,
            ),
            known,
        )

    def _shape(self, conditions: band.Conditions, aversion: float) -> tuple[float, float]:
        """Width (of the band to its edge that has the same variance) and target over trigger, before floor and cap.

        Where orders cost something these are the best pair's; one whose target is beyond `target_ratio` keeps its
        variance with a target there, so that a cost that goes to zero ends in the band without it.
        """
        if conditions.order_cost_usd <= 0.0:
            return band.width_coin(conditions, aversion), self._parameters.target_ratio
        trigger, target = band.band_with_order_cost(conditions, aversion)
        ratio = target / trigger if trigger > 0.0 else 1.0
        width = math.sqrt((trigger * trigger + target * target) / 2.0)
        return width, min(ratio, self._parameters.target_ratio)


def _drawn_in(found: band.Band, overshoot_coin: float) -> band.Band:
    """The trigger moved inward by what fills overshoot it, so that the delta turns where the formula wants it."""
    least = found.target_coin + GAP_SHARE * (found.trigger_coin - found.target_coin)
    return band.Band(max(found.trigger_coin - overshoot_coin, least), found.target_coin)


def _too_slow(view: UnderlyingView, left_coin: float, trigger_coin: float) -> str:
    """What to tell where lateness takes the delta farther than the trigger can come in (section 5.4)."""
    if left_coin <= SLOW_SHARE * trigger_coin:
        return ""
    check_s, dwell_s, interval_s = (f"{one * NS_PER_DAY / NS_PER_S:g} s" for one in view.late)
    return (
        f"monitoring is too slow for this band: looks {check_s} apart, a dwell of {dwell_s} and an interval of "
        f"{interval_s} let the delta go {left_coin:.3g} {view.settings.underlying} too far, for the trigger comes in "
        f"to {trigger_coin:.3g} at most"
    )


class Plugin:
    """How the daemon finds this strategy."""

    name = "cost_aware"
    parameters = Parameters

    def build(self, settings: StrategySettings) -> Strategy:
        """Make the strategy; raises ConfigError for a parameter out of range or a budget that cannot be had."""
        one = msgspec.convert(settings.params, Parameters)
        where = f"strategies.{settings.name}.params"
        for name in ("reference_price_usd", "reference_variance_coin2_day", "cap_coin"):
            if not getattr(one, name) > 0.0:
                raise ConfigError(f"{where}.{name} is {getattr(one, name):g}, it must be above zero")
        for name in ("order_cost_usd", "noise_floor_usd"):
            if getattr(one, name) < 0.0:
                raise ConfigError(f"{where}.{name} is {getattr(one, name):g}, it must not be negative")
        if not one.tracking_error_usd >= BUDGET_USD_MIN:
            raise ConfigError(
                f"{where}.tracking_error_usd is {one.tracking_error_usd:g}, it must be USD per square root of a day, "
                f"from {BUDGET_USD_MIN:g} on"
            )
        low, high = VOLS
        if not low <= one.reference_vol <= high:
            raise ConfigError(
                f"{where}.reference_vol is {one.reference_vol:g}, it must be a fraction a year between {low:g} and "
                f"{high:g} (60 % is 0.6)"
            )
        if not 0.0 < one.target_ratio < 1.0:
            raise ConfigError(f"{where}.target_ratio is {one.target_ratio:g}, it must be between 0 and 1")
        try:
            return CostAware(settings.name, one)
        except ValueError as error:
            raise ConfigError(f"strategies.{settings.name}.params.tracking_error_usd: {error}") from error


STRATEGY = Plugin()
