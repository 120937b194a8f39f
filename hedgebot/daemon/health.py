"""Whether the process lives and whether it is ready: facts of the shell beside the engine's view. Decides nothing.

*Live* is about this process alone (loop, journal thread): a dead venue or a full disk makes it not ready, never
not live, because a restart loop would remove the only observer. *Ready* is about hedging now (operations contract
section 4).
"""

import asyncio
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog

from hedgebot.core.view import BookView
from hedgebot.domain.commands import Mode
from hedgebot.domain.settings import LimitSettings

TICK_S = 0.1
LAG_S_TOLD = 0.25
LAG_S_MAX = 2.0
WRITE_S_MAX = 10.0
# A lag counts against liveness for as long as its cause may still be there.
LAG_MEMORY_S = 10.0


class LoopWatch:
    """Measures how late the event loop runs its callbacks; `told` hears of a loop that is too late, and of its end."""

    def __init__(self, told: Callable[[str], None] = lambda _problem: None) -> None:
        self._told = told
        self._log = structlog.stdlib.get_logger("hedgebot.loop")
        self._seen_s = time.monotonic()
        self._late_at_s = -LAG_MEMORY_S
        self.lag_s = 0.0
        self.lag_s_max = 0.0

    async def watch(self) -> None:
        """Measure until cancelled; run by the supervisor."""
        while True:
            before_s = time.monotonic()
            self._seen_s = before_s
            await asyncio.sleep(TICK_S)
            self.measured(time.monotonic() - before_s - TICK_S)

    def measured(self, lag_s: float) -> None:
        """Take one measurement."""
        self.lag_s = max(0.0, lag_s)
        self.lag_s_max = max(self.lag_s_max, self.lag_s)
        if self.lag_s > LAG_S_MAX:
            self._late_at_s = time.monotonic()
        self._told(self.problem or "")
        if self.lag_s > LAG_S_TOLD:
            self._log.warning("event loop was late", lag_ms=round(self.lag_s * 1e3), limit_ms=LAG_S_TOLD * 1e3)

    @property
    def silent_s(self) -> float:
        """Seconds since the loop last ran this watch; may be asked from any thread."""
        return time.monotonic() - self._seen_s

    @property
    def problem(self) -> str | None:
        """Why the loop does not count as live; None when it does."""
        now_s = time.monotonic()
        if now_s - self._seen_s > LAG_S_MAX + TICK_S:
            return f"the loop watch last ran {now_s - self._seen_s:.1f} s ago"
        if now_s - self._late_at_s < LAG_MEMORY_S:
            return f"the event loop was late by more than {LAG_S_MAX:.0f} s within the last {LAG_MEMORY_S:.0f} s"
        return None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What liveness and readiness are judged by; `starting` and `journal_problem` are sentences, empty when over."""

    loop_problem: str | None
    turn_busy_s: float
    mode: str
    feed_problems: tuple[str, ...]
    starting: str
    journal_problem: str
    killed: bool
    tasks_given_up: tuple[str, ...]
    stopping: bool


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of the `health` verb: each list says why not, and is empty when all is well."""

    live: bool
    ready: bool
    not_live: tuple[str, ...]
    not_ready: tuple[str, ...]


def feed_problems(view: BookView, limits: LimitSettings) -> tuple[str, ...]:
    """What is not fresh or not reconciled, one sentence each."""
    problems: list[str] = []
    for account in (one for one in view.accounts if not one.watched):
        if not account.reconciled:
            problems.append(f"{account.account} is not reconciled")
        problems += [
            f"the {one.stream} stream of {account.account} is down"
            for one in account.streams
            if one.stream == "private" and not one.up
        ]
    for underlying in view.underlyings:
        problems += [
            f"the book of {leg.instrument} is not fresh"
            for leg in underlying.hedge_legs
            if leg.in_use and (leg.book_age_ms is None or leg.book_age_ms > limits.book_age_ms_max)
        ]
        problems += [
            f"the mark price of {leg.instrument} is not fresh"
            for leg in underlying.hedge_legs
            if leg.in_use and (leg.mark_age_ms is None or leg.mark_age_ms > limits.mark_age_ms_max)
        ]
        if underlying.delta_coin is None:
            problems.append(f"the exposure of {underlying.underlying} is unknown")
    return tuple(problems)


def judge(facts: Facts) -> Health:
    """Say whether the process is live and ready."""
    not_live: list[str] = [] if facts.loop_problem is None else [facts.loop_problem]
    if facts.turn_busy_s > WRITE_S_MAX:
        not_live.append(f"the journal has not answered for {facts.turn_busy_s:.0f} s")
    not_ready: list[str] = list(not_live)
    if facts.mode in {Mode.RECOVERING, Mode.HALTED}:
        not_ready.append(f"the book is {facts.mode}")
    if facts.starting:
        not_ready.append(facts.starting)
    if facts.killed:
        not_ready.append("a kill is in force: see `hedgebot unkill`")
    if facts.journal_problem:
        not_ready.append(f"the journal does not hold what is in force now: {facts.journal_problem}")
    if facts.tasks_given_up:
        not_ready.append(f"tasks ended for good: {', '.join(facts.tasks_given_up)}")
    if facts.stopping:
        not_ready.append("the daemon is stopping")
    not_ready += facts.feed_problems
    return Health(live=not not_live, ready=not not_ready, not_live=tuple(not_live), not_ready=tuple(not_ready))


def resident_bytes() -> int:
    """Resident memory of this process now; where the system does not tell, its highest so far."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return highest if sys.platform == "darwin" else highest * 1024


def describe(health: Health) -> dict[str, Any]:
    """The health as plain data."""
    plain: dict[str, Any] = msgspec.to_builtins(health)
    return plain
