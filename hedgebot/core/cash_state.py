"""What is remembered of an account's settlement coins. Plain values, part of the engine's state; decides nothing."""

from decimal import Decimal

import msgspec

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentId


class CashDifference(msgspec.Struct, kw_only=True):
    """What a wallet and the bookings differ by: the newest reading of it, and what was told of it.

    `count` conclusive readings in a row found this amount, or amounts that did not shrink. `told`: an alert is up, that
    said `told_gap` (zero in states from before it was kept). `allowed` is the allowance at its first sighting.
    """

    venue_value: Decimal
    ours: Decimal
    count: int = 1
    told: bool = False
    told_gap: Decimal = ZERO
    allowed: Decimal | None = None

    @property
    def gap(self) -> Decimal:
        """Coins that are there and not explained (> 0), or missing (< 0), at the newest reading."""
        return self.venue_value - self.ours

    @property
    def owed(self) -> Decimal:
        """Coins that were told, which an operator's word is about."""
        return self.told_gap or self.gap


class HeldCost(msgspec.Struct, kw_only=True):
    """A contract's position and the signed sum that it cost in its settlement coin; None: not known.

    `traded_ns` is the venue's moment of its newest execution.
    """

    contracts: Decimal = ZERO
    cost: Decimal | None = ZERO
    traded_ns: int = 0


class CoinCash(msgspec.Struct, kw_only=True):
    """One coin: what the bookings since its opening explain.

    `opened_ns` is the venue's moment of the wallet that it was opened with; 0 while it waits for one, `why` says what
    for. `booked_ns` is when it was booked last, `booked_venue_ns` the venue's moment of it, `last` its words. At
    `equal_ns` (ours) it was set to the venue's number last; `bookings` came since, and `debt` is the most that the
    venue called owed since, losses of open contracts among it. `entry_rounding` is how far profit
    may be off because opening positions' entry prices were told rounded. `held` are contracts that settle in the coin.
    """

    qty: Decimal = ZERO
    opened_ns: int = 0
    why: str = "opening cash"
    booked_ns: int = 0
    booked_venue_ns: int = 0
    last: str = "nothing"
    bookings: int = 0
    equal_ns: int = 0
    debt: Decimal = ZERO
    read_ns: int = 0
    entry_rounding: Decimal = ZERO
    held: dict[InstrumentId, HeldCost] = {}
    difference: CashDifference | None = None
