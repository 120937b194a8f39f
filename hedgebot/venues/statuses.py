"""Whether the venue trades the markets that are watched, as it says itself: Trading, or another word.

Its list of instruments names only what trades (docs/v5/market/instrument.mdx, `status`). What is missing there is asked
for by its symbol before it is called shut: a list that came back short shuts no market. While one is shut it is asked
for again and again, so that it is known within seconds when it trades anew. Options are left out: nothing is hedged in
one. Owns when is asked; what follows from an answer is the engine's.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping

import ccxt

from hedgebot.domain.instrument import InstrumentId, category_of
from hedgebot.domain.ports import EventSink
from hedgebot.domain.venue_events import MarketsRead
from hedgebot.venues.guard import FAULTS
from hedgebot.venues.queries import Queries
from hedgebot.venues.replies import sentence
from hedgebot.venues.table import InstrumentTable

TRADING = "Trading"
UNLISTED = "not listed"
ASK_EVERY_S = 10.0
_log = logging.getLogger(__name__)


class MarketStatuses:
    """What is known of one venue's markets. `reload` is called when one trades whose rules were never read."""

    def __init__(self, venue: str, queries: Queries, sink: EventSink, table: InstrumentTable) -> None:
        self._venue = venue
        self._queries = queries
        self._sink = sink
        self._table = table
        self._listed: Mapping[InstrumentId, str] = {}
        self._shut: dict[InstrumentId, str] = {}
        # Being asked for now, and whether the answer is told though it may be no news.
        self._asking: dict[InstrumentId, bool] = {}
        self.watched: Callable[[], Iterable[InstrumentId]] = tuple
        self.reload: Callable[[], None] = lambda: None

    async def take(self, listed: Mapping[InstrumentId, str]) -> None:
        """A whole list was read, with each instrument's status: tell of what is watched."""
        self._listed = listed
        await self._tell_of(self.watched(), listed)

    async def look(self, instruments: Iterable[InstrumentId]) -> None:
        """Tell of instruments, told already or not: whoever asks may have forgotten, or not have wanted it then.

        The list that was read last may be an hour old. It is believed of what trades there and was not heard of since.
        """
        trading = {one: word for one, word in self._listed.items() if word == TRADING and one not in self._shut}
        await self._tell_of(instruments, trading)

    async def _tell_of(self, instruments: Iterable[InstrumentId], known: Mapping[InstrumentId, str]) -> None:
        """Tell of instruments by what is known; what is not is asked for."""
        wanted = [one for one in instruments if category_of(one) != "option"]
        self._tell({one: known[one] for one in wanted if one in known})
        for one in wanted:
            if one not in known:
                await self.ask(one)

    async def ask(self, instrument: InstrumentId, *, news_only: bool = False) -> None:
        """Ask for one instrument and tell what the venue says; an answer that does not come says nothing."""
        if instrument in self._asking:
            self._asking[instrument] |= not news_only
            return
        self._asking[instrument] = not news_only
        try:
            status = await self._status(instrument)
        except FAULTS as error:
            _log.warning("the status of %s could not be read: %s", instrument, sentence(error))
            return
        finally:
            tells = self._asking.pop(instrument)
        if status == TRADING and self._table.symbol(instrument) is None:
            # It cannot be traded before its rules and the client's name of it are there: the list tells of it then.
            self.reload()
            return
        if not tells and self._shut.get(instrument) == status:
            return
        self._tell({instrument: status})

    async def run(self) -> None:
        """Ask for what is shut until it trades again, or until nobody watches it any more."""
        while True:
            await asyncio.sleep(ASK_EVERY_S)
            watched = set(self.watched())
            self._shut = {one: status for one, status in self._shut.items() if one in watched}
            for one in list(self._shut):
                await self.ask(one, news_only=True)

    async def _status(self, instrument: InstrumentId) -> str:
        symbol = instrument.rsplit(":", 1)[1]
        try:
            rows = await self._queries.instrument(category_of(instrument), symbol)
        except ccxt.BadSymbol:
            return UNLISTED
        return next((str(row.get("status")) for row in rows if row.get("symbol") == symbol), UNLISTED)

    def _tell(self, statuses: Mapping[InstrumentId, str]) -> None:
        """Put it also where it is no news: the engine may know another thing, from before a restart."""
        shut = {one: status for one, status in statuses.items() if status != TRADING}
        trading = tuple(one for one in statuses if one not in shut)
        for one in trading:
            self._shut.pop(one, None)
        self._shut |= shut
        if statuses:
            self._sink.put(MarketsRead(venue=self._venue, trading=trading, shut=shut))
