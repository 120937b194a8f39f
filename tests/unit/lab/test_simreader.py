"""The drop copy on virtual time: it tells each execution once, on its own link, and says when it cannot read."""

from hedgebot.domain.dropcopy import ExecutionsRead
from hedgebot.domain.events import FillReceived, Stamped
from hedgebot.exchange.faults import LineFault, LineFaultKind
from hedgebot.exchange.link import Link
from hedgebot.exchange.link_types import LinkSpec
from hedgebot.lab.simreader import EVERY_NS, SimReader
from tests.unit.lab.bench import Bench, S


def reading(bench: Bench) -> tuple[SimReader, Link, list[ExecutionsRead]]:
    found: list[ExecutionsRead] = []
    link = Link(bench.exchange, "main", bench.timeline, LinkSpec(), seed=11)
    return SimReader(bench.seat(found.append, account="main", link=link)), link, found


def test_it_tells_what_the_journal_has_and_each_once() -> None:
    bench = Bench()
    reader, _, found = reading(bench)
    bench.host.start()
    reader.start()
    bench.run(45)
    bench.exchange.set_client_flow(enabled=False)
    bench.run(15)
    told = [key for one in found for key in one.executions]
    fills = [
        one.event
        for one in bench.host.journal.entries
        if isinstance(one, Stamped) and isinstance(one.event, FillReceived)
    ]
    booked = {f"main|{one.instrument.rpartition(':')[0]}|{one.trade_id}" for one in fills}
    assert len(told) == len(set(told)) > 5
    assert set(told) == booked
    assert all(not one.problem for one in found)


def test_it_says_that_it_cannot_read_and_that_it_can_again() -> None:
    bench = Bench(flow=False)
    reader, link, found = reading(bench)
    link.add(LineFault(kind=LineFaultKind.REFUSE, seconds=2.5 * EVERY_NS / S))
    reader.start()
    bench.run(20)
    assert [bool(one.problem) for one in found] == [True, True, False]
    reader.stop()
    before = len(found)
    link.add(LineFault(kind=LineFaultKind.REFUSE, seconds=20.0))
    bench.run(20)
    assert len(found) == before
