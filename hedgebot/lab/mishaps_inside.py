"""Mishaps at home: the process, its disk, its clocks, and the people who run it."""

from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.durations import NS_PER_S
from hedgebot.exchange.faults import LineFault, LineFaultKind, RequestFault, RequestFaultKind
from hedgebot.lab import criteria as must
from hedgebot.lab import criteria_orders as became
from hedgebot.lab.stage import Deed, Mishap, Stage, both, client_trade, link, operator, place

STRATEGY = "delta_neutral"
TASKS = ("feed", "clock", "journal", "control")
SKEW_MS = 6_500.0
"""A second and a half beyond the window that orders are sent with."""

STEP_MS = 600_000.0
DRIFT_PPM = 500.0
POINTS = ("before_commit", "after_commit_before_send", "after_send_before_answer")


def _crashes(stage: Stage) -> None:
    """The process dies somewhere on the order path, and once more at any moment; each time it is started again."""
    point = POINTS[int(stage.chance() * len(POINTS))]

    def passing(name: str) -> None:
        if name == point:
            stage.host.passing = lambda _name: None
            _crash(stage)

    stage.host.passing = passing
    client_trade("0.2")(stage)
    stage.later(20.0 + 20.0 * stage.chance(), lambda: _crash(stage))


def _crash(stage: Stage) -> None:
    if stage.host.running:
        stage.host.crash(power_cut=stage.chance() < 0.5)
        stage.later(3.0, lambda: None if stage.host.running else stage.host.start())


def _no_more_crashes(stage: Stage) -> None:
    stage.host.passing = lambda _name: None


def _broken_disk(stage: Stage) -> None:
    stage.host.journal.broken = "no space left on device"


def _mended_disk(stage: Stage) -> None:
    stage.host.journal.broken = ""


def _steps(stage: Stage) -> None:
    """Ten minutes ahead, then ten behind; each time there is something to hedge, and the process goes on."""
    for number, offset_ms in enumerate((STEP_MS, -STEP_MS)):
        trade = client_trade("0.2" if number == 0 else "-0.2")

        def step(offset_ms: float = offset_ms, trade: Deed = trade) -> None:
            stage.link.set_clock(offset_ms=offset_ms)
            trade(stage)

        stage.later(30.0 * number + 0.1, step)


def _failing_tasks(stage: Stage) -> None:
    """Each task fails in turn and is started again; the last one has used up its budget."""
    for number, task in enumerate(TASKS):
        last = number == len(TASKS) - 1
        failed = ev.TaskFailed(task=task, error="a bug", restarting=not last)
        stage.later(5.0 * number, lambda failed=failed: stage.host.put(failed))  # type: ignore[misc]


def _switch(*, enabled: bool) -> ev.StrategySwitched:
    return ev.StrategySwitched(strategy=STRATEGY, enabled=enabled, operator="lab", reason="the fault world")


def _kill_in_the_dark(stage: Stage) -> None:
    """Answers are lost, the private stream is down, the disk is full, and then somebody pulls the plug."""
    place(RequestFaultKind.ACK_LOST, probability=1.0)(stage)
    client_trade("0.2")(stage)

    def kill() -> None:
        link(LineFault(kind=LineFaultKind.REFUSE, stream="private", seconds=25.0))(stage)
        stage.link.streams.drop("private")
        _broken_disk(stage)
        stage.host.put(ev.OperatorKilled(operator="lab", reason="the fault world"))

    stage.later(1.5, kill)


def stand_still() -> LineFault:
    """Market data stop for twelve seconds on a connection that stands."""
    return LineFault(kind=LineFaultKind.HALF_OPEN, stream="public", seconds=12.0)


