"""What is held outside the exchanges: a cold wallet, a stake, a treasury's book. Owns values only."""

from decimal import Decimal

import msgspec

QTY_MAX = Decimal(10) ** 18
"""More units than there are of any coin: what is larger is no quantity, and beyond what decimals can reckon with."""


class HoldingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One holding. `ratio` are coins of the underlying that one unit stands for (stETH for ETH: its rate).

    Beyond `age_s_max` without news, or after a change of more than `jump_coin_max` coins, it is not to be trusted, nor
    with more than `coin_max` coins in all. Without that (None) the first reading is a change from nothing as well.
    """

    name: str
    underlying: str
    age_s_max: float
    jump_coin_max: float
    ratio: float = 1.0
    coin_max: float | None = None


class HoldingReported(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One reading. `qty` in units of what is held; None where it could not be read, and `problem` says why.

    `as_of_ns` is when that was so, by whoever keeps the holding (UTC); 0 without a quantity.
    """

    name: str
    qty: Decimal | None
    as_of_ns: int
    problem: str = ""
