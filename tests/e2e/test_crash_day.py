"""A recorded crash, 2025-10-10, played at twenty times its speed: the book ends equal to the exchange's.

The share of time in band is printed by the demo and judged on a quiet machine; what must hold on any machine is that
nothing is lost, doubled or unexplained.
"""

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.needs_data, pytest.mark.timeout(180)]

BARS = "m10_5m_spot_perp_btc_eth_sol_20250701_20260219"
MINUTES = "m09_btc_1m_spot_perp_mark_index_20250509_20260228/BTCUSDT_1m_spot_perp_mark_index.parquet"


def test_the_tenth_of_october_ends_equal_to_the_last_lot(shared_data: Path, tmp_path: Path) -> None:
    files = [
        shared_data / BARS / f"{coin}USDT_{kind}_5m.parquet" for coin in ("BTC", "ETH") for kind in ("perp", "spot")
    ]
    words = ["demo", "--seconds", "35", "--seed", "7", "--plain", "--json", "--state-dir", str(tmp_path / "state")]
    words += [word for file in (*files, shared_data / MINUTES) for word in ("--data", str(file))]
    words += ["--speed", "20", "--start", "2025-10-10T21:12:00", "--end", "2025-10-10T22:00:00"]
    done = subprocess.run(
        [sys.executable, "-m", "hedgebot.console.main", *words],
        capture_output=True,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        timeout=150,
        check=False,
    )
    assert done.stdout, done.stderr.decode()[-3000:]
    summary: dict[str, Any] = json.loads(done.stdout.decode().strip().splitlines()[-1])
    problems = [one for one in summary["complaints"] if "time in the band" not in one]
    assert problems == [], problems
    assert sum(summary["hedges_by_cause"].values()) >= 10
    for one in (*summary["positions"], *summary["coins"]):
        assert Decimal(one["ours"]) == Decimal(one["exchange"]), one
    for one in summary["wallet"]:
        assert abs(Decimal(one["ours"]) - Decimal(one["exchange"])) <= Decimal(one["rounding"]), one
