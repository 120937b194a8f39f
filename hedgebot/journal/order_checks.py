"""What must be true of the orders in a journal: one intent for each client id, and something that became of it."""

from collections.abc import Callable

from hedgebot.domain import events as ev
from hedgebot.domain.client_id import decode_client_id
from hedgebot.domain.commands import SubmitOrder
from hedgebot.domain.errors import JournalCorrupt
from hedgebot.journal.chain import Row
from hedgebot.journal.manifest import decode_run
from hedgebot.journal.rows import RUN_KIND

ANSWER_NS_MAX = 60 * 10**9
_ANSWERS = frozenset(
    kind.__name__
    for kind in (
        ev.OrderAccepted,
        ev.OrderRejected,
        ev.OrderOutcomeUnknown,
        ev.OrderLookedUp,
        ev.OrderUpdated,
        ev.FillReceived,
    )
)
_SUBMIT = SubmitOrder.__name__


class OrderChecks:
    """Takes rows in order and tells `problem` what cannot be."""

    def __init__(self, problem: Callable[[str], None]) -> None:
        """Begin before the first row."""
        self._problem = problem
        self._sent: dict[str, Row] = {}
        self._open: dict[str, tuple[Row, int]] = {}
        self._install: int | None = None
        self._at_ns = 0
        self._running_ns = 0

    @property
    def count(self) -> int:
        """Orders seen."""
        return len(self._sent)

    def take(self, row: Row) -> None:
        """Look at one row."""
        if row.kind == RUN_KIND:
            self._take_run(row)
            return
        if row.idx < 0:
            return
        # Only time in which a process ran counts: nobody answers while hedgebot is down.
        self._running_ns += max(row.at_ns - self._at_ns, 0) if self._at_ns else 0
        self._at_ns = row.at_ns
        if row.client_id is None:
            return
        if row.kind == _SUBMIT:
            self._take_order(row, row.client_id)
        elif row.kind in _ANSWERS:
            self._take_answer(row, row.client_id)

    def finish(self) -> None:
        """Say which orders nothing became of, though hedgebot ran on long after them."""
        for client_id, (row, sent_ns) in self._open.items():
            if self._running_ns - sent_ns > ANSWER_NS_MAX:
                self._problem(f"order {client_id} (row {row.row}) has no answer, no look-up and no fill")

    def _take_run(self, row: Row) -> None:
        self._at_ns = 0
        try:
            self._install = decode_run(row.payload).manifest.settings.install
        except JournalCorrupt as error:
            self._problem(f"row {row.row}: {error}")

    def _take_order(self, row: Row, client_id: str) -> None:
        if client_id in self._sent:
            self._problem(f"row {row.row} sends client id {client_id} again (first in row {self._sent[client_id].row})")
        parts = decode_client_id(client_id)
        if parts is None:
            self._problem(f"row {row.row}: {client_id} is not a client id of a hedgebot")
        elif parts.epoch < row.epoch:
            # A later one is right: ids go on beyond what the venue has seen, and grow with time.
            self._problem(f"row {row.row}: order {client_id} carries epoch {parts.epoch} in a run of epoch {row.epoch}")
        self._sent[client_id] = row
        self._open[client_id] = (row, self._running_ns)

    def _take_answer(self, row: Row, client_id: str) -> None:
        self._open.pop(client_id, None)
        if client_id in self._sent:
            return
        parts = decode_client_id(client_id)
        if parts is not None and parts.install == self._install and row.kind == ev.FillReceived.__name__:
            self._problem(f"row {row.row}: a fill of our order {client_id}, which no intent in the journal precedes")
