"""What belongs to an account: orders, executions, funding, ledger lines, positions, balances. Values only.

Prices are in quote currency per coin (options: premium per coin of contract), quantities in contracts, times in UTC
nanoseconds, ratios and greeks float. Sums of money are exact.
"""

from decimal import Decimal
from enum import StrEnum

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import OrderStatus, TimeInForce
from hedgebot.exchange.quotes import Value
from hedgebot.exchange.reasons import EndReason
from hedgebot.exchange.requests import MarginMode, OrderType, Origin, PositionIndex, SelfTrade


class ExecKind(StrEnum):
    """Why an execution happened. Funding has a value of its own (`FundingSettlement`)."""

    TRADE = "trade"
    ADL = "adl"  # closed against a bankrupt account, by auto-deleveraging
    BUST = "bust"  # taken over by the liquidation engine
    DELIVERY = "delivery"
    SETTLE = "settle"  # an inverse future's settlement
    BLOCK_TRADE = "block_trade"
    MOVE_POSITION = "move_position"
    FUTURE_SPREAD = "future_spread"  # one leg of a spread
    CORPORATE_ACTION = "corporate_action"  # a split, or the reverse of one
    ROLLBACK = "rollback"  # the venue takes an execution back


class LedgerKind(StrEnum):
    """Why a wallet changed."""

    TRADE = "trade"
    FUNDING = "funding"
    DELIVERY = "delivery"
    LIQUIDATION = "liquidation"
    ADL = "adl"
    INTEREST = "interest"
    ROLLBACK = "rollback"  # what an execution that was taken back had done
    TRANSFER_IN = "transfer_in"  # from the funding wallet
    TRANSFER_OUT = "transfer_out"  # to the funding wallet


class PositionStatus(StrEnum):
    """What the venue is doing to a position."""

    NORMAL = "normal"
    LIQUIDATION = "liquidation"
    ADL = "adl"


class SimOrder(Value, frozen=True, kw_only=True):
    """An order as the exchange knows it now. Status is OPEN, PARTIAL, FILLED or CANCELLED.

    `filled_value` is the sum of its executions' values (see there), `average_price` their average, None before the
    first; `fee` is the sum of their fees, in `fee_coin`.
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
    filled_value: Decimal = ZERO
    average_price: Decimal | None = None
    fee: Decimal = ZERO
    fee_coin: str
    position_index: PositionIndex = PositionIndex.ONE_WAY
    on_margin: bool = False
    end_reason: EndReason | None = None
    # Self-trade prevention: its policy, its account's group when it was placed (0: none), and whom it met.
    self_trade: SelfTrade = SelfTrade.NONE
    self_trade_group: int = 0
    self_trade_order_id: str | None = None
    created_at_ns: int
    updated_at_ns: int
    seq: int

    @property
    def leaves_contracts(self) -> Decimal:
        """Quantity that can still be filled: zero once the order ended."""
        return ZERO if self.status.is_terminal else self.qty_contracts - self.filled_contracts


class Execution(Value, frozen=True, kw_only=True):
    """One trade of an account. `fee` > 0 is a cost in `fee_coin`; `seq` orders everything that happened here.

    `closed_contracts` is the part that closed a position, `realised_pnl` its profit in the settlement coin before fees
    (zero for spot). `value` is in the settlement coin (spot: quote), as it was booked. `order` is the order after this
    execution. Executions of one `deal` stand against each other; `takes_back` is the execution that this one undoes.
    """

    exec_id: str
    order: SimOrder
    account: str
    instrument: InstrumentId
    kind: ExecKind
    side: Side
    qty_contracts: Decimal
    price: Decimal
    value: Decimal
    fee: Decimal
    fee_coin: str
    fee_rate: Decimal
    is_maker: bool
    closed_contracts: Decimal
    realised_pnl: Decimal
    mark_price: Decimal | None
    index_price: Decimal
    mark_iv: float | None = None
    deal: int = 0
    takes_back: str | None = None
    at_ns: int
    seq: int


class FundingSettlement(Value, frozen=True, kw_only=True):
    """One position's payment at a funding time. `cost` > 0 was paid by it, in `coin`; `contracts` is signed."""

    exec_id: str
    account: str
    instrument: InstrumentId
    position_index: PositionIndex = PositionIndex.ONE_WAY
    contracts: Decimal
    mark_price: Decimal
    index_price: Decimal
    rate: float
    cost: Decimal
    coin: str
    at_ns: int
    seq: int


