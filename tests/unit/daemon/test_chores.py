"""The small tasks: each looks at one thing and tells whoever must know."""

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from hedgebot.core.engine import Engine
from hedgebot.daemon import chores
from hedgebot.daemon.alerts import Alerts
from hedgebot.daemon.clock import Clock
from hedgebot.daemon.health import Health
from hedgebot.daemon.heartbeat import Heartbeat
from hedgebot.daemon.latch import KillLatch
from hedgebot.daemon.notify import ServiceManager
from hedgebot.domain.alerts import AlertKind

WELL = Health(live=True, ready=True, not_live=(), not_ready=())
STUCK = Health(live=False, ready=False, not_live=("the event loop was late",), not_ready=("the event loop was late",))


async def for_a_moment(work: "asyncio.Future[None]", seconds: float = 0.05) -> None:
    await asyncio.sleep(seconds)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


async def test_a_kill_file_is_found_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chores, "KILL_FILE_CHECK_S", 0.001)
    latch, found = KillLatch(tmp_path), []

    def told() -> None:
        for one in latch.untold():
            latch.tell_file(one.file)
            found.append(one.reason)

    latch.path.write_text("smoke")
    await for_a_moment(asyncio.ensure_future(chores.watch_kill_file(latch, told)))
    assert found == ["smoke"]


@pytest.mark.parametrize(
    ("offset_ms", "step_s", "followed", "said"),
    [
        (2.0, 600, False, "the venues' clocks agree with ours"),
        (2.0, -600, False, "the venues' clocks agree with ours"),
        (600_000.0, 600, True, "+600.0 s and is followed"),
        (None, 600, True, "+600.0 s and is followed"),
        (-600_000.0, -600, False, "is waited for"),
    ],
)
async def test_a_step_of_the_machines_clock_is_told_and_followed_only_against_no_witness(
    offset_ms: float | None, step_s: int, followed: bool, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chores, "CLOCK_CHECK_S", 0.01)
    step_ns = 0
    clock = Clock(wall=lambda: time.time_ns() + step_ns)
    account = SimpleNamespace(clock_offset_ms=offset_ms)
    engine = cast("Engine", SimpleNamespace(state=SimpleNamespace(accounts={"main": account})))
    raised: list[str] = []

    def check(kind: AlertKind, subject: str, problem: str) -> None:
        raised.append(f"{kind} {subject}: {problem}")

    alerts = cast("Alerts", SimpleNamespace(check=check))
    work = asyncio.ensure_future(chores.check_clock(clock, alerts, engine))
    await asyncio.sleep(0.03)
    assert set(raised) == {"ClockSkew wall clock: "}
    before_ns, step_ns = clock.now_ns(), step_s * 10**9
    await for_a_moment(work)
    assert any(said in one for one in raised)
    assert (clock.now_ns() - before_ns > 599 * 10**9) is followed


@pytest.mark.parametrize(("health", "pinged"), [(WELL, True), (STUCK, False)])
async def test_the_manager_gets_a_sign_of_life_only_from_the_living(
    health: Health, pinged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    manager = ServiceManager({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "20000"})
    monkeypatch.setattr(manager, "_tell", said.append)
    await for_a_moment(asyncio.ensure_future(chores.tell_manager(manager, lambda: health)))
    assert ("WATCHDOG=1" in said) is pinged
    assert f"STATUS={'hedging' if pinged else 'the event loop was late'}" in said


@pytest.mark.parametrize(
    ("health", "withheld"), [(WELL, ""), (STUCK, "the event loop was late"), (WELL, "a crash loop")]
)
async def test_the_heart_beats_only_for_the_living(
    health: Health, withheld: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    heart, beats = Heartbeat("http://127.0.0.1:9/", 0.01), []

    async def beat(_state: str, why: str) -> None:
        beats.append(why)

    monkeypatch.setattr(heart, "beat", beat)
    why = withheld if health is WELL else ""
    await for_a_moment(asyncio.ensure_future(chores.beat(heart, lambda: health, lambda: why)))
    assert set(beats) == {withheld}
    assert len(beats) > 1


@pytest.mark.parametrize(
    ("used", "total", "told"),
    [
        (79, 100, []),
        (80, 100, ["80%"]),
        (89, 100, ["80%"]),
        (90, 100, ["80%", "90%"]),
        (95 << 40, 100 << 40, []),
        (99 << 30, 100 << 30, ["80%", "90%"]),
    ],
)
async def test_a_volume_that_fills_up_is_told_before_it_is_full_and_again_shortly_before(
    used: int,
    total: int,
    told: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usage = SimpleNamespace(used=used, total=total, free=total - used)
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: usage)
    state: dict[str, str] = {}
    alerts = cast("Alerts", SimpleNamespace(check=lambda _kind, subject, problem: state.update({subject: problem})))
    await for_a_moment(asyncio.ensure_future(chores.watch_disk(tmp_path, alerts)))
    assert list(state) == ["state folder beyond 80%", "state folder beyond 90%"]
    assert [one.split()[-1] for one, problem in state.items() if problem] == told
