"""Quotes of one instrument as columns: exact prices in ticks, the middle as the engine sees it, and books on demand.

Owns the columns, their checks and the way back to events. A million quotes are 40 MB here and six times as much as
events, so that events are made a block at a time and forgotten. Must not know who plays them.
"""

from bisect import bisect_right
from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from hedgebot.domain.errors import DataError
from hedgebot.domain.events import BookTop
from hedgebot.domain.instrument import InstrumentId

BLOCK = 16_384
_EXACT_MAX = 2**53
_POWER_MAX = 22

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class Quotes:
    """Arrays of shape (n,): our clock in UTC ns, bid and ask in ticks. The venue's stamp is the same moment."""

    def __init__(self, instrument: InstrumentId, tick: Decimal, at_ns: Ints, bid: Ints, ask: Ints) -> None:
        """DataError with the first row that is no quote: out of order, no price, or crossed."""
        self.instrument, self.tick = instrument, tick
        self._pauses: dict[int, list[int]] = {}
        self._priced: tuple[int, tuple[Decimal, Decimal]] = -1, (Decimal(0), Decimal(0))
        self.at_ns, self.bid, self.ask = (np.ascontiguousarray(one, dtype=np.int64) for one in (at_ns, bid, ask))
        if not len(self.at_ns) == len(self.bid) == len(self.ask) or len(self.at_ns) == 0:
            raise DataError(f"quotes of {instrument}: columns of equal length are needed, and at least one row")
        for words, bad in (
            ("not after the one before it: sort the rows and drop doubles", np.diff(self.at_ns, prepend=-1) <= 0),
            ("no price: both sides must be above zero", self.bid <= 0),
            ("crossed: the bid must be below the ask", self.bid >= self.ask),
        ):
            if bad.any():
                raise DataError(f"quotes of {instrument}: row {int(bad.argmax())} is {words}")

    @classmethod
    def of_prices(cls, instrument: InstrumentId, tick: Decimal, at_ns: Ints, bid: Floats, ask: Floats) -> "Quotes":
        """From prices; DataError for one that is not on the tick."""
        sides = []
        for name, side in (("bid", bid), ("ask", ask)):
            ticks = side / float(tick)
            whole = np.rint(ticks)
            off = ~(np.abs(ticks - whole) < 1e-3)
            if off.any():
                row = int(off.argmax())
                raise DataError(f"quotes of {instrument}: {name} {side[row]} at row {row} is no multiple of {tick}")
            sides.append(whole.astype(np.int64))
        return cls(instrument, tick, at_ns, sides[0], sides[1])

    def __len__(self) -> int:
        """Number of quotes."""
        return len(self.at_ns)

    @cached_property
    def mid(self) -> Floats:
        """The middle as the engine's float of its exact decimal: an integer over a power of ten, rounded once."""
        digits = max(-int(self.tick.as_tuple().exponent), 0)
        scale = int(self.tick * 10 ** (digits + 1)) // 2
        middle, largest = np.empty(len(self)), 0
        for begin in range(0, len(self), BLOCK):
            # Block by block: what is in between stays near the processor.
            part = slice(begin, begin + BLOCK)
            exact = self.bid[part] + self.ask[part]
            exact *= scale
            largest = max(largest, int(exact.max()))
            np.divide(exact, float(10 ** (digits + 1)), out=middle[part])
        if digits + 1 > _POWER_MAX or largest >= _EXACT_MAX:
            raise DataError(f"quotes of {self.instrument}: prices of tick {self.tick} do not fit a float exactly")
        return middle

    def spread(self, rows: Ints) -> Floats:
        """Ask less bid in USD at some quotes."""
        return np.asarray((self.ask.take(rows) - self.bid.take(rows)) * float(self.tick), dtype=np.float64)

    def changed(self, first: int, last: int) -> Flags:
        """Whether the prices of each quote from `first` up to `last` differ from the one before; those of row 0 do."""
        bid, ask = self.bid[max(first - 1, 0) : last], self.ask[max(first - 1, 0) : last]
        moved: Flags = (bid[1:] != bid[:-1]) | (ask[1:] != ask[:-1])
        return moved if first else np.concatenate(([True], moved))

    def paused_after(self, row: int, pause_ns: int) -> int:
        """The first quote after a row that comes more than a pause after the one before it; the end where none does."""
        if pause_ns not in self._pauses:
            # Block by block: a column more would be as large as the others.
            begins = range(0, len(self), BLOCK)
            parts = [np.flatnonzero(np.diff(self.at_ns[one : one + BLOCK + 1]) > pause_ns) + one + 1 for one in begins]
            self._pauses[pause_ns] = np.concatenate(parts).tolist()
        late = self._pauses[pause_ns]
        number = bisect_right(late, row)
        return late[number] if number < len(late) else len(self)

    def prices(self, row: int) -> tuple[Decimal, Decimal]:
        """Bid and ask of one quote, exact."""
        if row != self._priced[0]:
            # The newest one is asked for more than once.
            self._priced = row, (self.tick * int(self.bid[row]), self.tick * int(self.ask[row]))
        return self._priced[1]

    def books(self, first: int = 0, last: int | None = None) -> Iterator[BookTop]:
        """The quotes as events, from `first` up to `last`."""
        end = len(self) if last is None else last
        for begin, stop in pairwise([*range(first, end, BLOCK), end]):
            part = slice(begin, stop)
            rows = zip(self.at_ns[part].tolist(), self.bid[part].tolist(), self.ask[part].tolist(), strict=True)
            for at_ns, bid, ask in rows:
                yield self._book(at_ns, bid, ask)

    def _book(self, at_ns: int, bid: int, ask: int) -> BookTop:
        return BookTop(
            instrument=self.instrument,
            bid=self.tick * bid,
            bid_qty=None,
            ask=self.tick * ask,
            ask_qty=None,
            venue_at_ns=at_ns,
        )
