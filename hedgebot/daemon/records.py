"""Writes the engine's records into the log, one line each, after they are journaled. Decides nothing."""

import asyncio
from collections import deque
from collections.abc import Sequence

import structlog

from hedgebot.domain.commands import (
    Issued,
    RecordAdjustment,
    RecordDecision,
    RecordMode,
    RecordOperator,
    RecordRefusal,
)
from hedgebot.domain.events import Stamped

# Longer than a request takes to leave; formatting and redacting a record takes 0.2 ms, as long as a decision.
LOG_AFTER_S = 0.005
_RECORDS = (RecordDecision, RecordRefusal, RecordMode, RecordAdjustment, RecordOperator)


class RecordLog:
    """The log's view of the journal."""

    def __init__(self) -> None:
        self._log = structlog.stdlib.get_logger("hedgebot.engine")
        self._waiting: deque[Sequence[Stamped | Issued]] = deque()
        self._due: asyncio.TimerHandle | None = None

    def keep(self, entries: Sequence[Stamped | Issued]) -> None:
        """Log the records among the entries a moment later: an order's bytes leave before its log line is written."""
        if not any(isinstance(entry, Issued) and isinstance(entry.command, _RECORDS) for entry in entries):
            return
        self._waiting.append(entries)
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(LOG_AFTER_S, self.flush)

    def flush(self) -> None:
        """Log what waits."""
        if self._due is not None:
            self._due.cancel()
            self._due = None
        while self._waiting:
            self.observe(self._waiting.popleft())

    def observe(self, entries: Sequence[Stamped | Issued]) -> None:
        """Log every record among the entries."""
        for entry in entries:
            if isinstance(entry, Issued):
                self._one(entry)

    def _one(self, issued: Issued) -> None:
        match issued.command:
            case RecordDecision() as decision:
                self._log.info(
                    "decision",
                    seq=issued.seq,
                    underlying=decision.underlying,
                    outcome=str(decision.outcome),
                    cause=str(decision.cause),
                    delta_coin=decision.delta_coin,
                    trade_coin=decision.trade_coin,
                    client_id=decision.client_id,
                    explanation=decision.explanation,
                )
            case RecordRefusal(refused=refused):
                self._log.info(
                    "refused",
                    seq=issued.seq,
                    rule=refused.check.rule,
                    value=refused.check.value,
                    limit=refused.check.limit,
                    explanation=refused.explanation,
                )
            case RecordMode() as mode:
                self._log.info(
                    "mode",
                    seq=issued.seq,
                    before=str(mode.before),
                    after=str(mode.after),
                    reason=mode.reason,
                    latched=mode.latched,
                )
            case RecordAdjustment() as adjustment:
                self._log.warning(
                    "adjustment",
                    seq=issued.seq,
                    subject=adjustment.subject,
                    before=adjustment.before,
                    after=adjustment.after,
                    evidence=adjustment.evidence,
                )
            case RecordOperator() as word:
                self._log.info(
                    "operator",
                    seq=issued.seq,
                    operator=word.operator,
                    action=word.action,
                    accepted=word.accepted,
                    explanation=word.explanation,
                )
            case _:
                pass
