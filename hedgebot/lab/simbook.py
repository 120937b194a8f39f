"""A book of several accounts on virtual time: the daemon's own turn, an exchange in process, a link for each account.

Owns the assembly and nothing that happens in it. Accounts of the book's settings and accounts of the scenario are the
same by name.
"""

from hedgebot.core.engine import LoadStrategy
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.ports import EventSink
from hedgebot.domain.settings import EngineSettings
from hedgebot.exchange.latency import Latencies, Latency
from hedgebot.exchange.link import Link
from hedgebot.exchange.link_types import LinkSpec
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.timeline import Timeline
from hedgebot.lab.host import Host
from hedgebot.lab.memory import MemoryJournal
from hedgebot.lab.pace import ORDINARY_PACE, Pace
from hedgebot.lab.simvenue import SimVenue

# What a co-located client measures against a large venue (data FACTS.md): news 2.5 ms above the fastest, tail 27 ms.
ORDINARY = LinkSpec(
    latencies=Latencies(
        request=Latency(floor_ms=1.0, median_ms=4.0, p99_ms=40.0),
        private=Latency(floor_ms=1.0, median_ms=5.0, p99_ms=60.0),
        public=Latency(floor_ms=1.0, median_ms=5.0, p99_ms=60.0),
    )
)


class SimBook:
    """Exchange, links and host of one book; `host.start()` begins, `timeline.advance` lets time pass."""

    def __init__(
        self,
        exchange: Exchange,
        settings: EngineSettings,
        load_strategy: LoadStrategy,
        *,
        link: LinkSpec = ORDINARY,
        pace: Pace = ORDINARY_PACE,
        journal: MemoryJournal | None = None,
    ) -> None:
        """Raise ConfigError for an account of the book that the exchange does not have."""
        scenario = exchange.scenario
        known = exchange.accounts()
        for account in settings.accounts:
            if account.name not in known:
                raise ConfigError(
                    f"accounts.{account.name}: the scenario {scenario.name} has no account of this name, only "
                    f"{', '.join(known) or 'none'}"
                )
        self.settings = pace.slowed(settings)
        self.exchange = exchange
        self.timeline = Timeline(exchange)
        self.links = {
            one.name: Link(exchange, one.name, self.timeline, link, seed=scenario.seed) for one in settings.accounts
        }
        self._venues = {one.name: one.venue for one in settings.accounts}
        self._pace = pace
        self.host = Host(
            timeline=self.timeline,
            settings=self.settings,
            load_strategy=load_strategy,
            open_venue=self._open_venue,
            journal=journal,
            timer_ns_min=pace.market_ns if pace != ORDINARY_PACE else 0,
        )

    def _open_venue(self, account: str, sink: EventSink) -> SimVenue:
        return SimVenue(
            account=account,
            holder=account,
            venue=self._venues[account],
            exchange=self.exchange,
            link=self.links[account],
            timeline=self.timeline,
            sink=sink,
            pace=self._pace,
        )
