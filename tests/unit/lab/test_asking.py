"""Answers to lookups and snapshots, and the shape of those that never came."""

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.lab.asking import looked_up, lookup, no_snapshot, snapshot
from tests.unit.lab.bench import PERP, START_NS, Bench

PULL = cmd.RequestSnapshot(account="book", request=7, executions_since_ns=START_NS, reason="test")


def lived() -> Bench:
    bench = Bench()
    bench.host.start()
    bench.run(60)
    return bench


def test_an_order_comes_with_its_executions_before_it() -> None:
    bench = lived()
    order = bench.exchange.order_history("main")[-1]
    ours = next(one for one in bench.exchange.order_history("main") if one.client_id)
    ask = cmd.QueryOrder(account="book", instrument=PERP, client_id=str(ours.client_id))
    *fills, answer = lookup(bench.exchange, "main", "book", ask, 5)
    assert isinstance(answer, ev.OrderLookedUp)
    assert answer.report is not None
    assert answer.report.order_id == ours.order_id
    assert answer.complete
    assert {one.client_id for one in fills if isinstance(one, ev.FillReceived)} == {ours.client_id}
    unasked = looked_up("book", ask, 5, order, complete=False)
    assert (unasked.complete, unasked.searched, unasked.asked_at_ns) == (False, (), 5)


def test_a_snapshot_has_everything_and_a_lost_one_nothing() -> None:
    bench = lived()
    *rows, taken = snapshot(bench.exchange, "main", "book", PULL, 9)
    assert isinstance(taken, ev.SnapshotTaken)
    assert (taken.complete, taken.request, taken.asked_at_ns) == (True, 7, 9)
    assert PERP in {one.instrument for one in taken.positions}
    assert len(rows) == len(bench.exchange.executions("main"))
    lost = no_snapshot("book", PULL, 9, "refused")
    assert (lost.complete, lost.problem, lost.positions, lost.wallet) == (False, "refused", (), None)
