import os
import time
from pathlib import Path

import pytest

from hedgebot.console import processes
from hedgebot.console.processes import Child
from hedgebot.domain.errors import HedgebotError


def test_a_child_tells_its_first_line_and_ends(tmp_path: Path) -> None:
    child = Child("it", ["version", "--json"], tmp_path / "log")
    assert child.first_line(20.0).startswith('{"hedgebot":')
    until = time.monotonic() + 10.0
    while child.exit_code is None and time.monotonic() < until:
        time.sleep(0.01)
    assert child.stop() == 0
    assert child.exit_code == 0


def test_a_child_that_fails_is_quoted(tmp_path: Path) -> None:
    child = Child("the daemon", ["run"], tmp_path / "log")
    with pytest.raises(
        HedgebotError, match=r"the daemon ended with exit code 2: hedgebot: name the book's configuration"
    ):
        child.first_line(20.0)
    assert child.stop() == 2


def test_a_child_that_says_nothing_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/sleep", raising=True)
    monkeypatch.setattr(processes, "PROGRAM", ("60",))
    child = Child("it", [], tmp_path / "log")
    try:
        with pytest.raises(HedgebotError, match=r"it was not ready within 0\.1 s"):
            child.first_line(0.1)
        assert child.exit_code is None
    finally:
        assert child.stop() < 0
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


def test_a_deaf_child_is_killed_with_its_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/sh", raising=True)
    monkeypatch.setattr(processes, "PROGRAM", ("-c", "trap '' TERM; echo up; sleep 60; sleep 60"))
    child = Child("it", [], tmp_path / "log")
    assert child.first_line(5.0) == "up\n"
    began = time.monotonic()
    assert child.stop(0.2) == -9
    assert time.monotonic() - began < 5
