"""What a venue says about orders, positions and wallets, wherever it says it: pushed by a stream or pulled by a query.

Reports are values inside events. Unknown numbers are None, never zero.
"""

from decimal import Decimal

import msgspec

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import OrderStatus


class OrderReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue says about one order, wherever it said it."""

    account: str
    instrument: InstrumentId
    order_id: str
    client_id: str | None
    status: OrderStatus
    side: Side
    qty_contracts: Decimal
    filled_contracts: Decimal
    limit_price: Decimal | None
    reason: str
    venue_at_ns: int


class PositionReport(msgspec.Struct, frozen=True, kw_only=True):
    """The venue's own view of a derivative position; `contracts` is signed, long positive.

    `leverage` is what its initial margin is set aside at; None where the venue names none (portfolio margin).
    """

    account: str
    instrument: InstrumentId
    contracts: Decimal
    entry_price: Decimal | None
    venue_at_ns: int
    leverage: float | None = None


class WalletReport(msgspec.Struct, frozen=True, kw_only=True):
    """Balances (coins held, a debt is negative) and margin (USD, None = unknown) of one account.

    `prices_usd` is what the venue counts a coin at, of those it values: a stablecoin is not exactly 1.
    """

    account: str
    balances: dict[str, Decimal]
    equity_usd: Decimal | None
    initial_margin_usd: Decimal | None
    maintenance_margin_usd: Decimal | None
    venue_at_ns: int
    prices_usd: dict[str, float] = {}
