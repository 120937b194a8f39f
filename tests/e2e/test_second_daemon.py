"""A second daemon on the same account is refused at once, whatever its state directory, and sends nothing."""

import signal
import time

import pytest

from tests.e2e import checker
from tests.e2e.harness import World

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def test_a_second_daemon_is_refused_within_two_seconds(world: World) -> None:
    first = world.daemon()
    first.until_active()
    for folder in (world.state_dir, world.folder / "other"):
        began_s = time.monotonic()
        second = world.daemon(state_dir=folder)
        assert second.process.wait() == 7, second.process.words()
        # The interpreter and its imports take a second of these on a busy machine.
        assert time.monotonic() - began_s < 4.0
        assert "already run by process" in second.process.words()
    assert not (world.folder / "other" / "journal.db").exists()
    assert first.book()["mode"] == "active"
    assert first.stop() == 0
    truth = checker.read_truth(world.admin("truth"))
    assert checker.order_problems(checker.read_rows(world.state_dir), truth) == []


def test_an_account_is_free_again_after_the_death_of_its_daemon(world: World) -> None:
    first = world.daemon()
    first.until_active()
    first.process.signal(signal.SIGKILL)
    first.process.wait()
    second = world.daemon(state_dir=world.folder / "other")
    second.until_active()
    assert second.stop() == 0
