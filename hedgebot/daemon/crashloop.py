"""Counts starts that never came to a clean end: too many within a while, and the next one starts halted.

A daemon that dies at every start would otherwise be restarted for ever, each time reconciling and perhaps trading for a
moment. Kept in a small file beside the journal; what cannot be read counts as nothing, because the kill file and the
journal are what protects. Decides only whether to halt.
"""

import contextlib
import os
from pathlib import Path

FILE = "unclean_starts"
STARTS_MAX = 5
WINDOW_S = 600.0


class CrashLoop:
    """The unclean starts of one state directory. `now_s` is the wall clock in seconds."""

    def __init__(self, state_dir: Path, now_s: float) -> None:
        """Count this start as unclean until `ended_cleanly` says otherwise."""
        self._path = state_dir / FILE
        self._recent = [one for one in self._read() if now_s - WINDOW_S < one <= now_s]
        self._write([*self._recent, now_s][-2 * STARTS_MAX :])

    @property
    def problem(self) -> str:
        """Why this start must not trade; empty when it may."""
        if len(self._recent) < STARTS_MAX:
            return ""
        return f"{len(self._recent)} starts within {WINDOW_S / 60:.0f} minutes did not come to a clean end"

    def never_began(self) -> None:
        """This start found no venue: that is no crash, however often it is tried again; the others still count."""
        self._write(self._recent)

    def ended_cleanly(self) -> None:
        """This run ended as it should: nothing counts any more."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _read(self) -> list[float]:
        try:
            return [float(line) for line in self._path.read_text("ascii").split()]
        except (OSError, ValueError):
            return []

    def _write(self, moments: list[float]) -> None:
        text = "".join(f"{one:.3f}\n" for one in moments)
        with contextlib.suppress(OSError):
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(text)
