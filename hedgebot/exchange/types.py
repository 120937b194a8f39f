"""Values that the simulated exchange takes and gives: requests, orders, executions, positions, wallets, market data.

Owns the vocabulary between the exchange's model and its faces (the wire, the lab, tests). Neutral of any wire format:
it knows no venue's field names, codes or strings. Prices are in quote currency per coin (options: premium per coin of
contract), quantities in contracts, times in UTC nanoseconds, ratios and greeks float.
"""

from decimal import Decimal
from enum import StrEnum

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import OrderStatus, TimeInForce
from hedgebot.exchange.quotes import Book, InstrumentStatus, Level, Listing, OptionTicker, TickerState, Trade, Value
from hedgebot.exchange.reasons import EndReason, RefusalReason

# One place for each name: the exchange's faces import everything from here.
__all__ = [
    "Ack",
    "Book",
    "BookChanged",
    "CoinBalance",
    "EndReason",
    "EndpointClass",
    "ExecKind",
    "Executed",
    "Execution",
    "FundingSettled",
    "FundingSettlement",
    "InstrumentStatus",
    "LedgerEntry",
    "Level",
    "Listing",
    "ListingChanged",
    "Notice",
    "OptionTicker",
    "OrderChanged",
    "OrderRequest",
    "OrderType",
    "Origin",
    "PositionChanged",
    "PublicTrade",
    "RateState",
    "Refusal",
    "RefusalReason",
    "SimOrder",
    "SimPosition",
    "TickerChanged",
    "TickerState",
    "Trade",
    "WalletChanged",
    "WalletState",
    "WhatIf",
]


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


class EndpointClass(StrEnum):
    """What a request counts against. Each account has one bucket for each class."""

    CREATE = "create"
    CREATE_SPOT = "create_spot"
    AMEND = "amend"
    AMEND_SPOT = "amend_spot"
    CANCEL = "cancel"
    CANCEL_SPOT = "cancel_spot"
    CANCEL_ALL = "cancel_all"
    SET_LEVERAGE = "set_leverage"
    QUERY_ORDERS = "query_orders"
    QUERY_EXECUTIONS = "query_executions"
    QUERY_POSITIONS = "query_positions"
    QUERY_WALLET = "query_wallet"


# --- requests and their answers -------------------------------------------------------------------------------------


class OrderRequest(Value, frozen=True, kw_only=True):
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


class Ack(Value, frozen=True, kw_only=True):
    """The request was taken. What became of the order is in the order itself (and was told to the listeners)."""

    order_id: str
    client_id: str | None


class Refusal(Value, frozen=True, kw_only=True):
    """The request was not taken; `detail` is a sentence with the numbers."""

    reason: RefusalReason
    detail: str


class WhatIf(Value, frozen=True, kw_only=True):
    """Margin rates over the margin balance before and after an order, as if it had filled whole; nothing is changed.

    A rate is None where the balance is not positive. `refusal` is what placing the order now would be answered.
    """

    refusal: Refusal | None
    initial_rate_before: float | None
    maintenance_rate_before: float | None
    initial_rate_after: float | None
    maintenance_rate_after: float | None


class RateState(Value, frozen=True, kw_only=True):
    """A bucket after a request: `allowed` is False when this request found it empty."""

    allowed: bool
    limit: int
    remaining: int
    reset_at_ns: int


# --- private state --------------------------------------------------------------------------------------------------


class SimOrder(Value, frozen=True, kw_only=True):
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


class Execution(Value, frozen=True, kw_only=True):
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


class FundingSettlement(Value, frozen=True, kw_only=True):
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


class LedgerEntry(Value, frozen=True, kw_only=True):
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


class SimPosition(Value, frozen=True, kw_only=True):
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


class CoinBalance(Value, frozen=True, kw_only=True):
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


class WalletState(Value, frozen=True, kw_only=True):
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
