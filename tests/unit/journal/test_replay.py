import sqlite3
from pathlib import Path

import msgspec
import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.errors import JournalError
from hedgebot.journal import replay as replay_module
from hedgebot.journal import schema
from hedgebot.journal.replay import replay
from hedgebot.journal.tape import DAY_NS, TapeLimits, segment_paths
from tests.unit.journal.world import Run, SmallEngine, book


async def runs(state_dir: Path, count: int = 2, *, snapshot: bool = True) -> None:
    for _ in range(count):
        run = await Run.start(state_dir)
        for number in range(3):
            await run.take(book(str(50_000 + number), "60000"))
            await run.hedge(f"{run.engine.state.epoch}-{number}")
        if snapshot:
            await run.snapshot()
        await run.journal.close()


async def test_every_command_comes_out_the_same(tmp_path: Path) -> None:
    await runs(tmp_path)
    report = replay(tmp_path, SmallEngine, state_bytes=SmallEngine.state_bytes)
    assert (report.problems, report.differences, report.notes) == ((), (), ())
    assert (report.runs, report.events, report.commands) == (2, 26, 14)
    assert report.exact
    assert report.from_seq == 1
    assert report.events_per_second > 0


async def test_another_decision_is_named_with_its_place(tmp_path: Path) -> None:
    await runs(tmp_path, 1)

    class Other(SmallEngine):
        def step(self, stamped: ev.Stamped) -> tuple[cmd.Command, ...]:
            commands = super().step(stamped)
            return commands[:1] if len(commands) == 2 else commands

    report = replay(tmp_path, Other)
    assert report.difference_count == 3
    first = report.differences[0]
    assert (first.seq, first.index, first.replayed) == (3, 2, None)
    assert first.journaled is not None
    assert "SubmitOrder" in first.journaled
    assert "3 commands differ" in report.problems[0]
    assert replay(tmp_path, Other, verify=False).problems == ()


async def test_another_state_is_found_at_its_snapshot(tmp_path: Path) -> None:
    await runs(tmp_path, 1)

    class Forgetful(SmallEngine):
        def state_bytes(self) -> bytes:
            return b"{}"

    report = replay(tmp_path, Forgetful, state_bytes=Forgetful.state_bytes)
    assert report.difference_count == 0
    assert "state after seq" in report.problems[0]


async def test_an_edited_journal_replays_otherwise(tmp_path: Path) -> None:
    await runs(tmp_path, 1, snapshot=False)
    connection = sqlite3.connect(tmp_path / schema.DB_FILE)
    connection.execute(
        "UPDATE rows SET payload = cast(replace(payload, '55000', '54000') AS blob) WHERE kind = 'SubmitOrder'"
    )
    connection.commit()
    connection.close()
    assert replay(tmp_path, SmallEngine).difference_count > 0


async def test_a_lost_tape_is_a_problem(tmp_path: Path) -> None:
    await runs(tmp_path, 1)
    for path in segment_paths(tmp_path / "tape"):
        path.unlink()
    report = replay(tmp_path, SmallEngine)
    assert report.missing == 3
    assert any("on no tape" in problem for problem in report.problems)


async def test_after_retention_the_replay_starts_at_a_snapshot(tmp_path: Path) -> None:
    run = await Run.start(tmp_path, tape=TapeLimits(segment_bytes_max=1, days_kept=1))
    for number in range(8):
        await run.take(book(str(50_000 + number), "60000"))
        await run.hedge(str(number))
        await run.snapshot()
        run.now_ns += DAY_NS
    assert run.journal._tape is not None
    connection = schema.connect_reader(tmp_path)
    oldest = connection.execute("SELECT min(seq) FROM snapshots").fetchone()[0]
    connection.close()
    run.journal._tape.prune(run.now_ns, oldest)
    await run.journal.close()
    report = replay(tmp_path, SmallEngine, state_bytes=SmallEngine.state_bytes)
    assert report.problems == ()
    assert report.from_seq > 1
    assert report.events > 0


async def test_on_another_machine_floats_get_a_tolerance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await runs(tmp_path, 1)
    monkeypatch.setattr(replay_module, "same_arithmetic", lambda one, other: False)

    class Elsewhere(SmallEngine):
        def step(self, stamped: ev.Stamped) -> tuple[cmd.Command, ...]:
            return tuple(nudged(command) for command in super().step(stamped))

    report = replay(tmp_path, Elsewhere)
    assert report.problems == ()
    assert not report.exact
    monkeypatch.undo()
    assert replay(tmp_path, Elsewhere).difference_count == 3


def nudged(command: cmd.Command) -> cmd.Command:
    if isinstance(command, cmd.RecordDecision):
        return msgspec.structs.replace(command, delta_coin=command.delta_coin * (1 + 1e-15) + 1e-16)
    return command


async def test_an_observer_sees_every_event(tmp_path: Path) -> None:
    await runs(tmp_path, 1)
    seen: list[tuple[int, int]] = []
    replay(
        tmp_path,
        SmallEngine,
        observer=lambda stamped, commands, engine: seen.append((stamped.seq, engine.state.seen)),
    )
    assert seen == [(seq, seq) for seq in range(1, 14)]


def test_no_journal_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="no journal here"):
        replay(tmp_path, SmallEngine)
