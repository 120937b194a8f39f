from decimal import Decimal

import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.errors import JournalError, ProgrammingError
from hedgebot.domain.instrument import Side
from hedgebot.journal import queue as queue_module
from hedgebot.journal.chain import genesis, row_problem
from hedgebot.journal.manifest import RunHeader
from hedgebot.journal.queue import RowQueue
from tests.unit.journal.world import fill, order

KEY = b"k" * 32


def started() -> RowQueue:
    queue = RowQueue(KEY, 0, genesis(KEY))
    queue.begin(RunHeader(run_id="1-a", epoch=1, first_seq=1, started_at_ns=0))
    return queue


def add(queue: RowQueue, seq: int) -> None:
    queue.add_entry(ev.Stamped(seq=seq, at_ns=seq, event=fill(str(seq))))


def test_rows_are_chained_in_order_of_queueing() -> None:
    queue = started()
    add(queue, 1)
    submit = order("x", Side.BUY, Decimal(1), Decimal(1), 1)
    queue.add_entry(cmd.Issued(seq=1, index=1, at_ns=1, command=submit))
    queue.add_record(1, -2, 1, "Snapshot", b"{}")
    rows, _ = queue.batch()
    previous = genesis(KEY)
    for row in rows:
        assert row_problem(KEY, row, previous) is None
        previous = row.hash
    assert [(row.row, row.seq, row.idx, row.kind, row.client_id) for row in rows] == [
        (1, 1, 0, "FillReceived", None),
        (2, 1, 1, "SubmitOrder", "x"),
        (3, 1, -2, "Snapshot", None),
    ]


def test_a_commit_forgets_what_it_covers_and_no_more() -> None:
    queue = started()
    for seq in (1, 2):
        add(queue, seq)
    queue.add_state((2, 2, "d", b"one"))
    rows, states = queue.batch()
    assert [state[3] for state in states] == [b"one"]
    add(queue, 3)
    queue.add_state((3, 3, "d", b"two"))
    queue.committed(rows[-1])
    assert [row.seq for row in queue.batch()[0]] == [3]
    assert [state[3] for state in queue.batch()[1]] == [b"two"]
    assert (queue.committed_row, queue.last_row, len(queue)) == (2, 3, 1)


@pytest.mark.parametrize(("on_disk", "left"), [(0, [1, 2, 3]), (2, [3]), (3, []), (99, [1, 2, 3])])
def test_the_databases_word_decides_what_waits(on_disk: int, left: list[int]) -> None:
    queue = started()
    for seq in (1, 2, 3):
        add(queue, seq)
    queue.resync(on_disk)
    assert [row.seq for row in queue.batch()[0]] == left


def test_the_queue_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_module, "QUEUE_ROWS_MAX", 2)
    queue = started()
    add(queue, 1)
    add(queue, 2)
    with pytest.raises(JournalError, match="takes no more"):
        add(queue, 3)


def test_a_row_belongs_to_a_run() -> None:
    with pytest.raises(ProgrammingError):
        add(RowQueue(KEY, 0, genesis(KEY)), 1)
