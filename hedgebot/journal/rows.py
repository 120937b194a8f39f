"""Rows in the database: how they are inserted and read. Owns the column order, and nothing else."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from hedgebot.journal.chain import Row
from hedgebot.journal.manifest import RunRecord, decode_run

RUN_IDX = -1
SNAPSHOT_IDX = -2
RUN_KIND = "RunManifest"

COLUMNS = "row, seq, idx, run_id, epoch, at_ns, kind, subject, client_id, payload, prev_hash, hash"
_NAMES = COLUMNS.split(", ")
_VALUES = "(" + ", ".join("?" * len(_NAMES)) + ")"
INSERT = f"INSERT INTO rows ({COLUMNS}) VALUES {_VALUES}"  # noqa: S608 - constants only
SELECT = f"SELECT {COLUMNS} FROM rows"  # noqa: S608 - constants only

RowTuple = tuple[int, int, int, str, int, int, str, str, str | None, bytes, bytes, bytes]


def insert_many(count: int) -> str:
    """One statement for `count` rows: one statement is one transaction, and one trip to the connection's thread."""
    return INSERT + f", {_VALUES}" * (count - 1)


def to_tuple(row: Row) -> RowTuple:
    """A row in column order."""
    return (
        row.row,
        row.seq,
        row.idx,
        row.run_id,
        row.epoch,
        row.at_ns,
        row.kind,
        row.subject,
        row.client_id,
        row.payload,
        row.prev_hash,
        row.hash,
    )


def from_tuple(values: Sequence[object]) -> Row:
    """A row from column order, as the database gave it.

    SQLite keeps any type in any column. A value that somebody put there with a wrong type is read as one that gives a
    wrong hash, so that verification names the row in place of failing on it.
    """
    try:
        return msgspec.convert(tuple(values), Row)
    except msgspec.ValidationError:
        return Row(**{name: _forced(name, value) for name, value in zip(_NAMES, values, strict=True)})


def _forced(name: str, value: object) -> Any:  # noqa: ANN401 - a field of any of Row's types
    match Row.__annotations__[name]:
        case kind if kind is int:
            return value if isinstance(value, int) else -1
        case kind if kind is bytes:
            return value if isinstance(value, bytes) else str(value).encode()
        case _:
            return value if isinstance(value, str) else str(value)


def read_rows(connection: sqlite3.Connection, where: str = "1", parameters: Sequence[object] = ()) -> Iterator[Row]:
    """Rows in order of the chain; `where` is SQL of this package, never an operator's text."""
    cursor = connection.execute(f"{SELECT} WHERE {where} ORDER BY row", tuple(parameters))
    for values in cursor:
        yield from_tuple(values)


def read_runs(connection: sqlite3.Connection) -> list[RunRecord]:
    """All runs, oldest first; raises JournalCorrupt where one cannot be read."""
    return [
        decode_run(payload)
        for (payload,) in connection.execute("SELECT payload FROM rows WHERE kind = ? ORDER BY row", (RUN_KIND,))
    ]
