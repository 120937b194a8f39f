"""Values that the simulated exchange takes and gives: requests, orders, executions, positions, wallets, market data.

Owns the vocabulary between the exchange's model and its faces (the wire, the lab, tests). Neutral of any wire format:
it knows no venue's field names, codes or strings. Prices are in quote currency per coin (options: premium per coin of
contract), quantities in contracts, times in UTC nanoseconds, ratios and greeks float.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument, InstrumentId, Side
from hedgebot.domain.orders import OrderStatus, TimeInForce

Level = tuple[Decimal, Decimal]
"""(price, quantity in contracts) of one price level."""


class ExecKind(StrEnum):
    """Why an execution happened. Funding has a value of its own (`FundingSettlement`)."""

    TRADE = "trade"
    DELIVERY = "delivery"


class OrderType(StrEnum):
    """Whether an order names its worst price."""

    MARKET = "market"
    LIMIT = "limit"


class Origin(StrEnum):
    """Who sent an order: someone with a key, or the exchange's own generator of client trading."""

    API = "api"
    CLIENT_FLOW = "client_flow"
    VENUE = "venue"


class InstrumentStatus(StrEnum):
    """Whether an instrument can be traded now."""

    TRADING = "trading"
    STALE = "stale"  # the recording has a gap or has ended: nothing moves and no order is taken
    SETTLED = "settled"


class RefusalReason(StrEnum):
    """Why a request was refused before it became an order (or before it changed one). Nothing has been executed."""

    UNKNOWN_ACCOUNT = "unknown_account"
    UNKNOWN_INSTRUMENT = "unknown_instrument"
    INSTRUMENT_NOT_TRADING = "instrument_not_trading"
    INSUFFICIENT_MARGIN = "insufficient_margin"
    INSUFFICIENT_BALANCE = "insufficient_balance"  # spot only
    DUPLICATE_CLIENT_ID = "duplicate_client_id"  # also after the first order ended
    UNKNOWN_ORDER = "unknown_order"
    ALREADY_TERMINAL = "already_terminal"
    BAD_QTY = "bad_qty"
    QTY_TOO_LARGE = "qty_too_large"
    BAD_PRICE = "bad_price"
    PRICE_OUTSIDE_COLLAR = "price_outside_collar"
    BELOW_MIN_NOTIONAL = "below_min_notional"
    REDUCE_ONLY_VIOLATION = "reduce_only_violation"  # no position, or not against it
    TOO_MANY_ORDERS = "too_many_orders"
    NO_LIQUIDITY = "no_liquidity"  # a market order against an empty side
    RATE_LIMITED = "rate_limited"


class EndReason(StrEnum):
    """Why an accepted order ended without being filled whole. Seen in the order itself, after its acceptance."""

    BY_USER = "by_user"
    IOC_REMAINDER = "ioc_remainder"
    FOK_NOT_FILLABLE = "fok_not_fillable"
    POST_ONLY_WOULD_CROSS = "post_only_would_cross"
    MARKET_REMAINDER = "market_remainder"
    REDUCE_ONLY = "reduce_only"
    SETTLED = "settled"


class EndpointClass(StrEnum):
    """What a request counts against. Each account has one bucket for each class."""

    CREATE = "create"
    CREATE_SPOT = "create_spot"
    CANCEL = "cancel"
    CANCEL_SPOT = "cancel_spot"
    CANCEL_ALL = "cancel_all"
    QUERY_ORDERS = "query_orders"
    QUERY_EXECUTIONS = "query_executions"
    QUERY_POSITIONS = "query_positions"
    QUERY_WALLET = "query_wallet"


