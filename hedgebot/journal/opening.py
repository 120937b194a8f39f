"""What a writer must know before it writes: key, lock, the chain's end, the last epoch and seq. Runs once, at open."""

import contextlib
import sqlite3
from pathlib import Path

import msgspec

from hedgebot.domain.errors import JournalCorrupt, JournalError
from hedgebot.journal import schema
from hedgebot.journal.anchors import ANCHOR_FILE, Anchor, read_anchors
from hedgebot.journal.chain import KEY_FILE, genesis, load_key, row_problem
from hedgebot.journal.lock import WriterLock
from hedgebot.journal.rows import RUN_IDX, read_rows
from hedgebot.journal.tape import TAPE_FOLDER, first_digest
from hedgebot.journal.tape_reader import tape_end

# 0.9 s at a start, and more than a month of a busy book; `journal verify` checks all.
CHECKED_ROWS = 200_000
# Of a larger file SQLite's own check could take longer than a restart may.
STRUCTURE_BYTES_MAX = 512 << 20
REMEDY = "hedgebot journal verify tells all; restore a backup of the whole state directory"


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """The end of a journal. `settled_seq` is the last seq that a replay may use, `last_seq` the last one ever given."""

    key: bytes
    lock: WriterLock | None
    last_row: int
    head: bytes
    last_epoch: int
    settled_seq: int
    last_seq: int
    tape_digest: bytes

    @classmethod
    def in_memory(cls, key: bytes) -> "Opened":
        """The end of a journal that is nowhere."""
        return cls(
            key=key,
            lock=None,
            last_row=0,
            head=genesis(key),
            last_epoch=0,
            settled_seq=0,
            last_seq=0,
            tape_digest=first_digest(key),
        )

    def release(self) -> None:
        """Let go of the state directory."""
        if self.lock is not None:
            self.lock.release()


def open_files(state_dir: Path, *, create: bool) -> Opened:
    """Lock the directory, load or make the key, check the file, the chain's last rows and the newest anchor.

    Raises InstanceError, JournalTooNew, JournalCorrupt or JournalError; nothing stays locked then.
    """
    database = state_dir / schema.DB_FILE
    if not create and not database.exists():
        raise JournalError(f"{database}: there is no journal here")
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise JournalError(f"{state_dir}: the state directory cannot be made ({error.strerror})") from error
    lock = WriterLock(state_dir)
    with contextlib.ExitStack() as undo:
        undo.callback(lock.release)
        opened = _read_end(state_dir, lock)
        undo.pop_all()
    return opened


def _read_end(state_dir: Path, lock: WriterLock) -> Opened:
    database = state_dir / schema.DB_FILE
    has_rows = database.exists() and database.stat().st_size > 0
    if has_rows and not (state_dir / KEY_FILE).exists():
        raise JournalCorrupt(f"{state_dir / KEY_FILE} is missing, but there is a journal made with it; restore the key")
    key = load_key(state_dir, create=not has_rows)
    end = tape_end(state_dir / TAPE_FOLDER, key)
    # Also makes or migrates the schema, so that readers find a journal from the first moment on.
    connection = schema.connect_writer(database)
    try:
        if database.stat().st_size <= STRUCTURE_BYTES_MAX and (found := schema.structure_problem(connection)):
            raise JournalCorrupt(f"{database}: SQLite finds it damaged ({found}); {REMEDY}")
        last_row, head = _check_tail(connection, key, str(database))
        _check_anchors(connection, read_anchors(state_dir, key)[0], last_row, str(database))
        last_epoch = connection.execute("SELECT max(epoch) FROM rows").fetchone()[0] or 0
        last_seq = connection.execute("SELECT max(seq) FROM rows").fetchone()[0] or 0
        settled = connection.execute("SELECT max(seq) FROM rows WHERE idx != ?", (RUN_IDX,)).fetchone()[0] or 0
    except sqlite3.DatabaseError as error:
        raise schema.database_error(str(database), error) from error
    finally:
        connection.close()
    return Opened(
        key=key,
        lock=lock,
        last_row=last_row,
        head=head,
        last_epoch=last_epoch,
        settled_seq=settled,
        last_seq=max(last_seq, end.last_seq),
        tape_digest=end.digest,
    )


def _check_tail(connection: sqlite3.Connection, key: bytes, place: str) -> tuple[int, bytes]:
    """Number and hash of the last row, after checking the chain's last rows; raises JournalCorrupt."""
    last_row = connection.execute("SELECT max(row) FROM rows").fetchone()[0] or 0
    prev_hash: bytes | None = genesis(key) if last_row <= CHECKED_ROWS else None
    for row in read_rows(connection, "row > ?", (last_row - CHECKED_ROWS,)):
        problem = row_problem(key, row, prev_hash if prev_hash is not None else row.prev_hash)
        if problem is not None:
            raise JournalCorrupt(f"{place}: the journal does not verify: {problem}; {REMEDY}")
        prev_hash = row.hash
    return last_row, prev_hash if prev_hash is not None else genesis(key)


def _check_anchors(connection: sqlite3.Connection, anchors: list[Anchor], last_row: int, place: str) -> None:
    """Raise JournalCorrupt when a row that was once anchored is gone or is another one.

    Anchors name durable rows only, so a killed process or a power cut never leaves a journal behind its anchors.
    """
    newest = max(anchors, key=lambda one: one.row, default=None)
    if newest is None or newest.row == 0:
        return
    if newest.row > last_row:
        raise JournalCorrupt(
            f"{place}: the journal ends at row {last_row}, but row {newest.row} was anchored: its end was cut off; "
            f"{REMEDY}, or move {ANCHOR_FILE} aside if an older journal was put here on purpose"
        )
    found = connection.execute("SELECT hash FROM rows WHERE row = ?", (newest.row,)).fetchone()
    if found is None or bytes(found[0]).hex() != newest.hash:
        raise JournalCorrupt(f"{place}: row {newest.row} is not the one that was anchored; {REMEDY}")
