"""The console with a journal whose every fsync takes as long as a file says (fault D08).

`python -m tests.e2e.slowdisk run ...`: SYNC_FILE holds the seconds; the journal's writer and readers run on the file
layer of tests/support/disk.py.
"""

import os
import runpy
import threading
import time
from pathlib import Path
from typing import Any

from tests.support import disk as disks


class _Patch:
    """As much of pytest's monkeypatch as `use` needs, without an end."""

    def setattr(self, target: Any, name: str, value: Any) -> None:
        setattr(target, name, value)


def _follow(disk: disks.Disk, file: Path) -> None:
    while True:
        disk.sync_s = float(file.read_text("ascii") or 0) if file.exists() else 0.0
        disk.notes.clear()
        time.sleep(0.05)


if __name__ == "__main__":
    slow = disks.Disk("slow")
    disks.use(slow, _Patch(), readers=True)
    threading.Thread(target=_follow, args=(slow, Path(os.environ["SYNC_FILE"])), daemon=True).start()
    runpy.run_module("hedgebot.console.main", run_name="__main__")
