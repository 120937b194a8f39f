"""The venue's own account of funding: settlements of its transaction log, to hold against what executions told.

Reads on the drop copy's client, apart from the streams. The log's `funding` is positive when received, the opposite of
an execution's fee. Source: [D] account/transaction-log.
"""

import asyncio
import logging
from collections.abc import Callable

from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.instrument import instrument_id
from hedgebot.domain.ports import EventSink
from hedgebot.domain.risk_events import FundingRead, FundingRow
from hedgebot.venues.guard import FAULTS
from hedgebot.venues.profile import VenueProfile
from hedgebot.venues.queries import Queries
from hedgebot.venues.reading import Raw, ns_from_ms, number_or_none, text, text_or_none

EVERY_S = 600.0
WINDOW_MS = 12 * 3_600_000
# Settlements show late in either account; what is younger is read the next time.
SETTLED_MS = 300_000
_log = logging.getLogger(__name__)


class FundingLog:
    """Reads one account's settlements for ever; `now_ns` is the wall clock."""

    def __init__(
        self, account: str, profile: VenueProfile, queries: Queries, sink: EventSink, now_ns: Callable[[], int]
    ) -> None:
        self._account = account
        self._profile = profile
        self._queries = queries
        self._sink = sink
        self._now_ns = now_ns

    async def run(self) -> None:
        """Read for ever; the first reading says only where comparing begins."""
        while True:
            await self.read()
            await asyncio.sleep(EVERY_S)

    async def read(self) -> None:
        """One reading; one that fails is told to the log and tried again at its time."""
        until_ms = self._now_ns() // NS_PER_MS - SETTLED_MS
        since_ms = until_ms - WINDOW_MS
        try:
            rows = await self._queries.settlements(startTime=str(since_ms), endTime=str(until_ms))
            found = tuple(one for row in rows if (one := self._row(row)) is not None)
        except FAULTS as error:
            _log.warning("account %s: its funding could not be read (%s)", self._account, type(error).__name__)
            return
        self._sink.put(
            FundingRead(account=self._account, since_ns=since_ms * NS_PER_MS, until_ns=until_ms * NS_PER_MS, rows=found)
        )

    def _row(self, row: Raw) -> FundingRow | None:
        received, category = number_or_none(row, "funding"), text_or_none(row, "category")
        if not received or category is None:
            return None
        return FundingRow(
            instrument=instrument_id(self._profile.venue, category, text(row, "symbol")),
            cost=-received,
            at_ns=ns_from_ms(row, "transactionTime"),
        )
