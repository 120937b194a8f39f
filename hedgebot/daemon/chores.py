"""The small tasks that a run does beside its turns, each for ever: clock, kill file, service manager, heartbeat.

Each is given what it looks at and whom it tells. Decides nothing; the supervisor starts it again when it fails.
"""

import asyncio
from collections.abc import Callable

import structlog

from hedgebot.daemon.clock import Clock
from hedgebot.daemon.health import Health
from hedgebot.daemon.heartbeat import Heartbeat
from hedgebot.daemon.latch import KillLatch
from hedgebot.daemon.notify import ServiceManager

CLOCK_CHECK_S = 60.0
KILL_FILE_CHECK_S = 1.0


async def check_clock(clock: Clock) -> None:
    """Follow the wall clock, and say when it stepped."""
    log = structlog.stdlib.get_logger("hedgebot.daemon")
    while True:
        await asyncio.sleep(CLOCK_CHECK_S)
        gap_ns = clock.resync()
        if abs(gap_ns) > 1e9:
            log.warning("wall clock stepped", gap_ms=round(gap_ns / 1e6))


async def watch_kill_file(latch: KillLatch, found: Callable[[], None]) -> None:
    """Tell of a kill file that somebody made."""
    while True:
        await asyncio.sleep(KILL_FILE_CHECK_S)
        if latch.is_set and not latch.told:
            found()


async def tell_manager(manager: ServiceManager, health: Callable[[], Health]) -> None:
    """A sign of life for as long as the process proves to live; what it waits for beside."""
    while True:
        now = health()
        if now.live:
            manager.alive()
        manager.say("; ".join(now.not_ready) or "hedging")
        await asyncio.sleep(manager.ping_every_s)


async def beat(heart: Heartbeat, health: Callable[[], Health], withheld: Callable[[], str]) -> None:
    """The always-firing alert: beats for as long as the process lives and nothing withholds it (a sentence)."""
    while True:
        now = health()
        why = "; ".join(now.not_live) or withheld()
        await heart.beat("; ".join(now.not_ready) or "hedging", why)
        await asyncio.sleep(heart.every_s)
