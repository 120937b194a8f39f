"""A fill that is executed while the private socket is down appears exactly once."""

import time

import pytest

from tests.e2e import checker
from tests.e2e.harness import World

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def test_fills_in_the_dark_appear_once(world: World) -> None:
    daemon = world.daemon()
    daemon.until_active()
    held = checker.positions(checker.read_rows(world.state_dir))
    world.admin("faults", type="socket", kind="refuse_auth", channel="private", seconds=4.0)
    world.admin("drop", channel="private")
    down = daemon.until(
        "without its private stream",
        lambda book: not next(s["up"] for s in book["accounts"][0]["streams"] if s["stream"] == "private"),
    )
    before = checker.read_truth(world.admin("truth")).positions
    for _ in range(60):
        during = checker.read_truth(world.admin("truth")).positions
        if during != before:
            break
        time.sleep(0.1)
    else:
        pytest.fail("the client did not trade while the socket was down")
    assert down["fills"] >= 0
    daemon.until_active(40)
    world.admin("flow", enabled=False)
    time.sleep(3)
    truth = checker.read_truth(world.admin("truth"))
    rows = checker.read_rows(world.state_dir)
    assert checker.position_problems(checker.positions(rows), truth) == []
    assert checker.coin_problems(daemon.book(), truth) == []
    assert checker.positions(rows) != held
    # Pulled and pushed, an execution is journaled as often as it was told; the ledger counts it once.
    assert daemon.book()["fills"] == sum(1 for _ in checker.fills(rows))
    assert any(row.kind == "FillReceived" and row.payload["source"] == "query" for row in rows)
    assert daemon.stop() == 0
