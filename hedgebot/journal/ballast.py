"""A file beside the journal that is worth nothing: let go when the disk is full, so that the halt can still be written.

Owns that file: made where there is room, freed once, made again when there is room again. It decides nothing about
orders; a write that met the full disk has failed all the same, and whoever asked for it is told so.
"""

import asyncio
import contextlib
import os
import shutil
import time
from pathlib import Path

BALLAST_FILE = "journal.ballast"
_PART_FILE = "journal.ballast.part"
# Twice its size must be free before it is made: what it takes is then not what the journal needs next, and a disk that
# has just the room that it gave is not filled up with it again.
ROOM_RATIO = 2.0
LOOK_INTERVAL_S = 10.0
_CHUNK_BYTES = 1 << 18


class Ballast:
    """So many bytes in a folder; 0 bytes: none, and what an earlier run left is removed."""

    def __init__(self, folder: Path, size_bytes: int) -> None:
        self._file, self._part = folder / BALLAST_FILE, folder / _PART_FILE
        self._size_bytes = size_bytes
        self._looked_at: float | None = None
        self._freed = False
        self.problem = ""
        """Why it is not there, in a sentence; empty when it is, and when none is wanted."""

    async def free(self) -> bool:
        """Give its room to the journal; whether there was any to give. Never raises."""
        return await asyncio.to_thread(self._free)

    async def keep(self, *, now: bool = False) -> None:
        """Make it where it is not and there is room; looks every ten seconds, or at once. Never raises."""
        if not now and self._looked_at is not None and time.monotonic() - self._looked_at < LOOK_INTERVAL_S:
            return
        self._looked_at = time.monotonic()
        await asyncio.to_thread(self._keep)

    def _free(self) -> bool:
        try:
            held_bytes = self._file.stat().st_size
            self._file.unlink()
        except OSError:
            return False
        self._freed = True
        self._looked_at = time.monotonic()
        self.problem = (
            f"{self._file}: the disk is full; {held_bytes / 1e6:g} MB of ballast were given to the journal, so that it "
            "can write what is in force: free space now, there is nothing left to give"
        )
        return True

    def _keep(self) -> None:
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)
        if not self._size_bytes:
            with contextlib.suppress(OSError):
                self._file.unlink(missing_ok=True)
            return
        try:
            if not self._is_whole():
                self._make()
        except OSError as error:
            with contextlib.suppress(OSError):
                self._part.unlink(missing_ok=True)
            self._missing(f"cannot be made ({error.strerror})")
        else:
            if self._is_whole():
                self._freed, self.problem = False, ""

    def _is_whole(self) -> bool:
        return self._file.exists() and self._file.stat().st_size == self._size_bytes

    def _make(self) -> None:
        self._file.unlink(missing_ok=True)
        free_bytes = shutil.disk_usage(self._file.parent).free
        if free_bytes < ROOM_RATIO * self._size_bytes:
            self._missing(f"has no room: {free_bytes / 1e6:,.1f} MB are free, {ROOM_RATIO:g} times its size are needed")
            return
        handle = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            # Chance bytes: a file system that packs or punches holes would take no room for others.
            for at in range(0, self._size_bytes, _CHUNK_BYTES):
                left = memoryview(os.urandom(min(_CHUNK_BYTES, self._size_bytes - at)))
                while left:
                    left = left[os.write(handle, left) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        self._part.rename(self._file)

    def _missing(self, why: str) -> None:
        """What was freed on a full disk stays told as that until it is there again."""
        if not self._freed:
            self.problem = f"{self._file}: the ballast of {self._size_bytes / 1e6:g} MB for a full disk {why}"
