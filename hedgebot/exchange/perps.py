"""Mark and funding of perpetuals: the basis that is smoothed into the mark, the premium that is averaged into the rate.

Owns the funding formula. Must not know books, accounts or where prices come from.
"""

from dataclasses import dataclass
from decimal import Decimal

NS_PER_S = 1_000_000_000
_FUNDING_PERIOD_NS = 8 * 3_600 * NS_PER_S
_INTEREST_8H, _DAMPER_8H = 0.0001, 0.0005


@dataclass(slots=True)
class PerpState:
    """Mark and funding of one perpetual."""

    interval_ns: int
    rate_cap: float
    next_funding_at_ns: int
    mark: Decimal
    basis: float = 0.0
    premium_sum: float = 0.0
    premium_count: int = 0

    def start_interval(self, now_ns: int) -> None:
        """Begin the next funding interval."""
        self.next_funding_at_ns = (now_ns // self.interval_ns + 1) * self.interval_ns
        self.premium_sum, self.premium_count = 0.0, 0

    def rate(self) -> float:
        """Forecast per interval: average premium plus damped interest, from 8 hours (Bybit's formula)."""
        premium = self.premium_sum / self.premium_count if self.premium_count else 0.0
        rate_8h = premium + max(-_DAMPER_8H, min(_DAMPER_8H, _INTEREST_8H - premium))
        return max(-self.rate_cap, min(self.rate_cap, rate_8h * self.interval_ns / _FUNDING_PERIOD_NS))
