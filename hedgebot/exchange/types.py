"""Values that the simulated exchange takes and gives, under one roof, and the notices that it tells its listeners.

Owns the vocabulary between the exchange's model and its faces (the wire, the lab, tests). Neutral of any wire format:
it knows no venue's field names, codes or strings. `requests.py`, `records.py`, `quotes.py` and `reasons.py` say what
each value means; prices are in quote currency per coin, quantities in contracts, times in UTC nanoseconds.
"""

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.quotes import (
    Book,
    DeliveryPrice,
    InstrumentStatus,
    Level,
    Listing,
    OptionTicker,
    TickerState,
    Trade,
    Value,
)
from hedgebot.exchange.reasons import EndReason, RefusalReason
from hedgebot.exchange.records import (
    CoinBalance,
    DeliveryRecord,
    ExecKind,
    Execution,
    FundingSettlement,
    InterestCharge,
    LedgerEntry,
    LedgerKind,
    Liquidated,
    PositionStatus,
    SimOrder,
    SimPosition,
    WalletState,
)
from hedgebot.exchange.requests import (
    Ack,
    EndpointClass,
    MarginMode,
    OrderRequest,
    OrderType,
    Origin,
    PositionIndex,
    RateState,
    Refusal,
    SelfTrade,
    WhatIf,
)
from hedgebot.exchange.scenario import EventSpec

# One place for each name: the exchange's faces import everything from here.
__all__ = [
    "Ack",
    "Book",
    "BookChanged",
    "CoinBalance",
    "DeadManFired",
    "DeadManState",
    "DeliveryPrice",
    "DeliveryRecord",
    "EndReason",
    "EndpointClass",
    "ExecKind",
    "Executed",
    "Execution",
    "FundingSettled",
    "FundingSettlement",
    "InstrumentStatus",
    "InterestCharge",
    "LedgerEntry",
    "LedgerKind",
    "Level",
    "Liquidated",
    "Listing",
    "ListingChanged",
    "MarginMode",
    "Notice",
    "OptionTicker",
    "OrderChanged",
    "OrderRequest",
    "OrderType",
    "Origin",
    "PositionChanged",
    "PositionIndex",
    "PositionStatus",
    "PublicTrade",
    "RateState",
    "Refusal",
    "RefusalReason",
    "Scripted",
    "SelfTrade",
    "SimOrder",
    "SimPosition",
    "TickerChanged",
    "TickerState",
    "Trade",
    "WalletChanged",
    "WalletState",
    "WhatIf",
]


class DeadManState(Value, frozen=True, kw_only=True):
    """An armed dead-man's switch as it reads back. `fires_at_ns` is None while nothing counts down.

    `key` is what it covers (`deadman.py`), `kept_alive_by` the connections whose loss would start the countdown.
    """

    key: str
    seconds: float
    fires_at_ns: int | None
    kept_alive_by: tuple[str, ...]
    fires_left_today: int | None


# --- notices: what the exchange tells its listeners, in the order in which it happened ------------------------------


class BookChanged(Value, frozen=True, kw_only=True):
    """A book moved; ask `Exchange.book` for it."""

    instrument: InstrumentId


class TickerChanged(Value, frozen=True, kw_only=True):
    """A ticker moved; ask `Exchange.ticker` or `Exchange.option_ticker` for it."""

    instrument: InstrumentId


class PublicTrade(Value, frozen=True, kw_only=True):
    """A trade was printed."""

    trade: Trade


class OrderChanged(Value, frozen=True, kw_only=True):
    """An order was accepted, filled in part or whole, or ended."""

    order: SimOrder


class Executed(Value, frozen=True, kw_only=True):
    """An account traded."""

    execution: Execution


class PositionChanged(Value, frozen=True, kw_only=True):
    """A position moved because of an execution or a settlement (not because of its mark)."""

    position: SimPosition


class WalletChanged(Value, frozen=True, kw_only=True):
    """An account's cash moved; ask `Exchange.wallet` for it."""

    account: str


class FundingSettled(Value, frozen=True, kw_only=True):
    """An account paid or received funding."""

    settlement: FundingSettlement


class ListingChanged(Value, frozen=True, kw_only=True):
    """An instrument was listed or launched, became stale, came back, got other rules, was delivered or closed."""

    listing: Listing


class Scripted(Value, frozen=True, kw_only=True):
    """An event of the scenario's script happened; what it changes in the model has been done."""

    event: EventSpec


class DeadManFired(Value, frozen=True, kw_only=True):
    """A dead-man's switch fired and ended these orders (each was told before); positions stay as they are."""

    account: str
    key: str
    order_ids: tuple[str, ...]
    at_ns: int
    seq: int


Notice = (
    BookChanged
    | TickerChanged
    | PublicTrade
    | OrderChanged
    | Executed
    | PositionChanged
    | WalletChanged
    | FundingSettled
    | ListingChanged
    | Liquidated
    | Scripted
    | DeadManFired
)
