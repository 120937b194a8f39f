"""The demo, short: it hedges, it ends by itself, and its summary is true to its journal."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.e2e import checker

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_twenty_seconds_of_demo() -> None:
    with tempfile.TemporaryDirectory(prefix="hb") as folder:
        state_dir = Path(folder) / "state"
        words = ["demo", "--seconds", "20", "--seed", "7", "--plain", "--json", "--state-dir", str(state_dir)]
        done = subprocess.run(
            [sys.executable, "-m", "hedgebot.console.main", *words],
            capture_output=True,
            env={**os.environ, "XDG_STATE_HOME": folder},
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()[-3000:]
        summary = json.loads(done.stdout.decode().strip().splitlines()[-1])
        rows = checker.read_rows(next(state_dir.rglob("journal.db")).parent)
        assert summary
        assert checker.submitted(rows), "no hedge within 20 seconds"
        assert max(checker.submitted(rows).values()) == 1
        assert any(row.kind == "RecordMode" and row.payload["after"] == "active" for row in rows)
