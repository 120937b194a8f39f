import gc
import sqlite3
from pathlib import Path

import pytest

from hedgebot.domain.errors import JournalCorrupt, JournalError, JournalFull
from hedgebot.journal import rows, schema
from hedgebot.journal.store import STATEMENT_ROWS_MAX


def pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_writer_survives_power_cuts_by_its_settings(tmp_path: Path) -> None:
    connection = schema.connect_writer(tmp_path / schema.DB_FILE)
    assert (pragma(connection, "journal_mode"), pragma(connection, "synchronous")) == ("wal", 2)
    assert (pragma(connection, "wal_autocheckpoint"), pragma(connection, "busy_timeout")) == (0, schema.BUSY_TIMEOUT_MS)
    assert (pragma(connection, "user_version"), pragma(connection, "application_id")) == (1, schema.APPLICATION_ID)
    assert pragma(connection, "cache_size") == -2_000, "in KB, where it is negative"
    connection.close()


def test_statements_of_rare_sizes_do_not_pile_up(tmp_path: Path) -> None:
    """Each size of a group is a statement; kept all, they would take megabytes that come over hours."""
    connection = schema.connect_writer(tmp_path / schema.DB_FILE)
    fixed = ("", 1, 1, "", "", None, b"", b"", b"")
    for count in range(1, STATEMENT_ROWS_MAX + 1):
        values = [value for nr in range(count) for value in (count * 100 + nr, count, nr, *fixed)]
        connection.execute(rows.insert_many(count), values)
    held = [one for one in gc.get_objects() if type(one).__name__ == "Statement"]
    assert len(held) <= schema.STATEMENTS_KEPT + 1
    connection.close()


def test_opening_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / schema.DB_FILE
    schema.connect_writer(path).close()
    before = path.read_bytes()
    schema.connect_writer(path).close()
    assert path.read_bytes() == before


def test_an_older_journal_is_set_aside_and_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / schema.DB_FILE
    schema.connect_writer(path).close()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE extra (x)",)))
    monkeypatch.setattr(schema, "SCHEMA_VERSION", 2)
    with pytest.raises(JournalError, match="older"):
        schema.connect_reader(tmp_path)
    connection = schema.connect_writer(path)
    assert pragma(connection, "user_version") == 2
    assert connection.execute("SELECT count(*) FROM extra").fetchone() == (0,)
    connection.close()
    copy = sqlite3.connect(tmp_path / "journal.db.schema1.backup")
    assert pragma(copy, "user_version") == 1
    copy.close()


def test_a_failed_migration_leaves_the_journal_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / schema.DB_FILE
    schema.connect_writer(path).close()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("CREATE TABLE extra (x)", "NONSENSE")))
    monkeypatch.setattr(schema, "SCHEMA_VERSION", 2)
    with pytest.raises(JournalError, match="syntax"):
        schema.connect_writer(path)
    monkeypatch.undo()
    connection = schema.connect_reader(tmp_path)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    assert tables == {"rows", "snapshots"}


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    schema.connect_writer(tmp_path / schema.DB_FILE).close()
    connection = schema.connect_reader(tmp_path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM rows")
    connection.close()


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("SQLITE_FULL", JournalFull, "disk is full"),
        ("SQLITE_IOERR_WRITE", JournalFull, "disk is full"),
        ("SQLITE_BUSY", JournalError, "holds a lock"),
        ("SQLITE_READONLY_DBMOVED", JournalError, "cannot be written"),
        ("SQLITE_CORRUPT", JournalCorrupt, "intact"),
        ("SQLITE_NOTADB", JournalCorrupt, "intact"),
        ("SQLITE_IOERR_FSYNC", JournalError, "failed"),
        ("", JournalError, "failed"),
    ],
)
def test_what_the_database_says_becomes_a_sentence(name: str, kind: type[JournalError], words: str) -> None:
    error = sqlite3.OperationalError("said so")
    error.sqlite_errorname = name
    told = schema.database_error("journal.db", error)
    assert type(told) is kind
    assert words in str(told)
    assert str(told).startswith("journal.db: ")
