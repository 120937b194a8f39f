"""The small tasks that a run does beside its turns, each for ever: clock, kill file, service manager, heartbeat.

Each is given what it looks at and whom it tells. Decides nothing; the supervisor starts it again when it fails.
"""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

from hedgebot.core.engine import Engine
from hedgebot.daemon.alerts import Alerts
from hedgebot.daemon.clock import STEP_NS, Clock
from hedgebot.daemon.health import Health
from hedgebot.daemon.heartbeat import Heartbeat
from hedgebot.daemon.latch import KillLatch
from hedgebot.daemon.notify import ServiceManager
from hedgebot.domain.alerts import AlertKind

CRASH_GUARD = "crash-loop guard"
"""The operator of a halt after too many unclean ends."""

CLOCK_CHECK_S = 1.0
# Beyond it the gate refuses every order as well.
VENUE_AGREES_MS = 1_000.0
KILL_FILE_CHECK_S = 1.0
DISK_CHECK_S = 2.0
# Told at each of them anew: the second is the last word before the journal cannot be written.
DISK_USED_SHARES = (0.80, 0.90)
# A large volume with so much left is not low, whatever its share says.
DISK_FREE_BYTES_PLENTY = 20 << 30


async def check_clock(clock: Clock, alerts: Alerts, engine: Engine) -> None:
    """Tell of a wall clock that is not where our steady one is, and follow it where no venue bears our clock out."""
    while True:
        await asyncio.sleep(CLOCK_CHECK_S)
        offsets_ms = [one.clock_offset_ms for one in engine.state.accounts.values()]
        alerts.check(AlertKind.CLOCK_SKEW, "wall clock", _stepped(clock, offsets_ms))


def _stepped(clock: Clock, offsets_ms: list[float | None]) -> str:
    agreed = bool(offsets_ms) and all(one is not None and abs(one) <= VENUE_AGREES_MS for one in offsets_ms)
    gap_ns = clock.resync(follow=not agreed)
    if abs(gap_ns) <= STEP_NS:
        return ""
    stepped = f"the machine's clock stepped by {gap_ns / 1e9:+.1f} s"
    if agreed:
        return f"{stepped}; the venues' clocks agree with ours, which stays as it is: set the machine's clock right"
    return (
        f"{stepped} and is followed" if gap_ns > 0 else f"{stepped}; time does not run backwards here: it is waited for"
    )


async def watch_disk(state_dir: Path, alerts: Alerts) -> None:
    """Tell of a volume that fills up, long before the journal cannot be written; again shortly before."""
    while True:
        try:
            disk = await asyncio.to_thread(shutil.disk_usage, state_dir)
        except OSError as error:
            reached: tuple[float, ...] = DISK_USED_SHARES[:1]
            words = f"{state_dir}: its volume does not answer ({error.strerror})"
        else:
            share, scarce = disk.used / disk.total, disk.free < DISK_FREE_BYTES_PLENTY
            reached = tuple(one for one in DISK_USED_SHARES if scarce and share >= one)
            words = f"{state_dir}: its volume is {share:.0%} full, {disk.free / 1e6:,.1f} MB are free"
        for one in DISK_USED_SHARES:
            alerts.check(AlertKind.DISK_LOW, f"state folder beyond {one:.0%}", words if one in reached else "")
        await asyncio.sleep(DISK_CHECK_S)


async def watch_kill_file(latch: KillLatch, found: Callable[[], None]) -> None:
    """Tell of kill files that somebody made."""
    while True:
        await asyncio.sleep(KILL_FILE_CHECK_S)
        if latch.is_untold:
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


def no_heartbeat(engine: Engine) -> str:
    """Why the monitor outside must ring although this process lives; empty when it need not."""
    state = engine.state
    return state.mode_reason if state.latched and state.mode_reason.startswith(CRASH_GUARD) else ""
