import sqlite3
from pathlib import Path

import msgspec
import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.errors import JournalCorrupt
from hedgebot.journal import schema
from hedgebot.journal.manifest import build_manifest
from hedgebot.journal.store import Journal
from hedgebot.journal.tape import segment_paths
from hedgebot.journal.verify import verify
from tests.unit.journal.world import SETTINGS, Run, SmallEngine, book, fill


async def ended_run(state_dir: Path, hedges: int = 3, *, snapshot_after: int | None = None) -> Run:
    run = await Run.start(state_dir)
    for number in range(hedges):
        await run.take(book(str(50_000 + number), "60000"))
        await run.hedge(f"{run.engine.state.epoch}-{number}")
        if number == snapshot_after:
            await run.snapshot()
    await run.journal.close()
    return run


async def test_a_fresh_journal_gives_a_fresh_engine(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    assert (run.recovered.replayed, run.recovered.snapshot_seq, run.recovered.next_seq) == (0, None, 1)
    await run.journal.close()


async def test_the_newest_snapshot_shortens_the_replay(tmp_path: Path) -> None:
    before = await ended_run(tmp_path, 5, snapshot_after=3)
    after = await Run.start(tmp_path)
    assert after.recovered.snapshot_seq == 17
    assert after.recovered.replayed == 4
    assert after.engine.state.orders == before.engine.state.orders
    assert after.engine.state.mid == before.engine.state.mid
    await after.journal.close()


async def test_a_damaged_snapshot_is_passed_over(tmp_path: Path) -> None:
    before = await ended_run(tmp_path, 5, snapshot_after=3)
    connection = sqlite3.connect(tmp_path / schema.DB_FILE)
    connection.execute("UPDATE snapshots SET state = x'0102'")
    connection.commit()
    connection.close()
    after = await Run.start(tmp_path)
    assert after.recovered.snapshot_seq is None
    assert any("damaged" in note for note in after.recovered.notes)
    assert after.engine.state.orders == before.engine.state.orders
    await after.journal.close()


async def test_a_snapshot_of_another_version_is_passed_over(tmp_path: Path) -> None:
    run = await ended_run(tmp_path, 2, snapshot_after=1)

    def picky(state: bytes | None) -> SmallEngine:
        if state is not None:
            raise msgspec.ValidationError("a field is missing")
        return SmallEngine()

    journal = await Journal.open(tmp_path)
    recovered = await journal.recover(picky)
    assert recovered.snapshot_seq is None
    assert recovered.engine.state.orders == run.engine.state.orders
    await journal.close()


async def test_an_engine_that_decides_otherwise_is_refused(tmp_path: Path) -> None:
    await ended_run(tmp_path)

    class Shy(SmallEngine):
        def step(self, stamped: ev.Stamped) -> tuple[cmd.Command, ...]:
            return tuple(command for command in super().step(stamped) if not isinstance(command, cmd.SubmitOrder))

    class Eager(SmallEngine):
        def step(self, stamped: ev.Stamped) -> tuple[cmd.Command, ...]:
            commands = super().step(stamped)
            if isinstance(stamped.event, ev.BookTop):
                twin = super().step(ev.Stamped(seq=0, at_ns=stamped.at_ns, event=fill("x")))
                return (*commands, *twin)
            return commands

    for factory in (Shy, Eager):
        journal = await Journal.open(tmp_path)
        with pytest.raises(JournalCorrupt, match="differs from the journal at seq"):
            await journal.recover(factory)
        await journal.close()


async def test_market_events_that_no_commit_covers_are_not_used(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    await run.hedge("1")
    await run.journal._flush(run.journal._queue.last_row)
    seen = run.engine.state.seen
    await run.take(book("1", "2"))
    next_seq = run.turn.next_seq
    await run.journal.close()
    again = await Run.start(tmp_path)
    assert again.recovered.replayed == seen
    assert again.engine.state.mid is None
    assert again.recovered.next_seq == next_seq
    await again.journal.close()
    assert verify(tmp_path).problems == ()


async def test_a_torn_tape_hands_on_the_orders_it_cannot_reproduce(tmp_path: Path) -> None:
    run = await ended_run(tmp_path)
    path = segment_paths(tmp_path / "tape")[-1]
    path.write_bytes(path.read_bytes()[:-5])
    again = await Run.start(tmp_path)
    assert again.recovered.missing == 1
    lost = [issued.command for issued in again.recovered.unreproduced]
    # The last order was priced off the lost book: the journal's is the truth, the engine's never left.
    assert [command.client_id for command in lost if isinstance(command, cmd.SubmitOrder)] == [run.sent[-1].client_id]
    assert any("on no tape" in note for note in again.recovered.notes)
    await again.journal.close()
    problems = verify(tmp_path).problems
    assert all("on no tape" in problem for problem in problems)


async def test_recovery_of_recovery_is_the_same(tmp_path: Path) -> None:
    states = []
    for _ in range(3):
        run = await ended_run(tmp_path, 2)
        states.append(len(run.engine.state.orders))
    journal = await Journal.open(tmp_path)
    recovered = await journal.recover(SmallEngine)
    await journal.close()
    assert states == [2, 4, 6]
    assert len(recovered.engine.state.orders) == 6


async def test_a_run_that_died_at_once_leaves_no_trace_in_the_engine(tmp_path: Path) -> None:
    await ended_run(tmp_path, 1)
    journal = await Journal.open(tmp_path)
    await journal.begin_run(build_manifest(SETTINGS, version="1"))
    await journal.close()
    run = await ended_run(tmp_path, 1)
    assert run.engine.state.epoch == 3
    assert verify(tmp_path).problems == ()
