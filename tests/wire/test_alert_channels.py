"""S06: the alert's endpoint is down, slow or fails: the second channel takes over, and nothing waits for it.

The criterion of the fault's row: falls to the second channel within 10 s, never blocks the trading loop, and the
delivery's status is visible.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hedgebot.config.loader import Config, load_config
from hedgebot.console.snapshot import read_snapshot
from hedgebot.console.words import status_lines
from hedgebot.daemon.alerts import Alerts, open_alerts
from hedgebot.daemon.health import LoopWatch
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import RaiseAlert, ResolveAlert
from tests.support.hooks import Hook, nobody
from tests.support.waiting import until
from tests.unit.daemon.fakes import CONFIG, write_config

pytestmark = pytest.mark.wire

FAILOVER_S_MAX = 10.0
HAND_OFF_S_MAX = 5.0
LAG_S_MAX = 0.25
KILLED = RaiseAlert(kind=AlertKind.KILL_ACTIVE, subject="book", summary="a drill")
OVER = ResolveAlert(kind=AlertKind.KILL_ACTIVE, subject="book")


def config_with(folder: Path, *urls: str, timeout_s: float = 3.0) -> Config:
    sections = "".join(
        f'[alerts.hook{number}]\nkind = "webhook"\nurl = "{url}"\ntimeout_s = {timeout_s}\n'
        for number, url in enumerate(urls, 1)
    )
    return load_config(write_config(folder, CONFIG + sections), state_dir=folder)


@contextlib.asynccontextmanager
async def delivering(alerts: Alerts) -> AsyncIterator[LoopWatch]:
    """Deliver in this loop while its lag is measured."""
    watch = LoopWatch()
    tasks = [asyncio.ensure_future(alerts.deliver()), asyncio.ensure_future(watch.watch())]
    try:
        yield watch
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("trouble", ["down", "slow", "500"])
async def test_s06_an_endpoint_that_fails_is_passed_over(tmp_path: Path, trouble: str) -> None:
    with (
        Hook(status=500 if trouble == "500" else 200, delay_s=60.0 if trouble == "slow" else 0.0) as bad,
        Hook() as good,
    ):
        alerts = open_alerts(config_with(tmp_path, nobody() if trouble == "down" else bad.url, good.url), time.time_ns)
        async with delivering(alerts) as watch:
            raised_s = time.monotonic()
            alerts.raise_alert(KILLED)
            await until(lambda: "raised KillActive book" in good.states(), FAILOVER_S_MAX)
            failover_s = good.taken[0][0] - raised_s
            assert failover_s < FAILOVER_S_MAX
            # That the channel failed is told by the other one; what comes next does not wait for the first again.
            await until(lambda: "raised AlertDeliveryFailed channel hook1" in good.states())
            again_s = time.monotonic()
            alerts.resolve(OVER)
            await until(lambda: "resolved KillActive book" in good.states())
            assert time.monotonic() - again_s < 1.0
            assert watch.lag_s_max < LAG_S_MAX, "delivery must never hold the loop up"
        assert bad.taken == []
        assert good.states().count("raised KillActive book") == 1
        snapshot = read_snapshot({"daemon": alerts.told(), "book": {"at_ns": time.time_ns()}})
        (shown,) = [one for one in status_lines(snapshot) if one.startswith("told by")]
        assert "hook1 FAILS" in shown
        assert "hook2 ok" in shown
        assert any("AlertDeliveryFailed" in one and "RB-30" in one for one in status_lines(snapshot))
        latency = snapshot.daemon.alert_delivery.latency
        assert latency.count >= 2
        assert latency.max_s < HAND_OFF_S_MAX


async def test_s06_an_endpoint_that_comes_back_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hedgebot.daemon.delivery.REST_S_FIRST", 0.3)
    with Hook(status=503) as first, Hook() as second:
        alerts = open_alerts(config_with(tmp_path, first.url, second.url), time.time_ns)
        async with delivering(alerts):
            alerts.raise_alert(KILLED)
            await until(lambda: "raised AlertDeliveryFailed channel hook1" in second.states())
            first.status = 200
            await until(lambda: "resolved AlertDeliveryFailed channel hook1" in first.states())
            assert first.states()[0] == "probe AlertDeliveryFailed channel hook1"
            alerts.resolve(OVER)
            await until(lambda: "resolved KillActive book" in first.states())
        assert "resolved KillActive book" not in second.states()
        assert alerts.active == ()


async def test_s06_every_endpoint_down_leaves_the_record_and_holds_up_nothing(tmp_path: Path) -> None:
    alerts = open_alerts(config_with(tmp_path, nobody(), nobody(), timeout_s=1.0), time.time_ns)
    async with delivering(alerts) as watch:
        alerts.raise_alert(KILLED)
        record = tmp_path / "alerts.jsonl"
        await until(lambda: record.exists() and record.read_text().count("AlertDeliveryFailed") >= 2)
        assert "KillActive" in record.read_text()
        assert watch.lag_s_max < LAG_S_MAX
    kinds = [str(one.kind) for one in alerts.active]
    assert kinds.count("AlertDeliveryFailed") == 2


async def test_a_storm_of_alerts_reaches_a_slow_endpoint_in_time(tmp_path: Path) -> None:
    with Hook(delay_s=0.2) as hook:
        alerts = open_alerts(config_with(tmp_path, hook.url), time.time_ns)
        async with delivering(alerts):
            for number in range(200):
                alerts.raise_alert(RaiseAlert(kind=AlertKind.STALE_MARKET_DATA, subject=str(number), summary="x"))
            await until(lambda: len(hook.states()) == 200)
        told = read_snapshot({"daemon": alerts.told()}).daemon.alert_delivery
        assert told.latency.max_s < HAND_OFF_S_MAX
        assert hook.asked <= 6, "alerts that wait travel together"
