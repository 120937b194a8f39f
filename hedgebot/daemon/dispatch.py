"""Carries commands to where they belong: venues, the timer, the alerts, the end of the process. Decides nothing.

Also wraps the way to a venue and the way back with the failpoints of the order path, so that adapters know none.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import assert_never

from hedgebot.daemon.alerts import Alerts
from hedgebot.daemon.failpoints import Failpoint, Failpoints
from hedgebot.daemon.timer import OneTimer
from hedgebot.domain.commands import (
    ArmDeadMan,
    CancelOrder,
    Command,
    MoveCollateral,
    QueryMove,
    QueryOrder,
    RaiseAlert,
    RecordAdjustment,
    RecordDecision,
    RecordLatch,
    RecordMargin,
    RecordMode,
    RecordMove,
    RecordOperator,
    RecordRefusal,
    RecordRegime,
    RecordTracking,
    RequestSnapshot,
    ResolveAlert,
    SetTimer,
    StopNow,
    SubmitOrder,
    WatchInstruments,
)
from hedgebot.domain.errors import ProgrammingError
from hedgebot.domain.events import Event, FillReceived, OrderAccepted, OrderOutcomeUnknown, OrderRejected, SnapshotTaken
from hedgebot.domain.ports import EventSink, VenuePort
from hedgebot.domain.treasury import MoveAnswered

# Long enough for the request's bytes to leave over loopback, short enough to come before most answers.
SENT_S = 0.003


class Dispatcher:
    """Routes each command; records are the journal's and the log's, not its."""

    def __init__(
        self,
        *,
        ports: Mapping[str, VenuePort],
        venue_accounts: Mapping[str, str],
        timer: OneTimer,
        alerts: Alerts,
        on_stop: Callable[[str], None],
        window: "SendWindow",
    ) -> None:
        """`ports` by account name; `venue_accounts` names, per venue, the account whose port carries market data."""
        self._ports = ports
        self._venue_accounts = venue_accounts
        self._timer = timer
        self._alerts = alerts
        self._on_stop = on_stop
        self._window = window

    def dispatch(self, commands: Iterable[Command]) -> None:
        """Hand every command over, in order, and return at once."""
        for command in commands:
            self._one(command)

    def _one(self, command: Command) -> None:
        match command:
            case SubmitOrder():
                self._submit(command)
            case CancelOrder():
                self._port(command.account).send(command)
                self._window.left(Failpoint.IN_CANCEL)
            case RequestSnapshot():
                self._port(command.account).send(command)
                self._window.left(Failpoint.IN_RECONCILIATION)
            case MoveCollateral():
                self._port(command.account).send(command)
                self._window.sent(command.move.transfer_id)
            case QueryOrder() | ArmDeadMan() | QueryMove():
                self._port(command.account).send(command)
            case WatchInstruments():
                self._port(self._venue_accounts.get(command.venue, command.venue)).send(command)
            case SetTimer():
                self._timer.every(command.interval_ns)
            case RaiseAlert():
                self._alerts.raise_alert(command)
            case ResolveAlert():
                self._alerts.resolve(command)
            case StopNow():
                self._on_stop(command.summary)
            case (
                RecordDecision()
                | RecordRefusal()
                | RecordMode()
                | RecordAdjustment()
                | RecordOperator()
                | RecordLatch()
                | RecordTracking()
                | RecordMargin()
                | RecordMove()
                | RecordRegime()
            ):
                pass
            case _:
                assert_never(command)

    def _submit(self, command: SubmitOrder) -> None:
        self._port(command.approved.intent.account).send(command)
        self._window.sent(command.client_id)

    def _port(self, account: str) -> VenuePort:
        port = self._ports.get(account)
        if port is None:
            raise ProgrammingError(
                f"a command names account {account!r}, the configured ones are {sorted(self._ports)}"
            )
        return port


class SendWindow:
    """The failpoints between a request's bytes leaving and its answer; passed once for each order and each move."""

    def __init__(self, failpoints: Failpoints) -> None:
        self._failpoints = failpoints
        self._waiting: set[str] = set()

    def sent(self, client_id: str) -> None:
        """An order is on its way."""
        if self._failpoints.armed(Failpoint.AFTER_SEND_BEFORE_ANSWER):
            self._waiting.add(client_id)
            asyncio.get_running_loop().call_later(SENT_S, self.close, client_id)

    def left(self, point: Failpoint) -> None:
        """A request of another kind is on its way: its point strikes as soon as the bytes have left."""
        if self._failpoints.armed(point):
            asyncio.get_running_loop().call_later(SENT_S, self._failpoints.passed, point)

    def close(self, client_id: str) -> None:
        """Time is up, or the venue was quicker than SENT_S: the point strikes here at the latest."""
        if client_id in self._waiting:
            self._waiting.discard(client_id)
            self._failpoints.passed(Failpoint.AFTER_SEND_BEFORE_ANSWER)


class FailpointSink:
    """The way back from a venue, with the failpoint between an answer's arrival and its application."""

    def __init__(self, sink: EventSink, failpoints: Failpoints, window: SendWindow) -> None:
        self._sink = sink
        self._failpoints = failpoints
        self._window = window

    def put(self, event: Event) -> None:
        """Pass an event on."""
        if isinstance(event, OrderAccepted | OrderRejected | OrderOutcomeUnknown):
            self._window.close(event.client_id)
            self._failpoints.passed(Failpoint.AFTER_ANSWER_BEFORE_APPLY)
        elif isinstance(event, MoveAnswered):
            self._window.close(event.transfer_id)
            self._failpoints.passed(Failpoint.AFTER_ANSWER_BEFORE_APPLY)
        elif isinstance(event, FillReceived):
            self._failpoints.passed(Failpoint.BEFORE_FILL_APPLY)
        elif isinstance(event, SnapshotTaken):
            self._failpoints.passed(Failpoint.IN_RECOVERY)
        self._sink.put(event)


def first_accounts(accounts: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The first account of each venue, from (account, venue) pairs: it carries the venue's market data."""
    chosen: dict[str, str] = {}
    for account, venue in accounts:
        chosen.setdefault(venue, account)
    return chosen
