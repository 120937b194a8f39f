"""SIGKILL at every named failpoint and at random moments: nothing doubled, nothing orphaned, nothing lost."""

import random
import signal
import time
from decimal import Decimal

import pytest

from tests.e2e import checker
from tests.e2e.harness import Daemon, World

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

FAILPOINTS = (
    "before_commit",
    "after_commit_before_send",
    "after_send_before_answer",
    "after_answer_before_apply",
)
RANDOM_KILLS = 10


def settle(world: World, daemon: Daemon) -> None:
    """Stop the client, let the last hedges fill, and hold the journal and the daemon against the exchange."""
    world.admin("flow", enabled=False)
    problems = ["not compared yet"]
    book = daemon.book()
    until_s = time.monotonic() + 25.0
    while problems and time.monotonic() < until_s:
        time.sleep(0.5)
        book = daemon.book()
        truth = checker.read_truth(world.admin("truth"))
        rows = checker.read_rows(world.state_dir)
        problems = [
            *(f"order {one['client_id']} is still {one['status']}" for one in book["orders"]),
            *checker.order_problems(rows, truth),
            *checker.position_problems(checker.positions(rows), truth),
            *checker.coin_problems(book, truth),
        ]
    assert not problems, "\n".join(problems) + "\n" + daemon.words()
    assert book["mode"] == "active", f"{book['mode']}: {book['mode_reason']}"
    assert daemon.stop() == 0, daemon.words()


def verify(world: World) -> None:
    """The journal's own verification and replay."""
    code, answer = world.verb("journal", "verify", "--state-dir", str(world.state_dir))
    assert code == 0, answer
    code, answer = world.verb("journal", "replay", "--verify", "--state-dir", str(world.state_dir))
    assert code == 0, answer


def hedges(world: World) -> int:
    """Orders of ours that the exchange has filled at least in part."""
    truth = checker.read_truth(world.admin("truth"))
    return sum(Decimal(one["filled_contracts"]) > 0 for one in truth.ours)


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_killed_at_a_failpoint_of_the_order_path(world: World, failpoint: str) -> None:
    for passage in (1, 3):
        daemon = world.daemon(HEDGEBOT_FAILPOINT=f"{failpoint}:{passage}")
        daemon.until_killed(60)
    daemon = world.daemon()
    daemon.until_active()
    before = hedges(world)
    daemon.until("hedging again", lambda _book: hedges(world) > before, 30)
    settle(world, daemon)
    verify(world)


def test_killed_in_recovery(world: World) -> None:
    daemon = world.daemon()
    daemon.until("hedging", lambda book: bool(book["hedges"] >= 2), 40)
    daemon.process.signal(signal.SIGKILL)
    daemon.process.wait()
    # After the replay, after the new epoch, after RunStarted is journaled, and when the venue's truth comes in.
    for passage in (1, 2, 3, 4):
        world.daemon(HEDGEBOT_FAILPOINT=f"in_recovery:{passage}").until_killed(30)
    daemon = world.daemon()
    daemon.until_active()
    settle(world, daemon)
    verify(world)


@pytest.mark.parametrize("seed", [random.SystemRandom().randrange(1_000_000)])
def test_killed_at_random_moments(world: World, seed: int) -> None:
    moments = random.Random(seed)
    for _ in range(RANDOM_KILLS):
        daemon = world.daemon()
        if moments.random() < 0.8:
            daemon.until_active()
        time.sleep(moments.uniform(0.0, 2.0))
        daemon.process.signal(signal.SIGKILL)
        assert daemon.process.wait() == -signal.SIGKILL
    daemon = world.daemon()
    daemon.until_active()
    settle(world, daemon)
    verify(world)


def test_a_crash_loop_ends_in_a_halted_daemon_that_can_be_looked_at(world: World) -> None:
    for _ in range(5):
        daemon = world.daemon(guarded=True, HEDGEBOT_FAILPOINT="in_recovery")
        daemon.until_killed(20.0)
    daemon = world.daemon(guarded=True)
    book = daemon.until("halted", lambda book: bool(book["mode"] == "halted"))
    assert "crash-loop guard: 5 starts within 10 minutes" in book["mode_reason"]
    assert book["latched"]
    assert daemon.stop() == 0
