"""The price at which options and futures are delivered: the average of the index over the last half hour.

Owns the window, the samples and what the average makes of prices while it is taken. One sample a second, as the venue
says of its futures (help centre, "Index Price (Inverse Futures Contract)": from 07:30 to 08:00 UTC, every second). An
expiry that is nearer than that when it becomes known has the time since then as its window. Must not know books
or money.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.instrument import Instrument

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
    def of(cls, expiry_ns: int, start_ns: int, window_ns: int = WINDOW_NS) -> "SettlementAverage":
        """The average for an expiry in a world that began at `start_ns`."""
        return cls(expiry_ns, max(expiry_ns - window_ns, min(start_ns, expiry_ns - NS_PER_S)))

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
        price = self.price
        if price is None:
            return forward
        done = self.done(now_ns)
        return done * float(price) + (1.0 - done) * forward

    def variance_years(self, now_ns: int, ns_per_year: float) -> float:
        """Time over which the settlement price still varies, in years of the index's variance.

        An average of a Brownian path over its last stretch L has the variance of L/3; what has been averaged already
        varies no more, and the rest counts by its part, squared.
        """
        left = max(self.expiry_ns - now_ns, 0)
        window = self.expiry_ns - self.from_ns
        inside = min(left, window)
        return (left - inside + (inside / window) ** 2 * inside / 3.0) / ns_per_year


USD = "USD"


def index_unit(instrument: Instrument) -> str:
    """What an instrument's index is counted in: its quote currency, but USD for option chains."""
    return USD if instrument.kind.is_option else instrument.quote


@dataclass(slots=True)
class Settlements:
    """The averages of a world: one for each underlying, unit of its index, and expiry."""

    window_ns: int = WINDOW_NS
    _averages: dict[tuple[str, str], dict[int, SettlementAverage]] = field(default_factory=dict)

    def open(self, instrument: Instrument, now_ns: int) -> SettlementAverage | None:
        """The average that an instrument is delivered at, begun at first sight; None for what never ends."""
        if instrument.expiry_ns is None:
            return None
        averages = self._averages.setdefault((instrument.underlying, index_unit(instrument)), {})
        found = averages.get(instrument.expiry_ns)
        if found is None:
            found = averages[instrument.expiry_ns] = SettlementAverage.of(instrument.expiry_ns, now_ns, self.window_ns)
        return found

    def chain(self, underlying: str) -> dict[int, SettlementAverage]:
        """By expiry, the averages that options of an underlying are delivered at.

        The average of one second is the index itself: nothing of it is known before.
        """
        if self.window_ns <= NS_PER_S:
            return {}
        return self._averages.get((underlying, USD), {})

    def price(self, instrument: Instrument) -> Decimal | None:
        """The average so far; None before the first sample, and for what is not delivered."""
        averages = self._averages.get((instrument.underlying, index_unit(instrument)), {})
        found = averages.get(instrument.expiry_ns or 0)
        return None if found is None else found.price

    def sample(self, underlying: str, index_in: Callable[[str], Decimal], now_ns: int) -> None:
        """Take this second's index; `index_in` gives it in a unit."""
        for (name, unit), averages in self._averages.items():
            if name == underlying:
                for average in averages.values():
                    average.sample(index_in(unit), now_ns)

    def keep(self, underlying: str, alive: Iterable[Instrument]) -> None:
        """Forget the averages of an underlying that none of these is delivered at."""
        wanted = {(one.underlying, index_unit(one), one.expiry_ns) for one in alive}
        for (name, unit), averages in self._averages.items():
            if name == underlying:
                for expiry_ns in [one for one in averages if (name, unit, one) not in wanted]:
                    del averages[expiry_ns]
