"""When the chain's head is anchored: what somebody may want gone from the end of a journal does not wait."""

import asyncio
from pathlib import Path

import pytest

from hedgebot.domain import events as ev
from hedgebot.journal.anchors import ANCHOR_FILE, read_anchors
from hedgebot.journal.chain import load_key
from tests.support.waiting import until
from tests.unit.journal.test_store import rows
from tests.unit.journal.world import SETTINGS, Run, fill


@pytest.mark.parametrize(
    "event",
    [
        ev.OperatorKilled(operator="eve", reason="drill"),
        ev.ConfigApplied(settings=SETTINGS, changes=("a: 1 -> 2",), operator="eve", reason="drill"),
    ],
)
async def test_a_kill_and_a_changed_configuration_are_anchored_at_once(tmp_path: Path, event: ev.Event) -> None:
    """Cutting the journal's end off behind them is seen, not only ten minutes later."""
    run = await Run.start(tmp_path)
    await run.take(fill("t1"))
    await until(lambda: run.journal.head[0] == run.journal._queue.last_row)
    before = (tmp_path / ANCHOR_FILE).read_bytes()
    await asyncio.sleep(0.3)
    assert (tmp_path / ANCHOR_FILE).read_bytes() == before, "not for every row"
    await run.take(event)
    await until(lambda: (tmp_path / ANCHOR_FILE).read_bytes() != before)
    anchors, problems = read_anchors(tmp_path, load_key(tmp_path, create=False))
    kinds = [kind for _, _, kind in rows(tmp_path)]
    await run.journal.close()
    assert problems == []
    assert anchors[-1].row > kinds.index(type(event).__name__)
