"""A venue's margin parameters as one dated record: risk-limit ladders, collateral, borrowing, portfolio margin.

Owns the record's shape and its checks; someone above reads the file and hands in its bytes. Every part carries a
`status` that says where its figures come from (margin reference section 7). Must not compute margins.
"""

from collections.abc import Mapping
from itertools import pairwise

import msgspec

from hedgebot.domain.decoding import decoded
from hedgebot.margin.tiers import Ladder, ShortOptionRates

EVERY_OTHER = "*"


class _Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all parts: an unknown key is an error, so that a misspelt one is not silently a default."""


class CollateralTier(_Record, frozen=True, kw_only=True):
    """Part of a holding up to `qty_max` coins (None: without end) that counts at `ratio` of its value."""

    qty_max: float | None
    ratio: float


class Collateral(_Record, frozen=True, kw_only=True):
    """What one coin is worth as collateral, lowest tier first. `can_switch_off`: whether its owner may exclude it."""

    tiers: tuple[CollateralTier, ...]
    can_switch_off: bool = True
    status: str = ""

    def __post_init__(self) -> None:
        """Refuse tiers that do not rise in quantity, leave 0 to 1, or go on after one without end."""
        ends = [float("inf") if tier.qty_max is None else tier.qty_max for tier in self.tiers]
        if not ends or any(high <= low for low, high in pairwise(ends)):
            msg = f"collateral tiers need rising qty_max, got {ends}"
            raise ValueError(msg)
        if any(not 0.0 <= tier.ratio <= 1.0 for tier in self.tiers):
            msg = f"collateral ratios must be 0 to 1, got {[tier.ratio for tier in self.tiers]}"
            raise ValueError(msg)


class Borrowing(_Record, frozen=True, kw_only=True):
    """Terms on which one coin is borrowed; amounts in the coin, rates per hour of the borrowed amount.

    `interest_free_max` covers only what unrealised losses of derivatives borrow; margin rates are of borrowed value.
    """

    hourly_rate: float
    amount_max: float
    interest_free_max: float = 0.0
    initial_rate: float
    maintenance_rate: float
    status: str = ""


class CloseFee(_Record, frozen=True, kw_only=True):
    """The fee of closing a position at its bankruptcy price, which a venue's own number may hold besides the tiers.

    `taker_rate` is of the value at entry times (1 - 1/leverage) for a long, (1 + 1/leverage) for a short position.
    """

    taker_rate: float
    status: str = ""

    def __post_init__(self) -> None:
        """Refuse a rate that is no fee."""
        if not 0.0 <= self.taker_rate < 0.01:
            msg = (
                f"close_fee: taker_rate is {self.taker_rate}, it must be a fraction from 0 to 0.01 (0.00055 is 0.055 %)"
            )
            raise ValueError(msg)


class Portfolio(_Record, frozen=True, kw_only=True):
    """Parameters of Bybit's portfolio margin (margin reference section 6.3)."""

    price_moves: tuple[float, ...]
    iv_up: float
    iv_down: float
    iv_power: float
    futures_contingency_rate: float
    initial_factor: float
    equity_min_usd: float
    status: str = ""


class ParameterSet(_Record, frozen=True, kw_only=True):
    """One venue's margin parameters as of one day; `source` says what the parts' `status` does not.

    Ladders and terms are by underlying or coin; `*` stands for every other one. `grades` are words of the margin
    reference by margin mode: how well the model with these figures is verified.
    """

    id: str
    as_of: str
    source: str
    linear: Mapping[str, Ladder]
    inverse: Mapping[str, Ladder]
    short_option: ShortOptionRates
    collateral: Mapping[str, Collateral]
    borrowing: Mapping[str, Borrowing]
    portfolio: Portfolio
    grades: Mapping[str, str] = {}
    close_fee: CloseFee | None = None

    def __post_init__(self) -> None:
        """Refuse a record that has no answer for a coin it does not name."""
        for name in ("linear", "inverse", "collateral", "borrowing"):
            if EVERY_OTHER not in getattr(self, name):
                msg = f"{name} needs an entry {EVERY_OTHER!r} for every coin that it does not name"
                raise ValueError(msg)

    def ladder(self, underlying: str, *, is_inverse: bool) -> Ladder:
        """Risk-limit tiers of an underlying's contracts."""
        ladders = self.inverse if is_inverse else self.linear
        return ladders.get(underlying) or ladders[EVERY_OTHER]

    def collateral_of(self, coin: str) -> Collateral:
        """What a coin is worth as collateral."""
        return self.collateral.get(coin) or self.collateral[EVERY_OTHER]

    def borrowing_of(self, coin: str) -> Borrowing:
        """Terms on which a coin is borrowed."""
        return self.borrowing.get(coin) or self.borrowing[EVERY_OTHER]


def parse_parameters(content: bytes, name: str) -> ParameterSet:
    """Read a parameter file's content; DataError names the file and the key that is wrong."""
    return decoded(content, ParameterSet, "margin parameters", name)
