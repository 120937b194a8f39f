"""What the normalising modules share: ids, settlement coins, and the context a raw row is read in.

Pure, like all of them: raw JSON objects in, domain values out, FrameProblem when a field cannot be read.
"""

from collections.abc import Mapping

import msgspec

from hedgebot.domain.instrument import Instrument, InstrumentId, Side, instrument_id
from hedgebot.venues.profile import VenueProfile
from hedgebot.venues.reading import FrameProblem, Raw, text


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Where private rows belong: the account, its venue's profile, and the instruments known there."""

    account: str
    profile: VenueProfile
    instruments: Mapping[InstrumentId, Instrument]

    def instrument(self, category: str, raw: Raw) -> InstrumentId:
        """The instrument that a row names."""
        return instrument_id(self.profile.venue, category, text(raw, "symbol"))


def side_of(raw: Raw) -> Side:
    """`Buy` or `Sell`; raises FrameProblem for anything else."""
    match raw.get("side"):
        case "Buy":
            return Side.BUY
        case "Sell":
            return Side.SELL
        case other:
            msg = f"side is {other!r}, it must be Buy or Sell"
            raise FrameProblem(msg)


def category_of(raw: Raw) -> str:
    """The product category a row of a stream names itself."""
    category = text(raw, "category")
    if category not in {"spot", "linear", "inverse", "option"}:
        msg = f"category {category!r} is unknown"
        raise FrameProblem(msg)
    return category


def settle_coin(category: str, symbol: str, instrument: Instrument | None) -> str:
    """The coin in which an instrument settles; for one that is gone (an expired option), from its symbol.

    [D] market/instrument: linear symbols end with USDT or stand for USDC; inverse ones settle in the base coin;
    options end with -USDT or else settle in USDC.
    """
    if instrument is not None:
        return instrument.settle
    match category:
        case "option":
            return "USDT" if symbol.endswith("-USDT") else "USDC"
        case "linear":
            return "USDT" if symbol.split("-", maxsplit=1)[0].endswith("USDT") else "USDC"
        case "inverse":
            return symbol.split("USD", maxsplit=1)[0]
        case _:
            msg = f"the settlement coin of {symbol} is unknown"
            raise FrameProblem(msg)
