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
Seconds = Annotated[float, msgspec.Meta(gt=0.0)]


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


class Liquidation(TroubleBase, frozen=True, kw_only=True):
    """An account's positions (in one instrument, or all) are taken over now, whatever its margin."""

    account: str
    instrument: InstrumentId | None = None


class Adl(TroubleBase, frozen=True, kw_only=True):
    """A named account is deleveraged: its largest position in `instrument`, whole or in part, at a price (the mark)."""

    account: str
    instrument: InstrumentId
    contracts: Decimal | None = None
    price: Decimal | None = None


class InsuranceFund(TroubleBase, frozen=True, kw_only=True):
    """The insurance fund of a settlement coin has this much from now on; at zero liquidations go to deleveraging."""

    coin: str
    balance: Decimal


class Depeg(TroubleBase, frozen=True, kw_only=True):
    """A stablecoin is worth `usd_price` for `duration_s` (None: for good): quotes in it move the other way."""

    coin: str
    usd_price: Ratio
    duration_s: Seconds | None = None


class HaltedIndex(TroubleBase, frozen=True, kw_only=True):
    """An underlying's index stands still while its books move on; marks follow by their own rule (smoothed basis)."""

    underlying: str
    duration_s: Seconds


class WrongMark(TroubleBase, frozen=True, kw_only=True):
    """An instrument's mark is `ratio` times what it should be: margins, liquidations and funding follow it."""

    instrument: InstrumentId
    ratio: Ratio
    duration_s: Seconds


class Regime(TroubleBase, frozen=True, kw_only=True):
    """An underlying moves `volatility` times as much as its path, in books `liquidity` times as deep (None: for good).

    Stress, which widens spreads and quickens the crowd's trading, is multiplied by the volatility as well.
    """

    underlying: str
    volatility: Annotated[float, msgspec.Meta(ge=0.0, le=20.0)] = 1.0
    liquidity: Annotated[float, msgspec.Meta(gt=0.0)] = 1.0
    duration_s: Seconds | None = None


class MarginHike(TroubleBase, frozen=True, kw_only=True):
    """Initial and maintenance margin of every position are `ratio` times what the published figures say.

    Liquidation follows it; prices of liquidation that are shown stay those of the published figures.
    """

    ratio: Annotated[float, msgspec.Meta(gt=0.0, le=20.0)]
    duration_s: Seconds


class Suspension(TroubleBase, frozen=True, kw_only=True):
    """Trading in an instrument stops: no order is taken, resting ones stay, the mark goes on."""

    instrument: InstrumentId
    duration_s: Seconds


class FundingChange(TroubleBase, frozen=True, kw_only=True):
    """A perpetual's funding rules change for good: its interval, its cap per interval; None leaves one as it is.

    `next_rate` is what is paid at the next settlement only, within the cap. The settlement under way comes at the new
    interval's next multiple.
    """

    instrument: InstrumentId
    interval_s: Annotated[int, msgspec.Meta(ge=60)] | None = None
    rate_cap: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] | None = None
    next_rate: float | None = None


class Maintenance(TroubleBase, frozen=True, kw_only=True):
    """The venue takes no request for `duration_s`; the market goes on behind it, or pauses.

    It begins in `in_s` seconds and is announced until then. On the wire sockets are cut when it begins. One that begins
    while another is under way gives that one another end.
    """

    duration_s: Seconds
    in_s: Annotated[float, msgspec.Meta(ge=0.0)] = 0.0
    pauses_market: bool = False


class SpecificationChange(TroubleBase, frozen=True, kw_only=True):
    """An instrument's trading rules change now; None leaves one as it is. Orders that do not fit end."""

    instrument: InstrumentId
    tick_size: Decimal | None = None
    lot_size: Decimal | None = None
    qty_min: Decimal | None = None
    qty_max: Decimal | None = None
    market_qty_max: Decimal | None = None
    min_notional_quote: Decimal | None = None


class Delisting(TroubleBase, frozen=True, kw_only=True):
    """A spot pair or perpetual is taken off the list in `in_s` seconds; until then positions can only be reduced.

    At the end its orders are cancelled and positions settled at the average of the index over the last half hour, or
    since the announcement.
    """

    instrument: InstrumentId
    in_s: Annotated[float, msgspec.Meta(ge=1, le=31_536_000)] = 1_800.0


class Rollback(TroubleBase, frozen=True, kw_only=True):
    """Executions of the last `last_s` are taken back, of the accounts and instruments that are named (none: all).

    With them go those on the other side of each, and all later ones in the same positions: accounts stand as they did
    before, to the last decimal. Funding and interest that were paid meanwhile stay, and so does what was delivered.
    """

    last_s: Seconds
    accounts: tuple[str, ...] = ()
    instruments: tuple[InstrumentId, ...] = ()


Trouble = (
    PriceShock
    | OffBookTrade
    | Liquidation
    | Adl
    | InsuranceFund
    | Depeg
    | HaltedIndex
    | WrongMark
    | Regime
    | MarginHike
    | Suspension
    | FundingChange
    | Maintenance
    | SpecificationChange
    | Delisting
    | Rollback
)
