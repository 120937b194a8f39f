"""The guard beside the loop speaks while the loop is blocked, once per block."""

import asyncio
import time

from hedgebot.daemon.health import LoopWatch
from hedgebot.daemon.lagwatch import LoopGuard


def test_it_speaks_once_per_block() -> None:
    said: list[str] = []
    ages = iter([0.1, 2.5, 3.0, 0.1, 2.1])
    guard = LoopGuard(lambda: next(ages), said.append, limit_s=2.0)
    for _ in range(5):
        guard.look()
    assert len(said) == 2
    assert said[0].startswith("the event loop has been blocked for 2.5 s")


async def test_it_speaks_during_the_block_and_not_after_it() -> None:
    watch = LoopWatch()
    said: list[float] = []
    guard = LoopGuard(lambda: watch.silent_s, lambda _problem: said.append(time.monotonic()), limit_s=0.3, every_s=0.02)
    watching = asyncio.ensure_future(watch.watch())
    await asyncio.sleep(0.05)
    guard.start()
    began_s = time.monotonic()
    time.sleep(0.8)  # noqa: ASYNC251  (this is the fault)
    ended_s = time.monotonic()
    guard.stop()
    watching.cancel()
    assert len(said) == 1
    assert began_s < said[0] < ended_s
