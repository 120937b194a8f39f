"""Alerts of the shell: once per occurrence, resolved once, with severity and the page that says what to do."""

from pathlib import Path

import pytest

from hedgebot.config.loader import load_config
from hedgebot.daemon.alerts import Alerts, open_alerts
from hedgebot.daemon.channels import AlertLine
from hedgebot.daemon.delivery import Delivery
from hedgebot.domain.alerts import AlertKind, Severity
from hedgebot.domain.commands import RaiseAlert, ResolveAlert
from tests.unit.daemon.fakes import write_config

STALE = RaiseAlert(kind=AlertKind.STALE_MARKET_DATA, subject="bybit:linear:BTCUSDT", summary="no book for 7 s")
OVER = ResolveAlert(kind=AlertKind.STALE_MARKET_DATA, subject="bybit:linear:BTCUSDT")


class Told(Delivery):
    """Keeps what it is told to deliver."""

    def __init__(self) -> None:
        super().__init__((), now_ns=lambda: 0, book="test")
        self.lines: list[AlertLine] = []
        self.shouted: list[AlertLine] = []

    def shout(self, line: AlertLine) -> None:
        self.shouted.append(line)

    def put(self, line: AlertLine) -> None:
        self.lines.append(line)


def test_an_alert_is_told_once_until_it_is_resolved() -> None:
    told = Told()
    alerts = Alerts(lambda: 77, told, book="demo")
    alerts.raise_alert(STALE)
    alerts.raise_alert(STALE)
    assert [one.subject for one in alerts.active] == [STALE.subject]
    assert alerts.active[0].runbook == "RB-04"
    assert alerts.active[0].severity is Severity.CRIT
    alerts.resolve(OVER)
    assert alerts.active == ()
    alerts.raise_alert(STALE)
    assert [line.state for line in told.lines] == ["raised", "resolved", "raised"]
    first = told.lines[0]
    assert (first.at_ns, first.book, first.alert.summary) == (77, "demo", "no book for 7 s")


def test_the_shells_own_alerts_are_held_up_while_there_is_a_problem() -> None:
    told = Told()
    alerts = Alerts(lambda: 0, told)
    for problem in ("the disk is full", "the disk is full", "", ""):
        alerts.check(AlertKind.JOURNAL_WRITE_FAILED, "journal", problem)
    assert [line.state for line in told.lines] == ["raised", "resolved"]


def test_what_is_shouted_is_not_told_again_by_the_loop() -> None:
    told = Told()
    alerts = Alerts(lambda: 0, told)
    alerts.shout(STALE)
    alerts.raise_alert(STALE)
    alerts.resolve(OVER)
    assert [line.state for line in told.shouted] == ["raised"]
    assert [line.state for line in told.lines] == ["resolved"]


def test_the_end_of_what_never_began_is_not_told() -> None:
    told = Told()
    Alerts(lambda: 0, told).resolve(OVER)
    assert told.lines == []


def test_the_status_holds_what_is_wrong_and_the_channels() -> None:
    alerts = Alerts(lambda: 5, Told())
    alerts.raise_alert(STALE)
    told = alerts.told()
    assert told["alerts"][0]["runbook"] == "RB-04"
    assert told["alert_delivery"]["channels"] == ()


async def test_a_book_without_configured_channels_has_two(tmp_path: Path) -> None:
    alerts = open_alerts(load_config(write_config(tmp_path), state_dir=tmp_path), lambda: 9)
    trials = await alerts.test("eve")
    assert [(one.channel, one.problem) for one in trials] == [("record", ""), ("stderr", "")]
    assert "a test by eve" in (tmp_path / "alerts.jsonl").read_text()
    assert alerts.active == ()


@pytest.mark.parametrize("kind", list(AlertKind))
def test_every_kind_can_be_told(kind: AlertKind) -> None:
    told = Told()
    Alerts(lambda: 0, told).raise_alert(RaiseAlert(kind=kind, subject="s", summary="t"))
    assert told.lines[0].alert.kind is kind
    assert kind.runbook in told.lines[0].words
