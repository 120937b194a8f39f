"""The feed: one question for everybody who looks, none while nobody does."""

import asyncio
from pathlib import Path

from hedgebot.console.dashboard.feed import Feed, ended
from tests.support.waiting import until
from tests.unit.console.conftest import StubDaemon


async def test_many_lookers_cost_one_question(daemon: StubDaemon) -> None:
    feed = Feed(daemon.state_dir, interval_s=30.0)
    snapshots = await asyncio.gather(*(feed.fresh() for _ in range(20)))
    assert len(daemon.asked) == 1
    assert all(one is snapshots[0] for one in snapshots)
    assert snapshots[0] is not None
    assert snapshots[0].book.mode == "active"
    assert feed.age_s < 5.0


async def test_a_daemon_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    feed = Feed(tmp_path)
    assert await feed.fresh() is None
    assert "no daemon runs" in feed.problem
    assert await feed.say("kill") == (None, feed.problem)


async def test_an_answer_of_another_version_is_a_sentence(daemon: StubDaemon) -> None:
    daemon.answers["status"] = {"data": {"book": {"orders": 3}}}
    feed = Feed(daemon.state_dir)
    assert await feed.fresh() is None
    assert "cannot be read" in feed.problem


async def test_a_refusal_of_the_daemon_is_passed_on(daemon: StubDaemon) -> None:
    daemon.answers["disable"] = {"ok": False, "code": 6, "error": "strategy 'x' is not configured"}
    assert await Feed(daemon.state_dir).say("disable", strategy="x") == (None, "strategy 'x' is not configured")


async def test_it_asks_while_somebody_waits_and_rests_afterwards(daemon: StubDaemon) -> None:
    feed = Feed(daemon.state_dir, interval_s=0.05)
    asking = asyncio.ensure_future(feed.run())
    await asyncio.sleep(0.2)
    assert daemon.asked == []
    number = 0
    for _ in range(3):
        number = await asyncio.wait_for(feed.after(number), 5)
    assert number >= 3
    await until(lambda: not feed._wake.is_set())
    before = len(daemon.asked)
    await asyncio.sleep(0.3)
    assert len(daemon.asked) == before, "nobody looks"
    assert await asyncio.wait_for(feed.after(number), 5) > number
    await ended(asking)
    assert asking.cancelled()
