"""Everything the venue holds for one account: positions, open orders, wallet; then the executions since the cursor.

Executions are asked last: what executes meanwhile is then in them, whether or not the positions showed it already. A
sub-query that failed makes the snapshot incomplete and is named; what it would have listed is unknown, not zero.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from hedgebot.domain.commands import RequestSnapshot
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.events import FillReceived, FrameQuarantined, FundingPaid, SnapshotTaken, Source, Stream
from hedgebot.domain.ports import EventSink
from hedgebot.domain.reports import OrderReport, PositionReport, WalletReport
from hedgebot.venues.guard import FAULTS
from hedgebot.venues.normalise import Scope
from hedgebot.venues.normalise_account import execution, order, position, wallet
from hedgebot.venues.profile import SubQuery
from hedgebot.venues.queries import Queries
from hedgebot.venues.reading import FrameProblem, Raw, ns_from_ms, sample
from hedgebot.venues.replies import sentence

# The venue's and our clocks differ, and executions become visible late: ask for more, identities remove the repeats.
OVERLAP_MS = 60_000
PROBLEM_CHARS, PART_CHARS = 500, 120
Found = TypeVar("Found")


class Snapshots:
    """Takes snapshots, one at a time."""

    def __init__(self, scope: Scope, queries: Queries, sink: EventSink, now_ns: Callable[[], int]) -> None:
        self._scope = scope
        self._queries = queries
        self._sink = sink
        self._now_ns = now_ns
        self._one = asyncio.Lock()

    async def take(self, command: RequestSnapshot) -> None:
        """Pull, put what executed, put the snapshot."""
        async with self._one:
            problems: list[str] = []
            asked_at_ns = self._now_ns()
            positions, open_orders, held = await asyncio.gather(
                self._positions(problems), self._open_orders(problems), self._wallet(problems)
            )
            for fact in await self._executions(command.executions_since_ns // NS_PER_MS, problems):
                self._sink.put(fact)
            self._sink.put(
                SnapshotTaken(
                    account=self._scope.account,
                    request=command.request,
                    complete=not problems,
                    problem="; ".join(sorted(problems))[:PROBLEM_CHARS],
                    positions=positions,
                    open_orders=open_orders,
                    wallet=held,
                    executions_since_ns=command.executions_since_ns,
                    asked_at_ns=asked_at_ns,
                )
            )

    async def _positions(self, problems: list[str]) -> tuple[PositionReport, ...]:
        found = await asyncio.gather(
            *(
                self._listed(
                    "positions", part, self._queries.positions(part.category, **part.narrow), position, problems
                )
                for part in self._scope.profile.positions
            )
        )
        return tuple(report for part in found for report in part if report.contracts != 0)

    async def _open_orders(self, problems: list[str]) -> tuple[OrderReport, ...]:
        found = await asyncio.gather(
            *(
                self._listed("orders", part, self._queries.orders(part.category, **part.narrow), order, problems)
                for part in self._scope.profile.open_orders
            )
        )
        return tuple(report for part in found for report in part if not report.status.is_terminal)

    async def _wallet(self, problems: list[str]) -> WalletReport | None:
        try:
            row, answer = await self._queries.wallet()
            return wallet(self._scope, row, ns_from_ms(answer, "time"))
        except FAULTS as error:
            problems.append(f"wallet: {sentence(error, PART_CHARS)}")
            return None

    async def _executions(self, since_ms: int, problems: list[str]) -> list[FillReceived | FundingPaid]:
        """Executions of every category, oldest first."""
        windows = tuple(_windows(since_ms, self._now_ns() // NS_PER_MS, self._scope.profile.execution_window_ms))

        async def everything(part: SubQuery) -> tuple[Raw, ...]:
            rows: list[Raw] = []
            for start_ms, end_ms in windows:
                rows.extend(
                    await self._queries.executions(
                        part.category, **part.narrow, startTime=str(start_ms), endTime=str(end_ms)
                    )
                )
            return tuple(rows)

        def read(scope: Scope, category: str, row: Raw) -> FillReceived | FundingPaid | None:
            return execution(scope, category, row, Source.QUERY)

        found = await asyncio.gather(
            *(
                self._listed("executions", part, everything(part), read, problems)
                for part in self._scope.profile.executions
            )
        )
        facts = [fact for part in found for fact in part if fact is not None]
        return sorted(facts, key=lambda fact: (fact.venue_at_ns, fact.instrument, fact.trade_id))

    async def _listed(
        self,
        what: str,
        part: SubQuery,
        rows: Awaitable[tuple[Raw, ...]],
        read: Callable[[Scope, str, Raw], Found],
        problems: list[str],
    ) -> list[Found]:
        """The rows of one sub-query, read; a row that cannot be read is quarantined and makes the list incomplete."""
        try:
            raw = await rows
        except FAULTS as error:
            problems.append(f"{what} {part.label}: {sentence(error, PART_CHARS)}")
            return []
        found = []
        for row in raw:
            try:
                found.append(read(self._scope, part.category, row))
            except FrameProblem as error:
                problems.append(f"{what} {part.label}: {sentence(error, PART_CHARS)}")
                self._sink.put(
                    FrameQuarantined(
                        account=self._scope.account,
                        stream=Stream.PRIVATE,
                        topic=f"query:{what}",
                        problem=str(error)[:200],
                        sample=sample(row),
                    )
                )
        return found


def _windows(since_ms: int, now_ms: int, width_ms: int) -> Iterator[tuple[int, int]]:
    """Ranges that the venue accepts, from the cursor minus the overlap until now. Without a cursor: the last range.

    The end lies in the future by the overlap, so that a venue whose clock runs ahead loses nothing.
    """
    end_ms = now_ms + OVERLAP_MS
    start_ms = end_ms - width_ms if since_ms <= 0 else min(since_ms, now_ms) - OVERLAP_MS
    while start_ms < end_ms:
        yield start_ms, min(start_ms + width_ms, end_ms)
        start_ms += width_ms
