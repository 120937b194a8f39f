"""C01: the wall clock steps by ten minutes, forward and back, under a hedging daemon.

The clock that decides is steady and is held against the venue's: hedging goes on, nothing is taken for stale or early,
requests stay signed in time, and the step is told.
"""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.e2e import checker
from tests.e2e.harness import CONSOLE, Daemon, World
from tests.e2e.settling import settle, verify

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
STEP_S = 600
TOLD_S_MAX = 5.0


def faketime_library() -> Path | None:
    """Where libfaketime is, if it is."""
    if shutil.which("ldconfig") is None:
        return None
    listed = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=False).stdout
    known = [Path(line.split("=>")[1].strip()) for line in listed.splitlines() if "libfaketimeMT.so" in line]
    usual = list(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    return next(iter([*known, *usual]), None)


def start(world: World, way: str, file: Path) -> tuple[Daemon, str]:
    """A daemon whose wall clock `file` moves, and what to write for a step of `{}` seconds."""
    if way == "interpreter":
        return world.daemon(module="tests.e2e.stepped", STEP_FILE=str(file)), "{}"
    library = faketime_library()
    if library is None:
        pytest.skip("libfaketime is not installed (Debian: apt install libfaketime); the interpreter's way is played")
    file.write_text("+0", "ascii")
    return (
        world.daemon(
            module=CONSOLE,
            LD_PRELOAD=str(library),
            FAKETIME_TIMESTAMP_FILE=str(file),
            FAKETIME_CACHE_DURATION="1",
            DONT_FAKE_MONOTONIC="1",
        ),
        "+{}",
    )


@pytest.mark.parametrize("way", ["interpreter", "libfaketime"])
def test_c01_a_step_of_the_wall_clock_and_back_is_told_and_changes_nothing(world: World, way: str) -> None:
    file = world.folder / "step"
    daemon, words = start(world, way, file)
    daemon.until("hedging", lambda book: bool(book["hedges"] >= 2), 40)
    for step_s in (STEP_S, 0):
        hedges, stepped_s = daemon.book()["hedges"], time.monotonic()
        file.write_text(words.format(step_s), "ascii")
        wanted = bool(step_s)
        daemon.until("told", lambda _book, wanted=wanted: told(daemon) is wanted, 20)  # type: ignore[misc]
        assert time.monotonic() - stepped_s <= TOLD_S_MAX
        # A socket that is cut now must come back: its requests are signed anew.
        world.admin("drop", channel="private", account="main")
        daemon.until("hedging on", lambda book, hedges=hedges: bool(book["hedges"] >= hedges + 3), 30)  # type: ignore[misc]
        book = daemon.book()
        assert (book["mode"], book["mode_reason"]) == ("active", "reconciled, books fresh")
    rows = checker.read_rows(world.state_dir)
    rejected = [row.payload["code"] for row in rows if row.kind == "OrderRejected"]
    assert "10002" not in rejected, "an order was signed outside of the venue's window"
    settle(world, daemon)
    verify(world)


def told(daemon: Daemon) -> bool:
    """Whether the daemon says that the wall clock is wrong."""
    alerts = daemon.ask("status")["data"]["daemon"]["alerts"]
    return any((one["kind"], one["subject"]) == ("ClockSkew", "wall clock") for one in alerts)
