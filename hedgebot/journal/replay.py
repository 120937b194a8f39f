"""`journal replay`: run the engine over everything it saw and hold every command it gives against the journal's.

Starts from a fresh state where the tape goes back to the beginning, else from the oldest kept snapshot that the tape
reaches. Where a snapshot was taken on the way, the state must have its digest. Reads only.
"""

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic

import msgspec

from hedgebot.domain.commands import Command
from hedgebot.domain.events import Stamped
from hedgebot.journal import schema
from hedgebot.journal.chain import Row, load_key
from hedgebot.journal.compare import same_command
from hedgebot.journal.history import History, Moment, RunSpan
from hedgebot.journal.manifest import build_manifest, same_arithmetic
from hedgebot.journal.recover import EngineFactory, EngineT
from hedgebot.journal.snapshots import Snapshot, SnapshotRecord, read_snapshots, state_digest

DIFFERENCES_MAX = 20

Observer = Callable[[Stamped, tuple[Command, ...], EngineT], None]
"""Sees each event with the commands it gave and the engine after it, for figures that the journal does not hold."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A command that the replay gave differently: `journaled` or `replayed` is None where one side has none."""

    seq: int
    index: int
    journaled: str | None
    replayed: str | None


class ReplayReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a replay found. `problems` is empty when every command and every snapshot came out the same.

    `exact` says whether runs were held to the last bit, or (made on another machine) within a tolerance.
    """

    problems: tuple[str, ...]
    notes: tuple[str, ...]
    differences: tuple[Difference, ...]
    difference_count: int
    runs: int
    events: int
    commands: int
    missing: int
    from_seq: int
    exact: bool
    seconds: float
    events_per_second: float


def replay(
    state_dir: Path,
    engine_factory: EngineFactory[EngineT],
    *,
    verify: bool = True,
    state_bytes: Callable[[EngineT], bytes] | None = None,
    observer: Observer[EngineT] | None = None,
) -> ReplayReport:
    """Replay every run; `verify` False only steps the engine (for its speed, or for `observer`).

    `state_bytes` encodes the engine's state, to hold it against snapshots. Raises JournalError.
    """
    connection = schema.connect_reader(state_dir)
    try:
        key = load_key(state_dir, create=False)
        connection.execute("BEGIN")
        history = History(connection, state_dir, key)
        snapshots, notes = read_snapshots(connection, key)
        start = _start(history, snapshots)
        engine = engine_factory(None if start is None else start.state)
        pass_over = _Pass(engine, _exact_epochs(history.spans), key, verify=verify, state_bytes=state_bytes)
        began = time.perf_counter()
        for moment in history.moments(0 if start is None else start.seq):
            pass_over.take(moment, observer)
        seconds = time.perf_counter() - began
        notes += [finding.sentence for finding in history.tape.findings]
    except sqlite3.DatabaseError as error:
        raise schema.database_error(str(state_dir / schema.DB_FILE), error) from error
    finally:
        connection.close()
    return ReplayReport(
        problems=tuple(pass_over.problems()),
        notes=tuple(notes),
        differences=tuple(pass_over.differences),
        difference_count=pass_over.difference_count,
        runs=len(history.spans),
        events=pass_over.events,
        commands=pass_over.commands,
        missing=pass_over.missing,
        from_seq=1 if start is None else start.seq + 1,
        exact=len(pass_over.exact_epochs) == len(history.spans),
        seconds=seconds,
        events_per_second=pass_over.events / seconds if seconds > 0 else 0.0,
    )


def _start(history: History, snapshots: list[Snapshot]) -> Snapshot | None:
    """None to start afresh; the oldest snapshot that the tape reaches back to when retention removed the beginning."""
    if not history.tape.is_pruned:
        return None
    first = history.tape.first_seq
    return next((snapshot for snapshot in reversed(snapshots) if first is None or snapshot.seq >= first - 1), None)


def _exact_epochs(spans: list[RunSpan]) -> frozenset[int]:
    if not spans:
        return frozenset()
    here = build_manifest(spans[-1].record.manifest.settings, version=spans[-1].record.manifest.version)
    return frozenset(span.epoch for span in spans if same_arithmetic(span.record.manifest, here))


class _Pass(Generic[EngineT]):
    """Steps the engine moment by moment and counts what differs."""

    def __init__(
        self,
        engine: EngineT,
        exact_epochs: frozenset[int],
        key: bytes,
        *,
        verify: bool,
        state_bytes: Callable[[EngineT], bytes] | None,
    ) -> None:
        self._engine = engine
        self._key = key
        self._verify = verify
        self._state_bytes = state_bytes
        self._snapshot_problems: list[str] = []
        self.exact_epochs = exact_epochs
        self.differences: list[Difference] = []
        self.difference_count = 0
        self.events = 0
        self.commands = 0
        self.missing = 0

    def take(self, moment: Moment, observer: Observer[EngineT] | None) -> None:
        """One seq."""
        if moment.stamped is None:
            self.missing += 1
            commands: tuple[Command, ...] = ()
        else:
            commands = self._engine.step(moment.stamped)
            self.events += 1
            self.commands += len(commands)
            if observer is not None:
                observer(moment.stamped, commands, self._engine)
        if self._verify:
            self._hold(moment, commands, exact=moment.epoch in self.exact_epochs)
            if moment.snapshot is not None and moment.epoch in self.exact_epochs:
                self._hold_state(moment.snapshot)

    def problems(self) -> list[str]:
        """Sentences for what was found."""
        found = list(self._snapshot_problems)
        if self.difference_count:
            first = self.differences[0]
            found.append(
                f"{self.difference_count} commands differ from the journal; the first at seq {first.seq}.{first.index}"
            )
        if self.missing and self._verify:
            found.append(f"{self.missing} events are on no tape, so that the replay is not what the engine saw")
        return found

    def _hold(self, moment: Moment, commands: tuple[Command, ...], *, exact: bool) -> None:
        rows = moment.commands
        for index in range(max(len(rows), len(commands))):
            row = rows[index] if index < len(rows) else None
            command = commands[index] if index < len(commands) else None
            if row is None or command is None or not same_command(command, row.payload, exact=exact):
                self._differ(moment.seq, index + 1, row, command)

    def _differ(self, seq: int, index: int, row: Row | None, command: Command | None) -> None:
        self.difference_count += 1
        if len(self.differences) < DIFFERENCES_MAX:
            self.differences.append(
                Difference(
                    seq=seq,
                    index=index,
                    journaled=None if row is None else row.payload.decode("utf-8", "replace"),
                    replayed=None if command is None else msgspec.json.encode(command).decode("utf-8", "replace"),
                )
            )

    def _hold_state(self, row: Row) -> None:
        if self._state_bytes is None:
            return
        record = msgspec.json.decode(row.payload, type=SnapshotRecord)
        if state_digest(self._key, self._state_bytes(self._engine)) != record.digest:
            self._snapshot_problems.append(f"the state after seq {record.seq} is not the one that was kept there")
