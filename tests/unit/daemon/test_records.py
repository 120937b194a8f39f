"""Records become log lines; nothing else does."""

import structlog
from structlog.testing import capture_logs

from hedgebot.daemon.records import RecordLog
from hedgebot.domain.commands import Command, Issued, Mode, RecordAdjustment, RecordMode, RecordOperator, SetTimer
from hedgebot.domain.events import Stamped, TimerFired


def test_each_record_is_one_line_with_its_seq() -> None:
    commands: tuple[Command, ...] = (
        RecordMode(before=Mode.RECOVERING, after=Mode.ACTIVE, reason="reconciled", latched=False),
        RecordOperator(operator="ada", action="kill", accepted=True, explanation="halted"),
        RecordAdjustment(account="main", subject="BTC", before="1", after="2", evidence="snapshot 3"),
        SetTimer(interval_ns=1),
    )
    entries = [Stamped(seq=5, at_ns=0, event=TimerFired())]
    issued = [Issued(seq=5, index=n, at_ns=0, command=one) for n, one in enumerate(commands, start=1)]
    structlog.reset_defaults()
    with capture_logs() as lines:
        RecordLog().observe([*entries, *issued])
    assert [line["event"] for line in lines] == ["mode", "operator", "adjustment"]
    assert all(line["seq"] == 5 for line in lines)
    assert lines[0]["after"] == "active"
    assert lines[1]["accepted"] is True
    assert lines[2]["log_level"] == "warning"
