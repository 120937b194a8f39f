"""Who was refused, and what was done: a line each in `dashboard.jsonl`, and the daemon is told for its journal.

Bounded: somebody who knocks a thousand times a second fills no disk and no journal. What is left out is counted.
"""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

FILE = "dashboard.jsonl"
BYTES_MAX = 4 << 20
WINDOW_S = 60.0
LINES_MAX = 60
CHARS_MAX = 160


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One refused request or one action. `left_out` counts those before it that have no line of their own."""

    at_ns: int
    status: int
    what: str
    why: str
    peer: str
    operator: str = ""
    left_out: int = 0


class Record:
    """Writes attempts down."""

    def __init__(
        self,
        state_dir: Path,
        *,
        now_s: Callable[[], float] = time.monotonic,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._path = state_dir / FILE
        self._now_s = now_s
        self._now_ns = now_ns
        self._window_s = now_s()
        self._lines = 0
        self._left_out = 0

    def keep(self, *, status: int, what: str, why: str, peer: str, operator: str = "") -> Attempt | None:
        """Write one down; None when too many came in this minute, and it is only counted."""
        now_s = self._now_s()
        if now_s - self._window_s >= WINDOW_S:
            self._window_s, self._lines = now_s, 0
        # What somebody who is let in does is always written.
        if self._lines >= LINES_MAX and not operator:
            self._left_out += 1
            return None
        self._lines += 1
        attempt = Attempt(
            at_ns=self._now_ns(),
            status=status,
            what=harmless(what),
            why=harmless(why),
            peer=peer,
            operator=operator,
            left_out=self._left_out,
        )
        self._left_out = 0
        self._append(msgspec.json.encode(attempt) + b"\n")
        return attempt

    def _append(self, line: bytes) -> None:
        # A full disk must not keep anybody from killing the book.
        with contextlib.suppress(OSError):
            if self._path.exists() and self._path.stat().st_size > BYTES_MAX:
                self._path.replace(self._path.with_name(FILE + ".1"))
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
            try:
                os.write(descriptor, line)
            finally:
                os.close(descriptor)


def harmless(text: str) -> str:
    """A stranger's text, short and printable."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)[:CHARS_MAX]
