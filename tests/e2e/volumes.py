"""Small file systems of their own, for tests of a disk that is full; they need the right to mount."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

# The row says 1 MB: what is left of this volume for the journal once the ballast lies on it.
VOLUME_MB = 8


def mount(folder: Path, *words: str) -> None:
    done = subprocess.run(["mount", *words, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")


@contextlib.contextmanager
def small_volume() -> Iterator[Path]:
    """A small file system of its own; needs the right to mount."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small tmpfs needs root and mount(8)")
    with tempfile.TemporaryDirectory(prefix="hbv") as name:
        folder = Path(name)
        mount(folder, "-t", "tmpfs", "-o", f"size={VOLUME_MB}m,mode=700", "tmpfs")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path, *, leave_bytes: int) -> None:
    """Put a ballast down that leaves so many bytes free."""
    free = shutil.disk_usage(folder).free - leave_bytes
    with (folder / "ballast").open("ab") as file:
        for _ in range(max(0, free) // 4096):
            try:
                file.write(bytes(4096))
                file.flush()
            except OSError:
                return
