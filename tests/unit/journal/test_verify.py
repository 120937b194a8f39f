import sqlite3
from pathlib import Path

import pytest

from hedgebot.domain.client_id import ClientId
from hedgebot.domain.errors import JournalCorrupt, JournalError
from hedgebot.domain.instrument import Side
from hedgebot.journal import schema
from hedgebot.journal.anchors import ANCHOR_FILE
from hedgebot.journal.chain import genesis, load_key, row_hash
from hedgebot.journal.manifest import build_manifest
from hedgebot.journal.rows import read_rows
from hedgebot.journal.store import Journal
from hedgebot.journal.tape import segment_paths
from hedgebot.journal.verify import verify
from tests.unit.journal.world import SETTINGS, Run, SmallEngine, book, fill


@pytest.fixture
async def journal(tmp_path: Path) -> Path:
    """A state directory with two runs, hedges, market data and snapshots."""
    for epoch in (1, 2):
        run = await Run.start(tmp_path)
        for number in range(4):
            await run.take(book(str(50_000 + number), "60000"))
            await run.hedge(f"{epoch}-{number}")
        await run.snapshot()
        await run.journal.close()
    return tmp_path


def change(state_dir: Path, *statements: str) -> tuple[str, ...]:
    """Edit the database behind hedgebot's back and verify."""
    connection = sqlite3.connect(state_dir / schema.DB_FILE)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return verify(state_dir).problems


def test_an_untouched_journal_has_no_problem(journal: Path) -> None:
    report = verify(journal)
    assert (report.problems, report.notes) == ((), ())
    assert (report.runs, report.orders, report.market_events) == (2, 8, 8)
    assert report.head_row == report.rows
    assert report.anchors >= 4


@pytest.mark.parametrize(
    "assignment",
    [
        "payload = replace(payload, '0.1', '0.2')",
        "payload = cast(replace(payload, '0.1', '0.2') AS blob)",
        "at_ns = 'yesterday'",
        "hash = 'x'",
        "client_id = NULL",
        "at_ns = at_ns + 1",
        "client_id = 'someone'",
        "subject = 'bybit:linear:ETHUSDT'",
        "kind = 'CancelOrder'",
        "epoch = 9",
        "run_id = 'x'",
        "seq = seq + 1000",
        "idx = 7",
    ],
)
def test_an_edited_row_shows(journal: Path, assignment: str) -> None:
    problems = change(journal, f"UPDATE rows SET {assignment} WHERE row = 6")
    assert any("row 6" in problem and "changed" in problem for problem in problems)


def test_a_deleted_row_shows(journal: Path) -> None:
    assert any("removed" in problem for problem in change(journal, "DELETE FROM rows WHERE row = 9"))


def test_swapped_rows_show(journal: Path) -> None:
    problems = change(
        journal,
        "UPDATE rows SET row = -1 WHERE row = 5",
        "UPDATE rows SET row = 5 WHERE row = 6",
        "UPDATE rows SET row = 6 WHERE row = -1",
    )
    assert problems


def test_a_cut_end_shows_by_its_anchor(journal: Path) -> None:
    last = verify(journal).rows
    problems = change(journal, f"DELETE FROM rows WHERE row > {last - 1}", "DELETE FROM snapshots")
    assert any("cut off" in problem for problem in problems)


def test_a_cut_end_without_its_anchors_still_verifies_as_shorter(journal: Path) -> None:
    # The limit of a chain, and the reason why the head is also kept elsewhere.
    last = verify(journal).rows
    (journal / ANCHOR_FILE).unlink()
    assert change(journal, f"DELETE FROM rows WHERE row > {last - 1}", "DELETE FROM snapshots") == ()


def rebuild(state_dir: Path, key: bytes) -> None:
    """Change a row and make every hash after it right again."""
    connection = sqlite3.connect(state_dir / schema.DB_FILE)
    previous = genesis(key)
    for row in list(read_rows(connection)):
        payload = row.payload.replace(b"0.55", b"0.01")
        connection.execute("UPDATE rows SET payload = ?, prev_hash = ? WHERE row = ?", (payload, previous, row.row))
        (fresh,) = read_rows(connection, "row = ?", (row.row,))
        previous = row_hash(key, fresh)
        connection.execute("UPDATE rows SET hash = ? WHERE row = ?", (previous, row.row))
    connection.commit()
    connection.close()


def test_a_chain_rebuilt_without_the_key_shows(journal: Path) -> None:
    rebuild(journal, b"guess" * 6)
    assert any("row 1" in problem for problem in verify(journal).problems)


