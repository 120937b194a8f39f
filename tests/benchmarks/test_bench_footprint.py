"""footprint: the daemon as it is started by `hedgebot run`, hedging the demo's book against the exchange on loopback.

Resident memory, time from start to ACTIVE, and pauses of the garbage collector after the start, which a hook that
Python loads by itself (sitecustomize on PYTHONPATH) writes down inside the real process. The reference of the same run
is an interpreter that imports ccxt.pro and does nothing.
"""

import json
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.measure import Goal, interleave, medians, missed, report
from tests.conftest import ROOT
from tests.e2e.harness import World

STARTS = 5
RUN_S = 60.0
MB = 1e6

HOOK = """
import atexit, gc, json, os, time

_found, _since = [], [0]


def _watch(phase, info):
    if phase == "start":
        _since[0] = time.perf_counter_ns()
    else:
        pause_ms = (time.perf_counter_ns() - _since[0]) / 1e6
        _found.append((round(pause_ms, 3), info["generation"], gc.get_freeze_count() > 0))


@atexit.register
def _write():
    if path := os.environ.get("BENCH_PAUSES"):
        with open(path, "w") as file:
            json.dump(_found, file)


gc.callbacks.append(_watch)
"""

REFERENCE = """
import ccxt.pro, json
pages = int(open("/proc/self/statm").read().split()[1])
import resource
print(pages * resource.getpagesize())
"""


class DemoWorld(World):
    """The demo's world and the demo's book, and a daemon whose collector is watched."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, scenario=ROOT / "config" / "scenarios" / "demo.toml", seed=7)
        text = (ROOT / "config" / "demo.toml").read_text("utf-8")
        self.config.write_text(self.with_keys(text).replace("http://127.0.0.1:8787", self.url), "utf-8")
        limits = str(tomllib.loads(text)["limits"])
        (folder / limits).write_text((ROOT / "config" / limits).read_text("utf-8"), "utf-8")
        hook = folder / "hook"
        hook.mkdir()
        (hook / "sitecustomize.py").write_text(HOOK, "utf-8")
        self._hook = hook

    def run(self, name: str, seconds: float) -> dict[str, Any]:
        """Start a daemon in a state directory of its own, let it run, stop it; what it was seen to take."""
        pauses = self.folder / f"pauses-{name}.json"
        began_s = time.monotonic()
        daemon = self.daemon(state_dir=self.folder / name, PYTHONPATH=f"{self._hook}:{ROOT}", BENCH_PAUSES=str(pauses))
        daemon.until_active(30.0)
        active_s = time.monotonic() - began_s
        first = daemon.ask("status")["data"]["daemon"]["rss_bytes"]
        time.sleep(seconds)
        last = daemon.ask("status")["data"]
        assert daemon.stop() == 0, daemon.words()
        found = json.loads(pauses.read_text("utf-8"))
        return {
            "active_s": active_s,
            "rss_first_mb": first / MB,
            "rss_last_mb": last["daemon"]["rss_bytes"] / MB,
            "hedges": last["book"]["hedges"],
            "fills": last["book"]["fills"],
            "loop_lag_ms_max": last["daemon"]["loop_lag_ms_max"],
            "pauses_ms": sorted((ms for ms, _, frozen in found if frozen), reverse=True),
            "pauses_before_ms": sorted((ms for ms, _, frozen in found if not frozen), reverse=True),
        }


def bare_imports() -> tuple[float, float]:
    """Seconds and megabytes of an interpreter that imports ccxt.pro."""
    began_s = time.monotonic()
    done = subprocess.run([sys.executable, "-c", REFERENCE], capture_output=True, check=True)
    return time.monotonic() - began_s, int(done.stdout) / MB


@pytest.mark.e2e
def test_smoke_a_watched_daemon_runs_and_tells(tmp_path: Path) -> None:
    with DemoWorld(tmp_path) as world:
        found = world.run("smoke", 0.5)
    assert found["rss_first_mb"] > 0.0
    assert found["pauses_before_ms"], "the hook was not loaded"


@pytest.mark.bench
def test_bench_footprint(tmp_path: Path) -> None:
    with DemoWorld(tmp_path) as world:
        runs: list[dict[str, Any]] = []
        imports: list[tuple[float, float]] = []

        def start() -> float:
            runs.append(world.run(f"run{len(runs)}", 1.0))
            return float(runs[-1]["active_s"])

        def reference() -> float:
            imports.append(bare_imports())
            return imports[-1][0]

        seconds = interleave({"start to ACTIVE": start, "import ccxt.pro": reference}, rounds=STARTS)
        long = world.run("long", RUN_S)
    goals = [
        Goal(name="start to ACTIVE in s, median", value=medians(seconds)["start to ACTIVE"], limit=5.0),
        Goal(name="resident memory in MB after the run", value=long["rss_last_mb"], limit=180.0),
        Goal(name="longest collector pause after start in ms", value=max(long["pauses_ms"], default=0.0), limit=5.0),
    ]
    report(
        "footprint",
        goals=goals,
        seconds=medians(seconds),
        seconds_worst_start=round(max(seconds["start to ACTIVE"]), 2),
        rss_mb={
            "at ACTIVE": round(long["rss_first_mb"], 1),
            f"after {RUN_S:.0f} s": round(long["rss_last_mb"], 1),
            "import ccxt.pro": round(imports[-1][1], 1),
        },
        rss_over_bare_import=round(long["rss_last_mb"] / imports[-1][1], 2),
        run={name: long[name] for name in ("hedges", "fills", "loop_lag_ms_max")},
        pauses_after_start=len(long["pauses_ms"]),
        pauses_after_start_ms_longest=long["pauses_ms"][:3],
        pauses_before_start_ms_longest=long["pauses_before_ms"][:3],
    )
    assert not missed(goals), missed(goals)
