"""Run every test, in two stages, and close with one line for both (`make test`).

First everything that can share the machine, on all workers; then the end-to-end tests, which start processes and watch
the clock: they wait more than they work, so that each worker takes one at a time. Benchmarks are `make bench`. Words
after the script's name go to pytest: `make test ARGS=-x`.
"""

import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
NOTHING_COLLECTED = 5

# Both stages stay under half an hour together; what the first one leaves, the second one has.
TOTAL_S_MAX = 1_740
PARALLEL_S_MAX = 1_080
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


def read_tally(report: str) -> Tally:
    """Count a JUnit report; raises ElementTree.ParseError on a torn one."""
    suites = ET.fromstring(report).iter("testsuite")
    counts = [
        {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")} for suite in suites
    ]
    failed = sum(count["failures"] + count["errors"] for count in counts)
    skipped = sum(count["skipped"] for count in counts)
    return Tally(max(sum(count["tests"] for count in counts) - failed - skipped, 0), failed, skipped)


def run_stage(name: str, arguments: list[str], seconds_max: float) -> tuple[bool, Tally]:
    """Run pytest once: whether it went well, and what it counted. A stage past its bound is ended and has failed."""
    with tempfile.TemporaryDirectory(prefix="hedgebot-tests-") as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", *arguments]
        print(f"== {name}", flush=True)
        # Started in the background we may have been told to ignore interrupts, and a child keeps what is ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL) as run:
            in_time = _wait(run, seconds_max)
        tally = read_tally(report.read_text("utf-8")) if report.exists() else Tally(0, 0, 0)
    if not in_time:
        print(f"{name}: not done after {seconds_max:.0f} s, ended", flush=True)
        return False, tally.plus(Tally(0, 1, 0))
    return run.returncode in {0, NOTHING_COLLECTED}, tally


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
    """Run both stages whatever the first one says; 0 when both went well and something ran."""
    workers, *extra = arguments
    stages = [
        (
            "unit, playbook, property, simulation and wire tests",
            ["-n", workers, "-m", "not e2e and not bench", "--durations=5"],
            PARALLEL_S_MAX,
        ),
        ("end-to-end tests", ["-n", workers, "-m", "e2e and not bench", "--durations=5"], TOTAL_S_MAX),
    ]
    well, total = True, Tally(0, 0, 0)
    began_s = time.monotonic()
    for name, chosen, seconds_max in stages:
        left_s = TOTAL_S_MAX - (time.monotonic() - began_s)
        stage_well, tally = run_stage(name, [*chosen, *extra], min(seconds_max, left_s))
        well, total = well and stage_well, total.plus(tally)
    print(total.line(), flush=True)
    return 0 if well and total.passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