class _Value(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all values here."""


# --- rules ----------------------------------------------------------------------------------------------------------


class Listing(_Value, frozen=True, kw_only=True):
    """An instrument with what only the exchange says about it. Rates are fractions of value; a cost is positive."""

    instrument: Instrument
    status: InstrumentStatus
    price_min: Decimal
    price_max: Decimal
    market_qty_max: Decimal
    post_only_qty_max: Decimal
    maker_rate: Decimal
    taker_rate: Decimal
    collar_ratio: float
    leverage_max: Decimal
    launched_at_ns: int
    funding_interval_ns: int | None = None
    funding_rate_cap: float | None = None
    delivery_rate: Decimal = ZERO


# --- requests and their answers -------------------------------------------------------------------------------------


class OrderRequest(_Value, frozen=True, kw_only=True):
    """What a client asks for. `limit_price` is None for market orders (whose time in force is ignored: it is IOC)."""

    account: str
    instrument: InstrumentId
    side: Side
    type: OrderType
    qty_contracts: Decimal
    limit_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    client_id: str | None = None


class Ack(_Value, frozen=True, kw_only=True):
    """The request was taken. What became of the order is in the order itself (and was told to the listeners)."""

    order_id: str
    client_id: str | None


class Refusal(_Value, frozen=True, kw_only=True):
    """The request was not taken; `detail` is a sentence with the numbers."""

    reason: RefusalReason
    detail: str


class RateState(_Value, frozen=True, kw_only=True):
    """A bucket after a request: `allowed` is False when this request found it empty."""

    allowed: bool
    limit: int
    remaining: int
    reset_at_ns: int


# --- private state --------------------------------------------------------------------------------------------------


class SimOrder(_Value, frozen=True, kw_only=True):
    """An order as the exchange knows it now. Status is OPEN, PARTIAL, FILLED or CANCELLED.

    `filled_value_quote` is the sum of price times quantity of its executions; `fee` is their sum, in `fee_coin`.
    """

    order_id: str
    account: str
    instrument: InstrumentId
    client_id: str | None
    origin: Origin
    side: Side
    type: OrderType
    qty_contracts: Decimal
    limit_price: Decimal | None
    time_in_force: TimeInForce
    reduce_only: bool
    status: OrderStatus
    filled_contracts: Decimal = ZERO
    filled_value_quote: Decimal = ZERO
    fee: Decimal = ZERO
    fee_coin: str
    end_reason: EndReason | None = None
    created_at_ns: int
    updated_at_ns: int
    seq: int

    @property
    def leaves_contracts(self) -> Decimal:
        """Quantity that can still be filled: zero once the order ended."""
        return ZERO if self.status.is_terminal else self.qty_contracts - self.filled_contracts

    @property
    def average_price(self) -> Decimal | None:
        """Average execution price; None before the first."""
        return self.filled_value_quote / self.filled_contracts if self.filled_contracts else None


class Execution(_Value, frozen=True, kw_only=True):
    """One trade of an account. `fee` > 0 is a cost in `fee_coin`; `seq` orders everything that happened here.

    `closed_contracts` is the part that closed a position, `realised_pnl` its profit in the settlement coin before fees
    (zero for spot). `order` is the order after this execution.
    """

    exec_id: str
    order: SimOrder
    account: str
    instrument: InstrumentId
    kind: ExecKind
    side: Side
    qty_contracts: Decimal
    price: Decimal
    value_quote: Decimal
    fee: Decimal
    fee_coin: str
    fee_rate: Decimal
    is_maker: bool
    closed_contracts: Decimal
    realised_pnl: Decimal
    mark_price: Decimal | None
    index_price: Decimal
    mark_iv: float | None = None
    at_ns: int
    seq: int


class FundingSettlement(_Value, frozen=True, kw_only=True):
    """One account's payment at a funding time. `cost` > 0 was paid by the account, in `coin`; `contracts` is signed."""

    exec_id: str
    account: str
    instrument: InstrumentId
    contracts: Decimal
    mark_price: Decimal
    index_price: Decimal
    rate: float
    cost: Decimal
    coin: str
    at_ns: int
    seq: int


class LedgerEntry(_Value, frozen=True, kw_only=True):
    """One change of one coin's wallet balance (the transaction log). `change` is net: cash flow - fee - funding.

    `fee` and `funding` are in `coin`, positive when paid; `cash_flow` is premium, spot leg or realised profit.
    `cause` is the exec_id behind it.
    """

    account: str
    instrument: InstrumentId
    coin: str
    side: Side | None
    qty_contracts: Decimal
    price: Decimal
    cash_flow: Decimal
    fee: Decimal
    funding: Decimal
    change: Decimal
    balance_after: Decimal
    cause: str
    at_ns: int
    seq: int


class SimPosition(_Value, frozen=True, kw_only=True):
    """A derivative position. `contracts` is signed; `entry_price` is None when flat; margins in the settlement coin.

    `realised_pnl` counts from the opening of the account, before fees and funding.
    """

    account: str
    instrument: InstrumentId
    contracts: Decimal
    entry_price: Decimal | None
    mark_price: Decimal
    value_quote: Decimal
    unrealised_pnl: Decimal
    realised_pnl: Decimal
    initial_margin: float
    maintenance_margin: float
    leverage: Decimal
    delta: float | None
    gamma: float | None
    vega: float | None
    theta: float | None
    created_at_ns: int
    updated_at_ns: int
    seq: int


class CoinBalance(_Value, frozen=True, kw_only=True):
    """One coin of a unified account. `wallet` is cash; `equity` adds unrealised profit and the value of options."""

    coin: str
    wallet: Decimal
    equity: Decimal
    usd_price: float
    usd_value: float
    unrealised_pnl: Decimal
    realised_pnl: Decimal
    locked: Decimal
    collateral_ratio: float


class WalletState(_Value, frozen=True, kw_only=True):
    """A unified account in USD (stablecoins count as 1). Rates are over the margin balance; None when that is <= 0."""

    account: str
    coins: tuple[CoinBalance, ...]
    equity_usd: float
    wallet_usd: float
    margin_balance_usd: float
    available_usd: float
    perp_upl_usd: float
    option_value_usd: float
    initial_margin_usd: float
    maintenance_margin_usd: float
    initial_margin_rate: float | None
    maintenance_margin_rate: float | None
    at_ns: int


# --- market data ----------------------------------------------------------------------------------------------------


class Book(_Value, frozen=True, kw_only=True):
    """Price levels, best first on both sides; never crossed. `update_id` grows with every change of this book."""

    instrument: InstrumentId
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    update_id: int
    seq: int
    at_ns: int


class TickerState(_Value, frozen=True, kw_only=True):
    """Ticker of a spot pair or perpetual. `funding_rate` is per interval, longs pay when positive; None for spot.

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


class OptionTicker(_Value, frozen=True, kw_only=True):
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


class Trade(_Value, frozen=True, kw_only=True):
    """One public trade; `side` is the taker's."""

    trade_id: str
    instrument: InstrumentId
    side: Side
    price: Decimal
    qty_contracts: Decimal
    at_ns: int
    seq: int


# --- notices: what the exchange tells its listeners, in the order in which it happened ------------------------------


class BookChanged(_Value, frozen=True, kw_only=True):
    """A book moved; ask `Exchange.book` for it."""

    instrument: InstrumentId


class TickerChanged(_Value, frozen=True, kw_only=True):
    """A ticker moved; ask `Exchange.ticker` or `Exchange.option_ticker` for it."""

    instrument: InstrumentId


class PublicTrade(_Value, frozen=True, kw_only=True):
    """A trade was printed."""

    trade: Trade


class OrderChanged(_Value, frozen=True, kw_only=True):
    """An order was accepted, filled in part or whole, or ended."""

    order: SimOrder


class Executed(_Value, frozen=True, kw_only=True):
    """An account traded."""

    execution: Execution


class PositionChanged(_Value, frozen=True, kw_only=True):
    """A position moved because of an execution or a settlement (not because of its mark)."""

    position: SimPosition


class WalletChanged(_Value, frozen=True, kw_only=True):
    """An account's cash moved; ask `Exchange.wallet` for it."""

    account: str


class FundingSettled(_Value, frozen=True, kw_only=True):
    """An account paid or received funding."""

    settlement: FundingSettlement


class ListingChanged(_Value, frozen=True, kw_only=True):
    """An instrument became stale, came back, or was settled."""

    listing: Listing


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
)
