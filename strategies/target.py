"""target: another centre than zero, a share of the exposure, sides of their own. Refines the strategy before it.

Does: moves the band's centre to `target_coin`; hedges `hedge_ratio` of the exposure only (0 to 1.5; above 1 needs
`over_hedge = true`); makes the band above the centre `up_ratio` and below it `down_ratio` as wide.
Limits: one set of parameters for all its underlyings; each coin may have a section of its own (`plugin = "target"`).
Fails: it proposes nothing by itself; without an enabled strategy before it there is no band to refine.
"""

import msgspec

from hedgebot.core.strategy import BandTerms, Proposal, Steady, Strategy, UnderlyingView
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.settings import StrategySettings, UnderlyingSettings

HEDGE_RATIO_MAX = 1.5
SIDE_RATIO_MAX = 1_000.0


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Parameters of the plug-in."""

    target_coin: float = 0.0
    hedge_ratio: float = 1.0
    over_hedge: bool = False
    up_ratio: float = 1.0
    down_ratio: float = 1.0


class Target:
    """Refines a proposal."""

    def __init__(self, name: str, parameters: Parameters) -> None:
        self.name = name
        self._parameters = parameters

    def terms(self, before: BandTerms) -> BandTerms:
        """What is left open by several of them adds up: each one moves the centre by its own."""
        return msgspec.structs.replace(before, hedge_ratio=before.hedge_ratio + self._parameters.hedge_ratio - 1.0)

    def propose(self, view: UnderlyingView, previous: Proposal | None) -> Proposal | None:
        """Shift the centre and stretch the sides of the proposal before."""
        if previous is None:
            return None
        one = self._parameters
        exposure_coin = view.delta_coin - view.hedge_coin
        # x = e * ratio + h - target: what is not to be hedged is part of the centre.
        centre_coin = previous.centre_coin + one.target_coin + (1.0 - one.hedge_ratio) * exposure_coin
        above = (previous.trigger_coin * one.up_ratio, previous.inside_coin * one.up_ratio)
        trigger_coin, inside_coin = previous.edges(-1.0)
        below = (trigger_coin * one.down_ratio, inside_coin * one.down_ratio)
        return msgspec.structs.replace(
            previous,
            centre_coin=centre_coin,
            trigger_coin=above[0],
            inside_coin=above[1],
            below=None if below == above else below,
            reason=f"{previous.reason}; centre moved to {centre_coin:.4g}",
            evidence=previous.evidence
            | {"target_coin": one.target_coin, "hedge_ratio": one.hedge_ratio, "exposure_coin": exposure_coin},
        )

    def steady(self, settings: UnderlyingSettings, previous: Steady | None) -> Steady | None:
        """The band before it, shifted and stretched; a share of the exposure moves the centre with every price."""
        del settings
        one = self._parameters
        if previous is None or one.hedge_ratio != 1.0:
            return None
        return Steady(
            previous.centre_coin + one.target_coin,
            previous.above_coin * one.up_ratio,
            previous.below_coin * one.down_ratio,
            previous.until_ns,
        )


class Plugin:
    """How the daemon finds this strategy."""

    name = "target"
    parameters = Parameters

    def build(self, settings: StrategySettings) -> Strategy:
        """Make the strategy; raises ConfigError for a parameter out of range."""
        one = msgspec.convert(settings.params, Parameters)
        where = f"strategies.{settings.name}.params"
        if not 0.0 <= one.hedge_ratio <= HEDGE_RATIO_MAX:
            raise ConfigError(f"{where}.hedge_ratio is {one.hedge_ratio:g}, it must be 0 to {HEDGE_RATIO_MAX:g}")
        if one.hedge_ratio > 1.0 and not one.over_hedge:
            raise ConfigError(f"{where}.hedge_ratio is {one.hedge_ratio:g}: above 1 needs over_hedge = true")
        for name in ("up_ratio", "down_ratio"):
            if not 0.0 < getattr(one, name) <= SIDE_RATIO_MAX:
                raise ConfigError(
                    f"{where}.{name} is {getattr(one, name):g}, it must be above zero and at most {SIDE_RATIO_MAX:g}"
                )
        return Target(settings.name, one)


STRATEGY = Plugin()
