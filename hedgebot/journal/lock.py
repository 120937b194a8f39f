"""One writer for one state directory, kept by the operating system: the lock ends with the process, however it ends."""

import fcntl
import os
from pathlib import Path

from hedgebot.domain.errors import InstanceError, JournalError

LOCK_FILE = "journal.lock"


class WriterLock:
    """An exclusive lock on a state directory, from construction to `release`."""

    def __init__(self, state_dir: Path) -> None:
        """Take the lock; raises InstanceError (who holds it) or JournalError."""
        path = state_dir / LOCK_FILE
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise JournalError(f"{path}: the lock file cannot be opened ({error.strerror})") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(handle, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(handle)
            raise InstanceError(f"{state_dir}: another hedgebot (process {holder}) writes this journal") from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._handle: int | None = handle

    def release(self) -> None:
        """Let go; the file stays, for a lock on a removed file would guard nothing."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
