"""What everyone can ask an exchange about: markets, and each account's orders, positions, money and history.

Owns no state and changes nothing: it reads what the model keeps. Accounts are names; an unknown name of an account or
instrument is a KeyError.
"""

from decimal import Decimal

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.account import Account
from hedgebot.exchange.books import Books
from hedgebot.exchange.clockwork import Clockwork
from hedgebot.exchange.desk import Desk
from hedgebot.exchange.pnlgrid import CoinGrid, coin_grids
from hedgebot.exchange.position import PositionKey
from hedgebot.exchange.tickers import contract_ticker, option_ticker
from hedgebot.exchange.types import (
    Book,
    DeliveryPrice,
    DeliveryRecord,
    Execution,
    FundingSettlement,
    InterestCharge,
    LedgerEntry,
    Listing,
    OptionTicker,
    PositionIndex,
    SimOrder,
    SimPosition,
    TickerState,
    Trade,
    WalletState,
)
from hedgebot.exchange.wallet import Held, held_now, position_states, wallet_state
from hedgebot.exchange.world import World


class Views:
    """The asking half of an exchange."""

    # Made by the other half.
    _world: World
    _accounts: dict[str, Account]
    _books: Books
    _desk: Desk
    _clockwork: Clockwork

    @property
    def now_ns(self) -> int:
        """The exchange's time, UTC nanoseconds."""
        return self._books.now_ns

    # --- public queries

    def listings(self) -> tuple[Listing, ...]:
        """All instruments, in a fixed order."""
        return tuple(market.listing for market in self._world.markets.values())

    def listing(self, instrument: InstrumentId) -> Listing | None:
        """One instrument; None when there is none."""
        market = self._world.markets.get(instrument)
        return market.listing if market is not None else None

    def book(self, instrument: InstrumentId, depth: int = 50) -> Book:
        """The book as it is now. KeyError for an unknown instrument (as all public queries)."""
        return self._world.markets[instrument].book(depth, self._books.seq, self.now_ns)

    def ticker(self, instrument: InstrumentId) -> TickerState:
        """Ticker of a spot pair, perpetual or future."""
        return contract_ticker(self._world, self._world.markets[instrument], self.now_ns)

    def option_ticker(self, instrument: InstrumentId) -> OptionTicker:
        """Ticker of an option."""
        return option_ticker(self._world, self._world.markets[instrument], self.now_ns)

    def index_price(self, underlying: str) -> float:
        """Index of an underlying in quote currency. KeyError for an unknown one."""
        return self._world.coins[underlying].index

    def trades(self, instrument: InstrumentId, limit: int = 60) -> tuple[Trade, ...]:
        """Newest public trades, oldest first."""
        return tuple(self._world.markets[instrument].tape.trades)[-limit:]

    def funding_rates(self, instrument: InstrumentId) -> tuple[tuple[int, float], ...]:
        """Past settlements as (at_ns, rate), oldest first; at most the last 200."""
        return self._clockwork.funding_rates(instrument)

    def delivery_prices(self) -> tuple[DeliveryPrice, ...]:
        """At which prices what has ended was delivered, oldest first."""
        return self._clockwork.delivery_prices()

    # --- private queries (accounts are names; KeyError for an unknown one)

    def accounts(self) -> tuple[str, ...]:
        """Names of all accounts."""
        return tuple(self._accounts)

    def order(self, account: str, *, order_id: str | None = None, client_id: str | None = None) -> SimOrder | None:
        """One order, open or ended (while the history holds it); order id first."""
        return self._desk.orders.find(account, order_id, client_id)

    def orders_labelled(self, account: str, client_id: str) -> tuple[SimOrder, ...]:
        """All orders with a client id, oldest first: several where the venue's ids need not be unique."""
        return self._desk.orders.labelled(account, client_id)

    def open_orders(self, account: str) -> tuple[SimOrder, ...]:
        """Open orders, oldest first."""
        return self._desk.orders.open_orders(account)

    def order_history(self, account: str, since_ns: int = 0, until_ns: int | None = None) -> tuple[SimOrder, ...]:
        """Ended orders by the time they ended, oldest first."""
        return self._desk.orders.ended(account, since_ns, until_ns)

    def executions(
        self, account: str, since_ns: int = 0, until_ns: int | None = None
    ) -> tuple[Execution | FundingSettlement, ...]:
        """Executions and funding in `since_ns <= at_ns < until_ns`, in `seq` order (oldest first)."""
        return self._books.logs[account].executions.between(since_ns, until_ns)

    def deliveries(self, account: str, since_ns: int = 0, until_ns: int | None = None) -> tuple[DeliveryRecord, ...]:
        """Positions that deliveries closed, oldest first."""
        return self._books.logs[account].deliveries.between(since_ns, until_ns)

    def ledger(self, account: str, since_ns: int = 0, until_ns: int | None = None) -> tuple[LedgerEntry, ...]:
        """Changes of wallet balances, oldest first."""
        return self._books.logs[account].ledger.between(since_ns, until_ns)

    def interest(self, account: str, since_ns: int = 0, until_ns: int | None = None) -> tuple[InterestCharge, ...]:
        """Interest charged on what was borrowed, oldest first."""
        return self._books.logs[account].interest.between(since_ns, until_ns)

    def positions(self, account: str) -> tuple[SimPosition, ...]:
        """Derivative positions that are not flat, in listing order, marked now."""
        holder = self._accounts[account]
        return position_states(self._books.risk, holder, self._held_keys(holder))

    def _held_keys(self, holder: Account) -> list[PositionKey]:
        held = [one.key for one in holder.positions.values() if one.contracts]
        places = {name: number for number, name in enumerate(self._world.markets)}
        held.sort(key=lambda key: (places[key[0]], key[1]))
        return held

    def held(self, account: str) -> tuple[Held, ...]:
        """The same positions in the same order, without their margins: for who asks often what is there."""
        holder, risk = self._accounts[account], self._books.risk
        return tuple(held_now(risk, holder.positions[key]) for key in self._held_keys(holder))

    def coins_of(self, account: str, coin: str) -> Decimal:
        """Coins of one kind in an account's wallet, what is borrowed included."""
        return self._accounts[account].coins.get(coin, ZERO)

    def position(
        self, account: str, instrument: InstrumentId, index: PositionIndex = PositionIndex.ONE_WAY
    ) -> SimPosition | None:
        """One position, flat or not; None if the account never had one there."""
        return next(iter(position_states(self._books.risk, self._accounts[account], [(instrument, index)])), None)

    def wallet(self, account: str) -> WalletState:
        """Balances and margin, marked now."""
        return wallet_state(self._books.risk, self._accounts[account], self.open_orders(account), self.now_ns)

    def portfolio_grids(self, account: str) -> tuple[CoinGrid, ...]:
        """What the account gains in each cell of portfolio margin's grid, by base coin; none in the other modes."""
        risk = self._books.risk
        return coin_grids(self._world, risk.parameters.portfolio, self._accounts[account])
