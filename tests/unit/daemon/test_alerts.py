"""Alerts of the shell: once per occurrence, resolved once, and never in the way."""

import json
from pathlib import Path
from typing import Any

import pytest

from hedgebot.daemon import alerts as module
from hedgebot.daemon.alerts import FILE, Alerts
from hedgebot.domain.alerts import AlertKind, Severity
from hedgebot.domain.commands import RaiseAlert, ResolveAlert

STALE = RaiseAlert(kind=AlertKind.STALE_MARKET_DATA, subject="bybit:linear:BTCUSDT", summary="no book for 7 s")
OVER = ResolveAlert(kind=AlertKind.STALE_MARKET_DATA, subject="bybit:linear:BTCUSDT")


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / FILE).read_text().splitlines()]


async def test_an_alert_is_told_once_until_it_is_resolved(tmp_path: Path) -> None:
    alerts = Alerts(tmp_path, lambda: 77)
    alerts.raise_alert(STALE)
    alerts.raise_alert(STALE)
    assert [one.subject for one in alerts.active] == [STALE.subject]
    assert alerts.active[0].runbook == "RB-04"
    assert alerts.active[0].severity is Severity.CRIT
    alerts.resolve(OVER)
    assert alerts.active == ()
    alerts.raise_alert(STALE)
    await alerts.flush()
    assert [line["state"] for line in lines(tmp_path)] == ["raised", "resolved", "raised"]
    assert lines(tmp_path)[0]["at_ns"] == 77
    assert lines(tmp_path)[0]["alert"]["summary"] == "no book for 7 s"


async def test_the_shells_own_alerts_are_held_up_while_there_is_a_problem(tmp_path: Path) -> None:
    alerts = Alerts(tmp_path, lambda: 0)
    for problem in ("the disk is full", "the disk is full", "", ""):
        alerts.check(AlertKind.JOURNAL_WRITE_FAILED, "journal", problem)
    await alerts.flush()
    assert [line["state"] for line in lines(tmp_path)] == ["raised", "resolved"]


async def test_the_end_of_what_never_began_is_not_told(tmp_path: Path) -> None:
    alerts = Alerts(tmp_path, lambda: 0)
    alerts.resolve(OVER)
    await alerts.flush()
    assert not (tmp_path / FILE).exists()


async def test_a_slow_disk_drops_the_oldest_lines_and_counts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LINES_MAX", 1_000)
    alerts = Alerts(tmp_path, lambda: 0)
    for number in range(1_010):
        alerts.raise_alert(RaiseAlert(kind=AlertKind.RECON_BREAK, subject=str(number), summary="x"))
    assert alerts.dropped == 10
    await alerts.flush()
    assert len(lines(tmp_path)) == 1_000
    assert lines(tmp_path)[-1]["alert"]["subject"] == "1009"


async def test_a_full_file_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BYTES_MAX", 10)
    alerts = Alerts(tmp_path, lambda: 0)
    for _ in range(2):
        alerts.raise_alert(STALE)
        await alerts.flush()
        alerts.resolve(OVER)
        await alerts.flush()
    assert (tmp_path / (FILE + ".1")).exists()
    assert len(lines(tmp_path)) == 1


@pytest.mark.parametrize("kind", list(AlertKind))
def test_every_kind_can_be_told(tmp_path: Path, kind: AlertKind) -> None:
    alerts = Alerts(tmp_path, lambda: 0)
    alerts.raise_alert(RaiseAlert(kind=kind, subject="s", summary="t"))
    assert alerts.active[0].kind is kind
