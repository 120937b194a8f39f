"""The console under a wall clock that a file sets (fault C01): `python -m tests.e2e.stepped run ...`.

STEP_FILE holds seconds that are added to what `time.time` and `time.time_ns` say, from the moment it is written. Does
in the interpreter what libfaketime does under it; the monotonic clocks stay what they are, as in a real step.
"""

import os
import runpy
import sys
import time
from pathlib import Path

_LOOK_S = 0.02
_real_s, _real_ns, _steady = time.time, time.time_ns, time.monotonic
_FILE = Path(os.environ["STEP_FILE"])
_step_s = 0
_looked_s = 0.0


def _offset_s() -> int:
    global _step_s, _looked_s  # noqa: PLW0603  (one clock for the process)
    if _steady() - _looked_s > _LOOK_S:
        _looked_s = _steady()
        try:
            _step_s = int(_FILE.read_text("ascii") or "0")
        except FileNotFoundError:
            _step_s = 0
    return _step_s


def _time() -> float:
    return _real_s() + _offset_s()


def _time_ns() -> int:
    return _real_ns() + _offset_s() * 1_000_000_000


if __name__ == "__main__":
    # Before anything else is imported: who says `from time import time` must get ours.
    assert "ccxt" not in sys.modules
    time.time, time.time_ns = _time, _time_ns
    runpy.run_module("hedgebot.console.main", run_name="__main__")