def test_a_chain_rebuilt_with_the_key_shows_by_its_anchors(journal: Path) -> None:
    rebuild(journal, load_key(journal, create=False))
    problems = verify(journal).problems
    assert problems
    assert all("rebuilt" in problem for problem in problems)


def test_a_forged_anchor_shows(journal: Path) -> None:
    path = journal / ANCHOR_FILE
    path.write_bytes(path.read_bytes().replace(b'"at_ns":1', b'"at_ns":2'))
    assert any("not written with the journal's key" in problem for problem in verify(journal).problems)


def test_a_lost_segment_of_the_tape_shows(journal: Path) -> None:
    segment_paths(journal / "tape")[-1].unlink()
    assert any("on no tape" in problem for problem in verify(journal).problems)


def test_a_lost_first_segment_reads_as_pruned(journal: Path) -> None:
    segment_paths(journal / "tape")[0].unlink()
    assert verify(journal).problems == ()


def test_a_torn_tape_that_lost_what_a_run_used_shows(journal: Path) -> None:
    path = segment_paths(journal / "tape")[-1]
    path.write_bytes(path.read_bytes()[:-5])
    report = verify(journal)
    assert len(report.problems) == 1
    assert "on no tape" in report.problems[0]
    assert any("incomplete" in note for note in report.notes)


async def test_a_torn_tape_beyond_every_decision_is_a_note(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    await run.hedge("1")
    await run.journal._flush(run.journal._queue.last_row)
    await run.take(book())
    run.journal._tape.flush()  # type: ignore[union-attr]  # it is on disk here
    await run.journal.close()
    path = segment_paths(tmp_path / "tape")[-1]
    path.write_bytes(path.read_bytes()[:-5])
    report = verify(tmp_path)
    assert report.problems == ()
    assert len(report.notes) == 1


async def test_a_run_that_died_before_its_first_event_is_no_problem(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    await run.hedge("1")
    await run.take(book())  # on the tape only: the next numbers begin after it, what is settled ends before it
    await run.journal.close()
    journal = await Journal.open(tmp_path)
    await journal.recover(SmallEngine)
    await journal.begin_run(build_manifest(SETTINGS, version="1.2.3"))
    await journal.close()
    run = await Run.start(tmp_path)
    await run.journal.close()
    assert verify(tmp_path).problems == ()


def test_a_changed_snapshot_shows(journal: Path) -> None:
    problems = change(journal, "UPDATE snapshots SET state = x'00'")
    assert any("snapshot" in problem for problem in problems)


async def test_an_order_sent_twice_and_a_fill_of_no_intent_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await Run.start(tmp_path)
    await run.hedge("1")
    submit = run.sent[0]
    monkeypatch.setattr(run.engine, "step", lambda _: (submit,))  # a broken engine
    stranger = ClientId(install=7, epoch=1, strategy=1, intent=99).encode()
    await run.take(fill("x", Side.SELL, client_id=stranger))
    await run.journal.close()
    problems = verify(tmp_path).problems
    assert any("again" in problem for problem in problems)
    assert any("no intent" in problem for problem in problems)


async def test_a_fill_of_another_installation_is_nobodys_fault(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    await run.take(fill("x", Side.SELL, client_id=ClientId(install=8, epoch=1, strategy=1, intent=99).encode()))
    await run.journal.close()
    assert verify(tmp_path).problems == ()


async def test_a_running_daemon_can_be_verified(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    for number in range(5):
        await run.take(book(str(number + 1), "60000"))
        await run.hedge(str(number))
        assert verify(tmp_path).problems == ()
    await run.journal.close()


async def test_damage_is_found_at_the_next_start(journal: Path) -> None:
    change(journal, "UPDATE rows SET at_ns = at_ns + 1 WHERE row = 6")
    with pytest.raises(JournalCorrupt, match="row 6"):
        await Journal.open(journal)


def test_a_database_of_someone_else_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / schema.DB_FILE)
    connection.execute("CREATE TABLE mine (x)")
    connection.close()
    with pytest.raises(JournalCorrupt, match="not a hedgebot journal"):
        verify(tmp_path)


def test_garbage_is_refused(tmp_path: Path) -> None:
    (tmp_path / schema.DB_FILE).write_bytes(b"garbage" * 1_000)
    with pytest.raises(JournalCorrupt, match="intact database"):
        verify(tmp_path)


def test_no_journal_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="no journal here"):
        verify(tmp_path)
