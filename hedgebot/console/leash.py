"""A child process that ends with its parent, however the parent ends: it holds a pipe, and the pipe's end is the news.

Owns the waiting only. Standard input is the pipe; nothing is ever sent on it. Works wherever there are pipes, and does
not miss a parent that died before the child looked, as asking the kernel for a signal would.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import MutableMapping

VARIABLE = "HEDGEBOT_LEASH"
LEASHED = {VARIABLE: "stdin"}
# A daemon's own end may take 20 s; whoever is still here after that is not coming.
PATIENCE_S = 25.0


def hold_if_asked(environment: MutableMapping[str, str]) -> None:
    """When the environment says so, end with the parent; the variable is not handed on."""
    if environment.pop(VARIABLE, None) == LEASHED[VARIABLE]:
        threading.Thread(target=_wait, args=(sys.stdin.fileno(),), name="leash", daemon=True).start()


def _wait(descriptor: int) -> None:
    while os.read(descriptor, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE_S)
    os.kill(os.getpid(), signal.SIGKILL)
