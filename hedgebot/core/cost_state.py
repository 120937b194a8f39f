"""What hedges cost by our own fills: a record of each hedge instrument and of all together, and its arithmetic.

Owns the estimate that takes the place of the configured cost (hedging reference rule 7). Costs are one way, in basis
points of notional: fee and slippage against the middle at the decision; positive is paid. It changes at own fills only,
so that it is the same between two of them whatever the market does. Pure; must not know orders, markets or accounts.
"""

import math

import msgspec

from hedgebot.domain.settings import CostSource, UnderlyingSettings

HALF_LIFE_ORDERS = 100.0
"""After so many whole orders a fill counts half: markets and fee tiers change."""

OUTLIER_RATIO, OUTLIER_BPS = 10.0, 50.0
"""A fill counts at most so many times the configured cost, or so many basis points, above or below it: one bad print is
no cost of hedging."""

HEAVY_RATIO = 2.0
"""An order weighs at most so many times what orders are worth on the mean: a large one must not speak for a hundred."""

_BPS = 1e-4


class CostEstimate(msgspec.Struct, kw_only=True):
    """Own fills, weighted by notional (at most `HEAVY_RATIO` times the mean) and halved every `HALF_LIFE_ORDERS`.

    `fills` are all of them, ever; `orders` is the weight in whole orders (one that fills in ten pieces is one),
    `notional` and `paid` in quote coins.
    """

    fills: int = 0
    orders: float = 0.0
    notional: float = 0.0
    paid: float = 0.0

    def add(self, *, notional: float, paid: float, share: float) -> None:
        """A fill of a share of its order."""
        most = HEAVY_RATIO * share * self.notional / self.orders if self.orders > 0.0 else notional
        if notional > most > 0.0:
            notional, paid = most, paid * most / notional
        self.age(share)
        self.fills += 1
        self.orders += share
        self.notional += notional
        self.paid += paid

    def age(self, share: float) -> None:
        """So much of an order went by: what was measured before weighs less."""
        keep = math.exp2(-share / HALF_LIFE_ORDERS)
        self.orders, self.notional, self.paid = self.orders * keep, self.notional * keep, self.paid * keep

    @property
    def measured_bps(self) -> float | None:
        """What the fills alone say; None before the first."""
        return self.paid / self.notional / _BPS if self.notional > 0.0 else None

    def cost_bps(self, prior_bps: float, settings: UnderlyingSettings, most_bps: float | None = None) -> float:
        """The prior moved by the fills: it weighs `cost_prior_orders`, and bounds the result by `cost_factor_max`.

        `most_bps` is what the upper bound is made of where that is more than the prior.
        """
        measured = self.measured_bps
        if measured is None:
            return prior_bps
        weight = settings.cost_prior_orders
        mean = (prior_bps * weight + measured * self.orders) / (weight + self.orders)
        least, most = prior_bps / settings.cost_factor_max, max(prior_bps, most_bps or 0.0) * settings.cost_factor_max
        return min(max(mean, least), most)


class Costs(msgspec.Struct, kw_only=True):
    """Of one underlying: what all its hedges cost, which its band is made of, and those in each instrument."""

    whole: CostEstimate = msgspec.field(default_factory=CostEstimate)
    instruments: dict[str, CostEstimate] = {}

    def note(self, hedge: str, *, notional: float, paid: float, share: float, expected_bps: float) -> None:
        """A fill of ours; what is far from the expected cost counts as far as an outlier may.

        The other instruments' estimates age by it, too: one that is not traded because it was dear once would stay so.
        """
        unit = _BPS * notional
        expected, room = expected_bps * unit, max(OUTLIER_RATIO * expected_bps, OUTLIER_BPS) * unit
        counted = min(max(paid, expected - room), expected + room)
        for one in (self.whole, self.instruments.setdefault(hedge, CostEstimate())):
            one.add(notional=notional, paid=counted, share=share)
        for name, other in self.instruments.items():
            if name != hedge:
                other.age(share)


def band_cost_bps(costs: Costs, settings: UnderlyingSettings) -> float:
    """The cost that the band of an underlying is made of: as configured, or moved by what its hedges really cost."""
    if settings.cost_source is CostSource.CONFIGURED:
        return settings.cost_bps
    return costs.whole.cost_bps(settings.cost_bps, settings)
