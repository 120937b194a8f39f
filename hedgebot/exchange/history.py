"""What the exchange remembers, within bounds: orders, client ids, executions, ledger entries.

Bounds: per account 20,000 executions and as many ledger entries, 20,000 ended orders over all accounts, 100,000 client
ids. What falls out is the oldest: a query before it finds nothing, and a client id that old could be used again.
"""

from bisect import bisect_left
from collections import deque
from operator import attrgetter
from typing import Generic, Protocol, TypeVar

from hedgebot.exchange.types import DeliveryRecord, Execution, FundingSettlement, InterestCharge, LedgerEntry, SimOrder

LOG_MAX = 20_000
ENDED_MAX = 20_000
CLIENT_IDS_MAX = 100_000


class _Timed(Protocol):
    """Anything with a moment."""

    @property
    def at_ns(self) -> int: ...


T = TypeVar("T", bound=_Timed)


class Log(Generic[T]):
    """Rows in the order in which they happened; at most `limit` plus a tenth, then the oldest tenth goes."""

    def __init__(self, limit: int = LOG_MAX) -> None:
        self._limit = limit
        self._rows: list[T] = []

    def append(self, row: T) -> None:
        """Add a row that is not older than the last."""
        self._rows.append(row)
        if len(self._rows) > self._limit + self._limit // 10:
            del self._rows[: len(self._rows) - self._limit]

    @property
    def last(self) -> T:
        """The newest row; IndexError when there is none."""
        return self._rows[-1]

    def between(self, since_ns: int, until_ns: int | None) -> tuple[T, ...]:
        """Rows with `since_ns <= at_ns < until_ns`, oldest first."""
        key = attrgetter("at_ns")
        first = bisect_left(self._rows, since_ns, key=key)
        last = len(self._rows) if until_ns is None else bisect_left(self._rows, until_ns, key=key)
        return tuple(self._rows[first:last])


class AccountLog:
    """One account's executions (with funding), ledger and interest."""

    def __init__(self) -> None:
        self.executions: Log[Execution | FundingSettlement] = Log()
        self.ledger: Log[LedgerEntry] = Log()
        self.interest: Log[InterestCharge] = Log()
        self.deliveries: Log[DeliveryRecord] = Log()


class OrderStore:
    """All orders by id and client id: open ones, and the newest ended ones."""

    def __init__(self) -> None:
        self._orders: dict[str, SimOrder] = {}
        self._open: dict[str, dict[str, SimOrder]] = {}
        self._ended: deque[str] = deque()
        self._by_client_id: dict[tuple[str, str], str] = {}

    def put(self, order: SimOrder) -> None:
        """Remember the newest state of an order."""
        known = self._orders.get(order.order_id)
        self._orders[order.order_id] = order
        open_orders = self._open.setdefault(order.account, {})
        if known is None and order.client_id is not None:
            self._by_client_id[order.account, order.client_id] = order.order_id
            if len(self._by_client_id) > CLIENT_IDS_MAX:
                del self._by_client_id[next(iter(self._by_client_id))]
        if not order.status.is_terminal:
            open_orders[order.order_id] = order
            return
        open_orders.pop(order.order_id, None)
        if known is None or not known.status.is_terminal:
            self._ended.append(order.order_id)
            if len(self._ended) > ENDED_MAX:
                self._orders.pop(self._ended.popleft(), None)

    def get(self, order_id: str) -> SimOrder | None:
        """An order by the exchange's id."""
        return self._orders.get(order_id)

    def find(self, account: str, order_id: str | None, client_id: str | None) -> SimOrder | None:
        """An account's order by id (first) or client id."""
        if order_id is None and client_id is not None:
            order_id = self._by_client_id.get((account, client_id))
        found = self._orders.get(order_id) if order_id is not None else None
        return found if found is not None and found.account == account else None

    def labelled(self, account: str, client_id: str) -> tuple[SimOrder, ...]:
        """All orders with a client id that are remembered, oldest first: several where ids need not be unique."""
        return tuple(
            order for order in self._orders.values() if order.account == account and order.client_id == client_id
        )

    def used(self, account: str, client_id: str) -> bool:
        """Whether the account has ever used this client id."""
        return (account, client_id) in self._by_client_id

    def open_orders(self, account: str) -> tuple[SimOrder, ...]:
        """Open orders of an account, oldest first."""
        return tuple(self._open.get(account, {}).values())

    def ended(self, account: str, since_ns: int, until_ns: int | None) -> tuple[SimOrder, ...]:
        """Ended orders of an account by the time they ended, oldest first."""
        rows = (self._orders[order_id] for order_id in self._ended)
        return tuple(
            row
            for row in rows
            if row.account == account
            and row.updated_at_ns >= since_ns
            and (until_ns is None or row.updated_at_ns < until_ns)
        )
