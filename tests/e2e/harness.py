"""Real processes for the end-to-end tests: the exchange on the wire, the daemon, and an operator at its socket.

Every process is ended on every way out, by the id under which it was started.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.e2e.canaries import Canaries

HERE = Path(__file__).parent
START_S_MAX = 20.0
END_S_MAX = 25.0
CONSOLE = "hedgebot.console.main"


class DiedError(AssertionError):
    """The daemon ended while something was expected of it."""


class Process:
    """One `hedgebot` verb."""

    def __init__(self, words: list[str], log: Path, environment: dict[str, str], module: str = CONSOLE) -> None:
        self.log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **environment},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def line(self) -> str:
        """The first line of its output."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().decode()

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def wait(self, seconds: float = END_S_MAX) -> int:
        """Wait for its end; fails with its last words when it does not come."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"no end within {seconds} s:\n{self.words()}") from None

    def words(self) -> str:
        """The last of what it said."""
        return _last_words(self.log)

    def close(self) -> None:
        """End it, whatever it does."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(END_S_MAX)
        if self._process.stdout is not None:
            self._process.stdout.close()


class Nursery:
    """Starts daemons by fork from a process that has imported everything (tests/e2e/nursery.py)."""

    def __init__(self, log: Path) -> None:
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.e2e.nursery"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=HERE.parents[1],
            )
        self._ended: dict[int, int] = {}
        self._lock = threading.RLock()
        assert self._read() == {"ready": True}, log.read_text("utf-8")

    def start(self, words: list[str], log: Path, environment: dict[str, str]) -> "Forked":
        """Fork one that runs `words`."""
        assert self._process.stdin is not None
        line = json.dumps({"words": words, "environment": environment, "log": str(log)})
        with self._lock:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
            while "code" in (told := self._read()):
                self._ended[told["pid"]] = told["code"]
        return Forked(self, told["pid"], log)

    def code(self, pid: int) -> int | None:
        """The exit code of a child; None while it runs."""
        assert self._process.stdout is not None
        with self._lock:
            while pid not in self._ended and select.select([self._process.stdout], [], [], 0)[0]:
                told = self._read()
                self._ended[told["pid"]] = told["code"]
            return self._ended.get(pid)

    def close(self) -> None:
        """End it; its children are ended by who started them."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(END_S_MAX)
        self._process.stdout.close()

    def _read(self) -> dict[str, Any]:
        # Byte by byte: what a buffer holds would be hidden from `select`.
        assert self._process.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            one = os.read(self._process.stdout.fileno(), 1)
            assert one, "the nursery ended"
            line += one
        told: dict[str, Any] = json.loads(line)
        return told


class Forked:
    """A daemon that the nursery forked; as much of a Process as a Daemon needs."""

    def __init__(self, nursery: Nursery, pid: int, log: Path) -> None:
        self._nursery = nursery
        self.pid = pid
        self.log = log

    @property
    def code(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._nursery.code(self.pid)

    def signal(self, number: signal.Signals) -> None:
        if self.code is None:
            os.kill(self.pid, number)

    def wait(self, seconds: float = END_S_MAX) -> int:
        """Wait for its end; fails with its last words when it does not come."""
        for _ in _ticks(seconds, 0.02):
            if (code := self.code) is not None:
                return code
        raise AssertionError(f"no end within {seconds} s:\n{self.words()}")

    def words(self) -> str:
        """The last of what it said."""
        return _last_words(self.log)

    def close(self) -> None:
        """End it, whatever it does."""
        self.signal(signal.SIGKILL)
        self.wait()


class World:
    """The exchange on the wire and a book's folders; starts daemons against it."""

    def __init__(
        self, folder: Path, *, scenario: Path = HERE / "world.toml", seed: int = 11, nursery: Nursery | None = None
    ) -> None:
        """`nursery` forks the daemons; without one each is a fresh interpreter."""
        self.folder = folder
        self.state_dir = folder / "state"
        self.config = folder / "book.toml"
        self.environment = {"XDG_STATE_HOME": str(folder / "xdg"), "XDG_RUNTIME_DIR": ""}
        self._processes: list[Process | Forked] = []
        self._nursery = nursery
        self._canaries = Canaries(folder)
        self._state_dirs = {self.state_dir}
        self.environment["BYBIT_PASSPHRASE"] = self._canaries.passphrase
        planted = self._canaries.plant_scenario(scenario)
        words = ["exchange", "serve", "--port", "0", "--scenario", str(planted), "--seed", str(seed)]
        self.exchange = self._start(words, "exchange.log", {})
        first = self.exchange.line()
        assert first, f"the exchange did not start:\n{self.exchange.words()}"
        self.url: str = json.loads(first)["url"]
        text = self._canaries.plant_config((HERE / "book.toml").read_text("utf-8"))
        self.config.write_text(text.replace("http://127.0.0.1:8787", self.url), "utf-8")
        (folder / "limits.toml").write_text((HERE / "limits.toml").read_text("utf-8"), "utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._processes):
            process.close()
        if error is None:
            leaks = self.leaks()
            assert leaks == [], "\n".join(leaks[:10])

    def with_keys(self, text: str) -> str:
        """A configuration of one account with this world's keys."""
        return self._canaries.plant_config(text)

    def leaks(self) -> list[str]:
        """Where secrets of this world stand although they must not: fault S01, looked for after every run."""
        return self._canaries.leaks(self.folder, *(one for one in self._state_dirs if self.folder not in one.parents))

    def _start(self, words: list[str], log: str, environment: dict[str, str], module: str = CONSOLE) -> Process:
        process = Process(words, self.folder / log, self.environment | environment, module)
        self._processes.append(process)
        return process

    def start(self, words: list[str], log: str) -> Process:
        """Start any verb that stays."""
        return self._start(words, log, {})

    def _start_daemon(self, words: list[str], log: str, environment: dict[str, str], module: str) -> Process | Forked:
        if self._nursery is None or module != CONSOLE:
            return self._start(words, log, environment, module)
        forked = self._nursery.start(words, self.folder / log, self.environment | environment)
        self._processes.append(forked)
        return forked

    def daemon(
        self,
        *options: str,
        state_dir: Path | None = None,
        guarded: bool = False,
        module: str = CONSOLE,
        **environment: str,
    ) -> "Daemon":
        """Start a daemon with options; `environment` is added to its own. Earlier crashes count only when `guarded`."""
        chosen = state_dir or self.state_dir
        self._state_dirs.add(chosen)
        if not guarded:
            (chosen / "unclean_starts").unlink(missing_ok=True)
        words = ["run", "--config", str(self.config), "--state-dir", str(chosen), *options]
        process = self._start_daemon(words, f"daemon-{chosen.name}.log", environment, module)
        return Daemon(process, chosen)

    def verb(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Run a verb of the console with --json on this book: its exit code and its object."""
        done = subprocess.run(
            [sys.executable, "-m", "hedgebot.console.main", *words, "--json"],
            capture_output=True,
            env={**os.environ, **self.environment},
            timeout=120,
            check=False,
        )
        with (self.folder / "asked.log").open("ab") as file:
            file.write(done.stdout + done.stderr)
        assert done.stdout.strip(), done.stderr.decode()
        answer: dict[str, Any] = json.loads(done.stdout)
        return done.returncode, answer

    def admin(self, path: str, **fields: object) -> Any:
        """Ask the exchange's test plane: GET without fields, POST with them."""
        data = json.dumps(fields).encode() if fields else None
        request = urllib.request.Request(
            f"{self.url}/admin/{path}", data=data, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def clear_faults(self) -> None:
        """End every fault of the exchange."""
        request = urllib.request.Request(f"{self.url}/admin/faults", method="DELETE")
        with urllib.request.urlopen(request, timeout=10):
            pass


class Daemon:
    """A running daemon and its control socket."""

    def __init__(self, process: Process | Forked, state_dir: Path) -> None:
        self.process = process
        self.state_dir = state_dir

    def ask(self, verb: str, **args: Any) -> dict[str, Any]:
        """One question at the control socket; raises OSError while nobody listens."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(10)
            link.connect(str(self.state_dir / "control.sock"))
            link.sendall(json.dumps({"verb": verb, **args}).encode() + b"\n")
            with link.makefile("rb") as lines:
                line = lines.readline()
        with self.process.log.with_name("asked.log").open("ab") as file:
            file.write(line)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def book(self) -> dict[str, Any]:
        """The book as the daemon sees it."""
        book: dict[str, Any] = self.ask("status")["data"]["book"]
        return book

    def words(self) -> str:
        """What a failed test should show."""
        log = self.state_dir / "hedgebot.log"
        told = log.read_text("utf-8", "replace").splitlines()[-25:] if log.exists() else []
        return "\n".join([self.process.words(), *told])

    def until(self, what: str, holds: Callable[[dict[str, Any]], bool], seconds: float = START_S_MAX) -> dict[str, Any]:
        """Wait until the book satisfies `holds`; fails with the daemon's last words."""
        book: dict[str, Any] = {}
        for _ in _ticks(seconds):
            if self.process.code is not None:
                raise DiedError(f"the daemon ended with {self.process.code}:\n{self.words()}")
            with contextlib.suppress(OSError, json.JSONDecodeError):
                book = self.book()
                if holds(book):
                    return book
        seen = {key: book.get(key) for key in ("mode", "mode_reason", "orders", "alerts", "hedges")}
        raise AssertionError(f"not {what} within {seconds} s; {seen}\n{self.words()}")

    def until_active(self, seconds: float = START_S_MAX) -> dict[str, Any]:
        """Wait until the book is hedged."""
        return self.until("active", lambda book: bool(book["mode"] == "active"), seconds)

    def until_killed(self, seconds: float) -> None:
        """Wait for its end by SIGKILL."""
        for _ in _ticks(seconds):
            if self.process.code is not None:
                assert self.process.code == -signal.SIGKILL, f"ended with {self.process.code}:\n{self.words()}"
                return
        raise AssertionError(f"the failpoint was not passed within {seconds} s\n{self.words()}")

    def stop(self) -> int:
        """SIGTERM, and its exit code."""
        self.process.signal(signal.SIGTERM)
        return self.process.wait()


def _last_words(log: Path) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-30:]) if log.exists() else ""


def _ticks(seconds: float, step_s: float = 0.1) -> Iterator[float]:
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        yield until_s - time.monotonic()
        time.sleep(step_s)
