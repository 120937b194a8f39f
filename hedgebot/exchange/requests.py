"""What a client asks of the exchange, and what it is answered. Values only, neutral of any wire format.

Quantities are in contracts, prices in quote currency per coin (options: premium per coin of contract).
"""

from decimal import Decimal
from enum import IntEnum, StrEnum

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import TimeInForce
from hedgebot.exchange.quotes import Value
from hedgebot.exchange.reasons import RefusalReason


class OrderType(StrEnum):
    """Whether an order names its worst price."""

    MARKET = "market"
    LIMIT = "limit"


class Origin(StrEnum):
    """Who sent an order: someone with a key, the exchange's own generator of client trading, or a rule of the venue."""

    API = "api"
    CLIENT_FLOW = "client_flow"
    VENUE = "venue"  # a delivery or settlement
    LIQUIDATION = "liquidation"  # a step down the ladder, in the market
    TAKEOVER = "takeover"  # the rest of a position, at its bankruptcy price
    ADL = "adl"
    BLOCK_TRADE = "block_trade"
    MOVE_POSITION = "move_position"
    SPREAD = "spread"
    ADMIN = "admin"


class PositionIndex(IntEnum):
    """Which position of an instrument: the only one, or in hedge mode the long or the short one."""

    ONE_WAY = 0
    LONG = 1
    SHORT = 2


class MarginMode(StrEnum):
    """How an account's positions stand behind each other."""

    ISOLATED = "isolated"  # each position has margin of its own
    CROSS = "cross"  # the whole account stands behind every position; no netting
    PORTFOLIO = "portfolio"  # the whole account, margin by scenarios, netted within a base coin


class SelfTrade(StrEnum):
    """What a taking order does when it meets an order of its own account or group."""

    NONE = "none"  # trade with it
    CANCEL_MAKER = "cancel_maker"
    CANCEL_TAKER = "cancel_taker"
    CANCEL_BOTH = "cancel_both"


class EndpointClass(StrEnum):
    """What a request counts against. Each account has one bucket for each class."""

    CREATE = "create"
    CREATE_SPOT = "create_spot"
    CREATE_BATCH = "create_batch"
    CREATE_BATCH_SPOT = "create_batch_spot"
    CREATE_BATCH_OPTION = "create_batch_option"  # counts requests; the other batches count their orders
    AMEND = "amend"
    AMEND_SPOT = "amend_spot"
    AMEND_BATCH = "amend_batch"
    AMEND_BATCH_SPOT = "amend_batch_spot"
    AMEND_BATCH_OPTION = "amend_batch_option"
    CANCEL = "cancel"
    CANCEL_SPOT = "cancel_spot"
    CANCEL_BATCH = "cancel_batch"
    CANCEL_BATCH_SPOT = "cancel_batch_spot"
    CANCEL_BATCH_OPTION = "cancel_batch_option"
    CANCEL_ALL = "cancel_all"
    CANCEL_ALL_SPOT = "cancel_all_spot"
    CANCEL_ALL_OPTION = "cancel_all_option"
    SET_LEVERAGE = "set_leverage"
    QUERY_ORDERS = "query_orders"
    QUERY_EXECUTIONS = "query_executions"
    QUERY_POSITIONS = "query_positions"
    QUERY_WALLET = "query_wallet"
    OTHER = "other"  # any other signed request


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
    self_trade: SelfTrade | None = None  # None: the venue's own default
    position_index: PositionIndex = PositionIndex.ONE_WAY
    on_margin: bool = False  # spot: borrow what the account lacks, where it has spot margin switched on


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
