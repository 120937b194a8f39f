"""Whether the exchange trades the markets that are watched, as the simulated adapter gets to know it.

As the adapter does: from the list that it reads at its start, after a refusal by a market's state, and every ten
seconds while one is shut. Nobody pushes a status. Owns these requests and their answers, on virtual time.
"""

from collections.abc import Iterable, Mapping

from hedgebot.domain.durations import NS_PER_MS, NS_PER_S
from hedgebot.domain.instrument import InstrumentId, category_of
from hedgebot.domain.venue_events import MarketsRead
from hedgebot.exchange.link_types import Call
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.types import InstrumentStatus
from hedgebot.lab.seat import Seat

ASK_EVERY_NS = 10 * NS_PER_S
TIMEOUT_NS = 10 * NS_PER_S
TRADING = "Trading"
# A gap in the market's data is no status at a venue.
WORDS = {
    InstrumentStatus.PRE_LAUNCH: "PreLaunch",
    InstrumentStatus.TRADING: TRADING,
    InstrumentStatus.STALE: TRADING,
    InstrumentStatus.DELIVERING: "Delivering",
    InstrumentStatus.SETTLED: "Closed",
    InstrumentStatus.SUSPENDED: "Closed",
}


def statuses(exchange: Exchange) -> dict[InstrumentId, str]:
    """The venue's word for each instrument that it shows."""
    return {one.instrument.id: WORDS[one.status] for one in exchange.listings()}


class SimStatuses:
    """The statuses of one venue, for one account's adapter."""

    def __init__(self, seat: Seat, venue: str) -> None:
        self._seat = seat
        self._venue = venue
        self._listed: Mapping[InstrumentId, str] = {}
        self._watched: dict[InstrumentId, None] = {}
        self._shut: dict[InstrumentId, str] = {}
        self._running = False

    def start(self) -> None:
        """Begin to ask for what is shut."""
        self._running = True
        self._again()

    def stop(self) -> None:
        """Ask no more."""
        self._running = False

    def take(self, listed: Mapping[InstrumentId, str]) -> None:
        """A whole list was read."""
        self._listed = listed
        self._tell({one: listed[one] for one in self._watched if one in listed})

    def look(self, instruments: Iterable[InstrumentId]) -> None:
        """These are watched from now on; what the list does not call traded, or is known to be shut, is asked for."""
        wanted = [one for one in instruments if category_of(one) != "option"]
        self._watched |= dict.fromkeys(wanted)
        trading = {one: TRADING for one in wanted if self._listed.get(one) == TRADING and one not in self._shut}
        self._tell(trading)
        for one in wanted:
            if one in self._listed and one not in trading:
                self.ask(one)

    def ask(self, instrument: InstrumentId, *, news_only: bool = False) -> None:
        """Ask for one; an answer that does not come says nothing."""
        self._seat.link.request(
            lambda: statuses(self._seat.exchange).get(instrument, "not listed"),
            lambda status: self._answered(instrument, status, news_only=news_only),
            lambda _why: None,
            TIMEOUT_NS,
            Call(name="query.instruments", sent_ms=self._seat.exchange.now_ns // NS_PER_MS),
        )

    def _answered(self, instrument: InstrumentId, status: str, *, news_only: bool) -> None:
        if not news_only or self._shut.get(instrument) != status:
            self._tell({instrument: status})

    def _again(self) -> None:
        if self._running:
            for one in list(self._shut):
                self.ask(one, news_only=True)
            self._seat.timeline.after(ASK_EVERY_NS, self._again)

    def _tell(self, found: Mapping[InstrumentId, str]) -> None:
        shut = {one: status for one, status in found.items() if status != TRADING}
        trading = tuple(one for one in found if one not in shut)
        for one in trading:
            self._shut.pop(one, None)
        self._shut |= shut
        if found:
            self._seat.put(MarketsRead(venue=self._venue, trading=trading, shut=shut))
