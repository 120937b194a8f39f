"""The console with a thread beside it that blocks the daemon's event loop once, for as long as a file says (fault P04).

`python -m tests.e2e.blocker run ...`: when the file named by BLOCK_FILE appears, its number of seconds is slept in a
callback of the loop; `<file>.began` then holds the wall clock of that moment in nanoseconds.
"""

import asyncio
import os
import runpy
import threading
import time
from collections.abc import Callable
from pathlib import Path

from hedgebot.daemon import run as daemon_run


def _wait_and_block(loop: asyncio.AbstractEventLoop, file: Path) -> None:
    while not file.exists():
        time.sleep(0.05)
    seconds = float(file.read_text("ascii"))

    def block() -> None:
        file.with_suffix(".began").write_text(str(time.time_ns()), "ascii")
        time.sleep(seconds)

    loop.call_soon_threadsafe(block)


def _factory(
    real: Callable[[], Callable[[], asyncio.AbstractEventLoop] | None],
) -> Callable[[], asyncio.AbstractEventLoop]:
    def make() -> asyncio.AbstractEventLoop:
        loop = (real() or asyncio.new_event_loop)()
        file = Path(os.environ["BLOCK_FILE"])
        threading.Thread(target=_wait_and_block, args=(loop, file), daemon=True).start()
        return loop

    return make


if __name__ == "__main__":
    real_factory = daemon_run._loop_factory
    daemon_run._loop_factory = lambda: _factory(real_factory)
    runpy.run_module("hedgebot.console.main", run_name="__main__")
