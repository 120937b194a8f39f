"""The daemon on virtual time: the real inbox, turn and engine, a journal in memory, commands to simulated venues.

Owns the order of one turn (urgent commands, the write, gated commands), the timer, and what a crash does. It decides
nothing: what the shell of the real daemon adds (sockets, processes, a disk) is tested there.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import assert_never

from hedgebot.core.engine import Engine, LoadStrategy
from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.errors import JournalError, ProgrammingError
from hedgebot.domain.ports import EventSink
from hedgebot.domain.settings import EngineSettings
from hedgebot.exchange.timeline import Timeline
from hedgebot.lab.memory import MemoryJournal
from hedgebot.lab.simvenue import SimVenue
from hedgebot.turn.inbox import Inbox
from hedgebot.turn.turn import Turn, TurnOutput

INBOX_MAX = 10_000
TURN_EVENTS_MAX = 64
HOUSEKEEPING_NS = 1_000_000_000
VERSION = "lab"

OpenVenue = Callable[[str, EventSink], SimVenue]
"""Makes the venue of one account of the book."""


class Host:
    """One installation: its journal outlives its processes. `commit_ns` is what a durable write takes.

    `timer_ns_min`: the engine's timer fires no oftener, for long runs whose market stands still in between. `front` is
    what stands before a process's inbox, as the redaction does in the daemon.
    """

    def __init__(
        self,
        *,
        timeline: Timeline,
        settings: EngineSettings,
        load_strategy: LoadStrategy,
        open_venue: OpenVenue,
        commit_ns: int = 300_000,
        journal: MemoryJournal | None = None,
        timer_ns_min: int = 0,
        front: Callable[[Inbox], EventSink] = lambda inbox: inbox,
    ) -> None:
        self.timeline = timeline
        self.journal = journal or MemoryJournal()
        self.timer_ns_min = timer_ns_min
        self.alerts: dict[tuple[str, str], int] = {}
        self.alert_log: list[tuple[int, str, str]] = []
        self.epoch = 0
        self.ended = ""
        self._settings = settings
        self._load_strategy = load_strategy
        self._open_venue = open_venue
        self._commit_ns = commit_ns
        self.front = front
        self._process: _Process | None = None
        # Its clock: what it showed at a moment of the timeline, and what it gains from then on.
        self._clock = (timeline.now_ns, timeline.now_ns, 0.0)
        # Called at each point of the order path by its name; may crash the process.
        self.passing: Callable[[str], None] = lambda _point: None

    def now_ns(self) -> int:
        """What the process's clock shows; it never steps back."""
        since_ns, shown_ns, ppm = self._clock
        passed_ns = self.timeline.now_ns - since_ns
        return shown_ns + passed_ns + round(passed_ns * ppm * 1e-6)

    def drift(self, ppm: float) -> None:
        """Let the clock gain `ppm` from now on; what it has gained stays."""
        self._clock = (self.timeline.now_ns, self.now_ns(), ppm)

    @property
    def engine(self) -> Engine:
        """The running engine; raises ProgrammingError while the process is down."""
        if self._process is None:
            raise ProgrammingError("no process runs")
        return self._process.engine

    @property
    def running(self) -> bool:
        """Whether a process runs."""
        return self._process is not None

    @property
    def idle(self) -> bool:
        """Whether a process runs and all that its engine has heard is journaled."""
        return self._process is not None and not self._process.busy

    @property
    def settings(self) -> EngineSettings:
        """The book's settings."""
        return self._settings

    def start(self) -> None:
        """Start a process: recover the engine from the journal, then begin a run of a new epoch."""
        if self._process is not None:
            raise ProgrammingError("a process runs already")
        engine = Engine(self._load_strategy)
        events = self.journal.events()
        known: set[str] = set()
        for stamped in events:
            known |= {one.client_id for one in engine.step(stamped) if isinstance(one, cmd.SubmitOrder)}
        restored = tuple(
            ev.RestoredOrder(client_id=one.command.client_id, intent=one.command.approved.intent, sent_at_ns=one.at_ns)
            for one in self.journal.orders()
            if isinstance(one.command, cmd.SubmitOrder) and one.command.client_id not in known
        )
        self.epoch += 1
        self.ended = ""
        self._process = _Process(self, engine, self.journal.next_seq)
        self._process.begin(
            ev.RunStarted(
                run_id=f"run-{self.epoch}",
                epoch=self.epoch,
                settings=self._settings,
                version=VERSION,
                restored=restored,
            )
        )

    def crash(self, *, power_cut: bool = False) -> None:
        """The process is gone in this moment; nothing it had in hand is carried out any more."""
        process, self._process = self._process, None
        if process is not None:
            process.die()
            self.journal.crash(power_cut=power_cut)

    def pause(self) -> None:
        """The process is stopped: nothing runs in it, what arrives waits."""
        if self._process is not None:
            self._process.paused = True

    def resume(self) -> None:
        """The process goes on where it was."""
        if self._process is not None and self._process.paused:
            self._process.paused = False
            self._process.wake()

    def put(self, event: ev.Event) -> None:
        """An operator's word, or anything else from outside; lost while no process runs."""
        if self._process is not None:
            self._process.front.put(event)

    # --- for the process

    def open_venues(self, sink: EventSink) -> dict[str, SimVenue]:
        """The venues of all accounts."""
        return {one.name: self._open_venue(one.name, sink) for one in self._settings.accounts}

    def commit_ns(self) -> int:
        """What a durable write takes now."""
        return self._commit_ns

    def stopped(self, summary: str) -> None:
        """The engine has wound down."""
        self.ended = summary
        process, self._process = self._process, None
        if process is not None:
            process.die()

    def note_alert(self, command: cmd.RaiseAlert | cmd.ResolveAlert) -> None:
        """Keep what operators were told."""
        key = (command.kind.value, command.subject)
        if isinstance(command, cmd.RaiseAlert):
            self.alerts[key] = self.timeline.now_ns
            self.alert_log.append((self.timeline.now_ns, command.kind.value, command.subject))
        else:
            self.alerts.pop(key, None)


