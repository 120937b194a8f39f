"""Looks after the process's resident memory: told near its limit, and beyond it the daemon stops in order.

A client that leaks (ccxt#29331, #27746, #21369, #21447) would otherwise end by the system's out-of-memory killer, in
the middle of whatever it does. So beyond the limit the run winds down as for SIGTERM (orders by the declared policy, a
last snapshot) and ends with exit code 1: a service manager starts it anew, and start-up is crash recovery. Such an end
does not count as a clean one: five of them within ten minutes and the next start is halted (`crashloop.py`). Owns the
reading and the limits; how a stop goes is the run's business.
"""

import asyncio
from collections.abc import Callable

import structlog

from hedgebot.daemon.health import resident_bytes
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.errors import ExitCode

MB = 1e6
CHECK_S = 5.0
# Beyond it once may be a single large piece of work; the heap is looked through every 30 s (`heap.py`).
READINGS_BEYOND = 8
TOLD_SHARE = 0.9
# From then on a daemon's memory stands still (soaks: after twenty minutes what is in use, sooner all but a few MB).
WARM_UP_S = 1_200.0

Check = Callable[[AlertKind, str, str], None]


class MemoryGuard:
    """The memory of one run. Limits are megabytes, 0 for none."""

    def __init__(
        self,
        limit_mb: float,
        growth_mb_max: float,
        check: Check,
        stop: Callable[[str], None],
        spared: Callable[[], str],
        *,
        read: Callable[[], int] = resident_bytes,
    ) -> None:
        """`check` holds alerts up, `stop` asks for an orderly stop; `spared` says why it must not (empty: it may)."""
        self._limit_mb = limit_mb
        self._growth_mb_max = growth_mb_max
        self._check = check
        self._stop = stop
        self._spared = spared
        self._read = read
        self._looks = 0
        self._beyond = 0
        self._warm_mb: float | None = None
        self.exit_code = ExitCode.OK
        self._log = structlog.stdlib.get_logger("hedgebot.memory")

    async def watch(self) -> None:
        """Look until cancelled; run by the supervisor."""
        while True:
            await asyncio.sleep(CHECK_S)
            self.look()

    def look(self) -> None:
        """Look once."""
        now_mb = self._read() / MB
        self._looks += 1
        if self._warm_mb is None and self._looks * CHECK_S >= WARM_UP_S:
            self._warm_mb = now_mb
        self._check(AlertKind.MEMORY_HIGH, "resident memory", self._near(now_mb))
        self._check(AlertKind.MEMORY_HIGH, "growth of resident memory", self._grown(now_mb))
        self._hold(now_mb)

    def _near(self, now_mb: float) -> str:
        if not self._limit_mb or now_mb <= TOLD_SHARE * self._limit_mb:
            return ""
        return f"{now_mb:,.0f} MB are resident; beyond {self._limit_mb:,.0f} MB (memory_mb_max) the daemon restarts"

    def _grown(self, now_mb: float) -> str:
        if not self._growth_mb_max or self._warm_mb is None or now_mb - self._warm_mb <= self._growth_mb_max:
            return ""
        return f"{now_mb:,.0f} MB are resident, {now_mb - self._warm_mb:,.0f} MB more than after the warm-up"

    def _hold(self, now_mb: float) -> None:
        """Stop after several readings in a row beyond the limit, once, unless somebody halted or stops it already."""
        self._beyond = self._beyond + 1 if self._limit_mb and now_mb > self._limit_mb else 0
        if self._beyond < READINGS_BEYOND or self.exit_code:
            return
        if why := self._spared():
            if self._beyond == READINGS_BEYOND:
                self._log.warning("memory is beyond its limit, not stopped", resident_mb=round(now_mb), because=why)
            return
        self.exit_code = ExitCode.FAILED
        self._stop(f"{now_mb:,.0f} MB of resident memory, limit {self._limit_mb:,.0f} MB")
