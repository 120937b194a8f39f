"""The demo, short: it hedges, it ends by itself, its summary is true to its journal, and nothing outlives it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import checker

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

PROGRAM = (sys.executable, "-m", "hedgebot.console.main")


def test_a_demo_with_its_delivery_funding_and_liquidation() -> None:
    """Long enough for the option that expires after 45 seconds, a minute's funding and the liquidation after 75."""
    with tempfile.TemporaryDirectory(prefix="hb") as folder:
        state_dir = Path(folder) / "state"
        words = ["demo", "--seconds", "85", "--seed", "7", "--plain", "--json", "--state-dir", str(state_dir)]
        done = subprocess.run(
            [*PROGRAM, *words],
            capture_output=True,
            env={**os.environ, "XDG_STATE_HOME": folder},
            timeout=160,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()[-3000:] + done.stdout.decode()[-3000:]
        summary: dict[str, Any] = json.loads(done.stdout.decode().strip().splitlines()[-1])
        rows = checker.read_rows(state_dir)
        assert json.loads((state_dir / "summary.json").read_text("utf-8")) == summary
        assert checker.submitted(rows), "no hedge within the demo"
        assert max(checker.submitted(rows).values()) == 1
        assert any(row.kind == "RecordMode" and row.payload["after"] == "active" for row in rows)
        assert summary["share_by_underlying"].keys() == {"BTC", "ETH"}
        # What a book meets in a month stands in its journal; somebody else's liquidation stands at the exchange only.
        deliveries = [row.payload for row in rows if row.kind == "FillReceived" and row.payload["kind"] == "delivery"]
        assert {one["instrument"].split(":")[1] for one in deliveries} == {"option"}
        assert len({one["trade_id"] for one in deliveries}) == len(summary["deliveries"]) >= 1
        payments = {row.payload["trade_id"] for row in rows if row.kind == "FundingPaid"}
        assert len(payments) == summary["funding_payments"] >= 2
        assert summary["liquidations_elsewhere"] == ["somebody: 60 bybit:linear:ETHUSDT"]
        assert not any("somebody" in json.dumps(row.payload) for row in rows)
        # Every coin of the wallet, stablecoins as well, is explained by executions to the last decimal.
        wallet = {one["what"]: one for one in summary["wallet"]}
        assert wallet.keys() >= {"BTC", "ETH", "USDC", "USDT"}
        for one in wallet.values():
            assert abs(Decimal(one["ours"]) - Decimal(one["exchange"])) <= Decimal(one["rounding"])
        audited = subprocess.run(
            [*PROGRAM, "journal", "audit", "--state-dir", str(state_dir)], capture_output=True, text=True, check=False
        )
        assert audited.returncode == 0, audited.stdout + audited.stderr
        assert "4 coins equal" in audited.stdout


def children(pid: int) -> list[int]:
    """Processes whose parent is `pid`."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = (line.split() for line in listed.splitlines())
    return [int(child) for child, parent in pairs if int(parent) == pid]


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has collected yet does not."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(found.strip()) and not found.strip().startswith("Z")


def test_a_demo_that_is_killed_leaves_nobody_behind() -> None:
    with tempfile.TemporaryDirectory(prefix="hb", ignore_cleanup_errors=True) as folder:
        words = ["demo", "--seconds", "60", "--plain", "--state-dir", f"{folder}/state"]
        demo = subprocess.Popen([*PROGRAM, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until_s = time.monotonic() + 20
            while len(children(demo.pid)) < 2 and time.monotonic() < until_s:
                time.sleep(0.2)
            time.sleep(2.0)
            started = children(demo.pid)
            assert len(started) == 2
        finally:
            demo.send_signal(signal.SIGKILL)
            demo.wait()
        until_s = time.monotonic() + 25
        while any(alive(one) for one in started) and time.monotonic() < until_s:
            time.sleep(0.2)
        assert [one for one in started if alive(one)] == []
