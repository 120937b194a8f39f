from pathlib import Path

from hedgebot.journal.verify import verify
from tests.unit.journal.world import Run, book


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
