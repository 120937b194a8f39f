import asyncio
import os
import random
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.errors import InstanceError, JournalCorrupt, JournalError, JournalTooNew, ProgrammingError
from hedgebot.journal import queue, schema
from hedgebot.journal.manifest import build_manifest
from hedgebot.journal.store import CHECKPOINT_ROWS_MAX, Journal
from hedgebot.journal.verify import verify
from tests.support.waiting import until
from tests.unit.journal.world import SETTINGS, Run, book, fill

CLOCK = ev.ClockMeasured(account="main", offset_ms=1.0, round_trip_ms=2.0)


def rows(state_dir: Path) -> list[tuple[int, int, str]]:
    connection = schema.connect_reader(state_dir)
    try:
        return connection.execute("SELECT seq, idx, kind FROM rows ORDER BY row").fetchall()
    finally:
        connection.close()


async def test_a_run_verifies_and_recovers(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    await run.take(book())
    await run.hedge("t1")
    await run.take(book("99000", "99001"))
    await run.hedge("t2")
    await run.journal.close()
    report = verify(tmp_path)
    assert report.problems == ()
    assert report.orders == 2
    assert report.market_events == 2
    again = await Run.start(tmp_path)
    assert again.recovered.snapshot_seq is None
    assert again.recovered.replayed == 9
    assert again.engine.state.held == run.engine.state.held
    assert again.engine.state.orders == run.engine.state.orders
    await again.journal.close()
    assert verify(tmp_path).problems == ()


async def test_durable_entries_are_there_when_write_returns(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    await run.take(fill("1"))
    assert rows(tmp_path)[-1] == (2, 2, "SubmitOrder")
    await run.journal.close()


async def test_other_entries_come_within_the_interval_and_in_order(tmp_path: Path) -> None:
    run = await Run.start(tmp_path, flush_interval_ms=10)
    await run.take(CLOCK, book(), CLOCK)
    assert rows(tmp_path)[-1][2] != "ClockMeasured"
    await until(lambda: rows(tmp_path)[-1] == (3, 0, "ClockMeasured"))
    assert rows(tmp_path)[-2:] == [(2, 0, "ClockMeasured"), (3, 0, "ClockMeasured")]
    await run.journal.close()


async def test_callers_share_a_commit_and_keep_their_order(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    stamped = [ev.Stamped(seq=2 + number, at_ns=run.now_ns, event=CLOCK) for number in range(40)]
    await asyncio.gather(*(run.journal.write([one], durable=True) for one in stamped))
    assert [row[0] for row in rows(tmp_path)[3:]] == list(range(2, 42))
    await run.journal.close()
    assert verify(tmp_path).problems == ()


async def test_a_big_batch_is_one_transaction(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    stamped = [ev.Stamped(seq=2 + number, at_ns=run.now_ns, event=CLOCK) for number in range(1_000)]
    await run.journal.write(stamped, durable=True)
    assert len(rows(tmp_path)) == 1_003
    await run.journal.close()
    assert verify(tmp_path).problems == ()


async def test_a_cancelled_writer_leaves_no_doubt(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    entries = [ev.Stamped(seq=2, at_ns=run.now_ns, event=CLOCK)]
    task = asyncio.create_task(run.journal.write(entries, durable=True))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await run.journal.write([ev.Stamped(seq=3, at_ns=run.now_ns, event=CLOCK)], durable=True)
    await run.journal.close()
    assert [row[0] for row in rows(tmp_path)[3:]] == [2, 3]
    assert verify(tmp_path).problems == ()


async def hedge_on(run: Run, count: int) -> None:
    for number in range(count):
        await run.take(fill(f"t{number}"))


async def test_a_full_disk_is_one_sentence_and_later_writes_go_on(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    pages = await run.journal._db.execute_fetchall("PRAGMA page_count")
    await run.journal._db.execute_fetchall(f"PRAGMA max_page_count={next(iter(pages))[0]}")
    with pytest.raises(JournalError, match="disk is full"):
        await hedge_on(run, 200)
    told = len(run.sent)
    committed = [row for row in rows(tmp_path) if row[2] == "SubmitOrder"]
    assert len(committed) == told
    with pytest.raises(JournalError, match="disk is full"):
        await run.journal.write([ev.Stamped(seq=run.turn.next_seq, at_ns=run.now_ns, event=CLOCK)], durable=False)
    await run.journal._db.execute_fetchall("PRAGMA max_page_count=1000000")
    await run.journal.write([ev.Stamped(seq=run.turn.next_seq + 1, at_ns=run.now_ns, event=CLOCK)], durable=True)
    await run.journal.close()
    assert verify(tmp_path).problems == ()
    assert sum(row[2] == "SubmitOrder" for row in rows(tmp_path)) == told + 1


async def test_a_lock_held_by_another_program_is_one_sentence(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    await run.journal._db.execute_fetchall("PRAGMA busy_timeout=10")
    thief = sqlite3.connect(tmp_path / schema.DB_FILE, isolation_level=None)
    thief.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="holds a lock"):
        await run.take(fill("1"))
    assert run.sent == []
    thief.execute("ROLLBACK")
    thief.close()
    await run.journal.write([ev.Stamped(seq=run.turn.next_seq, at_ns=run.now_ns, event=CLOCK)], durable=True)
    await run.journal.close()
    assert verify(tmp_path).problems == ()


async def test_a_commit_of_unknown_outcome_is_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = await Run.start(tmp_path)
    execute = run.journal._db.execute

    async def commit_and_complain(sql: str, parameters: object = None) -> object:
        await execute(sql, parameters)
        raise sqlite3.OperationalError("the cable was pulled")

    monkeypatch.setattr(run.journal._db, "execute", commit_and_complain)
    with pytest.raises(JournalError):
        await run.take(fill("1"))
    monkeypatch.undo()
    await run.journal.write([ev.Stamped(seq=run.turn.next_seq, at_ns=run.now_ns, event=CLOCK)], durable=True)
    await run.journal.close()
    assert verify(tmp_path).problems == ()


async def test_too_many_waiting_rows_end_the_journal_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = await Run.start(tmp_path, flush_interval_ms=60_000)
    monkeypatch.setattr(queue, "QUEUE_ROWS_MAX", 5)
    with pytest.raises(JournalError, match="takes no more"):
        await run.take(*[CLOCK] * 10)
    monkeypatch.undo()
    with pytest.raises(JournalError, match="takes no more"):
        await run.journal.write([ev.Stamped(seq=run.turn.next_seq, at_ns=run.now_ns, event=CLOCK)], durable=True)
    await run.journal.close()
    assert verify(tmp_path).problems == ()


async def test_a_second_writer_is_refused_by_name(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    with pytest.raises(InstanceError, match=str(os.getpid())):
        await Journal.open(tmp_path)
    await run.journal.close()
    await (await Journal.open(tmp_path)).close()


async def test_a_newer_schema_is_refused_and_not_touched(tmp_path: Path) -> None:
    await (await Run.start(tmp_path)).journal.close()
    connection = sqlite3.connect(tmp_path / schema.DB_FILE)
    connection.execute(f"PRAGMA user_version={schema.SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(JournalTooNew, match="newer"):
        await Journal.open(tmp_path)
    with pytest.raises(JournalTooNew, match="newer"):
        verify(tmp_path)


async def test_an_absent_journal_is_not_made_unasked(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="no journal"):
        await Journal.open(tmp_path / "nowhere", create=False)
    assert not (tmp_path / "nowhere").exists()


async def test_a_lost_key_is_not_replaced(tmp_path: Path) -> None:
    await (await Run.start(tmp_path)).journal.close()
    (tmp_path / "journal.key").unlink()
    with pytest.raises(JournalCorrupt, match="restore the key"):
        await Journal.open(tmp_path)


async def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    run = await Run.start(tmp_path / "state")
    await run.take(book(), fill("1"))
    await run.journal.close()
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    for path in (tmp_path / "state").rglob("*.tape"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "state" / "journal.key").stat().st_mode) == 0o600


async def test_epochs_grow_and_seqs_are_never_used_twice(tmp_path: Path) -> None:
    seqs: list[int] = []
    for epoch in (1, 2, 3):
        run = await Run.start(tmp_path)
        assert run.engine.state.epoch == epoch
        seqs.append(run.turn.next_seq)
        await run.take(book())
        await run.journal.close()
    assert seqs == sorted(set(seqs))
    assert verify(tmp_path).problems == ()


async def test_in_memory_nothing_touches_the_disk(tmp_path: Path) -> None:
    run = await Run.start(tmp_path / "state", durable=False)
    await run.take(book())
    await run.hedge("1")
    await run.snapshot()
    await run.journal.close()
    assert not (tmp_path / "state").exists()


async def test_misuse_is_a_bug_of_ours(tmp_path: Path) -> None:
    journal = await Journal.open(tmp_path)
    with pytest.raises(ProgrammingError):
        await journal.write([], durable=False)
    await journal.begin_run(build_manifest(SETTINGS, version="1"))
    with pytest.raises(ProgrammingError):
        await journal.begin_run(build_manifest(SETTINGS, version="1"))
    with pytest.raises(ProgrammingError, match="expected seq 1, not 5"):
        await journal.write([ev.Stamped(seq=5, at_ns=1, event=CLOCK)], durable=False)
    with pytest.raises(ProgrammingError):
        await journal.snapshot(3, b"state")
    await journal.close()
    await journal.close()


async def test_the_log_is_folded_in_when_idle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hedgebot.journal.store.IDLE_S", 0.02)
    run = await Run.start(tmp_path)
    for number in range(30):
        await run.take(fill(str(number)))
    await until(lambda: run.journal._unchecked_rows == 0)
    assert run.journal._unchecked_rows == 0
    size = (tmp_path / (schema.DB_FILE + "-wal")).stat().st_size
    await run.take(fill("more"))
    assert (tmp_path / (schema.DB_FILE + "-wal")).stat().st_size <= size
    await run.journal.close()


async def test_the_log_of_a_journal_that_is_never_idle_is_folded_in_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert CHECKPOINT_ROWS_MAX <= 2_000, "some 10 MB of log"
    monkeypatch.setattr("hedgebot.journal.store.CHECKPOINT_ROWS_MAX", 40)
    monkeypatch.setattr("hedgebot.journal.store.IDLE_S", 60.0)
    run = await Run.start(tmp_path)
    log = tmp_path / (schema.DB_FILE + "-wal")
    sizes = []
    for number in range(300):
        await run.take(fill(str(number)))
        if number % 30 == 29:
            # Market events wake the keeper before it could count as idle.
            await run.take(book())
            await until(lambda: run.journal._unchecked_rows <= 40)
            sizes.append(log.stat().st_size)
    # Three hundred rows without it come to nine times the first sixty.
    assert sizes[-1] <= 2.5 * sizes[1], sizes
    await run.journal.close()


WRITER = """
import asyncio, sys
from pathlib import Path
from tests.unit.journal.world import Run, book

async def main() -> None:
    run = await Run.start(Path(sys.argv[1]), flush_interval_ms=2)
    for number in range(100_000):
        await run.take(book(str(50_000 + number % 1_000), "60000"))
        client_id = await run.hedge(f"{run.engine.state.epoch}-{number}")
        if number % 7 == 0:
            await run.snapshot()
        print(client_id, flush=True)

asyncio.run(main())
"""


def run_and_kill(state_dir: Path, root: Path, seconds: float) -> list[str]:
    """Run the writer, kill it some time after its first hedge, give the client ids that it printed."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(state_dir)], stdout=subprocess.PIPE, cwd=root, text=True
    )
    assert process.stdout is not None
    printed = process.stdout.readline()
    time.sleep(seconds)
    process.kill()
    printed += process.stdout.read()
    process.wait()
    process.stdout.close()
    return [client_id for client_id in printed.split() if len(client_id) == 32]


def test_a_process_that_fails_without_closing_ends(tmp_path: Path, root: Path) -> None:
    script = WRITER.replace("for number in", "await run.hedge('1'); raise SystemExit(9)\n    for number in")
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=root, timeout=30, check=False)
    assert ended.returncode == 9
    assert verify(tmp_path).problems == ()
    assert len(orders_in(tmp_path)) == 1


def orders_in(state_dir: Path) -> set[str]:
    connection = schema.connect_reader(state_dir)
    try:
        return {row[0] for row in connection.execute("SELECT client_id FROM rows WHERE kind = 'SubmitOrder'")}
    finally:
        connection.close()


async def test_what_was_acknowledged_survives_a_killed_process(tmp_path: Path, root: Path) -> None:
    acknowledged: set[str] = set()
    for _ in range(5):
        acknowledged.update(run_and_kill(tmp_path, root, random.uniform(0, 0.2)))
        assert verify(tmp_path).problems == ()
        assert acknowledged <= orders_in(tmp_path)
    assert len(acknowledged) >= 5
    run = await Run.start(tmp_path)
    assert run.recovered.missing == 0
    assert acknowledged <= set(run.engine.state.orders)
    await run.journal.close()
    assert verify(tmp_path).problems == ()


async def test_a_cancelled_snapshot_leaves_no_transaction_open(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    await run.take(fill("1"))
    for steps in range(1, 12):
        task = asyncio.create_task(run.snapshot())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await run.take(fill(f"t{steps}"))
    await run.journal.close()
    assert verify(tmp_path).problems == ()
    assert sum(kind == "SubmitOrder" for _, _, kind in rows(tmp_path)) == 12


async def test_housekeeping_that_fails_is_told_goes_on_and_does_not_keep_the_journal_from_closing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hedgebot.journal.store.PRUNE_INTERVAL_S", -1.0)
    monkeypatch.setattr("hedgebot.journal.store.IDLE_S", 0.005)
    journal = await Journal.open(tmp_path)
    words: list[str] = []
    journal.tell_housekeeping(words.append)
    await journal.begin_run(build_manifest(SETTINGS, version="v", operator=None))
    assert journal._tape is not None

    def refuse(_now_ns: int, _seq: int) -> list[Path]:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(journal._tape, "prune", refuse)
        await until(lambda: bool(words))
        await asyncio.sleep(0.05)
        assert len(words) == 1, "the same trouble is told once"
        assert "Permission denied" in words[0]
    await until(lambda: len(words) > 1)
    assert words[1:] == [""]
    await journal.close()
    again = await Journal.open(tmp_path)
    await again.close()
