"""Booking: executions and funding become balances, positions, history rows and notices, under ids of this run.

Owns accounts, their logs, the sequence that orders everything, and the ids. Must not know why something traded.
"""

from collections.abc import Callable
from decimal import Decimal
from hashlib import blake2b

import msgspec

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.exchange.account import Account, Booking, payment_step
from hedgebot.exchange.history import AccountLog
from hedgebot.exchange.market import Market
from hedgebot.exchange.position import Position, booked_value
from hedgebot.exchange.risk import Risk
from hedgebot.exchange.types import (
    ExecKind,
    Executed,
    Execution,
    FundingSettled,
    FundingSettlement,
    LedgerEntry,
    LedgerKind,
    Notice,
    Origin,
    PositionChanged,
    PositionIndex,
    PublicTrade,
    SimOrder,
    Trade,
    WalletChanged,
)
from hedgebot.exchange.wallet import position_states
from hedgebot.exchange.world import World

LEDGER_KIND = {
    ExecKind.ADL: LedgerKind.ADL,
    ExecKind.BUST: LedgerKind.LIQUIDATION,
    ExecKind.DELIVERY: LedgerKind.DELIVERY,
    ExecKind.SETTLE: LedgerKind.DELIVERY,
    ExecKind.ROLLBACK: LedgerKind.ROLLBACK,
}


