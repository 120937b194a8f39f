"""The journal's one writer: rows to SQLite, market events to the tape, in one order, durable when promised.

Owns queueing, group commit and housekeeping. `write(durable=True)` returns after a commit with synchronous=FULL; other
entries wait for the next one, `flush_interval_ms` at most. Rows that could not be written stay queued in order, and
the next write tries them first: a full disk costs no row as long as the queue's bound holds. Must not decide anything.
"""

import asyncio
import contextlib
import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import aiosqlite
import msgspec

from hedgebot.domain import events as ev
from hedgebot.domain.commands import Issued, RecordLatch
from hedgebot.domain.errors import JournalError, JournalFull, ProgrammingError
from hedgebot.domain.events import Stamped
from hedgebot.journal import schema, snapshots
from hedgebot.journal.anchors import append_anchor, make_anchor
from hedgebot.journal.ballast import Ballast
from hedgebot.journal.chain import KEY_BYTES
from hedgebot.journal.manifest import Manifest, RunHeader, RunRecord
from hedgebot.journal.opening import Opened, open_files
from hedgebot.journal.queue import RowQueue
from hedgebot.journal.recover import EngineFactory, EngineT, Recovered, recover
from hedgebot.journal.rows import INSERT, RUN_IDX, RUN_KIND, SNAPSHOT_IDX, insert_many, to_tuple
from hedgebot.journal.tape import TAPE_FOLDER, TapeLimits, TapeWriter

FLUSH_INTERVAL_MS = 100
GROUP_ROWS_MAX = 512
# Of a soak's turns with an order 97 % had eight rows or fewer. Larger groups come in storms of backfills, where two
# more trips to the database's thread do not matter.
STATEMENT_ROWS_MAX = 16
IDLE_S = 1.0
ANCHOR_INTERVAL_S = 600.0
# What somebody may want gone from a journal's end is anchored as soon as it is written (safety reference section 6).
ANCHORED = (ev.OperatorKilled, ev.OperatorUnkilled, ev.ConfigApplied, RecordLatch)
PRUNE_INTERVAL_S = 3_600.0
# A busy book is never idle: without this its WAL file grew to 100 MB, and a restart reads all of it.
CHECKPOINT_ROWS_MAX = 2_000
# A commit that takes so long is followed by no checkpoint before this many rows wait for one (some 150 MB of log).
COMMIT_S_SLOW = 0.5
SLOW_CHECKPOINT_ROWS_MAX = 200_000
CLOSE_S_MAX = 10.0


class _Connection(aiosqlite.Connection):
    """A connection whose thread does not keep a failed process alive: one that hangs is not restarted by anybody."""

    def __init__(self, connector: Callable[[], sqlite3.Connection], iter_chunk_size: int) -> None:
        super().__init__(connector, iter_chunk_size)
        self._thread.daemon = True


