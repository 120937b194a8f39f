"""A fill that is executed while the private socket is down appears exactly once."""

import time
from typing import Any

import pytest

from tests.e2e import checker
from tests.e2e.harness import World

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def private_is_up(book: dict[str, Any]) -> bool:
    return any(one["up"] for one in book["accounts"][0]["streams"] if one["stream"] == "private")


def test_n01_fills_in_the_dark_appear_once(world: World) -> None:
    daemon = world.daemon()
    daemon.until_active()
    # Nothing reaches the private socket for four seconds, not even the answer to its login.
    world.admin("faults", type="socket", kind="freeze", channel="private", seconds=4.0)
    world.admin("drop", channel="private")
    daemon.until("without its private stream", lambda book: not private_is_up(book))
    before = checker.read_truth(world.admin("truth")).positions
    until_s = time.monotonic() + 3.0
    while checker.read_truth(world.admin("truth")).positions == before:
        assert time.monotonic() < until_s, "the client did not trade while the socket was down"
        time.sleep(0.05)
    assert not private_is_up(daemon.book())
    orders = len(checker.read_truth(world.admin("truth")).ours)
    # No hedge is sent in the dark: the position is not known.
    time.sleep(1.0)
    assert len(checker.read_truth(world.admin("truth")).ours) == orders
    daemon.until("in the light again", lambda book: private_is_up(book) and book["accounts"][0]["reconciled"], 40)
    world.admin("flow", enabled=False)
    time.sleep(4.0)
    truth = checker.read_truth(world.admin("truth"))
    book = daemon.book()
    rows = checker.read_rows(world.state_dir)
    assert checker.position_problems(checker.positions(rows), truth) == []
    assert checker.coin_problems(book, truth) == []
    assert checker.order_problems(rows, truth) == []
    # Pulled and pushed, an execution is journaled as often as it was told; the ledger counts it once.
    assert book["fills"] == sum(1 for _ in checker.fills(rows))
    assert any(row.kind == "FillReceived" and row.payload["source"] == "query" for row in rows)
    assert daemon.stop() == 0
