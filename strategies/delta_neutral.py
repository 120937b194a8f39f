"""delta_neutral: keep each underlying's net delta within a symmetric band around zero.

Does: nothing inside the band; outside it asks for a trade back to `target_ratio` of the edge on the same side.
Limits: the band is fixed by the operator per underlying; it does not widen with cost, gamma or flow.
Fails: where the band is tighter than the lot or the price noise, it trades often; look at hedges per hour.
"""

import msgspec

from hedgebot.core.strategy import Proposal, Steady, Strategy, UnderlyingView
from hedgebot.domain.settings import StrategySettings, UnderlyingSettings


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the plug-in: none, the band belongs to the underlying."""


class DeltaNeutral:
    """Symmetric band around zero with its target inside."""

    name = "delta_neutral"

    def propose(self, view: UnderlyingView, previous: Proposal | None) -> Proposal:
        """Propose zero with the configured band; an earlier proposal's centre is kept."""
        band_coin = view.settings.band_coin
        centre_coin = previous.centre_coin if previous else 0.0
        return Proposal(
            strategy=self.name,
            centre_coin=centre_coin,
            trigger_coin=band_coin,
            inside_coin=band_coin * view.settings.target_ratio,
            reason=f"keep {view.settings.underlying} within {band_coin:g} of {centre_coin:g}",
            evidence={"band_coin": band_coin, "target_ratio": view.settings.target_ratio},
        )

    @staticmethod
    def steady(settings: UnderlyingSettings, previous: Steady | None) -> Steady | None:
        """The configured band, as long as an earlier strategy's centre stands."""
        centre_coin, until_ns = (previous.centre_coin, previous.until_ns) if previous else (0.0, 2**62)
        return Steady(centre_coin, settings.band_coin, settings.band_coin, until_ns)


class Plugin:
    """How the daemon finds this strategy."""

    name = "delta_neutral"
    parameters = Parameters

    def build(self, settings: StrategySettings) -> Strategy:
        """Make the strategy; its parameters hold nothing that could be out of range."""
        msgspec.convert(settings.params, Parameters)
        return DeltaNeutral()


STRATEGY = Plugin()
