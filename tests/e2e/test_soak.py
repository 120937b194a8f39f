"""A short soak: the daemon on bad lines does not grow, and its books agree at the end. `make soak` is the long one."""

import json
import os
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import checker

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_p11_a_short_soak_does_not_grow_and_its_books_agree() -> None:
    with tempfile.TemporaryDirectory(prefix="hb") as folder:
        state_dir = Path(folder) / "state"
        words = ["sim", "soak", "--minutes", "0.7", "--seed", "3", "--json", "--state-dir", str(state_dir)]
        done = subprocess.run(
            [sys.executable, "-m", "hedgebot.console.main", *words],
            capture_output=True,
            env={**os.environ, "XDG_STATE_HOME": folder},
            timeout=150,
            check=False,
        )
        assert done.stdout, done.stderr.decode()[-3000:]
        found: dict[str, Any] = json.loads(done.stdout.decode())
        assert (done.returncode, found["complaints"]) == (0, [])
        # It was broken, it was looked at, and it was back.
        assert sum(found["blows"].values()) >= 2
        assert found["recovered_s"] is not None
        health = found["health"]
        assert health["samples"] >= 9
        assert health["tasks_growth"] <= 3
        assert health["descriptors_growth"] <= 3
        assert 100 < health["rss_mb"] < 300
        rows = checker.read_rows(state_dir)
        assert checker.submitted(rows), "no hedge within the soak"
        assert max(checker.submitted(rows).values()) == 1
        book = found["book"]
        assert (book["orders_without_intent"], book["verify_problems"], book["replay_problems"]) == (0, [], [])
        for one in (*book["positions"], *book["coins"]):
            assert Decimal(one["ours"]) == Decimal(one["exchange"]), one
