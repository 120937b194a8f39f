"""What a strategy sees and says. Imports no engine: a plug-in depends on this module, the domain and the pricer only.

A strategy proposes a target exposure with its band; a later one may refine what earlier ones proposed. It never sizes
an order and never trades. It is pure: the same view gives the same proposal.
"""

from typing import NamedTuple, Protocol

import msgspec

from hedgebot.domain.settings import StrategySettings, UnderlyingSettings
from hedgebot.pricing.band import Lateness


class BandTerms(msgspec.Struct, frozen=True, kw_only=True):
    """How a band is kept, however wide it is: constants of the configuration.

    `hedge_ratio` is the share of the exposure that is hedged: a band sees e ratio + h, whose variance is that of e
    times the square of it. Hedges wait for `dwell_ms` outside the band and `interval_ms` after the last one; `gates`
    say what else they wait for: no prediction knows those.
    """

    hedge_ratio: float = 1.0
    dwell_ms: int = 0
    interval_ms: int = 0
    gates: tuple[str, ...] = ()


class UnderlyingView(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one underlying at one moment. Delta in coin (long positive), gamma in coin per USD.

    `hedge_coin` is the delta of the hedge instrument's position, which is part of `delta_coin`; `lot_coin` its smallest
    step (None: not known). `vol_root_day` and `flow_variance` (coin^2 a day) are None until they are known;
    `vol_source` says which volatility it is: implied or realised. `overshoot_coin` is how far a fill carries the delta
    past an edge on the mean. Gamma, flow and overshoot are those of what a band sees: with a hedge ratio of its share.
    `cost_bps` is what a hedge costs one way now, where own fills moved it away from the configured cost (None: it is
    that one). `late` is what lets the delta go beyond an edge before it is hedged.
    """

    at_ns: int
    delta_coin: float
    gamma_coin_per_usd: float
    price_usd: float
    settings: UnderlyingSettings
    hedge_coin: float = 0.0
    lot_coin: float | None = None
    vol_root_day: float | None = None
    vol_source: str = ""
    flow_variance: float | None = None
    overshoot_coin: float = 0.0
    cost_bps: float | None = None
    late: Lateness = Lateness()

    @property
    def hedge_cost_bps(self) -> float:
        """What a hedge costs one way, in basis points of notional: as measured, or as configured."""
        return self.settings.cost_bps if self.cost_bps is None else self.cost_bps


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """What a hedge beyond the band waits for, all of it, unless the distance exceeds `hard_coin` (None: no such edge).

    `dwell_ms` outside the band; `interval_ms` after the last hedge; a price move of `price_move_bps` since then, for
    hedges that no fill asks for: with `price_move_within_ms` (0: none) within the last so many ms. `closed` is a
    sentence that says why the operator's hours forbid it, or empty.
    """

    hard_coin: float | None = None
    dwell_ms: int = 0
    interval_ms: int = 0
    price_move_bps: float = 0.0
    price_move_within_ms: int = 0
    closed: str = ""


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """Keep the delta within `centre_coin` +- `trigger_coin`; outside, trade to `inside_coin` from the centre.

    `inside_coin` < `trigger_coin`, both >= 0. `below` are (trigger, inside) of the side below the centre where they
    differ. `evidence` are the inputs that a reader of the journal will want; `warning` is what an operator must be told
    of this band while it stands. `risk_aversion` (per USD) is what the band weighs risk against cost with (0: none).
    `bounded` is the engine's: how the delta limit keeps the band that was proposed, empty where it does not.
    """

    strategy: str
    centre_coin: float
    trigger_coin: float
    inside_coin: float
    reason: str
    evidence: dict[str, int | float | str | None]
    below: tuple[float, float] | None = None
    patience: Patience | None = None
    warning: str = ""
    bounded: str = ""
    risk_aversion: float = 0.0

    def edges(self, distance_coin: float) -> tuple[float, float]:
        """Trigger and inside target on the side of a signed distance from the centre."""
        if distance_coin < 0.0 and self.below is not None:
            return self.below
        return self.trigger_coin, self.inside_coin


class Steady(NamedTuple):
    """A band that neither price nor time moves before `until_ns`: edges (coin) above and below its centre."""

    centre_coin: float
    above_coin: float
    below_coin: float
    until_ns: int


class Strategy(Protocol):
    """A running strategy."""

    @property
    def name(self) -> str:
        """The operator's name for it; also the plug-in's module name."""

    def propose(self, view: UnderlyingView, previous: Proposal | None) -> Proposal | None:
        """Propose, refine `previous` or pass it on; None means: nothing to keep here."""


class BindingStrategy(Protocol):
    """A strategy that changes how a band is kept: predictions and widths have to know."""

    def terms(self, before: BandTerms) -> BandTerms:
        """The terms with what this strategy adds to those of the strategies before it."""


class SteadyStrategy(Protocol):
    """A strategy that can say so when its band stands still: a replay may then leave out what cannot trigger."""

    def steady(self, settings: UnderlyingSettings, previous: Steady | None) -> Steady | None:
        """The band that `propose` gives at every price and moment before its end; None where there is none such."""


class NarrowingStrategy(Protocol):
    """A strategy whose band follows price and time, and can say how: a replay then knows its narrowest."""

    @property
    def narrows(self) -> bool:
        """Whether its edges, equal on both sides, only draw in as price and time go on.

        That is while volatility, options and what was seen of fills stand, and each of them stays known or unknown.
        """


class StrategyPlugin(Protocol):
    """What a module under strategies/ exports as STRATEGY."""

    @property
    def name(self) -> str:
        """The plug-in's module name."""

    @property
    def parameters(self) -> type[msgspec.Struct]:
        """Type of its parameters; unknown or mistyped ones are refused when the configuration is loaded."""

    def build(self, settings: StrategySettings) -> Strategy:
        """Make a strategy from its settings; raises ConfigError for parameters out of range."""