class _Process:
    """One run of the daemon. Dead, it does nothing any more, whatever the timeline still has of it."""

    def __init__(self, host: Host, engine: Engine, next_seq: int) -> None:
        self.engine = engine
        self.inbox = Inbox(INBOX_MAX, self._wake)
        self.front = host.front(self.inbox)
        self._host = host
        self._timeline = host.timeline
        self._turn = Turn(engine, self.inbox, next_seq)
        self._alive = True
        self.paused = False
        self.busy = False
        self._asleep = True
        self._timer = 0
        self._venues: Mapping[str, SimVenue] = {}

    def begin(self, event: ev.RunStarted) -> None:
        """Journal the start before any venue speaks."""
        self.inbox.put(event)
        self._venues = self._host.open_venues(self.front)
        for venue in self._venues.values():
            venue.start()
        self._timeline.after(HOUSEKEEPING_NS, self._keep_house)

    def die(self) -> None:
        """End without last words."""
        self._alive = False
        for venue in self._venues.values():
            venue.stop()

    def wake(self) -> None:
        """Look whether anything waits."""
        self._asleep = True
        self._wake()

    def _keep_house(self) -> None:
        if self._alive and self.paused:
            self._timeline.after(HOUSEKEEPING_NS, self._keep_house)
        elif self._alive:
            self._host.journal.sync()
            self._timeline.after(HOUSEKEEPING_NS, self._keep_house)

    def _wake(self) -> None:
        if self._asleep and self._alive:
            self._asleep = False
            self._timeline.after(0, self._run)

    def _run(self) -> None:
        """Turns until nothing waits or a write is under way."""
        if not self._alive or self.busy:
            return
        if self.paused:
            self._asleep = True
            return
        while self._alive and not self.busy:
            out = self._turn.run(self._host.now_ns(), TURN_EVENTS_MAX)
            if not out.entries:
                self._asleep = True
                return
            self._carry_out(out)

    def _carry_out(self, out: TurnOutput) -> None:
        self._dispatch(out.urgent)
        orders = any(cmd.adds_risk(command) for command in out.gated)
        if orders:
            self._host.passing("before_commit")
        if not self._alive:
            return
        if out.durable:
            # The pump waits for the disk: what comes meanwhile waits in the inbox.
            self.busy = True
            self._timeline.after(self._host.commit_ns(), lambda: self._written(out, orders=orders))
        else:
            self._written(out, orders=orders)

    def _written(self, out: TurnOutput, *, orders: bool) -> None:
        if not self._alive:
            return
        if self.paused:
            # The disk's answer is taken when the process goes on.
            self._timeline.after(HOUSEKEEPING_NS, lambda: self._written(out, orders=orders))
            return
        try:
            self._host.journal.write(out.entries, durable=out.durable)
        except JournalError as error:
            self._dispatch(self._turn.journal_failed(error))
        else:
            self._turn.journal_written()
            if orders:
                self._host.passing("after_commit_before_send")
            if not self._alive:
                return
            killed = orders and self._turn.kill_waits
            self._dispatch(self._turn.withhold("a kill was given before it left") if killed else out.gated)
            if orders:
                self._host.passing("after_send_before_answer")
        if self.busy:
            self.busy = False
            self._timeline.after(0, self._run)

    def _dispatch(self, commands: Iterable[cmd.Command]) -> None:
        for command in commands:
            if not self._alive:
                return
            match command:
                case cmd.SubmitOrder():
                    self._venues[command.approved.intent.account].send(command)
                case (
                    cmd.CancelOrder()
                    | cmd.QueryOrder()
                    | cmd.RequestSnapshot()
                    | cmd.ArmDeadMan()
                    | cmd.MoveCollateral()
                    | cmd.QueryMove()
                ):
                    self._venues[command.account].send(command)
                case cmd.WatchInstruments():
                    next(iter(self._venues.values())).send(command)
                case cmd.SetTimer():
                    self._timer += 1
                    self._arm(max(command.interval_ns, self._host.timer_ns_min), self._timer)
                case cmd.RaiseAlert() | cmd.ResolveAlert():
                    self._host.note_alert(command)
                case cmd.StopNow():
                    self._host.stopped(command.summary)
                case (
                    cmd.RecordDecision()
                    | cmd.RecordRefusal()
                    | cmd.RecordMode()
                    | cmd.RecordAdjustment()
                    | cmd.RecordOperator()
                    | cmd.RecordLatch()
                    | cmd.RecordTracking()
                    | cmd.RecordMargin()
                    | cmd.RecordMove()
                    | cmd.RecordRegime()
                ):
                    pass
                case _:
                    assert_never(command)

    def _arm(self, interval_ns: int, number: int) -> None:
        def fire() -> None:
            if self._alive and number == self._timer:
                if not self.paused:
                    self.inbox.put(ev.TimerFired())
                self._arm(interval_ns, number)

        self._timeline.after(interval_ns, fire)
