"""One run of the daemon: the parts put together around a recovered engine, from RunStarted to the last snapshot.

Owns the order of start and stop. Decides nothing: what start-up must reconcile is the engine's business, start-up is
crash recovery.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
import structlog

from hedgebot.config.loader import Config
from hedgebot.core.engine import Engine
from hedgebot.core.state import encode_state
from hedgebot.core.view import book_view
from hedgebot.daemon import chores, heap, holdings, loosened, sanity
from hedgebot.daemon.alerts import open_alerts
from hedgebot.daemon.clock import Clock
from hedgebot.daemon.control import ControlServer
from hedgebot.daemon.daily_verify import DailyVerify
from hedgebot.daemon.dispatch import Dispatcher, FailpointSink, SendWindow, first_accounts
from hedgebot.daemon.failpoints import Failpoint, Failpoints
from hedgebot.daemon.health import Facts, Health, LoopWatch, feed_problems, judge, resident_bytes
from hedgebot.daemon.heartbeat import Heartbeat
from hedgebot.daemon.hold import SendHold
from hedgebot.daemon.killswitch import KillSwitch, unproven_of
from hedgebot.daemon.lagwatch import LoopGuard
from hedgebot.daemon.loop import Entries, Pump
from hedgebot.daemon.memoryguard import MemoryGuard
from hedgebot.daemon.notify import ServiceManager
from hedgebot.daemon.parts import Identity, OpenVenue, Store, Venue
from hedgebot.daemon.receipts import Receipts
from hedgebot.daemon.records import RecordLog
from hedgebot.daemon.risk import RiskDesk
from hedgebot.daemon.supervisor import Supervisor, unless_ended
from hedgebot.daemon.timer import OneTimer
from hedgebot.daemon.verbs import Shell, Verbs
from hedgebot.daemon.what_if import WhatIfDesk
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Mode, RaiseAlert
from hedgebot.domain.errors import JournalError, VenueUnreachable
from hedgebot.domain.events import OperatorKilled, RunStarted, StopRequested
from hedgebot.journal.redaction import RedactingSink, Redactor
from hedgebot.turn.inbox import Inbox
from hedgebot.turn.turn import Turn

# Of the stop budget: what the engine gets to wind down before the rest is closed under it.
WIND_DOWN_SHARE = 0.6
VENUE_STOP_S_MAX = 4.0
# Instruments of a large venue take some seconds; beyond this nobody answers, and a restart begins afresh.
VENUE_START_S_MAX = 90.0


class Run:
    """One run of one book."""

    def __init__(  # noqa: PLR0913  (one for each part)
        self,
        *,
        config: Config,
        identity: Identity,
        engine: Engine,
        journal: Store,
        clock: Clock,
        failpoints: Failpoints,
        open_venue: OpenVenue,
        hold: SendHold,
        redactor: Redactor | None = None,
    ) -> None:
        self._config = config
        self._identity = identity
        self._engine = engine
        self._journal = journal
        self._clock = clock
        self._log = structlog.stdlib.get_logger("hedgebot.daemon")
        self._started_s = time.monotonic()
        self._startup_s: float | None = None
        self._starting = "the daemon is starting"
        self._ended = asyncio.Event()
        self._stop_asked, self._end_summary, self.exit_code = 0, "", 0
        self._inbox = Inbox(config.daemon.inbox_capacity, lambda: self._pump.wake())  # noqa: PLW0108  (made below)
        redactor = redactor or Redactor(())
        self._front = RedactingSink(self._inbox, redactor)
        self._risk = RiskDesk(engine, self._front, clock.now_ns, config)
        self._failpoints = failpoints
        self._latch = hold.latch
        self._alerts = open_alerts(config, clock.now_ns)
        self._timer = OneTimer(self._inbox)
        self._receipts = Receipts(self._inbox, redactor.event)
        self._records, self._manager = RecordLog(), ServiceManager({})
        self._watch = LoopWatch(partial(self._alerts.check, AlertKind.LOOP_LAG, "event loop"))
        self._guard = LoopGuard(lambda: self._watch.silent_s, self._loop_blocked)
        self._supervisor = Supervisor(self._inbox, on_vital=self._vital_task_ended, redactor=redactor)
        self._memory = self._build_memory_guard()
        window = SendWindow(failpoints)
        sink = RedactingSink(FailpointSink(self._inbox, failpoints, window), redactor)
        accounts = config.engine_settings(identity.install).accounts
        self._venues: dict[str, Venue] = {one.name: open_venue(one.name, sink) for one in accounts}
        dispatcher = Dispatcher(
            ports=self._venues,
            venue_accounts=first_accounts((one.name, one.venue) for one in accounts),
            timer=self._timer,
            alerts=self._alerts,
            on_stop=self._end,
            window=window,
        )
        self._pump = self._build_pump(dispatcher)
        hold.blocked = lambda: self._pump.orders_blocked
        self._switch = self._build_switch()
        self._verbs = Verbs(
            shell=Shell(
                status=self.status,
                health=self.health,
                mode=self._mode,
                request_stop=self.request_stop,
                alert=self._alerts.check,
                try_alerts=self._alerts.test,
                risk_book=self._risk.book,
                what_if=WhatIfDesk(engine, self._venues, clock.now_ns, redactor.text).handle,
            ),
            receipts=self._receipts,
            switch=self._switch,
            config=config,
            install=identity.install,
        )
        self._control = ControlServer(config.state_dir, self._verbs.handle)

    def _build_switch(self) -> KillSwitch:
        engine, latch, unmet = self._engine, self._latch, self._against_unkill
        left, rest = partial(unproven_of, engine, self._clock.now_ns), (self._receipts, self._front, self._failpoints)
        return KillSwitch(self._pump, lambda: engine.state.latches, left, unmet, latch, *rest)

    def _build_memory_guard(self) -> MemoryGuard:
        limits_mb = self._config.daemon.memory_mb_max, self._config.daemon.memory_growth_mb_max
        return MemoryGuard(*limits_mb, self._alerts.check, self.request_stop, self._memory_spared)

    def _build_pump(self, dispatcher: Dispatcher) -> Pump:
        return Pump(
            turn=Turn(self._engine, self._inbox, self._identity.next_seq),
            journal=self._journal,
            dispatch=dispatcher.dispatch,
            observe=self._observe,
            now_ns=self._clock.now_ns,
            failpoints=self._failpoints,
            on_journal=partial(self._alerts.check, AlertKind.JOURNAL_WRITE_FAILED, "journal"),
            on_unwritten=self._observe_unwritten,
        )

    async def run(self) -> int:
        """Start everything, run until stopped, end everything in order; the exit code."""
        await self._begin()
        self._supervisor.spawn("pump", self._pump.run, vital=True)
        self._supervisor.spawn("alerts", self._alerts.deliver)
        self._supervisor.spawn("loop-watch", self._watch.watch)
        self._supervisor.spawn("clock", partial(chores.check_clock, self._clock, self._alerts, self._engine))
        self._supervisor.spawn("kill-file", partial(chores.watch_kill_file, self._latch, self._switch.tell_files))
        self._supervisor.spawn("disk", partial(chores.watch_disk, self._config.state_dir, self._alerts))
        self._supervisor.spawn("memory", self._memory.watch)
        self._supervisor.spawn("daily-verify", DailyVerify(self._config.state_dir, self._alerts.check).run)
        self._supervisor.spawn("snapshots", self._take_snapshots)
        self._supervisor.spawn("risk", self._risk.run)
        for name, reading in holdings.tasks(self._config, self._front, self._clock.now_ns):
            self._supervisor.spawn(name, reading)
        if self._manager.ping_every_s:
            self._supervisor.spawn("service-manager", partial(chores.tell_manager, self._manager, self.health))
        self._spawn_heartbeat()
        self._guard.start()
        await self._control.start()
        try:
            await unless_ended(self._ended, self._start_venues(), let_go_s=VENUE_STOP_S_MAX)
            await self._ended.wait()
        finally:
            await self._finish()
        self.exit_code = self.exit_code or self._memory.exit_code
        self._log.info("daemon ended", summary=self._end_summary, exit_code=self.exit_code)
        return self.exit_code

    async def _start_venues(self) -> None:
        for name, venue in self._venues.items():
            self._log.info("venue starts", account=name)
            self._starting = f"{name} is starting"
            try:
                async with asyncio.timeout(VENUE_START_S_MAX):
                    await venue.start()
            except TimeoutError as error:
                raise VenueUnreachable(
                    f"account {name}: its venue was not ready within {VENUE_START_S_MAX:.0f} s of the start"
                ) from error
        heap.set_aside()
        self._supervisor.spawn("heap", heap.keep_tidy)
        self._starting = ""
        self._startup_s = round(time.monotonic() - self._started_s, 3)
        self._manager.ready()
        self._log.info("daemon started", seconds=self._startup_s)

    def managed_by(self, manager: ServiceManager) -> None:
        """Tell a service manager how it goes, from the start on."""
        self._manager = manager

    def request_stop(self, reason: str) -> None:
        """Ask the engine to wind down; asked again, end without waiting for it."""
        self._stop_asked += 1
        if self._stop_asked > 1:
            self._end(f"hastened: {reason}")
            return
        self._log.info("stop requested", reason=reason)
        self._inbox.put(StopRequested(reason=reason))
        wait_s = self._config.daemon.stop_timeout_s * WIND_DOWN_SHARE
        asyncio.get_running_loop().call_later(wait_s, self._end, f"not wound down within {wait_s:.0f} s")

    def request_kill(self, operator: str, reason: str) -> None:
        """Kill from a signal: the same as the verb, without anybody waiting for the answer."""
        self._pump.block_orders()

        async def kill() -> None:
            await self._switch.kill(OperatorKilled(operator=operator, reason=reason))

        self._supervisor.spawn("kill-signal", kill, lasting=False)

    def task_complaint(self, name: str, error: str) -> None:
        """Something outside any supervised task failed: it is told, like a failed task that goes on."""
        self._supervisor.complain(name, error)

    def journal_complaint(self, problem: str) -> None:
        """The journal's housekeeping failed (a sentence) or works again (empty)."""
        self._alerts.check(AlertKind.JOURNAL_WRITE_FAILED, "journal housekeeping", problem)

    def status(self) -> dict[str, Any]:
        """The book as the engine sees it, and the facts of this process."""
        now_ns = self._clock.now_ns()
        return {
            "book": msgspec.to_builtins(book_view(self._engine.state, now_ns)),
            "daemon": {
                "pid": os.getpid(),
                "version": self._identity.version,
                "run_id": self._identity.run_id,
                "epoch": self._identity.epoch,
                "install": f"{self._identity.install:08x}",
                "config_hash": self._engine.state.settings.config_hash,
                "book_name": self._config.book.name,
                "run_mode": self._config.book.run_mode,
                "state_dir": str(self._config.state_dir),
                "at_ns": now_ns,
                "uptime_s": round(time.monotonic() - self._started_s, 3),
                "startup_s": self._startup_s,
                "rss_bytes": resident_bytes(),
                "tasks": len(asyncio.all_tasks()),
                "inbox_depth": len(self._inbox),
                "turns": self._pump.turns,
                "journal_head_seq": self._pump.head_seq,
                "journal_failing": self._pump.journal_failing,
                "journal_problem": self._pump.journal_problem,
                "orders_blocked": self._pump.orders_blocked,
                "loop_lag_ms": round(self._watch.lag_s * 1e3, 1),
                "loop_lag_ms_max": round(self._watch.lag_s_max * 1e3, 1),
                "tasks_given_up": list(self._supervisor.given_up),
                "kill_file": self._latch.is_set,
                "stopping": self._stop_asked > 0,
                **self._alerts.told(),
            },
        }

    def health(self) -> Health:
        """Whether the process is live and ready."""
        view = book_view(self._engine.state, self._clock.now_ns())
        return judge(
            Facts(
                loop_problem=self._watch.problem,
                turn_busy_s=self._pump.busy_s,
                mode=view.mode,
                feed_problems=feed_problems(view, self._engine.state.limits),
                starting=self._starting,
                journal_problem=self._pump.journal_problem,
                killed=self._latch.is_set or self._pump.orders_blocked,
                tasks_given_up=self._supervisor.given_up,
                stopping=self._stop_asked > 0,
            )
        )

    async def _against_unkill(self, told: Mapping[str, Any]) -> tuple[str, ...]:
        running, problem = self._engine.state.settings.config_hash, self._pump.journal_problem
        return await sanity.unmet(told, self._verbs.config, running, self._identity.version, problem)

    def _mode(self) -> Mode:
        return self._engine.state.mode

    def _observe(self, entries: Entries) -> None:
        self._switch.observe(entries)
        self._receipts.observe(entries)
        self._records.keep(entries)

    def _observe_unwritten(self, entries: Entries) -> None:
        self._switch.observe(entries)
        self._receipts.observe_unwritten(entries)
        self._records.keep(entries, on_disk=False)

    async def _begin(self) -> None:
        """Journal RunStarted as the first event of the run, then the kill file's word, before any venue speaks."""
        self._inbox.put(
            RunStarted(
                run_id=self._identity.run_id,
                epoch=self._identity.epoch,
                settings=self._config.engine_settings(self._identity.install),
                version=self._identity.build,
                restored=self._identity.restored,
                restored_moves=self._identity.restored_moves,
                id_epoch=self._identity.id_epoch,
            )
        )
        await self._pump.one_turn()
        self._failpoints.passed(Failpoint.IN_RECOVERY)
        # From here on recovery starts with a state that knows its settings.
        await self._snapshot()
        loosened.take_over(self._identity.confirmed, self._front, self._config.state_dir)
        if because := self._identity.halted_because:
            self._switch.tell(OperatorKilled(operator=chores.CRASH_GUARD, reason=because, cause="crash_loop"))
        self._switch.tell_files()

    async def _finish(self) -> None:
        """End in order: no more commands first, then the venues, then the last snapshot."""
        self._manager.stopping()
        self._guard.stop()
        self._timer.cancel()
        await self._control.stop()
        for name, venue in self._venues.items():
            try:
                async with asyncio.timeout(VENUE_STOP_S_MAX):
                    await venue.stop()
            except TimeoutError:
                self._log.warning("venue did not stop in time", account=name, limit_s=VENUE_STOP_S_MAX)
        self._pump.stop()
        await self._supervisor.stop()
        self._records.flush()
        await self._alerts.flush()
        if not self.exit_code:
            # After a failed turn the state is ahead of the journal, or half changed: recovery must not start from it.
            await self._snapshot()

    async def _snapshot(self) -> None:
        try:
            async with self._pump.quiet() as seq:
                work = asyncio.ensure_future(self._journal.snapshot(seq, encode_state(self._engine.state)))
                await self._failpoints.passed_soon(Failpoint.IN_SNAPSHOT)
                try:
                    await self._pump.settled(work)
                finally:
                    if not work.done():
                        # The journal keeps what it has begun; a kill must not wait for it.
                        work.cancel()
                        with contextlib.suppress(asyncio.CancelledError):
                            await work
        except JournalError as error:
            # Nothing is lost: recovery replays a longer tail.
            self._log.warning("snapshot not taken", problem=str(error))

    async def _take_snapshots(self) -> None:
        while True:
            await asyncio.sleep(self._config.daemon.snapshot_interval_s)
            await self._snapshot()

    def _spawn_heartbeat(self) -> None:
        settings = self._config.daemon
        if settings.heartbeat_url is not None:
            told = partial(self._alerts.check, AlertKind.WATCHDOG, "heartbeat")
            heart = Heartbeat(settings.heartbeat_url, settings.heartbeat_interval_s, told)
            withheld = partial(chores.no_heartbeat, self._engine)
            self._supervisor.spawn("heartbeat", partial(chores.beat, heart, self.health, withheld))

    def _memory_spared(self) -> str:
        return "the daemon is stopping" if self._stop_asked else chores.no_heartbeat(self._engine)

    def _loop_blocked(self, problem: str) -> None:
        """Called in the guard's thread, while nothing in the loop can speak."""
        self._alerts.shout(RaiseAlert(kind=AlertKind.LOOP_LAG, subject="event loop", summary=problem))
        self._manager.say(problem)

    def _vital_task_ended(self, name: str, error: str) -> None:
        self.exit_code = 1
        self._end(f"{name} failed: {error}")

    def _end(self, summary: str) -> None:
        if not self._ended.is_set():
            self._end_summary = summary
            self._pump.stop()
            self._ended.set()
