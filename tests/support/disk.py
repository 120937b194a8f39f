"""A disk of our making under the real journal: it notes every write, plays power cuts from the notes, and can dawdle.

SQLite runs on the file layer that `apsw` lets us write; the journal sees a connection that looks like the standard
library's. Must not be mixed with a reader of the standard library on the same file in the same process: two copies of
SQLite in one process undo each other's file locks.
"""

import random
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import apsw

from hedgebot.journal import schema
from hedgebot.journal.anchors import ANCHOR_FILE
from hedgebot.journal.chain import KEY_FILE

SECTOR_BYTES = 512


class Note(NamedTuple):
    """One thing that happened: a write, truncate or sync of a file, its deletion, or the journal's promise (`kept`)."""

    what: str
    file: str
    offset: int = 0
    data: bytes = b""


class Disk:
    """The file layer: passes everything on to the real one, notes it, and waits `sync_s` before each sync."""

    def __init__(self, name: str) -> None:
        self.notes: list[Note] = []
        self.sync_s = 0.0
        self.syncs = 0
        self.synchronous = "FULL"
        self._layer = _Layer(name, self)
        self.name = name

    def promised(self, rows: int, anchors: bytes) -> None:
        """The journal said that `rows` rows are durable, and `anchors` is its anchor file (synced by itself)."""
        self.notes.append(Note("kept", ANCHOR_FILE, rows, anchors))

    def close(self) -> None:
        """Take the layer away."""
        self._layer.unregister()


class _Layer(apsw.VFS):  # a C class
    def __init__(self, name: str, disk: Disk) -> None:
        self._disk = disk
        self._name = name
        super().__init__(name, "")

    def xOpen(self, name: Any, flags: list[int]) -> "_File":  # noqa: N802  (SQLite's name)
        return _File(name, flags, self._disk)

    def xDelete(self, filename: str, sync_folder: bool) -> None:  # noqa: N802  (SQLite's name)
        super().xDelete(filename, sync_folder)
        self._disk.notes.append(Note("delete", Path(filename).name))


