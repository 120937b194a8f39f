"""Run every test, in three stages, and close with one line for all (`make test`).

First everything that works without a pause, on all workers; then, with one worker more, what waits more than it works:
the tests of the wire, and after them the end-to-end tests, which start processes and watch the clock. Benchmarks are
`make bench`. Words after the script's name go to pytest: `make test ARGS=-x`. Before the closing line stands the score
by the table of faults: what the fault world and the tests of the wire, the process and the rest come to together.
"""

import re
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
NOTHING_COLLECTED = 5

# All stages stay under half an hour together; what one leaves, the next one has.
TOTAL_S_MAX = 1_740
WORKING_S_MAX = 960
WIRE_S_MAX = 480
# What an ended stage may take to say what had failed until then.
SUMMARY_S_MAX = 30


class Tally(NamedTuple):
    """Counts of one or more stages. An error outside a test's body counts as a failure."""

    passed: int
    failed: int
    skipped: int

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def line(self) -> str:
        """The closing line."""
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


class Case(NamedTuple):
    """One test of a report; its outcome is "passed", "failed" or "skipped"."""

    name: str
    outcome: str


NAMED = re.compile(r"test_([a-z]\d\d)_|test_fault\[([A-Z]\d\d)")
"""A test named after a fault's id: beyond the fault world, and in it (a mishap's id begins with its fault's)."""


def read_cases(report: str) -> list[Case]:
    """The tests of a JUnit report that are named after a fault; a test with an error behind it counts as failed."""
    cases = []
    for case in ET.fromstring(report).iter("testcase"):
        name, parts = case.get("name", ""), {part.tag for part in case}
        if NAMED.match(name):
            cases.append(
                Case(name, "failed" if parts & {"failure", "error"} else next(iter(parts & {"skipped"}), "passed"))
            )
    return cases


def fault_score(cases: Iterable[Case]) -> str:
    """Of the catalogue's faults, how many held in every test named after them, with their weight and the misses.

    A fault has held when a test ran wherever one is owed (in the fault world, beyond it) and all of them passed.
    Empty where no such test ran.
    """
    # Only here: the tests of a product that cannot be imported are counted all the same.
    from hedgebot.lab.catalogue import FAULTS

    outcomes: dict[tuple[str, bool], set[str]] = {}
    for case in cases:
        if match := NAMED.match(case.name):
            outcomes.setdefault(((match[1] or match[2]).upper(), bool(match[2])), set()).add(case.outcome)
    if not outcomes:
        return ""
    misses: dict[str, list[str]] = {}
    held = weight = 0
    for fault in FAULTS:
        owed = [in_world for in_world, owes in ((True, fault.in_world), (False, fault.outside)) if owes]
        found = set().union(*(outcomes.get((fault.id, one), {"not run"}) for one in owed))
        why = next((one for one in ("failed", "skipped", "not run") if one in found), "")
        if why:
            misses.setdefault(why, []).append(f"{fault.id} ({fault.weight})")
        else:
            held, weight = held + 1, weight + fault.weight
    whole = sum(one.weight for one in FAULTS)
    told = "".join(f"; {why}: {', '.join(ids)}" for why, ids in misses.items())
    share = f"weight {weight} of {whole} ({weight / whole:.1%})"
    return f"faults: {held} of {len(FAULTS)} held, {share}{told or '; no misses'}"


def read_tally(report: str) -> Tally:
    """Count a JUnit report; raises ElementTree.ParseError on a torn one."""
    suites = ET.fromstring(report).iter("testsuite")
    counts = [
        {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")} for suite in suites
    ]
    failed = sum(count["failures"] + count["errors"] for count in counts)
    skipped = sum(count["skipped"] for count in counts)
    return Tally(max(sum(count["tests"] for count in counts) - failed - skipped, 0), failed, skipped)


def run_stage(name: str, arguments: list[str], seconds_max: float) -> tuple[bool, Tally, list[Case]]:
    """Run pytest once: whether it went well, what it counted, and its tests that are named after faults.

    A stage past its bound is ended and has failed.
    """
    with tempfile.TemporaryDirectory(prefix="hedgebot-tests-") as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", *arguments]
        print(f"== {name}", flush=True)
        # Started in the background we may have been told to ignore interrupts, and a child keeps what is ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL) as run:
            in_time = _wait(run, seconds_max)
        text = report.read_text("utf-8") if report.exists() else "<testsuites/>"
        tally, cases = read_tally(text), read_cases(text)
    if not in_time:
        print(f"{name}: not done after {seconds_max:.0f} s, ended", flush=True)
        return False, tally.plus(Tally(0, 1, 0)), cases
    return run.returncode in {0, NOTHING_COLLECTED}, tally, cases


def _wait(run: subprocess.Popen[bytes], seconds_max: float) -> bool:
    """Wait for its end; False past the bound. An interrupt is tried first: pytest then still names what has failed."""
    try:
        run.wait(seconds_max)
    except subprocess.TimeoutExpired:
        run.send_signal(signal.SIGINT)
        try:
            run.wait(SUMMARY_S_MAX)
        except subprocess.TimeoutExpired:
            run.kill()
        return False
    return True


def main(arguments: list[str]) -> int:
    """Run every stage whatever the others say; 0 when all went well and something ran."""
    workers, *extra = arguments
    waiting = str(int(workers) + 1) if workers.isdecimal() and workers != "0" else workers
    stages = [
        (
            "unit, playbook, property and simulation tests",
            ["-n", workers, "-m", "not wire and not e2e and not bench", "--durations=5"],
            WORKING_S_MAX,
        ),
        ("wire tests", ["-n", waiting, "-m", "wire and not e2e and not bench", "--durations=5"], WIRE_S_MAX),
        ("end-to-end tests", ["-n", waiting, "-m", "e2e and not bench", "--durations=5"], TOTAL_S_MAX),
    ]
    well, total, cases = True, Tally(0, 0, 0), list[Case]()
    began_s = time.monotonic()
    for name, chosen, seconds_max in stages:
        left_s = TOTAL_S_MAX - (time.monotonic() - began_s)
        stage_well, tally, found = run_stage(name, [*chosen, *extra], min(seconds_max, left_s))
        well, total, cases = well and stage_well, total.plus(tally), cases + found
    if score := fault_score(cases):
        print(score, flush=True)
    print(total.line(), flush=True)
    return 0 if well and total.passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
