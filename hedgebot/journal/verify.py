"""`journal verify`: whether the journal is whole, unchanged and consistent with itself. Reads only, steps no engine.

Problems are broken promises; notes are what an operator may want to know (a torn end beyond what any decision used).
"""

import sqlite3
from pathlib import Path

import msgspec

from hedgebot.domain.errors import JournalCorrupt
from hedgebot.journal import schema
from hedgebot.journal.anchors import Anchor, read_anchor_file, read_anchors
from hedgebot.journal.chain import Row, genesis, load_key, row_problem
from hedgebot.journal.history import RunSpan, read_spans
from hedgebot.journal.order_checks import OrderChecks
from hedgebot.journal.rows import RUN_IDX, read_rows
from hedgebot.journal.snapshots import read_snapshots
from hedgebot.journal.tape import TAPE_FOLDER
from hedgebot.journal.tape_reader import TapeReader

PROBLEMS_MAX = 100


class VerifyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was checked and what is wrong; no problems means everything held.

    `head_row` and `head_hash` are to be held against a copy kept elsewhere. `tape_last_seq` is where the tape ends.
    """

    problems: tuple[str, ...]
    notes: tuple[str, ...]
    rows: int
    runs: int
    market_events: int
    orders: int
    anchors: int
    head_row: int
    head_hash: str
    last_seq: int
    tape_last_seq: int


class Problems:
    """A bounded list of sentences: a journal broken in a million places still gives a readable report."""

    def __init__(self) -> None:
        """Begin with none."""
        self.sentences: list[str] = []
        self._more = 0

    def add(self, sentence: str) -> None:
        """Add one, or count it when there are enough."""
        if len(self.sentences) < PROBLEMS_MAX:
            self.sentences.append(sentence)
        else:
            self._more += 1

    def all(self) -> tuple[str, ...]:
        """Everything found."""
        return (*self.sentences, f"... and {self._more} more") if self._more else tuple(self.sentences)


def verify(state_dir: Path, anchor_file: Path | None = None) -> VerifyReport:
    """Check chain, anchors, numbering, runs, orders, snapshots and tape; beside a running daemon or alone.

    `anchor_file` is a copy of the anchors that was kept elsewhere: who cuts the journal's end off can cut its own too.

    Raises JournalError when there is nothing to check (no journal, no key, a newer schema).
    """
    connection = schema.connect_reader(state_dir)
    try:
        key = load_key(state_dir, create=False)
        anchors, forged = read_anchors(state_dir, key)
        if anchor_file is not None:
            outside, made_up = read_anchor_file(anchor_file, key)
            anchors, forged = anchors + outside, forged + made_up
        connection.execute("BEGIN")  # one picture, while a daemon writes on
        return _verify(connection, state_dir, key, anchors, forged)
    except sqlite3.DatabaseError as error:
        raise schema.database_error(str(state_dir / schema.DB_FILE), error) from error
    finally:
        connection.close()


def _verify(
    connection: sqlite3.Connection, state_dir: Path, key: bytes, anchors: list[Anchor], forged: list[str]
) -> VerifyReport:
    problems = Problems()
    notes: list[str] = []
    for sentence in forged:
        problems.add(sentence)
    if structure := schema.structure_problem(connection):
        problems.add(f"{schema.DB_FILE}: SQLite finds it damaged ({structure})")
    rows = _check_rows(connection, key, anchors, problems)
    spans: list[RunSpan] = []
    try:
        spans = read_spans(connection)
    except JournalCorrupt as error:
        problems.add(str(error))
    _check_runs(spans, problems)
    tape = TapeReader(state_dir / TAPE_FOLDER, key)
    market = _check_numbers(connection, tape, spans, problems, notes)
    for sentence in read_snapshots(connection, key)[1]:
        problems.add(sentence)
    return VerifyReport(
        problems=problems.all(),
        notes=tuple(notes),
        rows=rows.count,
        runs=len(spans),
        market_events=market,
        orders=rows.orders.count,
        anchors=len(anchors),
        head_row=rows.count,
        head_hash=rows.head.hex(),
        last_seq=max((span.last_seq for span in spans), default=0),
        tape_last_seq=tape.last_seq,
    )


class _Rows(msgspec.Struct, kw_only=True):
    count: int
    head: bytes
    orders: OrderChecks


def _check_rows(connection: sqlite3.Connection, key: bytes, anchors: list[Anchor], problems: Problems) -> _Rows:
    result = _Rows(count=0, head=genesis(key), orders=OrderChecks(problems.add))
    wanted = {anchor.row: anchor for anchor in anchors}
    place = _Place(problems)
    for row in read_rows(connection):
        problem = row_problem(key, row, result.head)
        if problem is not None:
            problems.add(problem)
        if row.row != result.count + 1:
            problems.add(f"row {result.count + 1} is missing")
        anchor = wanted.pop(row.row, None)
        if anchor is not None and anchor.hash != row.hash.hex():
            problems.add(f"row {row.row} is not the one that was anchored at {anchor.at_ns}: the journal was rebuilt")
        place.take(row)
        result.orders.take(row)
        result.count, result.head = row.row, row.hash
    for anchor in wanted.values():
        if anchor.row > result.count:
            problems.add(
                f"the journal ends at row {result.count}, but row {anchor.row} was anchored: its end was cut off"
            )
    result.orders.finish()
    return result


class _Place:
    """Checks that seq, idx and time only go forward, and that a command follows its event."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._seq = 0
        self._idx = 0
        self._at_ns = 0
        self._epoch = 0

    def take(self, row: Row) -> None:
        if row.idx < 0:
            if row.idx == RUN_IDX:
                self._epoch, self._at_ns = row.epoch, 0
            return
        if row.seq < self._seq or (row.seq == self._seq and row.idx != self._idx + 1):
            self._problems.add(f"row {row.row} is out of order: seq {row.seq}.{row.idx} after {self._seq}.{self._idx}")
        elif row.seq > self._seq and row.idx > 1:
            self._problems.add(f"row {row.row}: command {row.seq}.{row.idx} stands without command 1 before it")
        if row.at_ns < self._at_ns:
            self._problems.add(f"row {row.row}: time runs backwards")
        if row.epoch != self._epoch:
            self._problems.add(f"row {row.row} belongs to epoch {row.epoch} inside the run of epoch {self._epoch}")
        self._seq, self._idx, self._at_ns = row.seq, row.idx, row.at_ns


