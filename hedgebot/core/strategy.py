"""What a strategy sees and says. Imports no engine: a plug-in depends on this module, the domain and the pricer only.

A strategy proposes a target exposure with its band; a later one may refine what earlier ones proposed. It never sizes
an order and never trades. It is pure: the same view gives the same proposal.
"""

from typing import Protocol

import msgspec

from hedgebot.domain.settings import StrategySettings, UnderlyingSettings


class UnderlyingView(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one underlying at one moment. Delta in coin (long positive), gamma in coin per USD."""

    at_ns: int
    delta_coin: float
    gamma_coin_per_usd: float
    price_usd: float
    settings: UnderlyingSettings


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """Keep the delta within `centre_coin` +- `trigger_coin`; outside, trade to `inside_coin` from the centre.

    `inside_coin` < `trigger_coin`, both >= 0. `evidence` are the inputs that a reader of the journal will want.
    """

    strategy: str
    centre_coin: float
    trigger_coin: float
    inside_coin: float
    reason: str
    evidence: dict[str, int | float | str | None]


class Strategy(Protocol):
    """A running strategy."""

    @property
    def name(self) -> str:
        """The operator's name for it; also the plug-in's module name."""

    def propose(self, view: UnderlyingView, previous: Proposal | None) -> Proposal | None:
        """Propose, refine `previous` or pass it on; None means: nothing to keep here."""


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