class _File(apsw.VFSFile):  # type: ignore[misc, unused-ignore]  # a C class
    def __init__(self, name: Any, flags: list[int], disk: Disk) -> None:
        self._disk = disk
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._file = Path(path).name if path else ""
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802  (SQLite's name)
        super().xWrite(data, offset)
        self._disk.notes.append(Note("write", self._file, offset, bytes(data)))

    def xTruncate(self, size: int) -> None:  # noqa: N802  (SQLite's name)
        super().xTruncate(size)
        self._disk.notes.append(Note("truncate", self._file, size))

    def xSync(self, flags: int) -> None:  # noqa: N802  (SQLite's name)
        if self._disk.sync_s:
            time.sleep(self._disk.sync_s)
        self._disk.syncs += 1
        super().xSync(flags)
        self._disk.notes.append(Note("sync", self._file))


class _Rows:
    """A statement's rows, fetched: a statement left open would keep its transaction open."""

    def __init__(self, rows: list[Any]) -> None:
        self._rows = iter(rows)

    def __iter__(self) -> Iterator[Any]:
        return self._rows

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def close(self) -> None:
        pass


class Connection:
    """As much of the standard library's connection as the journal uses."""

    def __init__(self, place: str, disk: Disk, busy_ms: int, *, uri: bool = False) -> None:
        self._disk = disk
        flags = apsw.SQLITE_OPEN_READONLY if uri else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        self._link = apsw.Connection(place, flags | apsw.SQLITE_OPEN_URI if uri else flags, vfs=disk.name)
        self._link.set_busy_timeout(busy_ms)

    @property
    def in_transaction(self) -> bool:
        return self._link.in_transaction

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> _Rows:
        if sql == "PRAGMA synchronous=FULL":
            sql = f"PRAGMA synchronous={self._disk.synchronous}"
        try:
            return _Rows(list(self._link.execute(sql, tuple(parameters))))
        except apsw.Error as error:
            raise _translated(error) from error

    def executemany(self, sql: str, many: Iterable[Sequence[Any]]) -> _Rows:
        try:
            return _Rows(list(self._link.executemany(sql, [tuple(one) for one in many])))
        except apsw.Error as error:
            raise _translated(error) from error

    def close(self) -> None:
        self._link.close()


def _translated(error: apsw.Error) -> sqlite3.Error:
    same = sqlite3.OperationalError(str(error))
    code = getattr(error, "extendedresult", 0)
    same.sqlite_errorcode = code
    same.sqlite_errorname = str(apsw.mapping_extended_result_codes.get(code, apsw.mapping_result_codes.get(code, "")))
    return same


class OnDisk:
    """Stands where `hedgebot.journal.schema` sees the module sqlite3: its writers open their files on the disk."""

    def __init__(self, disk: Disk, *, readers: bool = False) -> None:
        self._disk = disk
        self._readers = readers

    def __getattr__(self, name: str) -> Any:
        return getattr(sqlite3, name)

    def connect(self, place: str, *, timeout: float, **more: Any) -> Any:
        if more.get("uri") and not self._readers:
            return sqlite3.connect(place, timeout=timeout, **more)
        return Connection(place, self._disk, round(timeout * 1_000), uri=bool(more.get("uri")))


class _Platter:
    """What a file holds: definite bytes, and what was written since its last sync."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.unsynced: list[Note] = []

    def take(self, note: Note) -> None:
        if note.what == "sync":
            self.settle()
        else:
            self.unsynced.append(note)

    def settle(self) -> None:
        for note in self.unsynced:
            self._apply(note)
        self.unsynced.clear()

    def cut(self, chance: random.Random) -> bytes:
        """Lose power: of what was not synced any sector may be there, missing or torn, in any order."""
        if chance.random() < 0.1:
            self.settle()  # the disk happened to be quick
        for note in self.unsynced:
            if note.what == "truncate":
                if chance.random() < 0.5:
                    self._apply(note)
                continue
            for first in range(0, len(note.data), SECTOR_BYTES):
                part = note.data[first : first + SECTOR_BYTES]
                fate = chance.random()
                if fate < 0.1:
                    part = part[: chance.randrange(len(part))]
                if fate < 0.6:
                    self._apply(Note("write", note.file, note.offset + first, part))
        return bytes(self.data)

    def _apply(self, note: Note) -> None:
        if note.what == "truncate":
            del self.data[note.offset :]
            return
        if len(self.data) < note.offset:
            self.data.extend(bytes(note.offset - len(self.data)))
        self.data[note.offset : note.offset + len(note.data)] = note.data


class Cut(NamedTuple):
    """What a power cut left: a state directory, and how many rows had been promised."""

    state_dir: Path
    promised: int

    @classmethod
    def at(cls, notes: Sequence[Note], moment: int, *, key: bytes, folder: Path, chance: random.Random) -> Self:
        """Cut after the first `moment` notes; `folder` must be new."""
        files: dict[str, _Platter] = {}
        rows, anchors = 0, b""
        for note in notes[:moment]:
            if note.what == "kept":
                rows, anchors = note.offset, note.data
            elif note.what == "delete":
                files.pop(note.file, None)
            else:
                files.setdefault(note.file, _Platter()).take(note)
        folder.mkdir(mode=0o700)
        for name, platter in files.items():
            (folder / name).write_bytes(platter.cut(chance))
        for name, data in ((KEY_FILE, key), (ANCHOR_FILE, anchors)):
            (folder / name).write_bytes(data)
            (folder / name).chmod(0o600)
        return cls(folder, rows)


def use(disk: Disk, patch: Any, *, readers: bool = False) -> None:
    """Let the journal write on `disk` for the rest of a test (`patch` is pytest's monkeypatch); `readers` too."""
    patch.setattr(schema, "sqlite3", OnDisk(disk, readers=readers))
