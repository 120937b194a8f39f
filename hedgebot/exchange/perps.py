"""Mark and funding of perpetuals: the basis that is smoothed into the mark, the premium that is averaged into the rate.

Owns the funding formula. Must not know books, accounts or where prices come from.
"""

from dataclasses import dataclass
from decimal import Decimal

from hedgebot.domain.durations import NS_PER_S
from hedgebot.exchange.fundingtape import FundingTape

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
    # Recorded settlements, which take the place of computed ones while there are any.
    tape: FundingTape | None = None
    # What the next settlement pays by force; the one after is computed again.
    forced_rate: float | None = None

    def start_interval(self, now_ns: int) -> None:
        """Begin the next funding interval; on a tape it is as long as it was."""
        recorded_ns = self.tape.next_after(now_ns) if self.tape is not None else None
        if recorded_ns is None:
            self.next_funding_at_ns = (now_ns // self.interval_ns + 1) * self.interval_ns
        else:
            self.interval_ns = recorded_ns - now_ns
            self.next_funding_at_ns = recorded_ns
        self.premium_sum, self.premium_count, self.forced_rate = 0.0, 0, None

    def play(self, tape: FundingTape, now_ns: int) -> None:
        """Settle as recorded from now on. The interval under way is taken to be as long as the next one."""
        self.tape = tape
        first_ns = tape.next_after(now_ns)
        if first_ns is not None:
            second_ns = tape.next_after(first_ns)
            self.interval_ns = (second_ns or first_ns + self.interval_ns) - first_ns
            self.next_funding_at_ns = first_ns

    def settled_rate(self) -> float:
        """What is paid at the settlement that is due: the recorded rate where there is one, else the forecast."""
        if self.forced_rate is not None:
            return self.rate()
        recorded = self.tape.rate_at(self.next_funding_at_ns) if self.tape is not None else None
        return self.rate() if recorded is None else recorded

    def rate(self) -> float:
        """Forecast per interval: average premium plus damped interest, from 8 hours (Bybit's formula)."""
        if self.forced_rate is not None:
            return max(-self.rate_cap, min(self.rate_cap, self.forced_rate))
        premium = self.premium_sum / self.premium_count if self.premium_count else 0.0
        rate_8h = premium + max(-_DAMPER_8H, min(_DAMPER_8H, _INTEREST_8H - premium))
        return max(-self.rate_cap, min(self.rate_cap, rate_8h * self.interval_ns / _FUNDING_PERIOD_NS))
