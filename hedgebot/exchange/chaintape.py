"""A recorded option chain: which options there were, and each expiry's forward and smile at the moments of capture.

Owns the law between captures. A smile is held in log-moneyness from one capture to the next (nothing of a later capture
shows before its moment), and a forward is held as a carry on the index, which dies out at expiry; so marks follow the
index in between and are the recorded ones at a capture. Volatility beyond the outermost strikes is that of the
outermost. Must not read files, and knows neither books nor rules of instruments.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain

import numpy as np
import numpy.typing as npt

from hedgebot.domain.instrument import OptionType
from hedgebot.exchange.pricepath import SECONDS_PER_YEAR

Floats = npt.NDArray[np.float64]
NS_PER_YEAR = SECONDS_PER_YEAR * 1e9
# A capture minutes before an expiry would make any gap between two sources of the index an absurd carry.
_CARRY_MAX_PER_YEAR = 5.0


@dataclass(frozen=True, slots=True)
class Smile:
    """One expiry at one capture: its forward (quote per coin), and volatility by rising log-moneyness ln(K/F)."""

    forward: float
    log_moneyness: Floats
    iv: Floats


@dataclass(frozen=True, slots=True)
class Capture:
    """The chain at a moment (UTC ns), by expiry (UTC ns)."""

    at_ns: int
    smiles: Mapping[int, Smile]


@dataclass(frozen=True, slots=True)
class OptionSeen:
    """An option and the capture that showed it first. Times are UTC ns."""

    expiry_ns: int
    strike: Decimal
    option_type: OptionType
    first_seen_ns: int


class ChainTape:
    """Captures in time order, on recorded time, of one underlying."""

    def __init__(self, captures: tuple[Capture, ...], options: tuple[OptionSeen, ...]) -> None:
        self.captures = captures
        self.options = options
        self._times: list[int] = [one.at_ns for one in captures]
        self._carries: dict[tuple[int, int], float] = {}

    def listed(self, now_ns: int) -> tuple[OptionSeen, ...]:
        """Options seen by a moment that have not expired; before the first capture, those of the first."""
        seen_ns = max(now_ns, self._times[0])
        return tuple(one for one in self.options if one.first_seen_ns <= seen_ns and one.expiry_ns > now_ns)

    def next_capture_ns(self, now_ns: int) -> int | None:
        """The first capture after a moment; None after the last."""
        place = bisect_right(self._times, now_ns)
        return self._times[place] if place < len(self._times) else None

    def forward(self, expiry_ns: int, now_ns: int, index: float, index_at: Callable[[int], float]) -> float:
        """Forward of an expiry at an index. `index_at` gives the index that is played at a recorded moment."""
        carry = self._carry(self._place_of(expiry_ns, now_ns), expiry_ns, index_at)
        return index * math.exp(carry * max(expiry_ns - now_ns, 0) / NS_PER_YEAR)

    def iv(self, expiry_ns: int, now_ns: int, log_moneyness: Floats) -> Floats:
        """Volatilities of an expiry at values of ln(K/F)."""
        smile = self.captures[self._place_of(expiry_ns, now_ns)].smiles[expiry_ns]
        return np.interp(log_moneyness, smile.log_moneyness, smile.iv)

    def _place_of(self, expiry_ns: int, now_ns: int) -> int:
        """The newest capture by now that has the expiry, else the next one that has it."""
        place = max(bisect_right(self._times, now_ns) - 1, 0)
        for number in chain(range(place, -1, -1), range(place + 1, len(self.captures))):
            if expiry_ns in self.captures[number].smiles:
                return number
        raise KeyError(expiry_ns)

    def _carry(self, number: int, expiry_ns: int, index_at: Callable[[int], float]) -> float:
        key = (number, expiry_ns)
        if key not in self._carries:
            if len(self._carries) > 1_000:
                self._carries.clear()
            capture = self.captures[number]
            years = (expiry_ns - capture.at_ns) / NS_PER_YEAR
            carry = math.log(capture.smiles[expiry_ns].forward / index_at(capture.at_ns)) / years
            self._carries[key] = min(max(carry, -_CARRY_MAX_PER_YEAR), _CARRY_MAX_PER_YEAR)
        return self._carries[key]
