"""How often a simulated venue shows its market: what a long run trades for speed.

Owns the cadence and what it does to age limits. A run whose market is shown every ten seconds cannot hold prices to an
age of five: limits on age and silence are raised to three rounds, never lowered.
"""

from typing import Self

import msgspec

from hedgebot.domain.durations import NS_PER_MS, NS_PER_S
from hedgebot.domain.settings import EngineSettings

ROUNDS_MAX = 3


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Nanoseconds between looks at the market and between signs of life; options come every `options_every` rounds."""

    market_ns: int = 250 * NS_PER_MS
    options_every: int = 4
    alive_ns: int = NS_PER_S
    silence_ns_max: int = 15 * NS_PER_S

    @classmethod
    def of_seconds(cls, seconds: float) -> Self:
        """Everything once in so many seconds."""
        round_ns = round(seconds * NS_PER_S)
        return cls(
            market_ns=round_ns,
            options_every=1,
            alive_ns=max(round_ns, NS_PER_S),
            silence_ns_max=max(15 * NS_PER_S, ROUNDS_MAX * round_ns),
        )

    def slowed(self, settings: EngineSettings) -> EngineSettings:
        """The settings with limits on age and silence that this pace can keep."""
        least_ms = ROUNDS_MAX * max(self.market_ns * self.options_every, self.alive_ns) // NS_PER_MS
        limits = settings.limits
        raised = {
            name: max(getattr(limits, name), least_ms)
            for name in (
                "book_age_ms_max",
                "mark_age_ms_max",
                "option_age_ms_max",
                "private_silence_ms_max",
                "private_silence_ms_halt",
                "margin_age_ms_max",
                "funding_age_ms_max",
                "frozen_ms_max",
                "reconcile_timeout_ms",
                "pause_ms_max",
            )
        }
        return msgspec.structs.replace(settings, limits=msgspec.structs.replace(limits, **raised))


ORDINARY_PACE = Pace()
