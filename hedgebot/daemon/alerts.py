"""Alerts of the shell: the active list in memory, one log line each, and news for the channels. Decides nothing.

The engine says what is wrong and when it is over. What is told once is not told again before it is over; taking the
news to people is the business of `hedgebot.daemon.delivery`.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import structlog

from hedgebot.config.loader import Config
from hedgebot.daemon.channels import ActiveAlert, AlertLine, build_channels
from hedgebot.daemon.delivery import Delivery, Trial
from hedgebot.domain.alerts import AlertKind, Severity
from hedgebot.domain.commands import RaiseAlert, ResolveAlert

# Of the stop budget: what does not go out in this time is in the log and, if the engine raised it, in the journal.
FLUSH_S_MAX = 3.0


class Alerts:
    """The alerts of this run, by kind and subject."""

    def __init__(self, now_ns: Callable[[], int], delivery: Delivery, *, book: str = "") -> None:
        self._now_ns = now_ns
        self._delivery = delivery
        delivery.on_channel = self.check
        self._book = book
        self._log = structlog.stdlib.get_logger("hedgebot.alerts")
        self._active: dict[tuple[AlertKind, str], ActiveAlert] = {}

    @property
    def active(self) -> tuple[ActiveAlert, ...]:
        """What is wrong now, oldest first."""
        return tuple(self._active.values())

    def told(self) -> dict[str, Any]:
        """What is wrong now and how the channels do, as plain data for the status."""
        return {
            "alerts": msgspec.to_builtins(self.active),
            "alert_delivery": msgspec.to_builtins(self._delivery.state()),
        }

    def raise_alert(self, command: RaiseAlert) -> None:
        """Take an alert; one that is active already is not told again."""
        key = (command.kind, command.subject)
        if key in self._active:
            return
        alert = self._alert(command.kind, command.subject, command.summary)
        self._active[key] = alert
        self._tell("raised", alert)

    def shout(self, command: RaiseAlert) -> None:
        """Take an alert from another thread, for the case that the loop is what is wrong: it is told without the loop.

        The loop finds it active afterwards and does not tell it again; its end is told as usual.
        """
        key = (command.kind, command.subject)
        if key in self._active:
            return
        alert = self._alert(command.kind, command.subject, command.summary)
        self._active[key] = alert
        self._delivery.shout(AlertLine(at_ns=self._now_ns(), state="raised", alert=alert, book=self._book))

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

    async def test(self, operator: str) -> tuple[Trial, ...]:
        """Send a test through every channel; nothing is wrong and nothing is raised."""
        self._log.info("alert channels are tested", operator=operator)
        alert = self._alert(AlertKind.DELIVERY_FAILED, "test", f"a test by {operator}: nothing is wrong")
        return await self._delivery.test(AlertLine(at_ns=self._now_ns(), state="test", alert=alert, book=self._book))

    async def deliver(self) -> None:
        """Hand news over until cancelled; run by the supervisor."""
        await self._delivery.deliver()

    async def flush(self) -> None:
        """Hand over what waits now, within a bound; at the end of a run."""
        await self._delivery.flush(FLUSH_S_MAX)

    def _alert(self, kind: AlertKind, subject: str, summary: str) -> ActiveAlert:
        return ActiveAlert(
            kind=kind,
            severity=kind.severity,
            runbook=kind.runbook,
            subject=subject,
            summary=summary,
            raised_at_ns=self._now_ns(),
        )

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
        self._delivery.put(AlertLine(at_ns=self._now_ns(), state=state, alert=alert, book=self._book))


def open_alerts(config: Config, now_ns: Callable[[], int]) -> Alerts:
    """The alerts of a run with the channels of its configuration. Raises ConfigError."""
    delivery = Delivery(build_channels(config), now_ns=now_ns, book=config.book.name)
    return Alerts(now_ns, delivery, book=config.book.name)
