"""Statuses on virtual time: told by the list, asked for after a refusal and while one is shut, pushed by nobody."""

from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.venue_events import MarketsRead
from hedgebot.exchange.faults import LineFault, LineFaultKind
from hedgebot.exchange.link import Link
from hedgebot.exchange.link_types import LinkSpec
from hedgebot.exchange.quotes import InstrumentStatus
from hedgebot.exchange.trouble import Suspension
from hedgebot.lab.simstatus import WORDS, SimStatuses, statuses
from tests.unit.lab.bench import PERP, Bench

GONE = InstrumentId("bybit:linear:NONEUSDT")
OPTION = InstrumentId("bybit:option:BTC-27NOV26-90000-C-USDT")


def asking(bench: Bench) -> tuple[SimStatuses, Link, list[MarketsRead]]:
    found: list[MarketsRead] = []
    link = Link(bench.exchange, "main", bench.timeline, LinkSpec(), seed=11)
    made = SimStatuses(bench.seat(found.append, account="main", link=link), "bybit")
    made.start()
    return made, link, found


def test_every_status_of_the_exchange_has_a_word() -> None:
    assert set(WORDS) == set(InstrumentStatus)


def test_the_list_tells_of_what_is_watched_and_nothing_else() -> None:
    bench = Bench(flow=False)
    made, _, found = asking(bench)
    made.take(statuses(bench.exchange))
    assert found == []
    made.look((PERP, OPTION, GONE))
    assert [(one.trading, one.shut) for one in found] == [((PERP,), {})]


def test_who_looks_again_is_told_again_and_by_the_exchange_where_the_list_is_old() -> None:
    bench = Bench(flow=False)
    made, _, found = asking(bench)
    made.take(statuses(bench.exchange))
    made.look((PERP,))
    bench.exchange.strike(Suspension(instrument=PERP, duration_s=45.0))
    made.ask(PERP)
    bench.run(1)
    made.look((PERP,))
    bench.run(1)
    assert [(one.trading, one.shut) for one in found] == [((PERP,), {}), ((), {PERP: "Closed"}), ((), {PERP: "Closed"})]


def test_what_is_shut_is_told_once_and_asked_for_until_it_trades() -> None:
    bench = Bench(flow=False)
    made, _, found = asking(bench)
    made.look((PERP,))
    bench.exchange.strike(Suspension(instrument=PERP, duration_s=45.0))
    bench.run(5)
    assert found == []  # nobody pushes it
    made.ask(PERP)
    bench.run(30)
    assert [one.shut for one in found] == [{PERP: "Closed"}]
    bench.run(30)
    assert [one.trading for one in found[1:]] == [(PERP,)]
    bench.run(60)
    assert len(found) == 2


def test_an_answer_that_does_not_come_says_nothing_and_nothing_is_asked_after_the_end() -> None:
    bench = Bench(flow=False)
    made, link, found = asking(bench)
    link.add(LineFault(kind=LineFaultKind.REFUSE, seconds=5.0))
    made.ask(PERP)
    bench.run(15)
    assert found == []
    made.ask(GONE)
    bench.run(1)
    assert [one.shut for one in found] == [{GONE: "not listed"}]
    made.stop()
    bench.exchange.strike(Suspension(instrument=PERP, duration_s=9e3))
    bench.run(30)
    assert len(found) == 1
