"""Child processes of the demo: each in a group of its own, each ended on every way out. Knows nothing of hedging.

A way out that runs no code of ours (SIGKILL) ends them too: their standard input is a pipe from here, see `leash`.
"""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from hedgebot.console.leash import LEASHED
from hedgebot.domain.errors import HedgebotError

PROGRAM = ("-m", "hedgebot.console.main")
TERM_WAIT_S = 25.0
LINE_BYTES_MAX = 1 << 16


class Child:
    """One `hedgebot` verb in its own process; what it says on standard error goes to a file."""

    def __init__(self, name: str, words: Sequence[str], log: Path) -> None:
        """Start it. Its standard output is read with `first_line`, and after that nothing is expected there."""
        self.name = name
        self.log = log
        with log.open("ab") as errors:
            self._process = subprocess.Popen(  # noqa: S603  (our own program with our own words)
                [sys.executable, *PROGRAM, *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                env={**os.environ, **LEASHED},
            )

    @property
    def pid(self) -> int:
        """Its process id, which is also its group."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    def first_line(self, timeout_s: float) -> str:
        """Wait for the first line of its output; raises HedgebotError with its own words when it ends instead."""
        pipe = self._process.stdout
        descriptor = -1 if pipe is None else pipe.fileno()
        found = b""
        until_s = time.monotonic() + timeout_s
        while not found.endswith(b"\n") and len(found) < LINE_BYTES_MAX:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, until_s - time.monotonic()))
            if not ready:
                raise HedgebotError(f"{self.name} was not ready within {timeout_s:g} s; its words are in {self.log}")
            piece = os.read(descriptor, 1)
            if not piece:
                self._process.wait(TERM_WAIT_S)
                raise HedgebotError(self.obituary())
            found += piece
        return found.decode()

    def obituary(self) -> str:
        """A sentence on how it ended, with the last thing it said."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = lines[-1] if lines else "it said nothing"
        return f"{self.name} ended with exit code {self.exit_code}: {last} (all of it: {self.log})"

    def stop(self, timeout_s: float = TERM_WAIT_S) -> int:
        """Ask it to end, then end it with everything it started; the exit code, negative for a signal."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return self._process.wait()

    def kill(self) -> None:
        """End the whole group at once."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self._process.wait(TERM_WAIT_S)
