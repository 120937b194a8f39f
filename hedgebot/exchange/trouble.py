"""Everything that can be made to happen to a simulated world on purpose, as one closed union of values.

Owns names, units and ranges. `Exchange.strike` is the one door: the admin plane (`POST /admin/trouble`), scripted
scenarios and tests all go through it. Must not know how a trouble happens: that is `hedgebot.exchange.troubles`.
"""

from decimal import Decimal
from typing import Annotated

import msgspec

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.records import ExecKind

# Beyond these the listed ticks and strikes no longer fit the price.
RATIO_MIN, RATIO_MAX = 0.01, 100.0
Ratio = Annotated[float, msgspec.Meta(ge=RATIO_MIN, le=RATIO_MAX)]


def _tag(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


class TroubleBase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag=_tag):
    """Base of all troubles: a misspelt key is an error; the tag is the class's name in lower case with underscores."""


class PriceShock(TroubleBase, frozen=True, kw_only=True):
    """An underlying's prices (index, books, marks) are multiplied by `ratio` from its next live step on, for good."""

    underlying: str
    ratio: Ratio


class OffBookTrade(TroubleBase, frozen=True, kw_only=True):
    """An execution that never met the book: a block trade, a moved position, a spread's leg, a split ...

    `price` None is the mark; `fee_rate` None is the taker's for block trades and spreads, nothing for the rest.
    `counterparty` is the account that gets the other side, at the same rate. A split of a position is a trade at zero.
    """

    kind: ExecKind
    account: str
    instrument: InstrumentId
    side: Side
    contracts: Decimal
    price: Decimal | None = None
    fee_rate: Decimal | None = None
    counterparty: str | None = None


Trouble = PriceShock | OffBookTrade
