"""What the simulated exchange shows to everyone: listings, books, tickers, trades. Values only.

Prices are in quote currency per coin (options: premium per coin of contract), quantities in contracts, times in UTC
nanoseconds, ratios and greeks float.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument, InstrumentId, Side

Level = tuple[Decimal, Decimal]
"""(price, quantity in contracts) of one price level."""


class InstrumentStatus(StrEnum):
    """Whether an instrument can be traded now."""

    PRE_LAUNCH = "pre_launch"  # listed, not traded yet
    TRADING = "trading"
    STALE = "stale"  # the recording has a gap or has ended: nothing moves and no order is taken
    DELIVERING = "delivering"  # ended and delivered; still shown
    SETTLED = "settled"
    SUSPENDED = "suspended"  # the venue has stopped trading in it: the mark goes on, no order is taken


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the exchange's values."""


class Listing(Value, frozen=True, kw_only=True):
    """An instrument with what only the exchange says about it. Rates are fractions of value."""

    instrument: Instrument
    status: InstrumentStatus
    price_min: Decimal
    price_max: Decimal
    market_qty_max: Decimal
    post_only_qty_max: Decimal
    collar_ratio: float
    leverage_max: Decimal
    launched_at_ns: int
    funding_interval_ns: int | None = None
    funding_rate_cap: float | None = None
    delivery_rate: Decimal = ZERO
    # Whether positions may only be reduced, as before a delisting.
    reduce_only: bool = False
    # The underlying's price at which a settled option was delivered; None before.
    settlement_price: Decimal | None = None


class DeliveryPrice(Value, frozen=True, kw_only=True):
    """The price at which an instrument's underlying was delivered."""

    instrument: InstrumentId
    price: Decimal
    at_ns: int


class Book(Value, frozen=True, kw_only=True):
    """Price levels, best first on both sides; never crossed. `update_id` grows with every change of this book."""

    instrument: InstrumentId
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    update_id: int
    seq: int
    at_ns: int


class TickerState(Value, frozen=True, kw_only=True):
    """Ticker of a spot pair, perpetual or future. `funding_rate` is per interval, longs pay when positive; else None.

    Volume is in contracts, turnover in the settlement coin (spot: quote).

    High, low, volume and turnover count from the exchange's start (with a seed volume), which is at most 24 hours ago
    in the runs it is made for.
    """

    instrument: InstrumentId
    last: Decimal
    bid: Decimal | None
    bid_qty: Decimal | None
    ask: Decimal | None
    ask_qty: Decimal | None
    mark: Decimal | None
    index: Decimal
    funding_rate: float | None
    funding_interval_ns: int | None
    next_funding_at_ns: int | None
    open_interest: Decimal | None
    open_24h: Decimal
    high_24h: Decimal
    low_24h: Decimal
    volume_24h: Decimal
    turnover_24h: Decimal
    at_ns: int
    # Dated futures only: last price above the index, mark over index less one, that for a year; the average of the
    # index so far, once its window has begun.
    basis: Decimal | None = None
    basis_rate: float | None = None
    basis_rate_year: float | None = None
    predicted_delivery_price: Decimal | None = None
    delivery_at_ns: int | None = None


class OptionTicker(Value, frozen=True, kw_only=True):
    """Ticker of an option. Volatilities as fractions (0.5 = 50 %/year); greeks per coin of contract, Black-76.

    `vega` is per volatility point (0.01), `theta` per day; `forward` is the expiry's own.
    """

    instrument: InstrumentId
    last: Decimal | None
    bid: Decimal | None
    bid_qty: Decimal | None
    bid_iv: float | None
    ask: Decimal | None
    ask_qty: Decimal | None
    ask_iv: float | None
    mark: Decimal
    mark_iv: float
    index: Decimal
    forward: float
    delta: float
    gamma: float
    vega: float
    theta: float
    open_interest: Decimal
    volume_24h: Decimal
    turnover_24h: Decimal
    high_24h: Decimal
    low_24h: Decimal
    at_ns: int
    predicted_delivery_price: Decimal | None = None  # the average so far, once its window has begun


class Trade(Value, frozen=True, kw_only=True):
    """One public trade; `side` is the taker's."""

    trade_id: str
    instrument: InstrumentId
    side: Side
    price: Decimal
    qty_contracts: Decimal
    at_ns: int
    seq: int