class DeliveryRecord(Value, frozen=True, kw_only=True):
    """One position that was closed by a delivery. `contracts` is signed, as held; `realised_pnl` is before the fee."""

    account: str
    instrument: InstrumentId
    contracts: Decimal
    entry_price: Decimal | None
    delivery_price: Decimal
    strike: Decimal | None
    fee: Decimal
    realised_pnl: Decimal
    exec_id: str
    at_ns: int


class LedgerEntry(Value, frozen=True, kw_only=True):
    """One change of one coin's wallet balance (the transaction log). `change` is the sum of what the others say.

    That is cash flow - fee - funding - interest. `fee`, `funding` and `interest` are in `coin`, positive when paid;
    `cash_flow` is premium, spot leg or realised profit. `instrument` is None for what is about a coin alone (interest).
    `cause` is the id of the execution, payment or charge behind it.
    """

    account: str
    kind: LedgerKind
    instrument: InstrumentId | None
    coin: str
    side: Side | None
    qty_contracts: Decimal
    price: Decimal
    cash_flow: Decimal
    fee: Decimal
    funding: Decimal
    interest: Decimal = ZERO
    change: Decimal
    balance_after: Decimal
    cause: str
    at_ns: int
    seq: int


class InterestCharge(Value, frozen=True, kw_only=True):
    """Interest of one hour on what an account borrowed in one coin. Amounts and `interest` in the coin.

    `bearing` is the part of `borrowed` that interest is charged on; `unrealised_loss` (>= 0) is what open contracts had
    lost in the coin.
    """

    charge_id: str
    account: str
    coin: str
    borrowed: Decimal
    bearing: Decimal
    unrealised_loss: Decimal
    hourly_rate: float
    interest: Decimal
    at_ns: int
    seq: int


class Liquidated(Value, frozen=True, kw_only=True):
    """Part of somebody's position was liquidated; the price is its bankruptcy price."""

    instrument: InstrumentId
    position_side: Side
    contracts: Decimal
    price: Decimal
    at_ns: int


class SimPosition(Value, frozen=True, kw_only=True):
    """A derivative position. `contracts` is signed; `entry_price` is None when flat.

    `value`, profits and margins are in the settlement coin; `realised_pnl` counts from the opening of the account,
    before fees and funding. `position_margin` is what is set aside for it in isolated mode. Liquidation and bankruptcy
    price are None where no price above zero does it, and in portfolio margin, where no single price decides.
    """

    account: str
    instrument: InstrumentId
    position_index: PositionIndex = PositionIndex.ONE_WAY
    contracts: Decimal
    entry_price: Decimal | None
    mark_price: Decimal
    value: Decimal
    unrealised_pnl: Decimal
    realised_pnl: Decimal
    initial_margin: float
    maintenance_margin: float
    leverage: Decimal
    margin_mode: MarginMode = MarginMode.CROSS
    position_margin: Decimal = ZERO
    is_auto_add: bool = False
    liquidation_price: float | None = None
    bankruptcy_price: float | None = None
    status: PositionStatus = PositionStatus.NORMAL
    adl_rank: int = 0  # place in the queue of auto-deleveraging: 5 is next, 0 is flat
    delta: float | None
    gamma: float | None
    vega: float | None
    theta: float | None
    created_at_ns: int
    updated_at_ns: int
    seq: int


class CoinBalance(Value, frozen=True, kw_only=True):
    """One coin of a unified account. `wallet` is cash; `equity` adds unrealised profit and the value of options.

    `borrowed` is what is owed now, `interest_next_hour` what an hour of that costs. `collateral_ratio` is the share of
    the holding that counts. Margins are of the positions that settle in the coin, in it; zero in portfolio margin.
    """

    coin: str
    wallet: Decimal
    equity: Decimal
    usd_price: float
    usd_value: float
    unrealised_pnl: Decimal
    realised_pnl: Decimal
    locked: Decimal
    collateral_ratio: float
    is_collateral: bool = True
    is_collateral_on: bool = True
    borrowed: Decimal = ZERO
    interest_next_hour: Decimal = ZERO
    order_initial_margin: float = 0.0
    position_initial_margin: float = 0.0
    position_maintenance_margin: float = 0.0


class WalletState(Value, frozen=True, kw_only=True):
    """A unified account in USD. Rates are over the margin balance; None when that is <= 0, and in isolated margin."""

    account: str
    margin_mode: MarginMode = MarginMode.CROSS
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
