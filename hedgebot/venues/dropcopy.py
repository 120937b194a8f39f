"""The drop copy: a second reader of what the venue says was executed, beside streams, snapshots and lookups.

A client and connections of its own, and a reading of its own: of each row it takes the venue's identity and nothing
else, and leaves it to the engine to hold these against its journal. Must not share a parser with the adapter: what one
misreads, the other shall see. Source: [D] order/execution.
"""

import asyncio
import logging
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from hedgebot.domain.dropcopy import ExecutionsRead
from hedgebot.domain.events import Event, FillReceived
from hedgebot.domain.ports import EventSink
from hedgebot.venues.buckets import Budget
from hedgebot.venues.guard import FAULTS
from hedgebot.venues.profile import SubQuery, VenueProfile
from hedgebot.venues.queries import Queries
from hedgebot.venues.reading import FrameProblem, Raw

EVERY_S = 6.0
# How far back each reading goes; the venue shows executions late, and its clock is not ours.
WINDOW_MS = 90_000
AHEAD_MS = 5_000
# Readings that find nothing new are told for so long after a fill came by any way: that they do not list it is news.
SPEAKS_NS = 45_000_000_000
# Identities that were told stay known for so long after the venue last listed them, but no more than so many.
TOLD_MS, TOLD_MAX = 2 * WINDOW_MS, 20_000
_log = logging.getLogger(__name__)


class FillWatch:
    """A sink that passes everything on and notes when the last fill passed. It looks at nothing else of it."""

    def __init__(self, sink: EventSink, now_ns: Callable[[], int]) -> None:
        self._sink = sink
        self._now_ns = now_ns
        # A run before this one may have booked a fill just before its end.
        self.last_ns = now_ns()

    def put(self, event: Event) -> None:
        """Pass an event on."""
        if isinstance(event, FillReceived):
            self.last_ns = self._now_ns()
        self._sink.put(event)


class DropCopy:
    """The second reader of one account. `client` must be used by nobody else; `now_ns` is the wall clock."""

    def __init__(
        self,
        account: str,
        profile: VenueProfile,
        client: Any,  # noqa: ANN401  # ccxt is untyped
        budget: Budget,
        sink: FillWatch,
        now_ns: Callable[[], int],
    ) -> None:
        self.account = account
        self._profile = profile
        self.queries = Queries(client, profile, budget)
        self._sink = sink
        self._now_ns = now_ns
        self._told: dict[str, int] = {}
        self._failed = False

    async def run(self) -> None:
        """Read for ever."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.read()

    async def read(self) -> None:
        """One reading: put the identities that are new since the last one, what failed, and that it is whole again.

        Also that there is nothing new, while the journal may wait for a fill to be listed.
        """
        asked_at_ns = self._now_ns()
        since_ms = asked_at_ns // 1_000_000 - WINDOW_MS
        found: list[str] = []
        problem = ""
        # One after the other: the reading is in no hurry, and never asks in bursts.
        for part in self._profile.executions:
            try:
                found += await self._part(part, since_ms, asked_at_ns // 1_000_000 + AHEAD_MS)
            except FAULTS as error:
                problem = problem or f"{part.label}: {type(error).__name__}"
        new = tuple(one for one in dict.fromkeys(found) if one not in self._told)
        self._remember(found, asked_at_ns // 1_000_000)
        if problem:
            _log.warning("account %s: the drop copy is incomplete (%s)", self.account, problem)
        if new or problem or self._failed or asked_at_ns - self._sink.last_ns <= SPEAKS_NS:
            self._sink.put(
                ExecutionsRead(
                    account=self.account,
                    executions=new,
                    problem=problem[:200],
                    asked_at_ns=asked_at_ns,
                    since_ns=since_ms * 1_000_000,
                )
            )
        self._failed = bool(problem)

    def _remember(self, found: list[str], asked_ms: int) -> None:
        """Keep what the venue listed lately, in the order in which it was listed last."""
        for one in found:
            self._told.pop(one, None)
            self._told[one] = asked_ms
        gone = len(self._told) - TOLD_MAX
        old = [one for nr, (one, at_ms) in enumerate(self._told.items()) if nr < gone or asked_ms - at_ms > TOLD_MS]
        for one in old:
            del self._told[one]

    async def _part(self, part: SubQuery, since_ms: int, until_ms: int) -> list[str]:
        rows = await self.queries.executions(
            part.category, **part.narrow, startTime=str(since_ms), endTime=str(until_ms)
        )
        return [self._identity(part.category, row) for row in rows if _counts(row)]

    def _identity(self, category: str, row: Raw) -> str:
        trade_id = row.get("execId")
        if not isinstance(trade_id, str) or not trade_id:
            msg = f"an execution of {category} without execId"
            raise FrameProblem(msg)
        return f"{self.account}|{self._profile.venue}:{category}|{trade_id}"


def _counts(row: Raw) -> bool:
    """Whether a row moved a position or money: some of the venue's rows are of no quantity."""
    try:
        moved = Decimal(str(row.get("execQty")))
    except InvalidOperation:
        return True
    return moved != 0 or row.get("execType") == "Funding"
