"""P03: the process stands still (SIGSTOP) and goes on (SIGCONT): what it knew is from before, so it asks first.

The rule's threshold, `pause_ms_max`, is 1 s here, so that two pauses of three seconds are each well beyond it, and
beyond every order's deadline (2 s). The table's own is 90 s: by then the venue has hung up on every socket as well.
"""

import itertools
import signal
import time

import pytest

from tests.e2e import checker
from tests.e2e.harness import World
from tests.e2e.settling import settle, verify

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
PAUSES_S = (3.0, 3.0, 90.0)
SHORT_PAUSE_S = 2.5


def test_p03_after_a_pause_the_venue_is_asked_before_anything_is_sent(world: World) -> None:
    limits = world.folder / "limits.toml"
    # Five pauses within ten minutes halt the book: a rule of its own.
    limits.write_text(limits.read_text("utf-8") + "pause_ms_max = 1000\n", "utf-8")
    daemon = world.daemon()
    woken_ns: list[int] = []
    for pause_s in PAUSES_S:
        hedges = daemon.until_active(40)["hedges"]
        daemon.until("hedging", lambda book, hedges=hedges: bool(book["hedges"] >= hedges + 2), 40)  # type: ignore[misc]
        daemon.process.signal(signal.SIGSTOP)
        time.sleep(pause_s / 2)
        # The world moves on meanwhile: whatever was decided before is wrong now.
        world.admin("price", underlying="BTC", percent=1.0)
        time.sleep(pause_s / 2)
        woken_ns.append(time.time_ns())
        daemon.process.signal(signal.SIGCONT)
    hedges = daemon.book()["hedges"]
    daemon.until("hedging again", lambda book: bool(book["hedges"] > hedges), 40)
    # In this order: what the exchange has must be in the journal by now.
    truth = checker.read_truth(world.admin("truth"))
    rows = checker.read_rows(world.state_dir)
    asked = _first_after(rows, woken_ns, "RequestSnapshot")
    # The answer to a question of before the pause may come first, and answers nothing.
    answered = [
        next((at for at in range(place, len(rows)) if rows[at].kind == "SnapshotTaken"), len(rows)) for place in asked
    ]
    ordered = _first_after(rows, woken_ns, "SubmitOrder")
    for number, (question, answer, order) in enumerate(zip(asked, answered, ordered, strict=True)):
        assert question < answer, f"pause {number}"
        assert order is None or order > answer, f"pause {number}: an order left before the venue had answered"
    assert _sent_of_before(rows, truth, woken_ns) == []
    settle(world, daemon)
    verify(world)


def test_p03_an_order_decided_before_a_short_pause_and_young_enough_is_not_sent(world: World) -> None:
    """Too short for the engine's rule and within the order's deadline: the last look before the first byte holds it."""
    limits = world.folder / "limits.toml"
    limits.write_text(limits.read_text("utf-8").replace("deadline_ms = 2000", "deadline_ms = 10000"), "utf-8")
    sync = world.folder / "sync"
    daemon = world.daemon(module="tests.e2e.slowdisk", SYNC_FILE=str(sync))
    daemon.until_active(40)
    world.admin("flow", enabled=False)
    world.admin("weather", ack_lost_probability=0.0)
    daemon.until("at rest", lambda book: not book["orders"] and abs(book["underlyings"][0]["delta_coin"]) < 0.25)
    # A slow disk holds the order between its decision and its first byte, and there the process is stopped.
    sync.write_text("1.0", "ascii")
    time.sleep(0.2)
    world.admin("trade", instrument="bybit:linear:BTCUSDT", side="buy", contracts="1")
    until_s = time.monotonic() + 5.0
    while not (waiting := daemon.book()["orders"]) and time.monotonic() < until_s:
        time.sleep(0.01)
    daemon.process.signal(signal.SIGSTOP)
    (order,) = waiting
    ours = {one["client_id"] for one in checker.read_truth(world.admin("truth")).ours}
    assert order["client_id"] not in ours, "it had left before the process was stopped"
    time.sleep(SHORT_PAUSE_S)
    sync.write_text("0", "ascii")
    woken_ns = time.time_ns()
    daemon.process.signal(signal.SIGCONT)
    daemon.until("hedged", lambda book: not book["orders"] and abs(book["underlyings"][0]["delta_coin"]) < 0.25, 20)
    rows = checker.read_rows(world.state_dir)
    decided = {row.payload["client_id"]: row.at_ns for row in rows if row.kind == "SubmitOrder"}
    assert decided[order["client_id"]] < woken_ns
    answers = [row.payload for row in rows if row.payload.get("client_id") == order["client_id"]]
    (refused,) = [one for one in answers if one["type"] == "OrderRejected"]
    assert (refused["code"], "stood still" in refused["message"]) == ("local:held", True)
    sent = {one["client_id"] for one in checker.read_truth(world.admin("truth")).ours} - ours
    assert sent, "nothing was hedged"
    assert all(decided[one] >= woken_ns for one in sent), "an order of before the pause was sent"
    settle(world, daemon)
    verify(world)


def _first_after(rows: list[checker.Row], moments_ns: list[int], kind: str) -> list[int]:
    """The place of the first row of a kind after each moment, and before the next one; past the end for none."""
    bounds = [*moments_ns, 1 << 62]
    places = []
    for since_ns, until_ns in itertools.pairwise(bounds):
        found = (place for place, row in enumerate(rows) if row.kind == kind and since_ns <= row.at_ns < until_ns)
        places.append(next(found, len(rows)))
    return places


def _sent_of_before(rows: list[checker.Row], truth: checker.Truth, woken_ns: list[int]) -> list[str]:
    """Orders that the exchange took after a pause although they were decided before it."""
    decided_ns = {row.payload["client_id"]: row.at_ns for row in rows if row.kind == "SubmitOrder"}
    problems = []
    for order in truth.ours:
        taken_ns, mine_ns = int(order["created_at_ns"]), decided_ns[order["client_id"]]
        problems += [
            f"{order['client_id']} of before the pause was taken {(taken_ns - one) / 1e9:.3f} s after it"
            for one in woken_ns
            if mine_ns < one <= taken_ns
        ]
    return problems