AT_HOME: tuple[Mishap, ...] = (
    Mishap(
        id="P01",
        title="the process is killed on the order path",
        begin=_crashes,
        end=_no_more_crashes,
        criterion=must.back_within(60.0),
    ),
    Mishap(
        id="P03",
        title="the process is stopped for a while",
        begin=both(client_trade("0.2"), lambda stage: stage.host.pause()),
        end=lambda stage: stage.host.resume(),
        seconds=90.0,
        criterion=must.every(must.asks_before_it_acts, must.back_within(60.0)),
        alerts=(AlertKind.LOOP_LAG,),
        due=lambda evidence: evidence.ended_ns,
    ),
    Mishap(
        id="P06",
        title="the tasks of the daemon fail, one after the other",
        begin=_failing_tasks,
        seconds=20.0,
        criterion=must.every(must.tasks_told(TASKS), must.halts_within(5.0 * len(TASKS))),
        alerts=(AlertKind.TASK_FAILED,),
    ),
    Mishap(
        id="D01",
        title="the disk is full",
        begin=both(_broken_disk, client_trade("0.2")),
        end=_mended_disk,
        seconds=20.0,
        criterion=must.every(must.nothing_arrives, must.back_within(60.0)),
        # Of the daemon's own alert (JournalWriteFailed) the shell's tests speak: there is no shell here.
        alerts=(AlertKind.TASK_FAILED,),
    ),
    Mishap(
        id="C01",
        title="our wall clock steps ten minutes forth, and back beyond where it was",
        begin=_steps,
        end=lambda stage: stage.link.set_clock(),
        seconds=60.0,
        # The shell tells of the wall's step: there is no shell here.
        criterion=must.every(
            became.time_goes_on, became.never_back, must.one_retry_after_the_clock, must.back_within(15.0)
        ),
    ),
    Mishap(
        id="C02",
        title="our wall clock is outside the venue's window",
        begin=both(lambda stage: stage.link.set_clock(offset_ms=-SKEW_MS), client_trade("0.2")),
        end=both(lambda stage: stage.link.set_clock(), client_trade("-0.2")),
        seconds=30.0,
        criterion=must.every(must.one_retry_after_the_clock, must.back_within(15.0)),
    ),
    Mishap(
        id="C04",
        title="our clock runs fast, and market data stand still meanwhile",
        begin=both(
            lambda stage: stage.host.drift(DRIFT_PPM),
            lambda stage: stage.later(100.0, lambda: link(stand_still())(stage)),
        ),
        end=lambda stage: stage.host.drift(0.0),
        seconds=130.0,
        criterion=must.every(must.stale_once(from_s=100.0, until_s=112.0), must.back_within(30.0)),
        alerts=(AlertKind.STALE_MARKET_DATA,),
        alert_s=10.0,
        due=lambda evidence: evidence.begun_ns + 100 * NS_PER_S,
    ),
    Mishap(
        id="O03",
        title="somebody trades by hand in the hedge",
        begin=client_trade("0.3", "manual", on_hedge=True),
        seconds=10.0,
        criterion=must.every(must.orders_at_most(60.0), must.back_within(15.0)),
        alerts=(AlertKind.FOREIGN_ACTIVITY,),
    ),
    Mishap(
        id="O05",
        title="a kill while an order is unknown, the private stream is down and the disk is full",
        begin=_kill_in_the_dark,
        end=_mended_disk,
        seconds=30.0,
        criterion=must.halts_within(10.0),
        alerts=(AlertKind.KILL_ACTIVE,),
        alert_s=7.0,
    ),
    Mishap(
        id="O05k",
        title="an operator kills the book",
        begin=operator(ev.OperatorKilled(operator="lab", reason="the fault world")),
        seconds=30.0,
        criterion=must.every(must.halts_within(1.0), must.no_orders_after(0.0)),
        alerts=(AlertKind.KILL_ACTIVE,),
    ),
    Mishap(
        id="O06",
        title="the key is revoked",
        begin=both(
            link(RequestFault(kind=RequestFaultKind.REFUSE, reason="no_permission", count=None, seconds=30.0)),
            client_trade("0.2"),
        ),
        seconds=30.0,
        criterion=must.every(must.halts_within(20.0), must.struck),
        alerts=(AlertKind.API_KEY_INVALID,),
    ),
    Mishap(
        id="O10",
        title="the strategy is switched off with an open hedge",
        begin=operator(_switch(enabled=False)),
        end=operator(_switch(enabled=True)),
        seconds=20.0,
        criterion=must.every(must.no_orders_after(1.0), must.back_within(30.0)),
    ),
)
