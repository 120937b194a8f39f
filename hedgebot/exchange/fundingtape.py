"""Recorded funding settlements: when they were, what was paid, and so how long each interval was.

Owns the law of replay: a recorded rate is paid at its moment and is not known before (the ticker's forecast stays the
computed one). Must not read files nor know accounts.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FundingTape:
    """Settlements on the exchange's time (UTC ns, rising), rates as fractions per interval; longs pay when positive."""

    times_ns: Times
    rates: Floats

    def next_after(self, now_ns: int) -> int | None:
        """The first settlement after a moment; None when there is none any more."""
        place = int(np.searchsorted(self.times_ns, now_ns, side="right"))
        return int(self.times_ns[place]) if place < len(self.times_ns) else None

    def rate_at(self, at_ns: int) -> float | None:
        """What was paid at a settlement; None for a moment that was none."""
        place = int(np.searchsorted(self.times_ns, at_ns))
        found = place < len(self.times_ns) and int(self.times_ns[place]) == at_ns
        return float(self.rates[place]) if found else None
