"""Moves of collateral at Bybit: one request with an id of ours, looked up by it, and what the funding wallet holds.

Never retries and never decides. The one move it can ask for is from the user's own funding account to the user's own
unified account; no address and no other user can be named. Sources: [D] asset/transfer/create-inter-transfer,
inter-transfer-list, [D] asset/balance/all-balance. It needs the key's wallet right AccountTransfer.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from hedgebot.domain.commands import MoveCollateral, QueryMove
from hedgebot.domain.decimals import plain
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.ports import EventSink
from hedgebot.domain.treasury import (
    CollateralMove,
    FundingWalletRead,
    MoveAnswered,
    MoveFound,
    MoveLookedUp,
    MoveOutcome,
)
from hedgebot.venues.asking import NO_ANSWER, ask, said_in_error
from hedgebot.venues.buckets import Budget, Purpose
from hedgebot.venues.connection import VenueConnection
from hedgebot.venues.guard import FAULTS
from hedgebot.venues.profile import Channel, VenueProfile
from hedgebot.venues.queries import Queries
from hedgebot.venues.reading import Raw, as_object, number, text
from hedgebot.venues.replies import MESSAGE_CHARS, listen, sentence

READ_EVERY_S = 10.0
FUNDING, TRADING = "FUND", "UNIFIED"
# The list is asked from a little before the move was sent: its query counts in whole seconds of the venue's clock.
EARLIER_MS = 60_000
_STATUSES = {"SUCCESS": MoveFound.SUCCESS, "PENDING": MoveFound.PENDING, "FAILED": MoveFound.FAILED}


class CollateralDesk:
    """Moves of one account. `client` is the one that orders leave by: it has no limiter between signing and sending."""

    def __init__(
        self,
        connection: VenueConnection,
        profile: VenueProfile,
        client: Any,  # noqa: ANN401  # ccxt is untyped
        queries: Queries,
        budget: Budget,
        sink: EventSink,
        now_ns: Callable[[], int],
    ) -> None:
        self._connection = connection
        self._profile = profile
        self._client = client
        self._queries = queries
        self._budget = budget
        self._sink = sink
        self._now_ns = now_ns
        self._moved = asyncio.Event()

    async def move(self, command: MoveCollateral) -> None:
        """Ask for one move and put its one answer, whatever happens on the way (being cancelled included)."""
        answer = self._answer(command.move, MoveOutcome.UNKNOWN, "local:task", "the sending task did not end")
        try:
            answer = await self._move(command.move)
        finally:
            self._sink.put(answer)
            self._moved.set()

    def refused(self, command: MoveCollateral, code: str, message: str) -> None:
        """Answer a move that never left."""
        self._sink.put(self._answer(command.move, MoveOutcome.REFUSED, code, message))

    async def look_up(self, command: QueryMove) -> None:
        """Look a move up by its id; what another id has is not looked at."""
        asked_at_ns, found, problem = self._now_ns(), MoveFound.UNREADABLE, ""
        since_ms = command.since_ns // NS_PER_MS - EARLIER_MS
        try:
            rows = await self._queries.moves(transferId=command.transfer_id, startTime=str(since_ms))
            mine = [row for row in rows if row.get("transferId") == command.transfer_id]
            found = _STATUSES.get(text(mine[0], "status"), MoveFound.PENDING) if mine else MoveFound.ABSENT
        except FAULTS as error:
            problem = sentence(error)
        self._sink.put(
            MoveLookedUp(
                account=self._connection.account,
                transfer_id=command.transfer_id,
                found=found,
                asked_at_ns=asked_at_ns,
                problem=problem,
            )
        )

    async def run(self) -> None:
        """Read the funding wallet for ever, and at once after a move."""
        while True:
            await self.read()
            self._moved.clear()
            try:
                async with asyncio.timeout(READ_EVERY_S):
                    await self._moved.wait()
            except TimeoutError:
                pass

    async def read(self) -> None:
        """One reading of what may leave the funding wallet."""
        account = self._connection.account
        try:
            rows = await self._queries.funding_wallet()
            held = {text(row, "coin"): number(row, "transferBalance") for row in rows}
        except FAULTS as error:
            self._sink.put(FundingWalletRead(account=account, balances=None, problem=sentence(error)))
            return
        self._sink.put(FundingWalletRead(account=account, balances=held))

    # --- one move -----------------------------------------------------------------------------------------------------

    async def _move(self, move: CollateralMove) -> MoveAnswered:
        left_s = (move.deadline_ns - self._now_ns()) / 1e9
        if left_s <= 0 or not await self._budget.acquire(Purpose.ORDER, "", left_s):
            return self._answer(move, MoveOutcome.REFUSED, "local:throttled", "no request may leave in time, not sent")
        left_ms = (move.deadline_ns - self._now_ns()) // NS_PER_MS
        if left_ms <= 0:
            return self._answer(move, MoveOutcome.REFUSED, "local:deadline", "the deadline passed, not sent")
        reply = listen()
        request = {
            "transferId": move.transfer_id,
            "coin": move.coin,
            "amount": plain(move.qty),
            "fromAccountType": FUNDING,
            "toAccountType": TRADING,
        }
        try:
            answer = await ask(
                self._client,
                lambda: self._client.privatePostV5AssetTransferInterTransfer(request),
                window_ms=int(min(self._connection.recv_window_ms, left_ms)),
                timeout_ms=self._connection.order_timeout_ms,
            )
        except TimeoutError:
            said = NO_ANSWER
        except FAULTS as error:
            said = said_in_error(self._profile, Channel.TRANSFER, reply, error)
        else:
            return self._accepted(move, answer)
        outcome = MoveOutcome.REFUSED if said.verdict.proves_refusal else MoveOutcome.UNKNOWN
        return self._answer(move, outcome, said.code, said.message)

    def _accepted(self, move: CollateralMove, answer: object) -> MoveAnswered:
        """Only a success under our own id is one; pending, failed and anything else is looked up."""
        try:
            result: Raw = as_object(as_object(answer, "the answer").get("result"), "result")
            mine, status = result.get("transferId") == move.transfer_id, str(result.get("status"))
        except FAULTS as error:
            return self._answer(move, MoveOutcome.UNKNOWN, "local:unreadable", sentence(error))
        done = mine and status == "SUCCESS"
        return self._answer(move, MoveOutcome.DONE if done else MoveOutcome.UNKNOWN, "0", status)

    def _answer(self, move: CollateralMove, outcome: MoveOutcome, code: str, message: str) -> MoveAnswered:
        return MoveAnswered(
            account=self._connection.account,
            transfer_id=move.transfer_id,
            outcome=outcome,
            code=code,
            message=message[:MESSAGE_CHARS],
        )
