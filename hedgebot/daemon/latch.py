"""The kill file: `<state_dir>/KILL` halts the book, survives every restart, and anyone with a shell can make it.

Written and synced before the operator is told that the kill is latched, beside the engine's own work: a kill waits for
no disk. Removed only after the engine accepted an unkill. Any file of that name counts, also an empty or unreadable
one: a kill fails closed.
"""

import os
from pathlib import Path

from hedgebot.daemon.identity import sync_folder

FILE = "KILL"
TEXT_CHARS_MAX = 500


class KillLatch:
    """The kill file of one state directory."""

    def __init__(self, state_dir: Path) -> None:
        self.path = state_dir / FILE
        self.told = False  # whether the engine was told of the file that is there

    @property
    def is_set(self) -> bool:
        """Whether the file is there, or cannot be proven absent."""
        try:
            return os.path.lexists(self.path)
        except OSError:
            return True

    def reason(self) -> str:
        """What the file says, in one line."""
        try:
            text = self.path.read_bytes()[:TEXT_CHARS_MAX].decode("utf-8", "replace")
        except OSError as error:
            return f"the kill file {self.path} is there and cannot be read ({error.strerror})"
        return " ".join(text.split()) or f"the kill file {self.path} is there"

    def set(self, operator: str, reason: str) -> None:
        """Write the file durably; raises OSError where the disk refuses, and then the kill must go on without it.

        The caller tells the engine.
        """
        self.told = True
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, f"killed by {operator}: {reason}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_folder(self.path.parent)

    def clear(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)
        sync_folder(self.path.parent)
        self.told = False
