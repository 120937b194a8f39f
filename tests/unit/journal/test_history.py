from pathlib import Path

from hedgebot.domain import events as ev
from hedgebot.journal import schema
from hedgebot.journal.chain import load_key
from hedgebot.journal.history import History, Moment, read_spans
from hedgebot.journal.manifest import build_manifest
from hedgebot.journal.store import Journal
from tests.unit.journal.world import SETTINGS, Run, book


def moments(state_dir: Path, after_seq: int = 0) -> list[Moment]:
    connection = schema.connect_reader(state_dir)
    try:
        return list(History(connection, state_dir, load_key(state_dir, create=False)).moments(after_seq))
    finally:
        connection.close()


async def test_rows_and_tape_are_one_sequence(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    await run.take(book("1", "2"))
    await run.hedge("t0")
    await run.snapshot()
    await run.journal.close()
    found = moments(tmp_path)
    assert [moment.seq for moment in found] == [1, 2, 3, 4, 5]
    assert [type(moment.stamped.event).__name__ for moment in found if moment.stamped is not None] == [
        "RunStarted",
        "BookTop",
        "FillReceived",
        "OrderAccepted",
        "FillReceived",
    ]
    assert [len(moment.commands) for moment in found] == [1, 0, 2, 0, 0]
    assert [moment.snapshot is not None for moment in found] == [False] * 4 + [True]
    assert moments(tmp_path, 3) == found[3:]


async def test_a_run_ends_with_its_last_row(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    await run.hedge("t0")
    await run.take(book("1", "2"))
    await run.journal.close()
    again = await Run.start(tmp_path)
    await again.take(ev.StopRequested(reason="end"))
    await again.journal.close()
    found = moments(tmp_path)
    assert [(moment.epoch, moment.seq) for moment in found] == [(1, 1), (1, 2), (1, 3), (1, 4), (2, 6), (2, 7)]
    assert all(moment.stamped is not None for moment in found)


async def test_a_run_of_a_manifest_only_has_no_moments(tmp_path: Path) -> None:
    for _ in range(2):
        journal = await Journal.open(tmp_path)
        await journal.begin_run(build_manifest(SETTINGS, version="1"))
        await journal.close()
    run = await Run.start(tmp_path)
    await run.journal.close()
    connection = schema.connect_reader(tmp_path)
    spans = read_spans(connection)
    connection.close()
    assert [(span.epoch, span.first_seq, span.last_seq) for span in spans] == [(1, 1, 0), (2, 2, 1), (3, 3, 3)]
    assert [moment.seq for moment in moments(tmp_path)] == [3]
