"""Journal and tape merged by seq: every input the engine saw, each with the commands it answered. Reads only.

A run's inputs end with its last row in the database: market events on the tape after that were seen by an engine whose
answers never became durable and never left, so no replay may use them.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hedgebot.domain import events as ev
from hedgebot.domain.errors import JournalCorrupt
from hedgebot.journal.chain import Row
from hedgebot.journal.codec import decode_event
from hedgebot.journal.manifest import RunRecord
from hedgebot.journal.rows import RUN_IDX, read_rows, read_runs
from hedgebot.journal.tape import TAPE_FOLDER
from hedgebot.journal.tape_reader import TapeReader


class RunSpan(msgspec.Struct, frozen=True, kw_only=True):
    """Which seqs belong to a run: `last_seq` is below `first_seq` when the run wrote nothing but its manifest."""

    record: RunRecord
    first_seq: int
    last_seq: int

    @property
    def epoch(self) -> int:
        """The run's epoch."""
        return self.record.header.epoch


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One seq: the event (None when it is on no tape and in no row) and the rows of its commands, in order.

    `snapshot` is the row of a state taken after it.
    """

    seq: int
    epoch: int
    stamped: ev.Stamped | None
    commands: tuple[Row, ...]
    snapshot: Row | None


class History:
    """Reads a journal's inputs in order. `tape` collects findings while `moments` is consumed."""

    def __init__(self, connection: sqlite3.Connection, state_dir: Path, key: bytes) -> None:
        """Prepare; `connection` may be read-only."""
        self._connection = connection
        self.tape = TapeReader(state_dir / TAPE_FOLDER, key)
        self.spans = read_spans(connection)

    def moments(self, after_seq: int = 0) -> Iterator[Moment]:
        """Every seq of every run after `after_seq`, ascending; a seq missing inside a run has `stamped` None."""
        rows = _Groups(self._connection, after_seq)
        market = _Market(self.tape, after_seq)
        for span in self.spans:
            for seq in range(max(span.first_seq, after_seq + 1), span.last_seq + 1):
                yield _moment(seq, span.epoch, rows.of(seq), market.of(seq))


def read_spans(connection: sqlite3.Connection) -> list[RunSpan]:
    """All runs with their seqs, oldest first."""
    last = dict(
        connection.execute("SELECT epoch, max(seq) FROM rows WHERE idx != ? GROUP BY epoch", (RUN_IDX,)).fetchall()
    )
    return [
        RunSpan(
            record=record,
            first_seq=record.header.first_seq,
            last_seq=last.get(record.header.epoch, record.header.first_seq - 1),
        )
        for record in read_runs(connection)
    ]


def _moment(seq: int, epoch: int, rows: list[Row], market: ev.Stamped | None) -> Moment:
    stamped = market
    commands: list[Row] = []
    snapshot = None
    for row in rows:
        if row.idx == 0:
            stamped = ev.Stamped(seq=seq, at_ns=row.at_ns, event=decode_event(row.payload))
        elif row.idx > 0:
            commands.append(row)
        elif row.idx != RUN_IDX:
            snapshot = row
    return Moment(seq=seq, epoch=epoch, stamped=stamped, commands=tuple(commands), snapshot=snapshot)


class _Groups:
    """Rows of the database by seq, in one pass."""

    def __init__(self, connection: sqlite3.Connection, after_seq: int) -> None:
        self._rows = read_rows(connection, "seq > ? AND idx != ?", (after_seq, RUN_IDX))
        self._next = next(self._rows, None)

    def of(self, seq: int) -> list[Row]:
        found: list[Row] = []
        while self._next is not None and self._next.seq <= seq:
            if self._next.seq < seq:
                raise JournalCorrupt(f"row {self._next.row} has seq {self._next.seq}, out of order")
            found.append(self._next)
            self._next = next(self._rows, None)
        return found


class _Market:
    """Events of the tape by seq, in one pass; what lies outside of every run is passed over."""

    def __init__(self, tape: TapeReader, after_seq: int) -> None:
        self._events = tape.events(after_seq)
        self._next = next(self._events, None)

    def of(self, seq: int) -> ev.Stamped | None:
        while self._next is not None and self._next.seq < seq:
            self._next = next(self._events, None)
        if self._next is None or self._next.seq != seq:
            return None
        found, self._next = self._next, next(self._events, None)
        return found
