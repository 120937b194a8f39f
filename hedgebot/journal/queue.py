"""Rows on their way to the database: sealed into the chain when queued, forgotten when committed. Does no IO.

A row keeps its number and hash from the moment it is queued, so the order of the journal is the order of `write`
calls, whatever the disk does in between.
"""

import msgspec

from hedgebot.domain.commands import Issued
from hedgebot.domain.errors import JournalError, ProgrammingError
from hedgebot.domain.events import Stamped
from hedgebot.journal.chain import Row, row_hash
from hedgebot.journal.codec import encode, keys_of, kind_of
from hedgebot.journal.manifest import RunHeader

QUEUE_ROWS_MAX = 50_000

State = tuple[int, int, str, bytes]
"""seq, at_ns, digest, packed state: a row of the snapshots table."""


class RowQueue:
    """The end of the chain, committed and not yet committed.

    Bound: QUEUE_ROWS_MAX rows wait for a disk that does not take them. After that `add_*` raises JournalError for good:
    the journal ends there, and only a restart (recovery from the rows on disk) goes on.
    """

    def __init__(self, key: bytes, last_row: int, head: bytes) -> None:
        """Continue after `last_row`, whose hash is `head`."""
        self._key = key
        self._waiting: list[Row] = []
        self._states: list[tuple[int, State]] = []
        self._run: RunHeader | None = None
        self._head = head
        self.last_row = last_row
        self.committed_row = last_row
        self.committed_hash = head

    def __len__(self) -> int:
        """How many rows wait."""
        return len(self._waiting)

    def begin(self, run: RunHeader) -> None:
        """Rows from now on belong to `run`."""
        self._run = run

    def add_entry(self, entry: Stamped | Issued) -> None:
        """Queue an event or a command."""
        value, idx = (entry.event, 0) if isinstance(entry, Stamped) else (entry.command, entry.index)
        subject, client_id = keys_of(value)
        self._add(entry.seq, idx, entry.at_ns, kind_of(value), subject, client_id, encode(value))

    def add_record(self, seq: int, idx: int, at_ns: int, kind: str, payload: bytes) -> None:
        """Queue one of the journal's own rows."""
        self._add(seq, idx, at_ns, kind, "", None, payload)

    def add_state(self, state: State) -> None:
        """Queue a snapshot's bytes, committed together with the row queued last."""
        self._states.append((self.last_row, state))

    def batch(self) -> tuple[list[Row], list[State]]:
        """Everything that waits now."""
        return list(self._waiting), [state for _, state in self._states]

    def committed(self, last: Row) -> None:
        """Forget every row up to `last`, and the states that belong to them."""
        self.committed_row, self.committed_hash = last.row, last.hash
        count = next((place for place, row in enumerate(self._waiting) if row.row > last.row), len(self._waiting))
        del self._waiting[:count]
        self._states = [(row, state) for row, state in self._states if row > last.row]

    def resync(self, row_on_disk: int) -> None:
        """Take the database's word for what is committed."""
        for row in self._waiting:
            if row.row == row_on_disk:
                self.committed(row)
                return

    def _add(
        self, seq: int, idx: int, at_ns: int, kind: str, subject: str, client_id: str | None, payload: bytes
    ) -> None:
        if self._run is None:
            raise ProgrammingError("a row belongs to a run: begin_run comes first")
        if len(self._waiting) >= QUEUE_ROWS_MAX:
            raise JournalError(f"the journal takes no more: {QUEUE_ROWS_MAX} rows wait for the disk; restart hedgebot")
        fields = Row(
            row=self.last_row + 1,
            seq=seq,
            idx=idx,
            run_id=self._run.run_id,
            epoch=self._run.epoch,
            at_ns=at_ns,
            kind=kind,
            subject=subject,
            client_id=client_id,
            payload=payload,
            prev_hash=self._head,
            hash=b"",
        )
        row = msgspec.structs.replace(fields, hash=row_hash(self._key, fields))
        self._waiting.append(row)
        self.last_row, self._head = row.row, row.hash