class Journal:
    """A JournalPort. Make it with `open`, then `recover`, then `begin_run`, then `write`; end it with `close`."""

    def __init__(self, database: aiosqlite.Connection, opened: Opened, state_dir: Path | None) -> None:
        """Use `Journal.open`."""
        self._db = database
        self._opened = opened
        self._dir = state_dir
        self._place = ":memory:" if state_dir is None else str(state_dir / schema.DB_FILE)
        self._queue = RowQueue(opened.key, opened.last_row, opened.head)
        self._tape: TapeWriter | None = None
        self._ballast: Ballast | None = None
        self._owed: JournalFull | None = None
        self._last_seq = opened.last_seq
        self._snapshot_seq = -1
        self._packer = snapshots.Packer()
        self._run: RunHeader | None = None
        self._lock = asyncio.Lock()
        self._wake = asyncio.Event()
        self._uncertain = False
        self._failure: JournalError | None = None
        self._ended: JournalError | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._closed = False
        self._flush_s = FLUSH_INTERVAL_MS / 1_000
        self._now_ns: Callable[[], int] = time.time_ns
        self._unchecked_rows = 0
        self._commit_s = 0.0
        self._anchored_at = self._pruned_at = time.monotonic()
        self._anchoring = asyncio.Lock()
        self._anchor_due = False
        self._keeper_problem = ""
        self._tell: Callable[[str], None] = lambda _problem: None

    @classmethod
    async def open(
        cls,
        state_dir: Path | None,
        *,
        create: bool = True,
        durable: bool = True,
        flush_interval_ms: int = FLUSH_INTERVAL_MS,
        tape: TapeLimits | None = None,
        ballast_bytes: int | None = None,
    ) -> "Journal":
        """Open or make the journal of a state directory and become its one writer.

        `durable=False` or no directory keeps rows in memory and drops market events: for tests and benchmarks.
        `ballast_bytes` lie beside the journal for a full disk; 0 removes them, None leaves what is there alone.
        Raises InstanceError (another writer), JournalTooNew, JournalCorrupt or JournalError, each in one sentence.
        """
        folder = state_dir if durable else None
        if folder is None:
            opened = Opened.in_memory(secrets.token_bytes(KEY_BYTES))
        else:
            opened = await asyncio.to_thread(open_files, folder, create=create)
        with contextlib.ExitStack() as undo:
            undo.callback(opened.release)
            database = await _Connection(lambda: schema.connect_writer(folder and folder / schema.DB_FILE), 64)
            undo.pop_all()
        journal = cls(database, opened, folder)
        journal._flush_s = flush_interval_ms / 1_000
        if folder is not None:
            limits = tape or TapeLimits()
            journal._tape = TapeWriter(folder / TAPE_FOLDER, opened.key, digest=opened.tape_digest, limits=limits)
            journal._ballast = None if ballast_bytes is None else Ballast(folder, ballast_bytes)
        return journal

    def tell_housekeeping(self, tell: Callable[[str], None]) -> None:
        """Whom to tell, in a sentence, that the housekeeping fails, and with an empty one that it works again."""
        self._tell = tell

    @property
    def head(self) -> tuple[int, str]:
        """Number and hash (hex) of the last committed row: what an operator keeps elsewhere as an anchor."""
        return self._queue.committed_row, self._queue.committed_hash.hex()

    @property
    def next_seq(self) -> int:
        """The seq that the next event must have."""
        return self._last_seq + 1

    async def recover(self, engine_factory: EngineFactory[EngineT]) -> Recovered[EngineT]:
        """The engine as the journal knows it: newest good snapshot and the tail after it; before `begin_run`.

        `engine_factory` gets the bytes of a snapshot, or None for a fresh state. Raises JournalCorrupt.
        """
        if self._run is not None:
            raise ProgrammingError("recover the engine before begin_run")
        if self._dir is None:
            return Recovered.fresh(engine_factory(None), self.next_seq)
        # Not in a thread: nothing else runs yet, and the engine is used by the loop's thread ever after.
        return recover(self._dir, self._opened.key, engine_factory, self.next_seq)

    async def begin_run(self, manifest: Manifest) -> RunHeader:
        """Durably allocate the next epoch and write the manifest; `first_seq` is the seq of RunStarted."""
        if self._run is not None or len(self._queue):
            raise ProgrammingError("a journal carries one run from open to close")
        epoch, at_ns = self._opened.last_epoch + 1, self._now_ns()
        header = RunHeader(run_id=f"{epoch}-{at_ns:x}", epoch=epoch, first_seq=self.next_seq, started_at_ns=at_ns)
        record = RunRecord(header=header, settled_seq=self._opened.settled_seq, manifest=manifest)
        self._queue.begin(header)
        self._queue.add_record(header.first_seq, RUN_IDX, at_ns, RUN_KIND, msgspec.json.encode(record))
        if self._tape is not None:
            self._tape.start_run(epoch)
        await self._flush(self._queue.last_row)
        self._run = header
        await self._anchor()
        self._keeper = asyncio.create_task(self._keep(), name="journal-keeper")
        return header

    async def write(self, entries: Sequence[Stamped | Issued], *, durable: bool) -> None:
        """Append entries; see JournalPort. Callers at the same time share one commit.

        Raises JournalError; the entries are queued all the same and written as soon as the disk takes them.
        """
        self._enqueue(entries)
        if self._owed is not None or durable or self._failure is not None or len(self._queue) >= GROUP_ROWS_MAX:
            try:
                await self._flush(self._queue.last_row)
            finally:
                owed, self._owed = self._owed, None
            if owed is not None:
                raise owed
            return
        if self._tape is not None and self._tape.is_due:
            self._tape.flush()
        self._wake.set()

    async def snapshot(self, seq: int, state_bytes: bytes) -> None:
        """Durably keep the engine's state as it is after event `seq`, which must be the last one written."""
        if self._ended is not None:
            raise self._ended
        if seq != self._last_seq:
            raise ProgrammingError(f"a snapshot is of the last event written ({self._last_seq}), not of {seq}")
        if seq == self._snapshot_seq:
            return
        digest = snapshots.state_digest(self._opened.key, state_bytes)
        packed = await self._packer.pack(state_bytes)
        if seq != self._last_seq:
            raise ProgrammingError("nothing may be written while a snapshot is being taken")
        record = snapshots.SnapshotRecord(seq=seq, digest=digest, size=len(state_bytes))
        at_ns = self._now_ns()
        self._queue.add_record(seq, SNAPSHOT_IDX, at_ns, snapshots.SNAPSHOT_KIND, msgspec.json.encode(record))
        self._queue.add_state((seq, at_ns, digest, packed))
        self._snapshot_seq = seq
        await self._flush(self._queue.last_row)
        await self._anchor()

    async def close(self) -> None:
        """Write what waits, anchor the head, let go of everything; raises JournalError when a row stayed unwritten."""
        if self._closed:
            return
        self._closed = True
        self._packer.close()
        try:
            if self._keeper is not None:
                self._keeper.cancel()
                # Whatever ended it: what waits is written and the lock released all the same.
                await asyncio.gather(self._keeper, return_exceptions=True)
            try:
                await self._flush(self._queue.last_row)
            finally:
                await self._close_tape()
            if self._run is not None:
                await self._checkpoint()
                await self._anchor()
        finally:
            try:
                # A connection whose thread hangs cannot be closed; the end of the process lets go of it.
                async with asyncio.timeout(CLOSE_S_MAX):
                    await self._db.close()
            finally:
                self._opened.release()

    async def _close_tape(self) -> None:
        if self._tape is None:
            return
        try:
            await asyncio.to_thread(self._tape.close)
        except OSError as error:
            raise JournalError(f"the tape could not be closed ({error.strerror})") from error

    def _enqueue(self, entries: Sequence[Stamped | Issued]) -> None:
        if self._run is None or self._closed:
            raise ProgrammingError("the journal is written between begin_run and close")
        if self._ended is not None:
            raise self._ended
        for entry in entries:
            expected = self._last_seq + 1 if isinstance(entry, Stamped) else self._last_seq
            if entry.seq != expected:
                raise ProgrammingError(f"the journal expected seq {expected}, not {entry.seq}")
            try:
                self._place_entry(entry)
            except JournalError as error:
                # What is queued is a gapless beginning; anything after a refused entry would not be.
                self._ended = error
                raise
            self._last_seq = entry.seq

    def _place_entry(self, entry: Stamped | Issued) -> None:
        if isinstance(entry, Stamped) and isinstance(entry.event, ev.MarketEvent):
            if self._tape is not None:
                self._tape.append(entry)
        else:
            self._queue.add_entry(entry)
            if isinstance(entry.event if isinstance(entry, Stamped) else entry.command, ANCHORED):
                self._anchor_due = True
                self._wake.set()

    async def _flush(self, row: int) -> None:
        """Commit all that waits, unless a commit that we waited for has already covered `row`."""
        async with self._lock:
            try:
                if self._uncertain:
                    await self._resync()
                if self._tape is not None:
                    self._tape.flush()  # before the commit that depends on it
                if row > self._queue.committed_row:
                    await self._commit()
            except sqlite3.Error as error:
                raise await self._failed(schema.database_error(self._place, error)) from error
            except JournalError as error:
                await self._failed(error)
                raise
            self._failure = None

    async def _failed(self, failure: JournalError) -> JournalError:
        """Keep a failure; on a full disk the halt gets the ballast's room, so whoever writes next must hear of it."""
        self._failure = failure
        if self._ballast is not None and isinstance(failure, JournalFull) and await self._ballast.free():
            self._owed = failure
        return failure

    async def _commit(self) -> None:
        batch, states = self._queue.batch()
        # Until the database has answered, nobody knows: the caller may be cancelled, the answer may be an error.
        self._uncertain, began_s = True, time.monotonic()
        if len(batch) <= STATEMENT_ROWS_MAX and not states:
            values = [value for row in batch for value in to_tuple(row)]
            await self._db.execute(insert_many(len(batch)), values)
        else:
            await self._db.execute("BEGIN IMMEDIATE")
            await self._db.executemany(INSERT, [to_tuple(row) for row in batch])
            for state in states:
                await self._db.execute(snapshots.INSERT, state)
                await self._db.execute(snapshots.FORGET)
            await self._db.execute("COMMIT")
        self._queue.committed(batch[-1])
        self._uncertain, self._commit_s = False, time.monotonic() - began_s
        self._unchecked_rows += len(batch)

    async def _resync(self) -> None:
        """End what an error or a cancelled caller left open, and ask the database what is in it."""
        await self._db.execute_fetchall("SELECT 1")  # stands behind whatever is still being carried out
        if self._db.in_transaction:
            await self._db.execute("ROLLBACK")
        cursor = await self._db.execute("SELECT max(row) FROM rows")
        found = await cursor.fetchone()
        self._queue.resync((found[0] if found else None) or 0)
        self._uncertain = False

    async def _keep(self) -> None:
        """Housekeeping: late commits, checkpoints when idle, anchors, retention. It goes on after every failure."""
        while True:
            try:
                async with asyncio.timeout(IDLE_S):
                    await self._wake.wait()
            except TimeoutError:
                idle = True
            else:
                idle = False
                self._wake.clear()
                await asyncio.sleep(self._flush_s)
            try:
                if not idle:
                    await self._flush(self._queue.last_row)
                await self._tidy(idle=idle)
            except JournalError as error:
                self._failure = error
                self._housekeeping(str(error))
            except (OSError, sqlite3.Error) as error:
                self._housekeeping(f"{self._place}: housekeeping failed ({error})")
            else:
                self._housekeeping("")

    def _housekeeping(self, problem: str) -> None:
        problem = (self._ballast.problem if self._ballast is not None else "") or problem  # it also says why
        if problem != self._keeper_problem:
            if self._keeper_problem and problem:
                self._tell("")  # an alert that is up keeps the sentence that it began with
            self._keeper_problem = problem
            self._tell(problem)

    async def _tidy(self, *, idle: bool) -> None:
        if self._unchecked_rows and (idle or self._unchecked_rows > CHECKPOINT_ROWS_MAX) and not self._disk_is_slow:
            await self._checkpoint()
        now = time.monotonic()
        if self._anchor_due or now - self._anchored_at > ANCHOR_INTERVAL_S:
            await self._anchor()
        if self._ballast is not None:
            await self._ballast.keep()
        if self._tape is not None:
            await asyncio.to_thread(self._tape.sync_ended)
        if self._tape is not None and now - self._pruned_at > PRUNE_INTERVAL_S:
            self._pruned_at = now
            cursor = await self._db.execute(snapshots.OLDEST)
            oldest = await cursor.fetchone()
            self._tape.prune(self._now_ns(), (oldest[0] if oldest else None) or 0)

    @property
    def _disk_is_slow(self) -> bool:
        """Whether a checkpoint (two waits for the disk, with an order's commit behind it) should wait for better days.

        The log grows meanwhile, in bounds: past them it is folded in whatever that takes.
        """
        return self._commit_s > COMMIT_S_SLOW and self._unchecked_rows < SLOW_CHECKPOINT_ROWS_MAX

    async def _checkpoint(self) -> None:
        async with self._lock:
            try:
                # PASSIVE never waits for readers; what they still need is taken next time.
                await self._db.execute_fetchall("PRAGMA wal_checkpoint(PASSIVE)")
            except sqlite3.Error as error:
                raise schema.database_error(self._place, error) from error
            self._unchecked_rows = 0

    async def _anchor(self) -> None:
        self._anchored_at = time.monotonic()
        if self._dir is None:
            return
        async with self._anchoring:
            row, head, behind = self._queue.committed_row, self._queue.committed_hash, len(self._queue)
            anchor = make_anchor(self._opened.key, self._now_ns(), row, head)
            # What still waits for its commit may be what was to be anchored; what comes meanwhile is due anew.
            due, self._anchor_due = self._anchor_due, self._anchor_due and behind > 0
            try:
                await asyncio.to_thread(append_anchor, self._dir, anchor)
            except JournalError:
                self._anchor_due |= due
                raise
