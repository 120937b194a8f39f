"""Rollback: the venue takes executions back, and books stand as they did before them.

Owns what goes together. Positions hold their cost as a sum, which only their newest trade can leave exactly: whatever
is taken back takes all later executions in the same instrument of the account with it, and each takes the other side of
its deal along, until nothing is left to follow. What remains is a state in which the account once was. Funding and
interest stay paid; what was delivered, or taken back before, is left alone.
"""

import msgspec

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.instrument import InstrumentId, InstrumentKind
from hedgebot.domain.orders import OrderStatus, TimeInForce
from hedgebot.exchange.account import Account
from hedgebot.exchange.desk import Desk
from hedgebot.exchange.market import Market
from hedgebot.exchange.modes import has_hedge_mode
from hedgebot.exchange.trouble import Rollback
from hedgebot.exchange.troubles.insurance import Insurance
from hedgebot.exchange.types import EndReason, ExecKind, Execution, OrderType, Origin, PositionIndex, SelfTrade

_FINAL = frozenset({ExecKind.DELIVERY, ExecKind.SETTLE, ExecKind.ROLLBACK})
Key = tuple[str, InstrumentId]
"""An account and an instrument."""


class Rollbacks:
    """Takes executions of a desk back."""

    def __init__(self, desk: Desk, insurance: Insurance) -> None:
        self._desk = desk
        self._books = desk.books
        self._insurance = insurance

    def strike(self, trouble: Rollback) -> None:
        """Take back what the trouble says (of a quiet time: nothing); ValueError names who or what is not known."""
        self._check(trouble)
        taken = self._together(trouble)
        keys = sorted({(row.account, row.instrument) for row in taken})
        for account, instrument in keys:
            for order in self._desk.orders.open_orders(account):
                if order.instrument == instrument:
                    self._desk.end(order, EndReason.ADMIN)
        for row in sorted(taken, key=lambda row: -row.seq):
            self._take_back(row)
        self._insurance.take_back({row.deal for row in taken})
        for name, instrument in keys:
            _restore_mode(self._books.accounts[name], self._desk.world.markets[instrument])

    def _check(self, trouble: Rollback) -> None:
        known = self._books.accounts
        for name in trouble.accounts:
            if name not in known:
                raise ValueError(f"accounts has {name!r}, it must be one of {', '.join(known)}")
        for instrument in trouble.instruments:
            if instrument not in self._desk.world.markets:
                raise ValueError(f"instruments has {instrument!r}: there is none of that name")

    def _together(self, trouble: Rollback) -> list[Execution]:
        """What was chosen, and all that has to go with it."""
        rows, since_ns = self._revocable(), self._books.now_ns - int(trouble.last_s * NS_PER_S)
        taken = [
            row
            for row in rows
            if row.at_ns >= since_ns
            and (not trouble.accounts or row.account in trouble.accounts)
            and (not trouble.instruments or row.instrument in trouble.instruments)
        ]
        while True:
            wider = self._wider(rows, taken)
            if len(wider) == len(taken):
                return taken
            taken = wider

    def _wider(self, rows: list[Execution], taken: list[Execution]) -> list[Execution]:
        """One step further: the other sides of deals, and what came later in the same positions."""
        ids, deals, first = {row.exec_id for row in taken}, {row.deal for row in taken}, dict[Key, int]()
        for row in taken:
            if self._desk.world.markets[row.instrument].instrument.kind is not InstrumentKind.SPOT:
                key = (row.account, row.instrument)
                first[key] = min(first.get(key, row.seq), row.seq)

        def goes_along(row: Execution) -> bool:
            since = first.get((row.account, row.instrument))
            return row.exec_id in ids or row.deal in deals or (since is not None and row.seq >= since)

        return [row for row in rows if goes_along(row)]

    def _revocable(self) -> list[Execution]:
        """Every execution that is remembered, still stands, and is of something that has not been delivered."""
        logs = self._books.logs.values()
        every = [row for log in logs for row in log.executions.between(0, None) if isinstance(row, Execution)]
        gone = {row.takes_back for row in every}
        return [
            row
            for row in every
            if row.kind not in _FINAL and row.exec_id not in gone and self._is_alive(row.instrument)
        ]

    def _is_alive(self, instrument: InstrumentId) -> bool:
        market = self._desk.world.markets.get(instrument)
        return market is not None and market.listing.settlement_price is None

    def _take_back(self, row: Execution) -> None:
        """Undo one execution by the whole of an order that the venue makes for it."""
        books = self._books
        books.new_deal()
        order = msgspec.structs.replace(
            row.order,
            order_id=books.new_id("order"),
            client_id=None,
            origin=Origin.ADMIN,
            side=row.side.opposite,
            type=OrderType.MARKET,
            qty_contracts=row.qty_contracts,
            limit_price=None,
            time_in_force=TimeInForce.IOC,
            reduce_only=False,
            status=OrderStatus.FILLED,
            filled_contracts=row.qty_contracts,
            filled_value=row.value,
            average_price=row.price,
            fee=-row.fee,
            end_reason=None,
            self_trade=SelfTrade.NONE,
            self_trade_group=0,
            self_trade_order_id=None,
            created_at_ns=books.now_ns,
            updated_at_ns=books.now_ns,
            seq=books.next_seq(),
        )
        self._desk.orders.put(order)
        books.take_back(self._desk.world.markets[row.instrument], row, order)


def _restore_mode(account: Account, market: Market) -> None:
    """Positions of the other position mode came back, and it with them."""
    if not has_hedge_mode(market.instrument):
        return
    for index in PositionIndex:
        hedged = index is not PositionIndex.ONE_WAY
        if account.contracts(market.id, index) != ZERO and account.modes.is_hedged(market.instrument) is not hedged:
            account.modes.by_instrument[market.id] = hedged
