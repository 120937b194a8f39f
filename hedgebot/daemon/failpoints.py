"""Named points at which a test may kill the process as a power cut would: no clean-up, no last words. Decides nothing.

`HEDGEBOT_FAILPOINT=name` or `name:n` ends the process with SIGKILL at the n-th passage. Unset, a passage costs one
comparison.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping
from enum import StrEnum

from hedgebot.domain.errors import ConfigError

VARIABLE = "HEDGEBOT_FAILPOINT"
# Within the time that a state of a few hundred kB takes to be packed and committed.
SOON_S = 0.002


class Failpoint(StrEnum):
    """The moments of the order path at which a crash is most likely to lose or double an order.

    IN_RECOVERY is passed after the replay, after the new epoch, after RunStarted, and when the venue's truth comes in;
    IN_RECONCILIATION between a question for that truth and its answer; IN_SNAPSHOT while a state is being written;
    IN_CANCEL when a cancel's bytes have left; IN_KILL before the kill file, after it, and before the operator's answer.
    """

    BEFORE_COMMIT = "before_commit"
    AFTER_COMMIT_BEFORE_SEND = "after_commit_before_send"
    AFTER_SEND_BEFORE_ANSWER = "after_send_before_answer"
    AFTER_ANSWER_BEFORE_APPLY = "after_answer_before_apply"
    BEFORE_FILL_APPLY = "before_fill_apply"
    IN_RECONCILIATION = "in_reconciliation"
    IN_SNAPSHOT = "in_snapshot"
    IN_CANCEL = "in_cancel"
    IN_KILL = "in_kill"
    IN_RECOVERY = "in_recovery"


def _end_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Failpoints:
    """At most one armed point and the passages left before it strikes."""

    def __init__(self, spec: str | None = None, strike: Callable[[], None] = _end_process) -> None:
        self._strike = strike
        self._armed: Failpoint | None = None
        self._left = 0
        if spec:
            self._armed, self._left = _parse(spec)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Failpoints":
        """Read HEDGEBOT_FAILPOINT; raises ConfigError when it names no point."""
        return cls(environment.get(VARIABLE))

    def armed(self, point: Failpoint) -> bool:
        """Whether this point will strike at some passage."""
        return point is self._armed

    def passed(self, point: Failpoint) -> None:
        """Pass a point; does not return at the armed passage."""
        if point is not self._armed:
            return
        self._left -= 1
        if self._left == 0:
            self._strike()

    async def passed_soon(self, point: Failpoint) -> None:
        """Pass a point a moment later, in the middle of what was just begun; nothing waits where it is not armed."""
        if point is self._armed:
            await asyncio.sleep(SOON_S)
            self.passed(point)


def _parse(spec: str) -> tuple[Failpoint, int]:
    name, _, count = spec.partition(":")
    try:
        return Failpoint(name), max(1, int(count or "1"))
    except ValueError:
        known = ", ".join(Failpoint)
        raise ConfigError(f"{VARIABLE}={spec!r} is not name or name:n with one of {known}") from None
