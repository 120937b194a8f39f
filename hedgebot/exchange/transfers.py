"""Moves of coins between an account's two wallets: the unified (trading) one and the funding one.

Owns the rules of such a move, its booking and the record of it. What is in the funding wallet is no collateral and no
equity of the unified account. Who may ask for a move is the wire's. Source: docs/v5/asset/transfer/
{create-inter-transfer, inter-transfer-list}.mdx and docs/v5/error.mdx ("Asset").
"""

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum

from hedgebot.domain.decimals import ZERO, floor_to_step, is_multiple
from hedgebot.exchange.books import Books
from hedgebot.exchange.quotes import Value
from hedgebot.exchange.types import LedgerEntry, LedgerKind, WalletChanged, WalletState

STEP = Decimal("1e-8")
KEPT_MAX = 5_000
"""Transfers remembered for each account, ids included."""


class Wallet(StrEnum):
    """The two wallets of one user, in the venue's words."""

    UNIFIED = "UNIFIED"
    FUND = "FUND"


class TransferProblem(StrEnum):
    """Why a transfer is not made."""

    SAME_WALLET = "same_wallet"
    BAD_AMOUNT = "bad_amount"
    BAD_ACCURACY = "bad_accuracy"
    ID_EXISTS = "id_exists"
    TOO_LITTLE = "too_little"


class Transfer(Value, frozen=True, kw_only=True):
    """One move that was made; `qty` > 0 in `coin`."""

    transfer_id: str
    coin: str
    qty: Decimal
    source: Wallet
    target: Wallet
    at_ns: int


class TransferDesk:
    """Moves of all accounts. KeyError for an unknown account."""

    def __init__(self, books: Books, wallet: Callable[[str], WalletState]) -> None:
        """`wallet` says how a unified account stands now."""
        self._books = books
        self._wallet = wallet
        self._made: dict[str, dict[str, Transfer]] = {}

    def move(
        self, account: str, transfer_id: str, coin: str, qty: Decimal, source: Wallet, target: Wallet
    ) -> Transfer | TransferProblem:
        """Move coins at once, or say why not; an id is taken once. A refusal leaves no trace."""
        holder, made = self._books.accounts[account], self._made.setdefault(account, {})
        if source is target:
            return TransferProblem.SAME_WALLET
        if not qty.is_finite() or qty <= 0:
            return TransferProblem.BAD_AMOUNT
        if not is_multiple(qty, STEP):
            return TransferProblem.BAD_ACCURACY
        if transfer_id in made:
            return TransferProblem.ID_EXISTS
        if qty > self.free_qty(account, coin, source):
            return TransferProblem.TOO_LITTLE
        inward = qty if target is Wallet.UNIFIED else -qty
        holder.funding[coin] = holder.funding.get(coin, ZERO) - inward
        holder.coins[coin] = holder.coins.get(coin, ZERO) + inward
        found = Transfer(
            transfer_id=transfer_id, coin=coin, qty=qty, source=source, target=target, at_ns=self._books.now_ns
        )
        made[transfer_id] = found
        if len(made) > KEPT_MAX:
            del made[next(iter(made))]
        self._book(account, coin, inward, transfer_id)
        return found

    def made(self, account: str) -> tuple[Transfer, ...]:
        """Every transfer of an account that is remembered, oldest first."""
        return tuple(self._made.get(account, {}).values())

    def funding(self, account: str) -> dict[str, Decimal]:
        """What the funding wallet holds, by coin."""
        return {coin: qty for coin, qty in self._books.accounts[account].funding.items() if qty}

    def free_qty(self, account: str, coin: str, source: Wallet) -> Decimal:
        """What of a coin could leave a wallet: its balance, and of the trading one no more than the margin leaves."""
        if source is Wallet.FUND:
            return self._books.accounts[account].funding.get(coin, ZERO)
        return free_qty(self._wallet(account), coin)

    def _book(self, account: str, coin: str, inward: Decimal, transfer_id: str) -> None:
        books = self._books
        books.logs[account].ledger.append(
            LedgerEntry(
                account=account,
                kind=LedgerKind.TRANSFER_IN if inward > 0 else LedgerKind.TRANSFER_OUT,
                instrument=None,
                coin=coin,
                side=None,
                qty_contracts=ZERO,
                price=ZERO,
                cash_flow=inward,
                fee=ZERO,
                funding=ZERO,
                change=inward,
                balance_after=books.accounts[account].coins[coin],
                cause=transfer_id,
                at_ns=books.now_ns,
                seq=books.next_seq(),
            )
        )
        books.tell(WalletChanged(account=account))


def free_qty(wallet: WalletState, coin: str) -> Decimal:
    """What of a coin could leave a unified account: no more than its balance, and no more than the margin leaves."""
    one = next((one for one in wallet.coins if one.coin == coin), None)
    if one is None:
        return ZERO
    free = max(one.wallet - one.locked, ZERO)
    if one.usd_price > 0.0 and one.collateral_ratio > 0.0:
        free = min(free, Decimal(str(wallet.available_usd / one.usd_price / one.collateral_ratio)))
    return floor_to_step(free, STEP)
