"""The journal's store on a disk that takes its time."""

import asyncio
from pathlib import Path

import pytest

from hedgebot.journal import store
from tests.support.waiting import until
from tests.unit.journal.world import Run, fill


async def test_a_slow_disk_is_not_made_slower_by_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Two waits for the disk, with an order's commit behind them: past the time that the daemon waits for one.
    monkeypatch.setattr(store, "COMMIT_S_SLOW", 0.0)
    monkeypatch.setattr(store, "IDLE_S", 0.01)
    run = await Run.start(tmp_path)
    for number in range(3):
        await run.take(fill(f"t{number}"))
    await asyncio.sleep(0.1)
    assert run.journal._unchecked_rows > 0
    monkeypatch.setattr(store, "SLOW_CHECKPOINT_ROWS_MAX", 1)
    await until(lambda: run.journal._unchecked_rows == 0)
    assert run.journal._unchecked_rows == 0
    await run.journal.close()
