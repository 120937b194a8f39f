"""Option marks of one underlying: a moving volatility surface, one forward per expiry, Black-76 for the whole chain.

Owns the surface's law (level reverts to its mean and rises when the price falls; skew and curvature by standardised
moneyness) and the vectorised marks. Must not know orders or books.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from hedgebot.domain.errors import ProgrammingError
from hedgebot.domain.instrument import Instrument, InstrumentId, OptionType
from hedgebot.exchange.chaintape import ChainTape
from hedgebot.exchange.futures import CARRY_PER_YEAR, NS_PER_YEAR
from hedgebot.exchange.pricepath import SECONDS_PER_YEAR, Floats, stream
from hedgebot.exchange.scenario import UnderlyingSpec
from hedgebot.exchange.settlement import SettlementAverage
from hedgebot.pricing import black76

# Per root year: how far the level wanders; per year: how fast it returns; and its answer to a log return of the price.
_VOL_OF_VOL = 0.9
_RECALL_PER_YEAR = 40.0
_RETURN_BETA = -1.2
_LEVEL_RANGE = (0.15, 2.5)
_SKEW, _CURVATURE = -0.04, 0.10

T = TypeVar("T")


class OptionMark(NamedTuple):
    """Mark of one option. `vega` is per volatility point, `theta` per day, greeks per coin of contract."""

    mark: float
    iv: float
    forward: float
    delta: float
    gamma: float
    vega: float
    theta: float


class Surface(Protocol):
    """Where forwards and implied volatilities come from. Moments are UTC ns of the exchange."""

    def move(self, index: float, interval_s: float) -> None:
        """Let `interval_s` pass; called on a fixed grid of moments, before anything is asked."""

    def forwards(self, index: float, expiries_ns: Floats, now_ns: int) -> Floats:
        """Forward of each option's expiry."""

    def ivs(self, log_moneyness: Floats, expiries_ns: Floats, now_ns: int) -> Floats:
        """Volatility of each option by ln(K/F)."""


class SeededSurface:
    """A level that reverts to its mean and rises when the price falls, with skew and curvature."""

    def __init__(self, spec: UnderlyingSpec, seed: int) -> None:
        self._spec = spec
        self._random = stream(seed, "surface", spec.name)
        self._level = spec.option_vol
        self._last_index: float | None = None

    def move(self, index: float, interval_s: float) -> None:
        """One step of the level: recall, noise, and the leverage effect of the price's own move."""
        years = interval_s / SECONDS_PER_YEAR
        move = math.log(index / self._last_index) if self._last_index else 0.0
        self._last_index = index
        noise = _VOL_OF_VOL * math.sqrt(years) * float(self._random.standard_normal())
        recall = _RECALL_PER_YEAR * years * (self._spec.option_vol - self._level)
        level = self._level * (1.0 + noise + _RETURN_BETA * move) + recall
        self._level = min(max(level, _LEVEL_RANGE[0]), _LEVEL_RANGE[1])

    def forwards(self, index: float, expiries_ns: Floats, now_ns: int) -> Floats:
        """The index with a constant carry."""
        carried: Floats = index * np.exp(CARRY_PER_YEAR * years_to(expiries_ns, now_ns))
        return carried

    def ivs(self, log_moneyness: Floats, expiries_ns: Floats, now_ns: int) -> Floats:
        """Implied volatility: the level fades into its mean with maturity; smile in standardised moneyness."""
        years = years_to(expiries_ns, now_ns)
        mean = self._spec.option_vol
        atm = mean + (self._level - mean) * np.exp(-4.0 * years)
        standard = black76.bounded(log_moneyness / (atm * np.sqrt(years + 0.003)), -4.0, 4.0)
        return black76.bounded(atm * (1.0 + _SKEW * standard + _CURVATURE * 0.5 * standard**2), 0.05, 4.0)


