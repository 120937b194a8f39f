"""The price at which options and futures are delivered: the average of the index over the last half hour.

Owns the window, the samples and what the average makes of prices while it is taken. One sample a second, as the venue
says of its futures (help centre, "Index Price (Inverse Futures Contract)": from 07:30 to 08:00 UTC, every second). An
expiry that is nearer to the exchange's start than that has the time since the start as its window. Must not know
instruments, books or money.
"""

from dataclasses import dataclass
from decimal import Decimal

from hedgebot.domain.decimals import ZERO

NS_PER_S = 1_000_000_000
WINDOW_NS = 1_800 * NS_PER_S
# The venue writes delivery prices with eight decimals (docs/v5/asset/delivery.mdx).
PRICE_STEP = Decimal("1e-8")


@dataclass(slots=True)
class SettlementAverage:
    """The average of one underlying for one expiry; samples count from after `from_ns` up to the expiry."""

    expiry_ns: int
    from_ns: int
    total: Decimal = ZERO
    count: int = 0

    @classmethod
    def of(cls, expiry_ns: int, start_ns: int) -> "SettlementAverage":
        """The average for an expiry in a world that began at `start_ns`."""
        return cls(expiry_ns, max(expiry_ns - WINDOW_NS, min(start_ns, expiry_ns - NS_PER_S)))

    def sample(self, index: Decimal, now_ns: int) -> None:
        """Take the index of a second, if it is in the window."""
        if self.from_ns < now_ns <= self.expiry_ns:
            self.total += index
            self.count += 1

    @property
    def price(self) -> Decimal | None:
        """The average so far; None before the first sample."""
        return (self.total / self.count).quantize(PRICE_STEP) if self.count else None

    def done(self, now_ns: int) -> float:
        """Part of the window that has passed, 0 to 1."""
        return min(max((now_ns - self.from_ns) / (self.expiry_ns - self.from_ns), 0.0), 1.0)

    def expected(self, forward: float, now_ns: int) -> float:
        """Settlement price to expect when the rest of the window is expected at `forward`."""
        price, done = self.price, self.done(now_ns)
        return forward if price is None else done * float(price) + (1.0 - done) * forward

    def variance_years(self, now_ns: int, ns_per_year: float) -> float:
        """Time over which the settlement price still varies, in years of the index's variance.

        An average of a Brownian path over its last stretch L has the variance of L/3; what has been averaged already
        varies no more, and the rest counts by its part, squared.
        """
        left = max(self.expiry_ns - now_ns, 0)
        window = self.expiry_ns - self.from_ns
        inside = min(left, window)
        return (left - inside + (inside / window) ** 2 * inside / 3.0) / ns_per_year
