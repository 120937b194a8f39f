"""P01, the failpoint matrix: SIGKILL of the daemon at each named moment, again and again on one exchange and journal.

`chain` kills at one failpoint `kills` times, restarting at once with the failpoint armed again, and looks after each
kill; then a last daemon must settle everything. `python -m tests.e2e.matrix 50` (part of `make campaign`) runs all.
"""

import concurrent.futures
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from hedgebot.daemon.failpoints import Failpoint
from tests.e2e import checker
from tests.e2e.harness import Daemon, DiedError, Nursery, World
from tests.e2e.settling import settle, verify

# How many different passages of a failpoint are struck in turn: two hedges in a row, four places in a recovery, ...
PASSAGES = {
    Failpoint.IN_RECOVERY: 4,
    Failpoint.IN_RECONCILIATION: 3,
    Failpoint.IN_KILL: 3,
    Failpoint.IN_CANCEL: 1,
}
PASSAGES_ELSE = 2
KILL_S_MAX = 60.0
READY_S_MAX = 10.0
CHAINS = 2
# Short enough that the fate of an order is proven soon after a restart.
HASTE = (
    ("order_deadline_ms = 2000", "order_deadline_ms = 1000"),
    ("recv_window_ms = 2000", "recv_window_ms = 1000"),
    ("order_timeout_ms = 1000", "order_timeout_ms = 500"),
    ("snapshot_interval_s = 5.0", "snapshot_interval_s = 1.0"),
)


class Outcome(NamedTuple):
    """What one chain did."""

    failpoint: str
    kills: int
    ready_s: tuple[float, ...]
    hedges: int


def chain(failpoint: Failpoint, kills: int, nursery: Nursery, *, seed: int) -> Outcome:
    """Kill `kills` times at `failpoint` and let a last daemon settle; fails with what is wrong."""
    with tempfile.TemporaryDirectory(prefix="hb") as folder, World(Path(folder), seed=seed, nursery=nursery) as world:
        for file in (world.config, world.folder / "limits.toml"):
            text = file.read_text("utf-8")
            for old, new in HASTE:
                text = text.replace(old, new)
            file.write_text(text, "utf-8")
        links = _Chain(world, failpoint)
        for number in range(kills):
            links.kill(1 + number % PASSAGES.get(failpoint, PASSAGES_ELSE))
        return links.finish(kills)