class Books:
    """Every account's books on a world."""

    def __init__(self, world: World, accounts: dict[str, Account], tell: Callable[[Notice], None], salt: str) -> None:
        self.world = world
        self.risk = Risk(world)
        self.accounts = accounts
        self.logs = {name: AccountLog() for name in accounts}
        self.now_ns = world.start_ns
        # Whether anybody listens: what is costly to tell is told to nobody otherwise.
        self.heeded = self.market_heeded = True
        self.tell = tell
        self._seq = 0
        self._salt = salt
        # Executions that are booked stand against each other until the next deal begins.
        self.deal = 0

    def next_seq(self) -> int:
        """The next number in the one order of everything."""
        self._seq += 1
        return self._seq

    @property
    def seq(self) -> int:
        """The newest number."""
        return self._seq

    def new_id(self, purpose: str) -> str:
        """An id that is a function of the run: the same in a repeat, another in another run (by the salt)."""
        self._seq += 1
        digest = blake2b(f"{self._salt}/{purpose}/{self._seq}".encode(), digest_size=16).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"

    def new_deal(self) -> None:
        """What is booked from now on is another deal than what was booked before."""
        self.deal += 1

    def book(  # one value for each column of an execution
        self,
        market: Market,
        order: SimOrder,
        qty: Decimal,
        price: Decimal,
        fee: Decimal,
        rate: Decimal,
        kind: ExecKind,
        *,
        is_maker: bool,
    ) -> None:
        """Book one execution of an order (given as it is after it), log it and tell it."""
        account = self.accounts[order.account]
        booking = account.book_trade(market.instrument, order.side, qty, price, fee, order.position_index)
        mark = self.world.option_mark(market)
        execution = Execution(
            exec_id=self.new_id("exec"),
            order=order,
            account=account.name,
            instrument=market.id,
            kind=kind,
            side=order.side,
            qty_contracts=qty,
            price=price,
            value=booked_value(market.instrument, qty, price),
            fee=fee,
            fee_coin=order.fee_coin,
            fee_rate=rate,
            is_maker=is_maker,
            closed_contracts=booking.closed_contracts,
            realised_pnl=booking.realised_pnl,
            mark_price=self.world.mark(market),
            index_price=self.world.index(market),
            mark_iv=mark.iv if mark else None,
            deal=self.deal,
            at_ns=self.now_ns,
            seq=self.next_seq(),
        )
        self._enter(market, execution, booking)

    def take_back(self, market: Market, taken: Execution, order: SimOrder) -> None:
        """Undo an execution (the newest of its position) by one of an order that the venue made, log it and tell it."""
        booking = self.accounts[order.account].take_back(market.instrument, taken)
        mark = self.world.option_mark(market)
        execution = msgspec.structs.replace(
            taken,
            exec_id=self.new_id("exec"),
            order=order,
            kind=ExecKind.ROLLBACK,
            side=order.side,
            fee=-taken.fee,
            is_maker=False,
            closed_contracts=booking.closed_contracts,
            realised_pnl=booking.realised_pnl,
            mark_price=self.world.mark(market),
            index_price=self.world.index(market),
            mark_iv=mark.iv if mark else None,
            deal=self.deal,
            takes_back=taken.exec_id,
            at_ns=self.now_ns,
            seq=self.next_seq(),
        )
        self._enter(market, execution, booking)

    def _enter(self, market: Market, execution: Execution, booking: Booking) -> None:
        """Log what was booked and tell it."""
        account = self.accounts[execution.account]
        self.logs[account.name].executions.append(execution)
        self._log_changes(execution, booking)
        self.tell(Executed(execution=execution))
        self.tell_position(account, market, execution.order.position_index)
        self.tell(WalletChanged(account=account.name))

    def _log_changes(self, execution: Execution, booking: Booking) -> None:
        account = self.accounts[execution.account]
        for coin, cash, fee in booking.changes:
            entry = LedgerEntry(
                account=account.name,
                kind=_ledger_kind(execution),
                instrument=execution.instrument,
                coin=coin,
                side=execution.side,
                qty_contracts=execution.qty_contracts,
                price=execution.price,
                cash_flow=cash,
                fee=fee,
                funding=ZERO,
                change=cash - fee,
                balance_after=account.coins[coin],
                cause=execution.exec_id,
                at_ns=self.now_ns,
                seq=self.next_seq(),
            )
            self.logs[account.name].ledger.append(entry)

    def tell_position(self, account: Account, market: Market, index: PositionIndex) -> None:
        """Tell how a position stands now; where nobody listens, only that the account has changed."""
        if market.instrument.kind is InstrumentKind.SPOT:
            return
        held = account.position(market.instrument, index)
        held.created_at_ns = held.created_at_ns or self.now_ns
        held.updated_at_ns, held.seq = self.now_ns, self.seq
        if not self.heeded:
            self.tell(WalletChanged(account=account.name))
            return
        for position in position_states(self.risk, account, [held.key]):
            self.tell(PositionChanged(position=position))

    def print(self, market: Market, taker: Side, price: Decimal, qty: Decimal) -> None:
        """Print a public trade."""
        trade = Trade(
            trade_id=self.new_id("print"),
            instrument=market.id,
            side=taker,
            price=price,
            qty_contracts=qty,
            at_ns=self.now_ns,
            seq=self.next_seq(),
        )
        market.tape.print(trade, booked_value(market.instrument, qty, price))
        if self.market_heeded:
            self.tell(PublicTrade(trade=trade))

    def settle_funding(self, market: Market, rate: float) -> None:
        """Have every holder of a perpetual pay or receive: value at mark times rate; longs pay when it is positive."""
        for account in self.accounts.values():
            for held in account.held(market.id):
                self._fund(market, account, held, Decimal(str(round(rate, 10))))

    def _fund(self, market: Market, account: Account, position: Position, rate: Decimal) -> None:
        """One position's payment, in its settlement coin."""
        mark, coin, held = self.world.mark(market), market.instrument.settle, position.contracts
        cost = (market.instrument.value_settle(held, mark) * rate).quantize(payment_step(market.instrument))
        account.pay(coin, cost)
        exec_id = self.new_id("funding")
        settlement = FundingSettlement(
            exec_id=exec_id,
            account=account.name,
            instrument=market.id,
            position_index=position.index,
            contracts=held,
            mark_price=mark,
            index_price=self.world.index(market),
            rate=float(rate),
            cost=cost,
            coin=coin,
            at_ns=self.now_ns,
            seq=self.next_seq(),
        )
        entry = LedgerEntry(
            account=account.name,
            kind=LedgerKind.FUNDING,
            instrument=market.id,
            coin=coin,
            side=Side.of(held),
            qty_contracts=abs(held),
            price=mark,
            cash_flow=ZERO,
            fee=ZERO,
            funding=cost,
            change=-cost,
            balance_after=account.coins[coin],
            cause=exec_id,
            at_ns=self.now_ns,
            seq=self.next_seq(),
        )
        self.logs[account.name].executions.append(settlement)
        self.logs[account.name].ledger.append(entry)
        self.tell(FundingSettled(settlement=settlement))
        self.tell(WalletChanged(account=account.name))


def _ledger_kind(execution: Execution) -> LedgerKind:
    """A ladder's steps are trades in the market, and part of a liquidation all the same."""
    if execution.order.origin is Origin.LIQUIDATION:
        return LedgerKind.LIQUIDATION
    return LEDGER_KIND.get(execution.kind, LedgerKind.TRADE)
