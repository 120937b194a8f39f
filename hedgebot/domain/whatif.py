"""What one order would do to an account's margin: the order as an operator says it, and the answer. Plain values only.

Owns the shapes that console and daemon share. USD and ratios where the name says so; None is unknown, never zero.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgebot.domain.instrument import Side
from hedgebot.domain.reports import WatchedPosition


class OrderKind(StrEnum):
    """What is traded, in the words of an operator."""

    PERP = "perp"
    FUTURE = "future"
    OPTION = "option"
    SPOT = "spot"


class WantedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order in words. `qty` > 0 is in coins, or in USD where `in_usd`; `venue` empty: where the book is.

    `expiry_ns` is of a future or an option (0: a future, any); `strike`, `is_call` and `vol` of an option.
    """

    side: Side
    qty: Decimal
    in_usd: bool
    underlying: str
    kind: OrderKind
    venue: str = ""
    expiry_ns: int | None = None
    strike: float | None = None
    is_call: bool | None = None
    vol: float | None = None

    def coins(self, price_usd: float) -> float:
        """Signed coins at a price (> 0)."""
        size = float(self.qty) / price_usd if self.in_usd else float(self.qty)
        return size * self.side.sign

    @property
    def words(self) -> str:
        """In one line."""
        unit = f"USD of {self.underlying}" if self.in_usd else self.underlying
        return f"{self.side} {self.qty:f} {unit} {self.kind}" + (f" on {self.venue}" if self.venue else "")


class Verdict(StrEnum):
    """What the margin gate would do with the order."""

    PASS = "pass"  # noqa: S105  # a verdict
    CUT = "cut"
    REFUSE = "refuse"
    UNKNOWN = "unknown"


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """An account's margin in USD. `use` is maintenance margin / equity, the buffer is 1 - use.

    `distance_move` is the nearest move that liquidates (None: none up to 80 %), `distance_price` where it ends, of
    `distance_underlying` (empty: all underlyings together).
    """

    initial: float | None
    maintenance: float
    equity: float | None = None
    use: float | None = None
    distance_move: float | None = None
    distance_price: float | None = None
    distance_underlying: str = ""

    @property
    def buffer(self) -> float | None:
        """The part of the equity above the maintenance margin."""
        return None if self.use is None else 1.0 - self.use


class VenueNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's own answer to the same order: margins over margin balance; None where it gives none.

    `refused` is its reason for taking no such order.
    """

    initial_before: float | None = None
    initial_after: float | None = None
    maintenance_before: float | None = None
    maintenance_after: float | None = None
    refused: str = ""


class WatchedNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue of a watched account makes of an order: the position that it would add, at its mark, and its word.

    `theirs` None: `problem` says why there is none.
    """

    position: WatchedPosition
    theirs: VenueNumbers | None = None
    problem: str = ""


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """An order's margin by one model. `hedges`: it lowers the delta; `fits` is how much of it would be sent.

    `problem` says why there are no numbers; `source` is "daemon" where its own gate judged, "watched" where the account
    is only watched, "model" otherwise.
    """

    venue: str
    mode: str
    source: str
    account: str
    order: str
    model: str = ""
    before: Numbers | None = None
    after: Numbers | None = None
    hedges: bool = False
    verdict: Verdict = Verdict.UNKNOWN
    explanation: str = ""
    fits: str = ""
    problem: str = ""
    theirs: VenueNumbers | None = None
    theirs_problem: str = ""
