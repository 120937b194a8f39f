"""Dated futures: where their books stand, their mark, and the figures that the venue publishes beside it.

Owns the carry that options and futures of one expiry share (so that parity holds between them) and how a future goes
over to its settlement price. Must not know books, accounts or where the index comes from.
"""

import math
from dataclasses import dataclass
from decimal import Decimal

from hedgebot.exchange.pricepath import SECONDS_PER_YEAR
from hedgebot.exchange.settlement import SettlementAverage

CARRY_PER_YEAR = 0.04
_SMOOTHING_S = 30.0
# The perpetual's excitement shows in a future's price too, less and less in its last day.
_CALM_NS = 86_400 * 1_000_000_000
NS_PER_YEAR = SECONDS_PER_YEAR * 1e9


@dataclass(slots=True)
class FutureState:
    """One future now. `basis` is smoothed: what the book stands above the settlement price that is expected."""

    average: SettlementAverage
    mark: Decimal
    basis: float = 0.0

    def years(self, now_ns: int) -> float:
        """Time to delivery."""
        return max(self.average.expiry_ns - now_ns, 0) / NS_PER_YEAR

    def middle(self, index: float, excitement: float, now_ns: int) -> float:
        """Middle of the book: index and carry, moved by the perpetual's `excitement` (a fraction); dies at expiry."""
        left = self.average.expiry_ns - now_ns
        forward = index * math.exp(CARRY_PER_YEAR * self.years(now_ns))
        moved = forward * (1.0 + excitement * min(max(left / _CALM_NS, 0.0), 1.0))
        return self.average.expected(moved, now_ns)

    def remark(self, index: float, middle: float, now_ns: int, step_s: float) -> float:
        """Mark: expected settlement at the index plus the smoothed basis; at expiry the average itself."""
        left = 1.0 - self.average.done(now_ns)
        expected = self.average.expected(index, now_ns)
        basis = middle / expected - 1.0
        weight = 1.0 if self.basis == 0.0 else min(step_s / _SMOOTHING_S, 1.0)
        self.basis += weight * (basis - self.basis)
        return expected * (1.0 + self.basis * left)
