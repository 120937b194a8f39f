"""The journal with a ballast beside it: a full disk takes it, and what is written next is durable."""

import asyncio
import shutil
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.errors import JournalFull
from hedgebot.journal.ballast import BALLAST_FILE
from hedgebot.journal.verify import verify
from tests.support.waiting import until
from tests.unit.journal.test_store import CLOCK, rows
from tests.unit.journal.world import Run, fill


def full_until_freed(run: Run, ballast: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    execute, there = run.journal._db.execute, ballast.exists

    async def no_space_beside_the_ballast(sql: str, *words: object) -> object:
        if there() and sql.startswith("INSERT"):
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorname = "SQLITE_FULL"
            raise error
        return await execute(sql, *words)

    monkeypatch.setattr(run.journal._db, "execute", no_space_beside_the_ballast)


async def test_a_full_disk_takes_the_ballast_and_the_next_write_finds_its_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write that met the full disk has failed all the same; what is written next (the halt) is durable."""
    monkeypatch.setattr("hedgebot.journal.store.IDLE_S", 0.01)
    told: list[str] = []
    run = await Run.start(tmp_path, ballast_bytes=200_000)
    run.journal.tell_housekeeping(told.append)
    ballast = tmp_path / BALLAST_FILE
    await until(ballast.exists)
    full_until_freed(run, ballast, monkeypatch)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=0))
    with pytest.raises(JournalFull, match="disk is full"):
        await run.take(fill("t1"))
    assert not ballast.exists()
    assert run.sent == []
    await run.journal.write([ev.Stamped(seq=run.turn.next_seq, at_ns=run.now_ns, event=CLOCK)], durable=True)
    assert rows(tmp_path)[-1][2] == "ClockMeasured"
    await until(lambda: bool(told) and "ballast were given to the journal" in told[-1])
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=400_000))
    monkeypatch.setattr("hedgebot.journal.ballast.LOOK_INTERVAL_S", 0.0)
    await until(ballast.exists)
    await until(lambda: told[-1] == "")
    await run.journal.close()
    assert verify(tmp_path).problems == ()


async def test_a_full_disk_that_the_housekeeping_met_is_told_to_who_writes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else hedging would go on in the ballast's room until there was none left for the halt."""
    monkeypatch.setattr("hedgebot.journal.store.IDLE_S", 0.01)
    run = await Run.start(tmp_path, ballast_bytes=200_000)
    await until((tmp_path / BALLAST_FILE).exists)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=0))
    full_until_freed(run, tmp_path / BALLAST_FILE, monkeypatch)
    await run.journal.write([ev.Stamped(seq=run.turn.next_seq, at_ns=run.now_ns, event=CLOCK)], durable=False)
    await until(lambda: not (tmp_path / BALLAST_FILE).exists())
    with pytest.raises(JournalFull, match="disk is full"):
        await run.journal.write([ev.Stamped(seq=run.turn.next_seq + 1, at_ns=run.now_ns, event=CLOCK)], durable=True)
    assert [row[2] for row in rows(tmp_path)[-2:]] == ["ClockMeasured"] * 2
    await run.journal.write([ev.Stamped(seq=run.turn.next_seq + 2, at_ns=run.now_ns, event=CLOCK)], durable=True)
    await run.journal.close()
    assert verify(tmp_path).problems == ()


async def test_a_journal_that_was_asked_for_no_ballast_leaves_one_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A verb that looks after a stopped daemon's journal is not the daemon."""
    monkeypatch.setattr("hedgebot.journal.store.IDLE_S", 0.01)
    (tmp_path / BALLAST_FILE).write_bytes(bytes(1_000))
    run = await Run.start(tmp_path)
    await asyncio.sleep(0.1)
    await run.journal.close()
    assert (tmp_path / BALLAST_FILE).stat().st_size == 1_000
