"""The gate itself: the runner counts rightly, the import contracts can fail, the pure rooms' bans are in force."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hedgebot.lab.catalogue import FAULTS
from hedgebot.lab.mishaps import MISHAPS
from tests.run import Case, Tally, fault_score, main, read_cases, read_tally, run_stage
from tests.tidy.source import PURE_ROOMS, ROOT

REPORT = """<testsuites><testsuite tests="7" failures="1" errors="1" skipped="2"/></testsuites>"""


def test_the_tally_counts_errors_as_failures() -> None:
    assert read_tally(REPORT) == Tally(passed=3, failed=2, skipped=2)
    assert Tally(3, 2, 2).plus(Tally(1, 0, 0)).line() == "4 passed, 2 failed, 2 skipped"


NAMES = """<testsuites><testsuite>
<testcase name="test_v02_a[x]"/><testcase name="test_v02_b"><skipped/></testcase><testcase name="test_house"/>
<testcase name="test_fault[N05]"><system-out/></testcase><testcase name="test_n05_c"><failure/></testcase>
<testcase name="test_p01_d"><error/></testcase></testsuite></testsuites>"""


def whole() -> list[Case]:
    """Every test that the catalogue asks for, passed."""
    world = [Case(f"test_fault[{one.id}]", "passed") for one in MISHAPS]
    return world + [Case(f"{one.test_prefix}any", "passed") for one in FAULTS if one.outside]


def test_tests_named_after_faults_are_found_with_their_outcome() -> None:
    assert read_cases(NAMES) == [
        Case("test_v02_a[x]", "passed"),
        Case("test_v02_b", "skipped"),
        Case("test_fault[N05]", "passed"),
        Case("test_n05_c", "failed"),
        Case("test_p01_d", "failed"),
    ]


def test_the_score_of_faults_joins_the_world_and_the_rest_and_lists_the_misses() -> None:
    assert fault_score(whole()) == "faults: 61 of 61 held, weight 152 of 152 (100.0%); no misses"
    without = [one for one in whole() if one.name != "test_n05_any"]
    assert "60 of 61 held, weight 149 of 152 (98.0%); not run: N05 (3)" in fault_score(without)
    marred = [
        *whole(),
        Case("test_fault[N06r]", "failed"),
        Case("test_c01_b", "skipped"),
        Case("test_v02_b", "skipped"),
    ]
    assert fault_score(marred).endswith("weight 144 of 152 (94.7%); failed: N06 (2); skipped: V02 (3), C01 (3)")
    assert fault_score([Case("test_house", "passed")]) == ""


def test_a_run_of_no_test_is_no_success(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["0", "-k", "no_test_has_this_name", "tests/tidy/test_locks.py"]) == 1
    assert capfd.readouterr().out.splitlines()[-1] == "0 passed, 0 failed, 0 skipped"


@pytest.fixture
def _in_the_background() -> Iterator[None]:
    """Interrupts are ignored, as of what a shell starts in its background."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_in_the_background")
def test_a_stage_past_its_bound_has_failed_and_still_names_what_had_failed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    slow = tmp_path / "test_slow.py"
    slow.write_text("import time\ndef test_wrong():\n    assert not 1\ndef test_slow():\n    time.sleep(600)\n")
    well, tally, _ = run_stage("slow", ["-p", "no:randomly", "--timeout=600", str(slow)], seconds_max=8.0)
    assert not well
    assert tally.failed >= 1
    told = capfd.readouterr().out
    assert "test_slow.py::test_wrong" in told
    assert told.splitlines()[-1] == "slow: not done after 8 s, ended"


def test_the_gate_is_a_shell_script_that_parses() -> None:
    assert subprocess.run(["bash", "-n", str(ROOT / ".ci" / "run")], check=False).returncode == 0
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


@pytest.mark.parametrize("room", PURE_ROOMS)
@pytest.mark.parametrize("name", ["asyncio", "logging", "os", "random", "socket", "time", "uuid"])
def test_ruff_bans_it_in_a_pure_room(room: str, name: str) -> None:
    assert "TID251" in _ruff(f"{room}some_module.py", f"import {name}\n")


def test_ruff_lets_the_shell_read_the_clock() -> None:
    assert "TID251" not in _ruff("hedgebot/daemon/some_module.py", "import time\n")


def _ruff(path: str, text: str) -> str:
    """Ruff's findings on a text as if it stood in that file; nothing is written."""
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--select", "TID251", "--stdin-filename", path, "-"]
    return subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize(
    ("path", "text", "contract"),
    [
        ("hedgebot/domain/bad.py", "import hedgebot.core", "Rooms stand in layers"),
        ("hedgebot/pricing/bad.py", "import msgspec", "pricing imports numpy and scipy only"),
        ("hedgebot/venues/bad.py", "import hedgebot.exchange", "Rooms stand in layers"),
        ("hedgebot/exchange/bad.py", "import hedgebot.core", "exchange imports"),
        ("hedgebot/turn/bad.py", "import hedgebot.margin", "turn imports"),
        ("hedgebot/daemon/bad.py", "import ccxt", "Only venues know ccxt"),
        ("hedgebot/daemon/bad.py", "import hedgebot.core.quick", "and steps every event"),
        ("hedgebot/core/bad.py", "import structlog", "The pure rooms use no library"),
        ("hedgebot/helpers/__init__.py", "X = 1", "Rooms stand in layers"),
        ("strategies/bad.py", "import hedgebot.core.engine", "strategies import"),
    ],
)
def test_an_import_contract_can_fail(tmp_path: Path, path: str, text: str, contract: str) -> None:
    """The contracts run on a copy of the rooms' skeleton with one bad import in it."""
    for init in [
        *(ROOT / "hedgebot").glob("*/__init__.py"),
        ROOT / "hedgebot/__init__.py",
        ROOT / "strategies/__init__.py",
    ]:
        copy = tmp_path / init.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.touch()
    judges = (
        f"lab/{name}.py" for name in ("oracle", "alertjudge", "canary", "datajudge", "journaljudge", "marginjudge")
    )
    for named in ("__main__.py", "core/engine.py", "core/calm.py", "core/quick.py", *judges):
        (tmp_path / "hedgebot" / named).touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    assert _contracts(tmp_path).returncode == 0
    (tmp_path / path).parent.mkdir(exist_ok=True)
    (tmp_path / path).write_text(text + "\n")
    broken = _contracts(tmp_path)
    assert broken.returncode == 1
    assert any(contract in line and "BROKEN" in line for line in broken.stdout.splitlines()), broken.stdout


def _contracts(folder: Path) -> subprocess.CompletedProcess[str]:
    lint = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [lint, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False, env={"PYTHONPATH": "."}
    )
