"""`hedgebot demo`: starts a simulated exchange and a daemon, shows the book live, ends with a checked summary.

Owns the run's course and its processes. What is shown comes from the control socket and the journal only; whether the
promises held is judged in `summary`.
"""

import contextlib
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import orjson
from rich.console import Console
from rich.live import Live

from hedgebot.console.admin import Admin, Truth
from hedgebot.console.assets import config_file, scenario_file
from hedgebot.console.control import ask
from hedgebot.console.errors import DaemonUnreachable, WrongUse
from hedgebot.console.output import emit, to_json
from hedgebot.console.processes import Child
from hedgebot.console.screen import screen
from hedgebot.console.snapshot import Snapshot, read_snapshot
from hedgebot.console.summary import SUMMARY_FILE, DemoSummary, summarise, summary_lines
from hedgebot.console.words import decision_line, duration, status_line
from hedgebot.domain.errors import ExitCode, HedgebotError

START_WAIT_S = 30.0
POLL_S = 0.25
LINE_EVERY_S = 2.0
QUIET_WAIT_S = 8.0

Show = Callable[[Snapshot, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoWish:
    """What the command line asked for."""

    seconds: int = 120
    seed: int = 7
    data: tuple[Path, ...] = ()
    speed: float = 1.0
    start: str | None = None
    end: str | None = None
    state_dir: Path | None = None
    plain: bool = False
    as_json: bool = False


class Stopped(Exception):
    """Ctrl-C or SIGTERM: go on to the ending."""


def play(wish: DemoWish) -> int:
    """Run the demo to its end; the exit code is 0 when every promise held."""
    folder = prepare(wish)
    with stoppable(), _shown(wish) as show:
        summary = run_demo(wish, folder, show)
    (folder / SUMMARY_FILE).write_text(to_json(summary), encoding="utf-8")
    emit(summary, summary_lines(summary), as_json=wish.as_json)
    return ExitCode.OK if summary.good else ExitCode.FAILED


def prepare(wish: DemoWish) -> Path:
    """Make the demo's folder; raises WrongUse for one that has a journal already (its world is gone)."""
    from hedgebot.config.loader import default_state_dir

    name = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    folder = (wish.state_dir or default_state_dir("demo") / name).expanduser().absolute()
    if (folder / "journal.db").exists():
        raise WrongUse(f"{folder} holds the journal of another run; a demo needs a new --state-dir")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def write_config(folder: Path, url: str) -> Path:
    """Write the demo's configuration with the exchange's address filled in; the limits beside it."""
    text = config_file("demo").read_text(encoding="utf-8")
    shutil.copyfile(config_file("demo-limits"), folder / "demo-limits.toml")
    path = folder / "demo.toml"
    path.write_text(re.sub(r"(?m)^endpoint = .*$", f'endpoint = "{url}"', text), encoding="utf-8")
    return path


def run_demo(wish: DemoWish, folder: Path, show: Show) -> DemoSummary:
    """Start both processes, show the book until the time is over, end everything, sum up.

    Raises HedgebotError when a process could not start or died; nothing stays running on any way out.
    """
    with contextlib.ExitStack() as ends:
        exchange = Child("the simulated exchange", exchange_words(wish), folder / "exchange.err")
        ends.callback(exchange.stop)
        hello = orjson.loads(exchange.first_line(START_WAIT_S))
        url, notes = str(hello["url"]), tuple(map(str, hello.get("notes", ())))
        config = write_config(folder, url)
        words = ["run", "--config", str(config), "--state-dir", str(folder)]
        daemon = Child("the daemon", words, folder / "daemon.err")
        ends.callback(daemon.stop)
        admin = Admin(url)
        # The client waits for the daemon: what happened before the first snapshot is in no journal.
        admin.client_flow(enabled=False)
        began_s = time.monotonic()
        _watch(wish, folder, (exchange, daemon), show, lambda: admin.client_flow(enabled=True))
        ran_s = time.monotonic() - began_s
        truth = settle(admin, folder, (exchange, daemon))
        code = daemon.stop()
    return summarise(folder, seed=wish.seed, ran_s=ran_s, truth=truth, daemon_code=code, notes=notes)


def exchange_words(wish: DemoWish) -> list[str]:
    """Words of the command line that starts the exchange."""
    words = [
        "exchange",
        "serve",
        "--port",
        "0",
        "--seed",
        str(wish.seed),
        "--scenario",
        str(scenario_file("recorded" if wish.data else "demo")),
    ]
    for path in wish.data:
        words += ["--data", str(path.expanduser().absolute())]
    if wish.data:
        words += ["--speed", str(wish.speed)]
        words += ["--start", wish.start] if wish.start else []
        words += ["--end", wish.end] if wish.end else []
    return words


def _watch(
    wish: DemoWish, folder: Path, children: tuple[Child, Child], show: Show, on_active: Callable[[], None]
) -> None:
    """Show the book until the time is over or somebody stops it; raises HedgebotError when a process died.

    `on_active` is called once, when the book is hedged for the first time.
    """
    began_s = time.monotonic()
    waiting = True
    with contextlib.suppress(Stopped):
        while True:
            check_alive(children)
            gone_s = time.monotonic() - began_s
            if wish.seconds and gone_s >= wish.seconds:
                break
            try:
                snapshot = read_snapshot(ask(folder, "status").data or {})
            except DaemonUnreachable:
                if gone_s > START_WAIT_S:
                    raise
            else:
                if waiting and snapshot.book.mode == "active":
                    waiting = False
                    on_active()
                show(snapshot, wish.seconds - gone_s if wish.seconds else 0.0)
            time.sleep(POLL_S)


def settle(admin: Admin, folder: Path, children: tuple[Child, Child]) -> Truth | None:
    """Stop the client's trading, wait until no order is under way, then take the exchange's word for what there is."""
    with contextlib.suppress(Stopped, HedgebotError):
        check_alive(children)
        admin.client_flow(enabled=False)
        until_s = time.monotonic() + QUIET_WAIT_S
        while time.monotonic() < until_s:
            time.sleep(1.0)
            snapshot = read_snapshot(ask(folder, "status").data or {})
            breached = any(one.in_breach_ms for one in snapshot.book.underlyings)
            if not snapshot.book.orders and not breached:
                break
        # The daemon stops first: between its last order and the exchange's word nothing may happen.
        children[1].stop()
        return admin.truth()
    return None


def check_alive(children: tuple[Child, Child]) -> None:
    """Raise HedgebotError with the last words of the first process that has ended."""
    for child in children:
        if child.exit_code is not None:
            raise HedgebotError(child.obituary())


@contextlib.contextmanager
def _shown(wish: DemoWish) -> Iterator[Show]:
    """How the book is shown: a live screen on a terminal, plain lines elsewhere, nothing where JSON is wanted."""
    console = Console()
    if wish.as_json:
        yield lambda _snapshot, _left_s: None
    elif wish.plain or not console.is_terminal:
        yield PlainLines(time.monotonic).show
    else:
        with Live(console=console, screen=True, auto_refresh=False) as live:

            def show(snapshot: Snapshot, left_s: float) -> None:
                note = f"Ctrl-C ends the demo; {duration(left_s)} to go" if wish.seconds else "Ctrl-C ends the demo"
                live.update(screen(snapshot, width=console.width, height=console.height, note=note), refresh=True)

            yield show


class PlainLines:
    """One status line every two seconds, and one line for each new decision."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._next_s = 0.0
        self._seen: set[tuple[int, str]] = set()

    def show(self, snapshot: Snapshot, _left_s: float) -> None:
        """Print what is new."""
        for one in snapshot.book.decisions:
            key = (one.at_ns, one.underlying)
            if key not in self._seen:
                self._seen.add(key)
                sys.stdout.write(f"  {one.outcome.upper()} {decision_line(one)}\n")
        if self._now_s() >= self._next_s:
            self._next_s = self._now_s() + LINE_EVERY_S
            sys.stdout.write(status_line(snapshot) + "\n")
        sys.stdout.flush()


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into an orderly end; the second one ends at once (children are ended all the same)."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        for one in before:
            signal.signal(one, signal.default_int_handler)
        raise Stopped

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except Stopped:
        raise HedgebotError("stopped before there was anything to sum up") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
