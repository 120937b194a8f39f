"""Real processes for the end-to-end tests: the exchange on the wire, the daemon, and an operator at its socket.

Every process is ended on every way out, by the id under which it was started.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HERE = Path(__file__).parent
START_S_MAX = 20.0
END_S_MAX = 25.0


class Process:
    """One `hedgebot` verb."""

    def __init__(self, words: list[str], log: Path, environment: dict[str, str]) -> None:
        self.log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hedgebot.console.main", *words],
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
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-30:])

    def close(self) -> None:
        """End it, whatever it does."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(END_S_MAX)
        if self._process.stdout is not None:
            self._process.stdout.close()


class World:
    """The exchange on the wire and a book's folders; starts daemons against it."""

    def __init__(self, folder: Path, *, scenario: Path = HERE / "world.toml", seed: int = 11) -> None:
        self.folder = folder
        self.state_dir = folder / "state"
        self.config = folder / "book.toml"
        self.environment = {"XDG_STATE_HOME": str(folder / "xdg"), "XDG_RUNTIME_DIR": ""}
        self._processes: list[Process] = []
        words = ["exchange", "serve", "--port", "0", "--scenario", str(scenario), "--seed", str(seed)]
        self.exchange = self._start(words, "exchange.log", {})
        first = self.exchange.line()
        assert first, f"the exchange did not start:\n{self.exchange.words()}"
        self.url: str = json.loads(first)["url"]
        text = (HERE / "book.toml").read_text("utf-8")
        self.config.write_text(text.replace("http://127.0.0.1:8787", self.url), "utf-8")
        (folder / "limits.toml").write_text((HERE / "limits.toml").read_text("utf-8"), "utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._processes):
            process.close()

    def _start(self, words: list[str], log: str, environment: dict[str, str]) -> Process:
        process = Process(words, self.folder / log, self.environment | environment)
        self._processes.append(process)
        return process

    def daemon(self, *, state_dir: Path | None = None, guarded: bool = False, **environment: str) -> "Daemon":
        """Start a daemon; `environment` is added to its own. Earlier crashes count only when `guarded`."""
        chosen = state_dir or self.state_dir
        if not guarded:
            (chosen / "unclean_starts").unlink(missing_ok=True)
        words = ["run", "--config", str(self.config), "--state-dir", str(chosen)]
        return Daemon(self._start(words, f"daemon-{chosen.name}.log", environment), chosen)

    def verb(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Run a verb of the console with --json on this book: its exit code and its object."""
        done = subprocess.run(
            [sys.executable, "-m", "hedgebot.console.main", *words, "--json"],
            capture_output=True,
            env={**os.environ, **self.environment},
            timeout=120,
            check=False,
        )
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


class Daemon:
    """A running daemon and its control socket."""

    def __init__(self, process: Process, state_dir: Path) -> None:
        self.process = process
        self.state_dir = state_dir

    def ask(self, verb: str, **args: Any) -> dict[str, Any]:
        """One question at the control socket; raises OSError while nobody listens."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(10)
            link.connect(str(self.state_dir / "control.sock"))
            link.sendall(json.dumps({"verb": verb, **args}).encode() + b"\n")
            with link.makefile("rb") as lines:
                answer: dict[str, Any] = json.loads(lines.readline())
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
            assert self.process.code is None, f"the daemon ended with {self.process.code}:\n{self.words()}"
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


def _ticks(seconds: float, step_s: float = 0.1) -> Iterator[float]:
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        yield until_s - time.monotonic()
        time.sleep(step_s)
