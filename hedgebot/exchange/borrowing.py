"""What the unified account charges for coins that it has lent: interest, once an hour, and the record of it.

Owns when interest is due and how it is booked; how much is owed is `valuation.py`, terms are data. Coins are borrowed
and repaid without a request: a balance that goes below zero owes, and what comes in repays first. Pure of clocks: the
moment is handed in. Source: Bybit's help page "Borrowing, Interest and Repayment (Unified Trading Account)", 2025-10-22
(charged five minutes after each hour on what is owed then); docs/v5/account/borrow-history.mdx.
"""

from decimal import ROUND_HALF_EVEN, Decimal

from hedgebot.domain.decimals import ZERO
from hedgebot.exchange.account import Account
from hedgebot.exchange.books import Books
from hedgebot.exchange.history import OrderStore
from hedgebot.exchange.position import FEE_STEP
from hedgebot.exchange.types import InterestCharge, LedgerEntry, LedgerKind, WalletChanged
from hedgebot.exchange.valuation import CoinSum
from hedgebot.margin.collateral import Debt, hourly_interest

HOUR_NS = 3_600 * 1_000_000_000
PAST_THE_HOUR_NS = 5 * 60 * 1_000_000_000


class Lending:
    """Charges every account of an exchange."""

    def __init__(self, books: Books, orders: OrderStore) -> None:
        self._books = books
        self._orders = orders
        self._due_ns = _next_due(books.now_ns)

    def charge(self) -> None:
        """Charge an hour's interest to whoever owes, if it is due now; several missed hours are charged once each."""
        while self._due_ns <= self._books.now_ns:
            for account in self._books.accounts.values():
                self._charge(account)
            self._due_ns += HOUR_NS

    def _charge(self, account: Account) -> None:
        valuation = self._books.risk.valuation
        sums = valuation.sums(account, valuation.working(self._orders.open_orders(account.name)))
        for coin, owed in valuation.debts(account, sums).items():
            terms = valuation.parameters.borrowing_of(coin)
            interest = Decimal(repr(hourly_interest(terms, owed))).quantize(FEE_STEP, rounding=ROUND_HALF_EVEN)
            if interest:
                self._book(account, coin, sums[coin], owed, terms.hourly_rate, interest)

    def _book(  # one value for each column of a charge
        self, account: Account, coin: str, held: CoinSum, owed: Debt, hourly_rate: float, interest: Decimal
    ) -> None:
        books, log = self._books, self._books.logs[account.name]
        borrowed = held.debt(account.margin.mode)
        account.pay(coin, interest)
        charge_id = books.new_id("interest")
        log.interest.append(
            InterestCharge(
                charge_id=charge_id,
                account=account.name,
                coin=coin,
                borrowed=borrowed,
                bearing=borrowed - Decimal(repr(owed.free)).quantize(FEE_STEP),
                unrealised_loss=-min(held.profit, ZERO),
                hourly_rate=hourly_rate,
                interest=interest,
                at_ns=books.now_ns,
                seq=books.next_seq(),
            )
        )
        log.ledger.append(
            LedgerEntry(
                account=account.name,
                kind=LedgerKind.INTEREST,
                instrument=None,
                coin=coin,
                side=None,
                qty_contracts=ZERO,
                price=ZERO,
                cash_flow=ZERO,
                fee=ZERO,
                funding=ZERO,
                interest=interest,
                change=-interest,
                balance_after=account.coins[coin],
                cause=charge_id,
                at_ns=books.now_ns,
                seq=books.next_seq(),
            )
        )
        books.tell(WalletChanged(account=account.name))


def _next_due(now_ns: int) -> int:
    """The first five minutes past an hour after a moment."""
    return ((now_ns - PAST_THE_HOUR_NS) // HOUR_NS + 1) * HOUR_NS + PAST_THE_HOUR_NS
