"""Named points at which a test may kill the process as a power cut would: no clean-up, no last words. Decides nothing.

`HEDGEBOT_FAILPOINT=name` or `name:n` ends the process with SIGKILL at the n-th passage. Unset, a passage costs one
comparison.
"""

import os
import signal
from collections.abc import Callable, Mapping
from enum import StrEnum

from hedgebot.domain.errors import ConfigError

VARIABLE = "HEDGEBOT_FAILPOINT"


class Failpoint(StrEnum):
    """The moments of the order path at which a crash is most likely to lose or double an order."""

    BEFORE_COMMIT = "before_commit"
    AFTER_COMMIT_BEFORE_SEND = "after_commit_before_send"
    AFTER_SEND_BEFORE_ANSWER = "after_send_before_answer"
    AFTER_ANSWER_BEFORE_APPLY = "after_answer_before_apply"
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


def _parse(spec: str) -> tuple[Failpoint, int]:
    name, _, count = spec.partition(":")
    try:
        return Failpoint(name), max(1, int(count or "1"))
    except ValueError:
        known = ", ".join(Failpoint)
        raise ConfigError(f"{VARIABLE}={spec!r} is not name or name:n with one of {known}") from None
