"""Fee levels of a client: what it pays as maker and taker of spot, contracts and options.

Owns the table: Bybit's help centre, "Trading Fee Structure" (article 000001634), base rates of 2026; every account of
an exchange has one level. Rates are fractions of value (options: of the index). Delivery fees are the same for all. A
discount for paying fees in another coin does not exist at this venue's unified account. Must not know accounts.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgebot.domain.instrument import InstrumentKind


class FeeTier(StrEnum):
    """A client's level, in the venue's words."""

    NO_VIP = "No VIP"
    VIP_1 = "VIP-1"
    VIP_2 = "VIP-2"
    VIP_3 = "VIP-3"
    VIP_4 = "VIP-4"
    VIP_5 = "VIP-5"
    SUPREME = "VIP-Supreme"


class FeeRates(msgspec.Struct, frozen=True):
    """What one side of a trade costs."""

    taker: Decimal
    maker: Decimal


def _row(words: str) -> tuple[FeeRates, FeeRates, FeeRates]:
    """Spot, contracts and options from six percentages."""
    taker_s, maker_s, taker_c, maker_c, taker_o, maker_o = (Decimal(word) / 100 for word in words.split())
    return FeeRates(taker_s, maker_s), FeeRates(taker_c, maker_c), FeeRates(taker_o, maker_o)


_TABLE = {
    FeeTier.NO_VIP: _row("0.1000 0.1000 0.0550 0.0200 0.0300 0.0200"),
    FeeTier.VIP_1: _row("0.0800 0.0675 0.0400 0.0180 0.0200 0.0150"),
    FeeTier.VIP_2: _row("0.0775 0.0650 0.0375 0.0160 0.0200 0.0150"),
    FeeTier.VIP_3: _row("0.0750 0.0625 0.0350 0.0140 0.0200 0.0150"),
    FeeTier.VIP_4: _row("0.0600 0.0500 0.0320 0.0120 0.0180 0.0150"),
    FeeTier.VIP_5: _row("0.0500 0.0400 0.0320 0.0100 0.0150 0.0100"),
    FeeTier.SUPREME: _row("0.0450 0.0300 0.0300 0.0000 0.0150 0.0050"),
}


def fee_rates(tier: FeeTier, kind: InstrumentKind) -> FeeRates:
    """What a client of that level pays on a product."""
    spot, contracts, options = _TABLE[tier]
    if kind is InstrumentKind.SPOT:
        return spot
    return options if kind.is_option else contracts