class RecordedSurface:
    """A recorded chain, played on the exchange's time: `shift_ns` is that time less the recorded one."""

    def __init__(self, tape: ChainTape, index_at: Callable[[int], float], shift_ns: int) -> None:
        self._tape, self._index_at, self._shift_ns = tape, index_at, shift_ns

    def move(self, index: float, interval_s: float) -> None:
        """Nothing: the tape has it all."""

    def forwards(self, index: float, expiries_ns: Floats, now_ns: int) -> Floats:
        """Each expiry's own."""
        found = np.empty(len(expiries_ns))
        for expiry in np.unique(expiries_ns).tolist():
            recorded_ns = int(expiry) - self._shift_ns
            forward = self._tape.forward(recorded_ns, now_ns - self._shift_ns, index, self._index_at)
            found[expiries_ns == expiry] = forward
        return found

    def ivs(self, log_moneyness: Floats, expiries_ns: Floats, now_ns: int) -> Floats:
        """Each expiry's smile."""
        found = np.empty(len(expiries_ns))
        for expiry in np.unique(expiries_ns).tolist():
            mine = expiries_ns == expiry
            found[mine] = self._tape.iv(int(expiry) - self._shift_ns, now_ns - self._shift_ns, log_moneyness[mine])
        return found


class OptionBoard:
    """The chain of one underlying, valued on a surface. `remark` is called on a fixed grid of moments."""

    def __init__(self, surface: Surface, chain: Sequence[Instrument]) -> None:
        self._surface = surface
        self.marks: dict[InstrumentId, OptionMark] = {}
        # What was rounded of the marks, until they are made anew; whoever rounds them keeps it here.
        self.prices: dict[InstrumentId, Decimal] = {}
        self.relist(chain)

    def relist(self, chain: Sequence[Instrument]) -> None:
        """Value these options from now on; the last marks of others are kept."""
        self.chain = tuple(chain)
        self._expiries_ns = np.array([_known(one.expiry_ns) for one in chain], dtype=np.float64)
        self._strikes = np.array([float(_known(one.strike)) for one in chain], dtype=np.float64)
        self._is_call = np.array([one.option_type is OptionType.CALL for one in chain], dtype=np.bool_)
        expiries = dict.fromkeys(_known(one.expiry_ns) for one in chain)
        self._of_expiry = {expiry_ns: self._expiries_ns == expiry_ns for expiry_ns in expiries}

    def drop(self, instrument: InstrumentId) -> None:
        """Forget an option."""
        self.marks.pop(instrument, None)
        self.prices.pop(instrument, None)

    def remark(
        self, index: float, now_ns: int, interval_s: float, averages: Mapping[int, SettlementAverage] | None = None
    ) -> None:
        """Move the surface by `interval_s` and value the whole chain at `index`.

        `averages` by expiry: an option is valued on the average that it is delivered at, so that its forward goes over
        to it, its variance shrinks, and its greeks count what of the average is still to come.
        """
        self._surface.move(index, interval_s)
        self.value(index, now_ns, averages)

    def value(self, index: float, now_ns: int, averages: Mapping[int, SettlementAverage] | None = None) -> None:
        """Value the whole chain at `index` on the surface as it is."""
        if not self.chain:
            return
        years = years_to(self._expiries_ns, now_ns)
        forward = self._surface.forwards(index, self._expiries_ns, now_ns)
        forward, varying, left = self._averaged(forward, years, now_ns, averages or {})
        iv = self._surface.ivs(np.log(self._strikes / forward), self._expiries_ns, now_ns)
        greeks = black76.greeks(forward, self._strikes, varying, iv, self._is_call)
        # In the order of a mark's fields.
        columns = (
            greeks.premium,
            iv,
            forward,
            greeks.delta * left,
            greeks.gamma * left * left,
            greeks.vega / 100.0,
            greeks.theta,
        )
        self.prices.clear()
        for one, *row in zip(self.chain, *(column.tolist() for column in columns), strict=True):
            self.marks[one.id] = OptionMark._make(row)

    def _averaged(
        self, forward: Floats, years: Floats, now_ns: int, averages: Mapping[int, SettlementAverage]
    ) -> tuple[Floats, Floats, Floats]:
        """Forward and time to vary of each option, and the part of its average that is still to come."""
        varying, left = years.copy(), np.ones(len(years))
        for expiry_ns, average in averages.items():
            mine = self._of_expiry.get(expiry_ns)
            if mine is not None:
                done = average.done(now_ns)
                forward[mine] = average.expected(float(forward[mine][0]), now_ns)
                varying[mine] = average.variance_years(now_ns, NS_PER_YEAR)
                left[mine] = 1.0 - done
        return forward, varying, left


def years_to(expiries_ns: Floats, now_ns: int) -> Floats:
    """Years that are left, never negative."""
    left: Floats = np.maximum(expiries_ns - now_ns, 0.0) / NS_PER_YEAR
    return left


def _known(value: T | None) -> T:
    if value is None:
        msg = "an option without strike or expiry cannot be listed"
        raise ProgrammingError(msg)
    return value
