import sqlite3
from pathlib import Path

import pytest

from hedgebot.domain.errors import JournalCorrupt, JournalError
from hedgebot.journal import opening, schema
from hedgebot.journal.lock import WriterLock
from hedgebot.journal.opening import Opened, open_files
from hedgebot.journal.verify import verify
from tests.unit.journal.world import Run, book


async def test_the_end_of_a_journal_is_found(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    await run.hedge("t0")
    await run.take(book(), book("1", "2"))
    await run.journal.close()
    opened = open_files(tmp_path, create=False)
    opened.release()
    report = verify(tmp_path)
    assert (opened.last_row, opened.head.hex()) == (report.head_row, report.head_hash)
    assert (opened.last_epoch, opened.settled_seq, opened.last_seq) == (1, 4, 5)


def test_a_new_directory_is_made_ready_for_readers(tmp_path: Path) -> None:
    open_files(tmp_path / "a" / "b", create=True).release()
    assert verify(tmp_path / "a" / "b").rows == 0


def test_a_refused_journal_is_not_left_locked(tmp_path: Path) -> None:
    (tmp_path / schema.DB_FILE).write_bytes(b"garbage" * 999)
    with pytest.raises(JournalError):
        open_files(tmp_path, create=True)
    WriterLock(tmp_path).release()


async def test_only_the_chains_end_is_checked_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = await Run.start(tmp_path)
    for number in range(3):
        await run.hedge(str(number))
    await run.journal.close()
    connection = sqlite3.connect(tmp_path / schema.DB_FILE)
    connection.execute("UPDATE rows SET subject = 'x' WHERE row = 2")
    connection.commit()
    connection.close()
    with pytest.raises(JournalCorrupt, match="row 2"):
        open_files(tmp_path, create=False)
    monkeypatch.setattr(opening, "CHECKED_ROWS", 5)
    open_files(tmp_path, create=False).release()


def test_a_place_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be made"):
        open_files(tmp_path / "file" / "state", create=True)


def test_in_memory_there_is_nothing_yet() -> None:
    opened = Opened.in_memory(b"k" * 32)
    opened.release()
    assert (opened.last_row, opened.last_epoch, opened.last_seq) == (0, 0, 0)
