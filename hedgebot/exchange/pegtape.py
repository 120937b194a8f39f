"""What a stablecoin is worth in USD over time, on the exchange's time.

Owns the law between known moments: written points are joined by straight lines, recorded ones are held until the next
(a later one must not show before its moment). Must not read files nor know markets.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PegTape:
    """USD per coin at rising moments (UTC ns of the exchange); `held` from each to the next, else joined."""

    coin: str
    times_ns: Floats
    usd: Floats
    held: bool

    def at(self, now_ns: int) -> float:
        """USD per coin now; before the first moment as at the first."""
        if not self.held:
            return float(np.interp(now_ns, self.times_ns, self.usd))
        return float(self.usd[max(int(np.searchsorted(self.times_ns, now_ns, side="right")) - 1, 0)])


def written_peg(coin: str, points: Sequence[tuple[float, float]], start_ns: int) -> PegTape:
    """A peg written as (seconds after the start, USD)."""
    times = np.array([start_ns + at_s * 1e9 for at_s, _ in points])
    return PegTape(coin=coin, times_ns=times, usd=np.array([usd for _, usd in points]), held=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPeg:
    """A recorded peg before anybody plays it: moments are UTC ns of the recording."""

    coin: str
    times_ns: Floats
    usd: Floats
    origin_ns: int
    speed: float

    def played(self, start_ns: int) -> PegTape:
        """The peg on the time of an exchange that starts at `start_ns`."""
        times = start_ns + (self.times_ns - self.origin_ns) / self.speed
        return PegTape(coin=self.coin, times_ns=times, usd=self.usd, held=True)
