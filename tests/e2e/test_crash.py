"""SIGKILL at random moments: nothing doubled, nothing orphaned, nothing lost. Named moments: test_failpoint_matrix."""

import os
import random
import signal
import time
import uuid

import pytest

from tests.e2e.harness import World
from tests.e2e.settling import settle, verify

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

RANDOM_KILLS = 10


# Another one in every run, the same one in all workers of a run: they must collect the same tests.
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex


@pytest.mark.parametrize("seed", [int(RUN, 16) % 1_000_000])
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