def _check_runs(spans: list[RunSpan], problems: Problems) -> None:
    epoch, last_seq = 0, 0
    for span in spans:
        if span.epoch <= epoch:
            problems.add(f"epoch {span.epoch} does not come after epoch {epoch}")
        if span.first_seq <= last_seq:
            problems.add(f"the run of epoch {span.epoch} starts at seq {span.first_seq}, inside the run before it")
        if span.record.settled_seq != last_seq:
            problems.add(
                f"the run of epoch {span.epoch} went on from seq {span.record.settled_seq}, "
                f"but the journal before it ends at {last_seq}"
            )
        epoch = span.epoch
        if span.last_seq >= span.first_seq:
            # A run that died before its first event settled nothing, wherever its numbers would have begun.
            last_seq = max(last_seq, span.last_seq)


def _check_numbers(
    connection: sqlite3.Connection, tape: TapeReader, spans: list[RunSpan], problems: Problems, notes: list[str]
) -> int:
    """Every seq of a run stands in the database or on the tape; gives the number of market events used by a run."""
    events = iter(connection.execute("SELECT seq FROM rows WHERE idx = 0 ORDER BY seq"))
    in_rows = next(events, (None,))[0]
    on_tape = tape.events()
    market = next(on_tape, None)
    # Retention may have removed the tape's beginning: what is older than its first segment is then not missing.
    kept_from = market.seq if market is not None and tape.is_pruned else 0
    used = 0
    gaps = _Gaps()
    for span in spans:
        for seq in range(span.first_seq, span.last_seq + 1):
            while market is not None and market.seq < seq:
                market = next(on_tape, None)
            if in_rows == seq:
                in_rows = next(events, (None,))[0]
                if market is not None and market.seq == seq:
                    problems.add(f"seq {seq} stands in the journal and on the tape")
            elif market is not None and market.seq == seq:
                used += 1
            elif seq >= kept_from:
                gaps.add(seq)
    for first, last in gaps.ranges:
        problems.add(f"the events of seq {first} to {last} are on no tape: its segment was torn, damaged or removed")
    for _ in on_tape:
        pass
    for finding in tape.findings:
        # A torn end that lost nothing which a run used is what a killed process leaves behind.
        (notes.append if finding.torn else problems.add)(finding.sentence)
    return used


class _Gaps:
    def __init__(self) -> None:
        self.ranges: list[tuple[int, int]] = []

    def add(self, seq: int) -> None:
        if self.ranges and self.ranges[-1][1] == seq - 1:
            self.ranges[-1] = (self.ranges[-1][0], seq)
        else:
            self.ranges.append((seq, seq))
