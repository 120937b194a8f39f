"""Writes the engine's records into the log, one line each, after the journal's answer. Decides nothing.

A record that the disk has not confirmed says so (`on_disk`).
"""

import asyncio
from collections import deque
from collections.abc import Sequence

import structlog

from hedgebot.domain.commands import (
    Issued,
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
)
from hedgebot.domain.events import Stamped
from hedgebot.domain.kill import scope_key

# Longer than a request takes to leave; formatting and redacting a record takes 0.2 ms, as long as a decision.
LOG_AFTER_S = 0.005
_RECORDS = (
    RecordDecision,
    RecordRefusal,
    RecordMode,
    RecordAdjustment,
    RecordOperator,
    RecordLatch,
    RecordTracking,
    RecordMargin,
    RecordMove,
    RecordRegime,
)


class RecordLog:
    """The log's view of the journal."""

    def __init__(self) -> None:
        self._log = structlog.stdlib.get_logger("hedgebot.engine")
        self._waiting: deque[tuple[Sequence[Stamped | Issued], bool]] = deque()
        self._due: asyncio.TimerHandle | None = None

    def keep(self, entries: Sequence[Stamped | Issued], *, on_disk: bool = True) -> None:
        """Log the records among the entries a moment later: an order's bytes leave before its log line is written."""
        if not any(isinstance(entry, Issued) and isinstance(entry.command, _RECORDS) for entry in entries):
            return
        self._waiting.append((entries, on_disk))
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(LOG_AFTER_S, self.flush)

    def flush(self) -> None:
        """Log what waits."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        while self._waiting:
            entries, on_disk = self._waiting.popleft()
            self.observe(entries, on_disk=on_disk)

    def observe(self, entries: Sequence[Stamped | Issued], *, on_disk: bool = True) -> None:
        """Log every record among the entries."""
        log = self._log if on_disk else self._log.bind(on_disk=False)
        for entry in entries:
            if isinstance(entry, Issued):
                self._one(log, entry)

    def _one(self, log: structlog.stdlib.BoundLogger, issued: Issued) -> None:
        log = log.bind(seq=issued.seq)
        match issued.command:
            case RecordDecision() as decision:
                log.info(
                    "decision",
                    underlying=decision.underlying,
                    outcome=str(decision.outcome),
                    cause=str(decision.cause),
                    delta_coin=decision.delta_coin,
                    trade_coin=decision.trade_coin,
                    client_id=decision.client_id,
                    explanation=decision.explanation,
                )
            case RecordRefusal(refused=refused, left_out=left_out):
                log.info(
                    "refused",
                    rule=refused.check.rule,
                    value=refused.check.value,
                    limit=refused.check.limit,
                    explanation=refused.explanation,
                    left_out=left_out,
                )
            case RecordMode() as mode:
                log.info(
                    "mode",
                    before=str(mode.before),
                    after=str(mode.after),
                    reason=mode.reason,
                    latched=mode.latched,
                )
            case RecordAdjustment() as adjustment:
                log.warning(
                    "adjustment",
                    subject=adjustment.subject,
                    before=adjustment.before,
                    after=adjustment.after,
                    evidence=adjustment.evidence,
                )
            case RecordOperator() as word:
                log.info(
                    "operator",
                    operator=word.operator,
                    action=word.action,
                    accepted=word.accepted,
                    explanation=word.explanation,
                )
            case RecordLatch() as latch:
                log.warning(
                    "latch",
                    scope=scope_key(latch.scope, latch.name),
                    action=str(latch.action),
                    operator=latch.operator,
                    reason=latch.reason,
                    causes=list(latch.causes),
                    done=latch.done,
                    held=latch.held,
                )
            case RecordTracking() as tracking:
                log.info(
                    "tracking",
                    underlying=tracking.underlying,
                    days=tracking.days,
                    predicted=tracking.predicted,
                    realised=tracking.realised,
                )
            case RecordMargin() | RecordMove() | RecordRegime() as row:
                log.info(type(row).__name__.removeprefix("Record").lower(), **_shown(row))
            case _:
                pass


_SHOWN = {
    RecordMargin: ("account", "venue_maintenance_usd", "model_maintenance_usd", "gap_ratio", "differs"),
    RecordMove: ("account", "number", "status", "coin", "operator", "why"),
    RecordRegime: ("account", "before", "after", "floor_use", "why"),
}


def _shown(row: RecordMargin | RecordMove | RecordRegime) -> dict[str, object]:
    shown: dict[str, object] = {"qty": str(row.qty)} if isinstance(row, RecordMove) else {}
    return shown | {name: getattr(row, name) for name in _SHOWN[type(row)]}
