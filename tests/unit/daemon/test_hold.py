"""The last look before an order leaves: nothing decided before a pause, and nothing past a kill file."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from hedgebot.daemon.hold import PAUSE_S, SendHold
from hedgebot.daemon.latch import KillLatch
from hedgebot.domain.orders import OrderIntent
from tests.unit.venues.double import approved

INTENT = approved().intent
DEADLINE_MS = 5_000


class Clocks:
    s = 100.0
    ns = 1_000_000_000_000


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def hold(tmp_path: Path, clocks: Clocks) -> SendHold:
    return SendHold(KillLatch(tmp_path), lambda: clocks.ns, DEADLINE_MS, lambda: clocks.s)


def decided(at_ns: int) -> OrderIntent:
    return msgspec.structs.replace(INTENT, deadline_ns=at_ns + DEADLINE_MS * 1_000_000)


def pause(clocks: Clocks, seconds: float) -> None:
    clocks.s += seconds
    clocks.ns += round(seconds * 1e9)


def test_p03_an_order_decided_before_a_pause_does_not_leave_after_it(hold: SendHold, clocks: Clocks) -> None:
    order = decided(clocks.ns)
    assert hold.problem(order) == ""
    pause(clocks, PAUSE_S + 0.5)
    assert "stood still" in hold.problem(order)


def test_p03_nor_when_the_beat_came_first(hold: SendHold, clocks: Clocks) -> None:
    order = decided(clocks.ns)
    pause(clocks, PAUSE_S + 0.5)
    hold._look()
    assert "stood still" in hold.problem(order)
    pause(clocks, 0.01)
    assert hold.problem(decided(clocks.ns)) == "", "what is decided afterwards may leave"


def test_a_busy_moment_is_no_pause(hold: SendHold, clocks: Clocks) -> None:
    order = decided(clocks.ns)
    pause(clocks, PAUSE_S - 0.1)
    assert hold.problem(order) == ""


def test_a_kill_file_that_nobody_was_told_of_holds_everything(hold: SendHold, clocks: Clocks, tmp_path: Path) -> None:
    (tmp_path / "KILL.strategy.x").touch()
    assert "kill file" in hold.problem(decided(clocks.ns))


def test_a_kill_holds_what_waits_for_the_rate_budget(hold: SendHold, clocks: Clocks) -> None:
    order = decided(clocks.ns)
    hold.blocked = lambda: True
    assert "a kill was given" in hold.problem(order)
    hold.blocked = lambda: False
    assert hold.problem(order) == ""


async def test_it_beats_as_long_as_the_loop_runs(
    hold: SendHold, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hedgebot.daemon.hold.BEAT_S", 0.001)
    order = decided(clocks.ns)
    hold.beat()
    for _ in range(5):
        pause(clocks, 0.5)
        await asyncio.sleep(0.01)
    assert hold.problem(order) == "", "five half seconds with a beat in each are no pause"
