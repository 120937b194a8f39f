"""Alerts of the shell: the active list in memory, one log line each, and a line in `alerts.jsonl`. Decides nothing.

The engine says what is wrong and when it is over. Writing the file never blocks the loop: lines wait in a bounded queue
that a supervised task empties in a thread; when the disk is slower than the alerts, the oldest lines are dropped and
counted, because the journal holds every RaiseAlert anyway.
"""

import asyncio
import contextlib
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from hedgebot.domain.alerts import AlertKind, Severity
from hedgebot.domain.commands import RaiseAlert, ResolveAlert

FILE = "alerts.jsonl"
BYTES_MAX = 4 << 20
LINES_MAX = 1_000


class ActiveAlert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert that was raised and not yet resolved."""

    kind: AlertKind
    severity: Severity
    runbook: str
    subject: str
    summary: str
    raised_at_ns: int


class AlertLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `alerts.jsonl`."""

    at_ns: int
    state: str
    alert: ActiveAlert


class Alerts:
    """The alerts of this run, by kind and subject."""

    def __init__(self, state_dir: Path, now_ns: Callable[[], int]) -> None:
        self._path = state_dir / FILE
        self._now_ns = now_ns
        self._log = structlog.stdlib.get_logger("hedgebot.alerts")
        self._active: dict[tuple[AlertKind, str], ActiveAlert] = {}
        self._lines: deque[bytes] = deque(maxlen=LINES_MAX)
        self._waiting = asyncio.Event()
        self.dropped = 0

    @property
    def active(self) -> tuple[ActiveAlert, ...]:
        """What is wrong now, oldest first."""
        return tuple(self._active.values())

    def raise_alert(self, command: RaiseAlert) -> None:
        """Take an alert; one that is active already is not told again."""
        key = (command.kind, command.subject)
        if key in self._active:
            return
        self._active[key] = alert = self._alert(command)
        self._tell("raised", alert)

    def shout(self, command: RaiseAlert) -> None:
        """Take an alert from another thread, for the case that the loop is what is wrong: file and stderr, at once.

        The loop finds it active afterwards and does not tell it again; its end is told as usual.
        """
        key = (command.kind, command.subject)
        if key in self._active:
            return
        alert = self._alert(command)
        self._active[key] = alert
        sys.stderr.write(f"ALERT {alert.severity} {alert.kind} ({alert.runbook}) {alert.subject}: {alert.summary}\n")
        sys.stderr.flush()
        with contextlib.suppress(OSError):
            _append(self._path, self._line("raised", alert))

    def resolve(self, command: ResolveAlert) -> None:
        """Take the end of an alert; one that this run never saw raised is not told."""
        alert = self._active.pop((command.kind, command.subject), None)
        if alert is not None:
            self._tell("resolved", alert)

    def check(self, kind: AlertKind, subject: str, problem: str) -> None:
        """Hold an alert of the shell itself up exactly while `problem` is not empty."""
        if problem:
            self.raise_alert(RaiseAlert(kind=kind, subject=subject, summary=problem))
        else:
            self.resolve(ResolveAlert(kind=kind, subject=subject))

    def _alert(self, command: RaiseAlert) -> ActiveAlert:
        return ActiveAlert(
            kind=command.kind,
            severity=command.kind.severity,
            runbook=command.kind.runbook,
            subject=command.subject,
            summary=command.summary,
            raised_at_ns=self._now_ns(),
        )

    def _line(self, state: str, alert: ActiveAlert) -> bytes:
        return msgspec.json.encode(AlertLine(at_ns=self._now_ns(), state=state, alert=alert)) + b"\n"

    def _tell(self, state: str, alert: ActiveAlert) -> None:
        speak = {Severity.CRIT: self._log.error, Severity.WARN: self._log.warning, Severity.INFO: self._log.info}
        line = self._log.info if state == "resolved" else speak[alert.severity]
        line(
            f"alert {state}",
            alert=str(alert.kind),
            subject=alert.subject,
            summary=alert.summary,
            runbook=alert.runbook,
            severity=str(alert.severity),
        )
        if len(self._lines) == LINES_MAX:
            self.dropped += 1
        self._lines.append(self._line(state, alert))
        self._waiting.set()

    async def deliver(self) -> None:
        """Write waiting lines until cancelled; run by the supervisor."""
        while True:
            await self._waiting.wait()
            await self.flush()

    async def flush(self) -> None:
        """Write what waits now."""
        self._waiting.clear()
        lines = b"".join(self._lines)
        self._lines.clear()
        if lines:
            await asyncio.to_thread(_append, self._path, lines)


def _append(path: Path, lines: bytes) -> None:
    """Append; a file past its bound becomes `.1`, replacing the one before."""
    if path.exists() and path.stat().st_size > BYTES_MAX:
        path.replace(path.with_name(path.name + ".1"))
    with path.open("ab") as file:
        path.chmod(0o600)
        file.write(lines)
