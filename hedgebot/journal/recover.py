"""Start-up is crash recovery: the newest good snapshot, then every journaled input after it through the engine.

The journal's orders are the truth about what may have left the process. When all inputs are there, the replay must give
exactly these orders, or the engine's picture would be wrong: that is an error. When the end of the tape is missing
(power cut), the replay cannot; the orders it did not give are handed on, and reconciliation settles them.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar, get_args

import msgspec

from hedgebot.domain.commands import Issued, RiskCommand, SubmitOrder, adds_risk
from hedgebot.domain.errors import HedgebotError, JournalCorrupt
from hedgebot.journal import schema
from hedgebot.journal.chain import Row
from hedgebot.journal.codec import decode_command
from hedgebot.journal.history import History, Moment
from hedgebot.journal.snapshots import Snapshot, read_snapshots
from hedgebot.turn.turn import Stepper

EngineT = TypeVar("EngineT", bound=Stepper)
_HELD = frozenset(one.__name__ for one in get_args(RiskCommand))
EngineFactory = Callable[[bytes | None], EngineT]
"""Makes an engine from the bytes of a snapshot, or a fresh one from None."""


class Recovered(msgspec.Struct, Generic[EngineT], frozen=True, kw_only=True):
    """An engine as the journal knows it, and how it was made.

    `snapshot_seq` is None when everything was replayed. `missing` counts market events that are on no tape; only then
    can `unreproduced` (journaled orders that the engine does not know) or `invented` (orders it believes it sent, which
    never left) be anything but empty. `notes` are sentences for the log.
    """

    engine: EngineT
    next_seq: int
    snapshot_seq: int | None
    replayed: int
    missing: int
    unreproduced: tuple[Issued, ...]
    invented: tuple[SubmitOrder, ...]
    notes: tuple[str, ...]

    @classmethod
    def fresh(cls, engine: EngineT, next_seq: int) -> "Recovered[EngineT]":
        """The first run of a journal."""
        return cls(
            engine=engine,
            next_seq=next_seq,
            snapshot_seq=None,
            replayed=0,
            missing=0,
            unreproduced=(),
            invented=(),
            notes=(),
        )


def recover(state_dir: Path, key: bytes, engine_factory: EngineFactory[EngineT], next_seq: int) -> Recovered[EngineT]:
    """Make the engine; raises JournalCorrupt when no snapshot and tail give the journaled orders."""
    connection = schema.connect_reader(state_dir)
    try:
        history = History(connection, state_dir, key)
        good, notes = read_snapshots(connection, key)
        snapshot, engine = _restore(good, engine_factory, notes)
        replay = _Tail(engine)
        for moment in history.moments(0 if snapshot is None else snapshot.seq):
            replay.take(moment)
        notes += [finding.sentence for finding in history.tape.findings]
    except sqlite3.DatabaseError as error:
        raise schema.database_error(str(state_dir / schema.DB_FILE), error) from error
    finally:
        connection.close()
    if replay.missing:
        notes.append(f"{replay.missing} market events after seq {replay.first_missing - 1} are on no tape")
    return Recovered(
        engine=engine,
        next_seq=next_seq,
        snapshot_seq=None if snapshot is None else snapshot.seq,
        replayed=replay.replayed,
        missing=replay.missing,
        unreproduced=tuple(replay.unreproduced),
        invented=tuple(replay.invented),
        notes=tuple(notes),
    )


def _restore(
    good: list[Snapshot], engine_factory: EngineFactory[EngineT], notes: list[str]
) -> tuple[Snapshot | None, EngineT]:
    for snapshot in good:
        try:
            return snapshot, engine_factory(snapshot.state)
        except (msgspec.MsgspecError, HedgebotError, ValueError) as error:
            # A state of another version of the engine: an older snapshot or the whole journal serves as well.
            notes.append(f"the snapshot at seq {snapshot.seq} cannot be used ({error})")
    return None, engine_factory(None)


class _Tail:
    """Steps the engine through moments and holds its orders against the journal's."""

    def __init__(self, engine: Stepper) -> None:
        self._engine = engine
        self.replayed = 0
        self.missing = 0
        self.first_missing = 0
        self.unreproduced: list[Issued] = []
        self.invented: list[SubmitOrder] = []

    def take(self, moment: Moment) -> None:
        journaled = [_issued(row) for row in moment.commands if row.kind in _HELD]
        given: list[RiskCommand] = []
        if moment.stamped is None:
            self.missing += 1
            self.first_missing = self.first_missing or moment.seq
        else:
            commands = self._engine.step(moment.stamped)
            given = [command for command in commands if adds_risk(command)]
            self.replayed += 1
        self._hold(moment.seq, journaled, given)

    def _hold(self, seq: int, journaled: list[Issued], given: list[RiskCommand]) -> None:
        known = {_id_of(one): one for one in given}
        truth = {_id_of(one.command) for one in journaled if adds_risk(one.command)}
        lost = [issued for issued in journaled if not _is_given(issued, known)]
        extra = [one for one in given if _id_of(one) not in truth]
        if (lost or extra) and not self.missing:
            what = "an order of the journal was not given again" if lost else "an order was given that is not in it"
            raise JournalCorrupt(
                f"recovery differs from the journal at seq {seq}: {what}; "
                "start the version that wrote it, stop it cleanly, then change versions"
            )
        self.unreproduced += lost
        self.invented += [one for one in extra if isinstance(one, SubmitOrder)]


def _id_of(command: RiskCommand) -> str:
    return command.client_id if isinstance(command, SubmitOrder) else command.move.transfer_id


def _is_given(issued: Issued, known: dict[str, RiskCommand]) -> bool:
    command = issued.command
    found = known.get(_id_of(command)) if adds_risk(command) else None
    if not isinstance(command, SubmitOrder) or not isinstance(found, SubmitOrder):
        return found is not None and found == command
    mine, theirs = found.approved.intent, command.approved.intent
    # What the venue was told must agree to the last digit; evidence in floats may differ in the last bit elsewhere.
    return (mine.account, mine.instrument, mine.side, mine.qty_contracts, mine.limit_price) == (
        theirs.account,
        theirs.instrument,
        theirs.side,
        theirs.qty_contracts,
        theirs.limit_price,
    )


def _issued(row: Row) -> Issued:
    return Issued(seq=row.seq, index=row.idx, at_ns=row.at_ns, command=decode_command(row.payload))
