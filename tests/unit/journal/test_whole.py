"""The whole journal verified apart: what is found is printed, and what cannot be looked at is a sentence."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from hedgebot.domain.errors import JournalError
from hedgebot.journal import schema
from hedgebot.journal.whole import NICENESS, Finding, look, main
from tests.unit.journal.world import Run, book


async def written(folder: Path) -> int:
    run = await Run.start(folder)
    await run.take(book())
    for number in range(5):
        await run.hedge(f"t{number}")
    await run.journal.close()
    return run.journal.head[0]


def edit(folder: Path, row: int) -> None:
    connection = sqlite3.connect(folder / schema.DB_FILE)
    with connection:
        connection.execute("UPDATE rows SET at_ns = at_ns + 1 WHERE row = ?", (row,))
    connection.close()


async def test_a_whole_journal_has_no_problems_and_an_edited_row_is_named(tmp_path: Path) -> None:
    last = await written(tmp_path)
    assert look(tmp_path) == Finding(rows=last)
    edit(tmp_path, 3)
    found = look(tmp_path)
    assert found.count >= 1
    assert "row 3" in found.problems[0]
    assert len(found.problems) <= 3


def test_the_process_says_it_as_json_at_the_lowest_priority(tmp_path: Path) -> None:
    last = asyncio.run(written(tmp_path))
    script = (
        "import os, sys; from hedgebot.journal import whole; code = whole.main(sys.argv[1:]); "
        "sys.stderr.write(str(os.nice(0))); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0
    assert msgspec.json.decode(done.stdout, type=Finding) == Finding(rows=last)
    assert int(done.stderr) == NICENESS


def test_where_there_is_no_journal_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "nice", lambda _by: 0)
    with pytest.raises(JournalError):
        look(tmp_path)
    assert main([str(tmp_path)]) == 1
    assert "there is no journal here" in capsys.readouterr().err


def test_a_file_that_is_no_database_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / schema.DB_FILE).write_bytes(b"not a database at all, however long it is" * 100)
    found = look(tmp_path)
    assert (found.rows, found.count) == (0, 1)
    assert "not an intact database" in found.problems[0]
