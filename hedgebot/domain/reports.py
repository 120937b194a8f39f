"""What a venue says about orders, positions and wallets, wherever it says it: pushed by a stream or pulled by a query.

Reports are values inside events. Unknown numbers are None, never zero.
"""

from decimal import Decimal

import msgspec

from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind, Side
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


class WatchedPosition(msgspec.Struct, frozen=True, kw_only=True):
    """A position on an account that is only watched, as a margin model reads it; `contracts` is signed.

    `mark` is in the instrument's quote currency, > 0; `profit_settle` is unrealised, in its settlement coin. Of an
    option `vol` is its implied volatility per root year and `forward` its expiry's, in what its strike is in. What the
    venue asks for the position alone is `maintenance_settle`. None: not told.
    """

    rules: Instrument
    contracts: float
    mark: float
    profit_settle: float = 0.0
    leverage: float | None = None
    vol: float | None = None
    forward: float | None = None
    maintenance_settle: float | None = None

    @property
    def needs_margin(self) -> bool:
        """Whether holding it takes some: all but a long option, whose premium is paid, and what is owned outright."""
        kind = self.rules.kind
        return (
            bool(self.contracts) and kind is not InstrumentKind.SPOT and not (kind.is_option and self.contracts > 0.0)
        )


class WatchedMargin(msgspec.Struct, frozen=True, kw_only=True):
    """What a report of a watched account says beside its margins.

    Where the venue keeps margins apart (by coin, or by isolated position), those of the report are the worst pocket's,
    which `pocket` names, and `equity_usd` is what all of them hold; `unit` is what the pocket is counted in, USD or a
    coin. `margin_mode` is how the account nets by its venue's own word; empty: it does not say. `stated_use` is the
    venue's own ratio as maintenance margin / equity. `positions` are the pocket's; None: not known, `problem` says why.
    `coins_known`: the report's balances are all that the pocket has. `parameters` are those that the venue margins with
    now, by coin, in the names of our record; empty: it does not say.
    """

    pocket: str
    pockets: int
    equity_usd: Decimal | None
    stated_use: float | None = None
    positions: tuple[WatchedPosition, ...] | None = None
    problem: str = ""
    coins_known: bool = True
    unit: str = "USD"
    margin_mode: str = ""
    parameters: dict[str, dict[str, float]] = {}


class WalletReport(msgspec.Struct, frozen=True, kw_only=True):
    """Balances (coins held, a debt is negative) and margin (USD, None = unknown) of one account.

    `prices_usd` is what the venue counts a coin at, of those it values: a stablecoin is not exactly 1. `debts` (coins,
    > 0) is what interest may be charged on, open losses among it; empty where nothing is owed, or it is not told.
    `watched` is there for accounts whose margin alone is read.
    """

    account: str
    balances: dict[str, Decimal]
    equity_usd: Decimal | None
    initial_margin_usd: Decimal | None
    maintenance_margin_usd: Decimal | None
    venue_at_ns: int
    prices_usd: dict[str, float] = {}
    debts: dict[str, Decimal] = {}
    watched: WatchedMargin | None = None
