"""The simulated venue answers every command once, whatever the line does with it."""

import math
from typing import Any

import msgspec
import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.orders import Approved, OrderStatus
from hedgebot.exchange.faults import (
    Altered,
    LineFault,
    LineFaultKind,
    PushFault,
    PushFaultKind,
    RequestFault,
    RequestFaultKind,
)
from hedgebot.lab.simvenue import SimVenue
from tests.unit.lab.bench import PERP, START_NS, Bench


class Sink:
    def __init__(self) -> None:
        self.events: list[ev.Event] = []

    def put(self, event: ev.Event) -> None:
        self.events.append(event)


def approved() -> cmd.SubmitOrder:
    """An order of a live run, as the gate approved it."""
    bench = Bench()
    bench.host.start()
    bench.run(60)
    submit = bench.host.journal.orders()[0].command
    assert isinstance(submit, cmd.SubmitOrder)
    return submit


def with_deadline(submit: cmd.SubmitOrder, deadline_ns: int) -> cmd.SubmitOrder:
    intent = msgspec.structs.replace(submit.approved.intent, deadline_ns=deadline_ns)
    return msgspec.structs.replace(submit, approved=Approved(intent=intent, checks=(), risk_reducing=True))


def opened(*faults: RequestFault | PushFault | LineFault) -> tuple[Bench, SimVenue, Sink]:
    bench, sink = Bench(flow=False), Sink()
    venue = SimVenue(
        account="main",
        holder="main",
        venue="bybit",
        exchange=bench.exchange,
        link=bench.link,
        timeline=bench.timeline,
        sink=sink,
    )
    venue.start()
    bench.run(1)
    for fault in faults:
        bench.link.add(fault)
    return bench, venue, sink


def of(sink: Sink, kind: type) -> list[Any]:
    return [one for one in sink.events if isinstance(one, kind)]


def test_an_order_is_accepted_filled_and_found() -> None:
    bench, venue, sink = opened()
    submit = with_deadline(approved(), START_NS + 10**11)
    venue.send(submit)
    bench.run(1)
    (accepted,) = of(sink, ev.OrderAccepted)
    assert not accepted.definitive
    fills = of(sink, ev.FillReceived)
    assert sum(one.qty_contracts for one in fills) == submit.approved.intent.qty_contracts
    assert of(sink, ev.OrderUpdated)[-1].report.status is OrderStatus.FILLED
    venue.send(cmd.QueryOrder(account="main", instrument=PERP, client_id=submit.client_id))
    bench.run(1)
    (found,) = of(sink, ev.OrderLookedUp)
    assert found.complete
    assert found.report.status is OrderStatus.FILLED
    assert len(of(sink, ev.FillReceived)) == 2 * len(fills), "found again: identities remove the repeats"


def test_the_same_order_again_proves_nothing() -> None:
    bench, venue, sink = opened()
    submit = with_deadline(approved(), START_NS + 10**11)
    venue.send(submit)
    venue.send(submit)
    bench.run(1)
    assert len(of(sink, ev.OrderAccepted)) == 1
    (unknown,) = of(sink, ev.OrderOutcomeUnknown)
    assert unknown.code == "duplicate_client_id"


def test_an_order_that_comes_too_late_is_refused_with_proof() -> None:
    bench, venue, sink = opened(RequestFault(kind=RequestFaultKind.DELAY, request="place", delay_ms=1_500))
    venue.send(with_deadline(approved(), START_NS + 2 * 10**9))
    venue.send(with_deadline(approved(), START_NS))
    bench.run(3)
    assert [one.code for one in of(sink, ev.OrderRejected)] == ["local:deadline", "outside_window"]
    assert bench.perp_contracts() == 0


def test_wrong_figures_and_unreadable_frames_reach_the_book_as_such() -> None:
    bench, venue, sink = opened(
        PushFault(kind=PushFaultKind.ALTER, topic="market", count=2, altered=Altered(fields=("mark", "bid"), nan=True)),
        PushFault(kind=PushFaultKind.GARBLE, topic="market", count=1),
    )
    venue.send(cmd.WatchInstruments(venue="bybit", instruments=(PERP,)))
    bench.run(1)
    assert math.isnan(of(sink, ev.BookTop)[0].bid)
    assert math.isnan(of(sink, ev.Ticker)[0].mark)
    assert of(sink, ev.FrameQuarantined)[0].topic == "market"
    assert of(sink, ev.BookTop)[-1].bid > 0


def test_a_silent_connection_is_dropped_and_comes_back() -> None:
    bench, _, sink = opened(LineFault(kind=LineFaultKind.HALF_OPEN, stream="private", seconds=16.5))
    bench.run(30)
    private = [one.up for one in of(sink, ev.StreamChanged) if one.stream is ev.Stream.PRIVATE]
    assert private == [True, False, True]


@pytest.mark.parametrize(
    ("kind", "executed"), [(RequestFaultKind.ACK_LOST, True), (RequestFaultKind.REQUEST_LOST, False)]
)
def test_a_lost_answer_is_unknown_whether_it_was_carried_out_or_not(kind: RequestFaultKind, executed: bool) -> None:
    bench, venue, sink = opened(RequestFault(kind=kind, request="place"))
    venue.send(with_deadline(approved(), START_NS + 10**11))
    bench.run(4)
    assert len(of(sink, ev.OrderOutcomeUnknown)) == 1
    assert bool(bench.perp_contracts()) is executed
    assert bool(of(sink, ev.FillReceived)) is executed, "the stream tells what the answer did not"


def test_what_cannot_be_asked_is_incomplete() -> None:
    bench, venue, sink = opened(LineFault(kind=LineFaultKind.REFUSE, stream="requests"))
    venue.send(cmd.QueryOrder(account="main", instrument=PERP, client_id="x"))
    venue.send(cmd.RequestSnapshot(account="main", request=3, executions_since_ns=0, reason="test"))
    venue.send(cmd.CancelOrder(account="main", instrument=PERP, client_id="x", reason="test"))
    bench.run(1)
    assert not of(sink, ev.OrderLookedUp)[0].complete
    snapshot = of(sink, ev.SnapshotTaken)[0]
    assert (snapshot.complete, snapshot.request, snapshot.problem) == (False, 3, "refused")
    assert not of(sink, ev.CancelAnswered)[0].accepted


def test_after_stop_nothing_is_told() -> None:
    bench, venue, sink = opened()
    venue.send(cmd.WatchInstruments(venue="bybit", instruments=(PERP,)))
    venue.stop()
    before = len(sink.events)
    bench.run(5)
    assert len(sink.events) == before


def test_a_snapshot_holds_everything() -> None:
    bench, venue, sink = opened()
    venue.send(with_deadline(approved(), START_NS + 10**11))
    bench.run(1)
    venue.send(cmd.RequestSnapshot(account="main", request=1, executions_since_ns=START_NS, reason="test"))
    bench.run(1)
    (taken,) = of(sink, ev.SnapshotTaken)
    assert taken.complete
    assert [one.instrument for one in taken.positions] == [PERP]
    assert taken.wallet is not None
