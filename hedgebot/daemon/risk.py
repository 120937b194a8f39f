"""The risk numbers beside the turn: a copy of the book once a minute, valued in a thread, told as an event.

Owns when and where; what a number means is the engine's. The copy is made between two turns, the sums are not: they may
take tens of milliseconds on a large book.
"""

import asyncio
from collections.abc import Callable

from hedgebot.config.loader import Config
from hedgebot.core.engine import Engine
from hedgebot.core.risk_book import risk_book
from hedgebot.daemon.risk_files import read_history, read_stress, read_tiers
from hedgebot.domain.ports import EventSink
from hedgebot.domain.risk_events import RiskMeasured
from hedgebot.domain.riskbook import RiskBook
from hedgebot.margin.parameters import ParameterSet
from hedgebot.margin.stress import StressSet
from hedgebot.margin.stress_margin import report
from hedgebot.margin.tail_risk import STANDARD_PROXY, History, Proxy, tail_risk

INTERVAL_S = 60.0
FIRST_AFTER_S = 5.0


class RiskDesk:
    """Measures the running book."""

    def __init__(
        self, engine: Engine, sink: EventSink, now_ns: Callable[[], int], config: Config | None = None
    ) -> None:
        """Read the operator's closes at once: DataError stops the start, not the first measurement."""
        self.history = read_history(closes=config.closes if config else None)
        self.proxy = Proxy(coin=config.file.risk.proxy, ratio=config.file.risk.proxy_ratio) if config else Proxy()
        self._engine = engine
        self._sink = sink
        self._now_ns = now_ns

    def book(self) -> RiskBook:
        """The book at this moment."""
        return risk_book(self._engine.state, self._now_ns())

    async def run(self) -> None:
        """Measure for ever."""
        stress, tiers = read_stress(), read_tiers()
        await asyncio.sleep(FIRST_AFTER_S)
        while True:
            measured = await asyncio.to_thread(measure, self.book(), self.history, stress, tiers, self.proxy)
            self._sink.put(measured)
            await asyncio.sleep(INTERVAL_S)


def measure(
    book: RiskBook, history: History, stress: StressSet, tiers: ParameterSet, proxy: Proxy = STANDARD_PROXY
) -> RiskMeasured:
    """VaR, ES and the worst stress of a book; pure, made for a thread."""
    found = tail_risk(book, history, proxy=proxy)
    worst = report(book, stress, tiers) if book.underlyings else None
    margin = worst.worst_margin if worst else None
    return RiskMeasured(
        book_at_ns=book.at_ns,
        es_usd=found.es_usd,
        var_usd=found.var_usd,
        equity_usd=book.equity_usd,
        scenarios=found.scenarios,
        stale_days=found.stale_days,
        problem=found.problem,
        stress=worst.worst.name if worst else "",
        stress_loss_usd=-worst.worst.profit_usd if worst else None,
        stress_margin_use=margin.margin_use if margin else None,
        assumed="; ".join(found.assumed),
    )