class _Chain:
    def __init__(self, world: World, failpoint: Failpoint) -> None:
        self._world = world
        self._failpoint = failpoint
        self._head = checker.Head(0, "")
        self._lives: list[tuple[float, float]] = []
        if failpoint is Failpoint.IN_CANCEL:
            # Every hedge's answer is late by more than it takes to kill: something is always there to cancel.
            world.admin("weather", ack_delay_ms=1_500.0, push_delay_ms=1_500.0)

    def kill(self, passage: int) -> None:
        born_s = time.time()
        daemon = self._world.daemon(HEDGEBOT_FAILPOINT=f"{self._failpoint}:{passage}")
        provoke = {Failpoint.IN_KILL: self._kill_when_active, Failpoint.IN_CANCEL: self._kill_when_ordering}
        if self._failpoint in provoke:
            # A start that finds the order still there cancels it again, and dies of that before anybody provokes it.
            with contextlib.suppress(DiedError):
                provoke[self._failpoint](daemon)
        daemon.until_killed(KILL_S_MAX)
        self._lives.append((born_s, time.time()))
        self._look(daemon)

    def finish(self, kills: int) -> Outcome:
        born_s = time.time()
        daemon = self._world.daemon()
        self._release(daemon)
        self._lives.append((born_s, time.time()))
        before = _hedges(self._world)
        daemon.until("hedging again", lambda _book: _hedges(self._world) > before, 30)
        self._look(daemon)
        settle(self._world, daemon)
        verify(self._world)
        return Outcome(self._failpoint, kills, self._ready(), _hedges(self._world))

    def _look(self, daemon: Daemon) -> None:
        """What must hold at every moment: no order without its row, none twice, no committed row gone."""
        truth = checker.read_truth(self._world.admin("truth"))
        problems = checker.order_problems(checker.read_rows(self._world.state_dir), truth)
        if not checker.has_row(self._world.state_dir, self._head):
            problems.append(f"row {self._head.row}, committed before the kill, is gone")
        self._head = checker.read_head(self._world.state_dir)
        assert not problems, f"{self._failpoint}: " + "\n".join([*problems, daemon.words()])

    def _ready(self) -> tuple[float, ...]:
        """Seconds from each start to the active book, of the starts that lived to see it."""
        moments = checker.active_at_s(self._world.state_dir)
        ready: list[float] = []
        for born_s, dead_s in self._lives:
            first = next((one for one in moments if born_s <= one <= dead_s), None)
            if first is not None:
                ready.append(first - born_s)
            else:
                # It was killed before it was ready: that must not have taken longer than being ready may.
                assert self._halted_lives or dead_s - born_s <= READY_S_MAX, f"{self._failpoint}: not ready in time"
        assert max(ready) <= READY_S_MAX, f"{self._failpoint}: ready after {max(ready):.1f} s"
        return tuple(ready)

    @property
    def _halted_lives(self) -> bool:
        """Whether lives of this chain begin halted by a kill, and wait for the operator."""
        return self._failpoint in {Failpoint.IN_KILL, Failpoint.IN_CANCEL}

    def _release(self, daemon: Daemon) -> None:
        """Wait until the book is hedged, taking a latched kill back first; a kill file must have latched it."""
        latched = (self._world.state_dir / "KILL").exists()
        book = daemon.until(
            "up", lambda book: book["mode"] == "active" or (book["mode"] == "halted" and book["latched"])
        )
        assert book["mode"] == "halted" or not latched, "the kill file is there and the book trades"
        if book["mode"] == "halted":
            self._unkill(daemon)
        daemon.until_active()

    def _unkill(self, daemon: Daemon) -> None:
        said = ""
        until_s = time.monotonic() + 20.0
        while time.monotonic() < until_s:
            answer = daemon.ask("unkill", operator="ada", reason="the drill goes on")
            if answer["ok"]:
                return
            said = str(answer)
            time.sleep(0.1)
        raise AssertionError(f"{self._failpoint}: not unkilled: {said}\n{daemon.words()}")

    def _kill_when_active(self, daemon: Daemon) -> None:
        self._release(daemon)
        _kill(daemon)

    def _kill_when_ordering(self, daemon: Daemon) -> None:
        self._release(daemon)
        daemon.until("an order in flight", lambda book: bool(book["orders"]), 30)
        _kill(daemon)


def _kill(daemon: Daemon) -> None:
    # The answer never comes: the process dies of it.
    with contextlib.suppress(OSError, json.JSONDecodeError):
        daemon.ask("kill", operator="ada", reason="drill")


def _hedges(world: World) -> int:
    truth = checker.read_truth(world.admin("truth"))
    return sum(float(one["filled_contracts"]) > 0 for one in truth.ours)


def run(failpoint: Failpoint, kills: int, nursery: Nursery) -> list[Outcome]:
    """Divide `kills` over CHAINS worlds that run side by side: a start mostly waits."""
    shares = [kills // CHAINS + (number < kills % CHAINS) for number in range(CHAINS)]
    with concurrent.futures.ThreadPoolExecutor(CHAINS) as pool:
        work: list[Callable[[], Outcome]] = [
            lambda share=share, seed=seed: chain(failpoint, share, nursery, seed=seed)  # type: ignore[misc]
            for seed, share in enumerate(shares, start=11)
        ]
        return [one.result() for one in [pool.submit(do) for do in work]]


def main(words: list[str]) -> int:
    """Run every failpoint `words[0]` times; a line for each, 1 when one failed."""
    kills, failed = int(words[0]), 0
    with tempfile.TemporaryDirectory(prefix="hb") as folder:
        nursery = Nursery(Path(folder) / "nursery.log")
        try:
            for failpoint in Failpoint:
                try:
                    ready = [one for outcome in run(failpoint, kills, nursery) for one in outcome.ready_s]
                    print(f"{failpoint}: {kills} kills, 0 problems, ready within {max(ready):.1f} s", flush=True)
                except AssertionError as error:
                    failed += 1
                    print(f"{failpoint}: FAILED: {error}", flush=True)
        finally:
            nursery.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
