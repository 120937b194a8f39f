"""The simulated adapter's part in moves of collateral: asks for a move, looks one up, reads the funding wallet.

Owns these requests and their answers, on virtual time. It never decides and never asks for a move twice.
"""

from collections.abc import Callable

from hedgebot.domain.commands import MoveCollateral, QueryMove
from hedgebot.domain.durations import NS_PER_MS, NS_PER_S
from hedgebot.domain.treasury import (
    FundingWalletRead,
    MoveAnswered,
    MoveFound,
    MoveLookedUp,
    MoveOutcome,
)
from hedgebot.exchange.link_types import Call
from hedgebot.exchange.transfers import Transfer, TransferProblem, Wallet
from hedgebot.lab.seat import Seat

READ_EVERY_NS = 10 * NS_PER_S
TIMEOUT_NS = 3 * NS_PER_S


class SimCollateral:
    """The wallets of one account; `signing_ms` is what requests are signed with."""

    def __init__(self, seat: Seat, signing_ms: Callable[[], int]) -> None:
        self._seat = seat
        self._signing_ms = signing_ms
        self._running = False

    def start(self) -> None:
        """Begin to read the funding wallet, where the account has one with something in it."""
        self._running = bool(self._seat.exchange.transfers.funding(self._seat.holder))
        if self._running:
            self._read()

    def stop(self) -> None:
        """Read no more."""
        self._running = False

    def move(self, command: MoveCollateral) -> None:
        """Ask for a move once; its answer may be lost."""
        move = command.move
        window_ms = (move.deadline_ns - self._seat.clock()) // NS_PER_MS

        def told(outcome: MoveOutcome, code: str, message: str = "") -> MoveAnswered:
            return MoveAnswered(
                account=self._seat.account, transfer_id=move.transfer_id, outcome=outcome, code=code, message=message
            )

        def work() -> MoveAnswered:
            made = self._seat.exchange.transfers.move(
                self._seat.holder, move.transfer_id, move.coin, move.qty, Wallet.FUND, Wallet.UNIFIED
            )
            if isinstance(made, Transfer):
                return told(MoveOutcome.DONE, "0")
            known = made is TransferProblem.ID_EXISTS
            return told(MoveOutcome.UNKNOWN if known else MoveOutcome.REFUSED, made.value)

        if window_ms <= 0:
            self._seat.put(told(MoveOutcome.REFUSED, "local:deadline", "the deadline passed, not sent"))
            return
        call: Call[MoveAnswered] = Call(
            name="move",
            sent_ms=self._signing_ms(),
            window_ms=window_ms,
            refuse=lambda refusal: told(MoveOutcome.REFUSED, refusal.reason.value, refusal.detail),
        )
        self._seat.link.request(
            work,
            self._seat.put,
            lambda why: self._seat.put(told(MoveOutcome.UNKNOWN, "timeout", why)),
            TIMEOUT_NS,
            call,
        )

    def look_up(self, command: QueryMove) -> None:
        """Look a move up by its id."""
        asked_at_ns = self._seat.clock()

        def told(found: MoveFound, problem: str = "") -> MoveLookedUp:
            return MoveLookedUp(
                account=self._seat.account,
                transfer_id=command.transfer_id,
                found=found,
                asked_at_ns=asked_at_ns,
                problem=problem,
            )

        def work() -> MoveLookedUp:
            made = (one.transfer_id for one in self._seat.exchange.transfers.made(self._seat.holder))
            return told(MoveFound.SUCCESS if command.transfer_id in made else MoveFound.ABSENT)

        call: Call[MoveLookedUp] = Call(name="query.move", sent_ms=self._signing_ms())
        self._seat.link.request(
            work, self._seat.put, lambda why: self._seat.put(told(MoveFound.UNREADABLE, why)), TIMEOUT_NS, call
        )

    def _read(self) -> None:
        if not self._running:
            return
        account = self._seat.account
        call: Call[FundingWalletRead] = Call(name="query.funding_wallet", sent_ms=self._signing_ms())
        self._seat.link.request(
            lambda: FundingWalletRead(
                account=account, balances=self._seat.exchange.transfers.funding(self._seat.holder)
            ),
            self._seat.put,
            lambda why: self._seat.put(FundingWalletRead(account=account, balances=None, problem=why)),
            TIMEOUT_NS,
            call,
        )
        self._seat.timeline.after(READ_EVERY_NS, self._read)
