"""The simulated exchange: deterministic, in process, on the caller's time. Its public face for the wire, the lab and tests.

Owns the order of things: time first, then requests at that time. It reads no clock, waits for nothing and does no IO.
"""

from collections.abc import Callable

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.types import (
    Ack,
    Book,
    EndpointClass,
    Execution,
    FundingSettlement,
    LedgerEntry,
    Listing,
    Notice,
    OptionTicker,
    OrderRequest,
    RateState,
    Refusal,
    RefusalReason,
    SimOrder,
    SimPosition,
    TickerState,
    Trade,
    WalletState,
)


class Exchange:
    """One simulated exchange with all its accounts. Give it time with `advance` before each request.

    Same scenario, same start, same calls: same answers and notices. Histories are bounded (`history.py` says how).
    """

    def __init__(self, scenario: Scenario, now_ns: int) -> None:
        self.scenario = scenario
        self.now_ns = now_ns
        self._listeners: list[Callable[[Notice], None]] = []

    # --- time and notices

    def advance(self, now_ns: int) -> None:
        """Let the world run to `now_ns`; earlier than now is ignored. Notices are delivered while it runs."""
        self.now_ns = max(self.now_ns, now_ns)

    def listen(self, callback: Callable[[Notice], None]) -> Callable[[], None]:
        """Have every notice told to `callback`, in order; the answer ends that. It must not send requests itself."""
        self._listeners.append(callback)
        return lambda: self._listeners.remove(callback)

    def set_client_flow(self, *, enabled: bool) -> None:
        """Switch the generator of client trading on or off (from now on)."""

    # --- requests (each counts against its rate bucket)

    def place(self, request: OrderRequest) -> Ack | Refusal:
        """Take an order and match it at once. A refusal leaves no trace; an Ack says nothing about fills."""
        return Refusal(reason=RefusalReason.INSTRUMENT_NOT_TRADING, detail="not open yet")

    def cancel(
        self, account: str, instrument: InstrumentId, *, order_id: str | None = None, client_id: str | None = None
    ) -> Ack | Refusal:
        """Cancel one order by its id or client id (order id first)."""
        return Refusal(reason=RefusalReason.UNKNOWN_ORDER, detail="no such order")

    def cancel_all(self, account: str, chosen: Callable[[Listing], bool]) -> tuple[Ack, ...] | Refusal:
        """Cancel every open order of the account on instruments that `chosen` picks."""
        return ()

    def charge(self, account: str, endpoint: EndpointClass) -> RateState:
        """Count one request that is no order request; the face answers "rate limited" itself when not allowed."""
        return RateState(allowed=True, limit=50, remaining=49, reset_at_ns=self.now_ns)

    def rate_state(self, account: str, endpoint: EndpointClass) -> RateState:
        """Where a bucket stands, without counting."""
        return RateState(allowed=True, limit=50, remaining=50, reset_at_ns=self.now_ns)

    # --- public queries

    def listings(self) -> tuple[Listing, ...]:
        """All instruments, in a fixed order."""
        return ()

    def listing(self, instrument: InstrumentId) -> Listing | None:
        """One instrument; None when there is none."""
        return None

    def book(self, instrument: InstrumentId, depth: int = 50) -> Book:
        """The book as it is now. KeyError for an unknown instrument (as all public queries)."""
        raise KeyError(instrument)

    def ticker(self, instrument: InstrumentId) -> TickerState:
        """Ticker of a spot pair or perpetual."""
        raise KeyError(instrument)

    def option_ticker(self, instrument: InstrumentId) -> OptionTicker:
        """Ticker of an option."""
        raise KeyError(instrument)

    def trades(self, instrument: InstrumentId, limit: int = 60) -> tuple[Trade, ...]:
        """Newest public trades, oldest first."""
        return ()

    def funding_rates(self, instrument: InstrumentId) -> tuple[tuple[int, float], ...]:
        """Past settlements as (at_ns, rate), oldest first."""
        return ()

    # --- private queries (accounts are names; KeyError for an unknown one)

    def accounts(self) -> tuple[str, ...]:
        """Names of all accounts."""
        return tuple(spec.name for spec in self.scenario.accounts)

    def order(self, account: str, *, order_id: str | None = None, client_id: str | None = None) -> SimOrder | None:
        """One order, open or ended (while the history holds it); order id first."""
        return None

    def open_orders(self, account: str) -> tuple[SimOrder, ...]:
        """Open orders, oldest first."""
        return ()

    def order_history(self, account: str, since_ns: int = 0, until_ns: int | None = None) -> tuple[SimOrder, ...]:
        """Ended orders by the time they ended, oldest first."""
        return ()

    def executions(
        self, account: str, since_ns: int = 0, until_ns: int | None = None
    ) -> tuple[Execution | FundingSettlement, ...]:
        """Executions and funding in `since_ns <= at_ns < until_ns`, in `seq` order (oldest first)."""
        return ()

    def ledger(self, account: str, since_ns: int = 0, until_ns: int | None = None) -> tuple[LedgerEntry, ...]:
        """Changes of wallet balances, oldest first."""
        return ()

    def positions(self, account: str) -> tuple[SimPosition, ...]:
        """Derivative positions that are not flat, in listing order, marked now."""
        return ()

    def position(self, account: str, instrument: InstrumentId) -> SimPosition | None:
        """One position, flat or not; None if the account never had one there."""
        return None

    def wallet(self, account: str) -> WalletState:
        """Balances and margin, marked now."""
        raise KeyError(account)
