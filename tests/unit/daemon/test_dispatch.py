"""Dispatch: each command to its place, orders through their failpoints."""

import asyncio
from pathlib import Path

import pytest

from hedgebot.daemon.alerts import Alerts
from hedgebot.daemon.delivery import Delivery
from hedgebot.daemon.dispatch import Dispatcher, FailpointSink, SendWindow, first_accounts
from hedgebot.daemon.failpoints import Failpoints
from hedgebot.daemon.timer import OneTimer
from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.errors import ProgrammingError
from tests.unit.daemon.fakes import BTC, CLIENT_ID, ListSink, submit


class Port:
    def __init__(self) -> None:
        self.sent: list[cmd.VenueCommand] = []

    def send(self, command: cmd.VenueCommand) -> None:
        self.sent.append(command)


class Parts:
    def __init__(self, folder: Path, spec: str | None = None) -> None:
        self.struck: list[str] = []
        self.stopped: list[str] = []
        self.sink = ListSink()
        self.points = Failpoints(spec, strike=lambda: self.struck.append("struck"))
        self.window = SendWindow(self.points)
        self.main, self.other = Port(), Port()
        self.alerts = Alerts(lambda: 0, Delivery((), now_ns=lambda: 0, book="test"))
        self.timer = OneTimer(self.sink)
        self.dispatcher = Dispatcher(
            ports={"main": self.main, "other": self.other},
            venue_accounts={"bybit": "other"},
            timer=self.timer,
            alerts=self.alerts,
            on_stop=self.stopped.append,
            window=self.window,
        )


async def test_each_command_goes_to_its_place(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    cancel = cmd.CancelOrder(account="other", instrument=BTC, client_id=CLIENT_ID, reason="r")
    watch = cmd.WatchInstruments(venue="bybit", instruments=(BTC,))
    raised = cmd.RaiseAlert(kind=AlertKind.RECON_BREAK, subject="BTC", summary="s")
    parts.dispatcher.dispatch(
        [submit(), cancel, watch, raised, cmd.SetTimer(interval_ns=3_000_000), cmd.StopNow(summary="done")],
    )
    assert parts.main.sent == [submit()]
    assert parts.other.sent == [cancel, watch]
    assert [one.subject for one in parts.alerts.active] == ["BTC"]
    assert parts.stopped == ["done"]
    await asyncio.sleep(0.005)
    assert parts.sink.events == [ev.TimerFired()]
    parts.timer.cancel()
    parts.dispatcher.dispatch([cmd.ResolveAlert(kind=AlertKind.RECON_BREAK, subject="BTC")])
    assert parts.alerts.active == ()


async def test_records_go_nowhere(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    parts.dispatcher.dispatch([cmd.RecordOperator(operator="a", action="kill", accepted=True, explanation="")])
    assert (parts.main.sent, parts.other.sent, parts.stopped) == ([], [], [])


@pytest.mark.parametrize(
    "command", [submit(account="nobody"), cmd.WatchInstruments(venue="nowhere", instruments=(BTC,))]
)
def test_an_unknown_account_is_our_bug_and_loud(tmp_path: Path, command: cmd.Command) -> None:
    with pytest.raises(ProgrammingError, match="main"):
        Parts(tmp_path).dispatcher.dispatch([command])


async def test_the_send_window_strikes_after_the_send(tmp_path: Path) -> None:
    parts = Parts(tmp_path, "after_send_before_answer")
    parts.dispatcher.dispatch([submit()])
    assert parts.main.sent
    assert parts.struck == []
    await asyncio.sleep(0.02)
    assert parts.struck == ["struck"]


@pytest.mark.parametrize(
    ("point", "command"),
    [
        ("in_cancel", cmd.CancelOrder(account="main", instrument=BTC, client_id=CLIENT_ID, reason="drill")),
        ("in_reconciliation", cmd.RequestSnapshot(account="main", request=1, executions_since_ns=0, reason="drill")),
    ],
)
async def test_other_requests_have_their_window_too(tmp_path: Path, point: str, command: cmd.Command) -> None:
    parts = Parts(tmp_path, point)
    parts.dispatcher.dispatch([command])
    assert (parts.main.sent, parts.struck) == ([command], [])
    await asyncio.sleep(0.02)
    assert parts.struck == ["struck"]


async def test_the_send_window_counts_each_order_once_and_strikes_before_a_quick_answer(tmp_path: Path) -> None:
    parts = Parts(tmp_path, "after_send_before_answer:2")
    way_back = FailpointSink(parts.sink, parts.points, parts.window)
    for client_id in ("a", "b"):
        parts.dispatcher.dispatch([submit(client_id)])
        assert parts.struck == []
        way_back.put(ev.OrderAccepted(account="main", client_id=client_id, order_id="1", definitive=False))
    assert parts.struck == ["struck"]
    await asyncio.sleep(0.01)
    assert parts.struck == ["struck"]


@pytest.mark.parametrize(
    "answer",
    [
        ev.OrderAccepted(account="main", client_id=CLIENT_ID, order_id="1", definitive=False),
        ev.OrderRejected(account="main", client_id=CLIENT_ID, code="1", message="m"),
        ev.OrderOutcomeUnknown(account="main", client_id=CLIENT_ID, code="1", message="m"),
    ],
)
def test_the_answer_window_strikes_before_the_inbox_has_the_answer(tmp_path: Path, answer: ev.Event) -> None:
    parts = Parts(tmp_path, "after_answer_before_apply")
    seen_at_strike: list[int] = []
    parts.points = Failpoints("after_answer_before_apply", strike=lambda: seen_at_strike.append(len(parts.sink.events)))
    way_back = FailpointSink(parts.sink, parts.points, parts.window)
    way_back.put(ev.TimerFired())
    way_back.put(answer)
    assert seen_at_strike == [1]
    assert parts.sink.events == [ev.TimerFired(), answer]


def test_the_first_account_of_a_venue_carries_its_market_data() -> None:
    assert first_accounts([("a", "bybit"), ("b", "bybit"), ("c", "okx")]) == {"bybit": "a", "okx": "c"}
