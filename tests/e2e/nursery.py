"""Daemons by fork: a process that has imported everything once and forks a daemon for each line it is told.

A forked daemon is a process of its own that runs the command line from its first word on; only the imports (a second
and more of ccxt, at every start) are shared. For tests that start hundreds; elsewhere each is a fresh interpreter.

One line in: {"words": [...], "environment": {...}, "log": path}. Lines out: {"pid": n} at once, and at the end of each
child {"pid": n, "code": exit code, negative for a signal}.
"""

import json
import os
import selectors
from typing import Any

TICK_S = 0.02


def main() -> None:
    """Fork and reap until the other end closes."""
    import ccxt.pro

    import hedgebot.console.main
    import hedgebot.daemon.run
    import hedgebot.venues.bybit  # noqa: F401

    assert ccxt.pro.bybit
    say({"ready": True})
    picker = selectors.DefaultSelector()
    picker.register(0, selectors.EVENT_READ)
    waiting = b""
    while True:
        if picker.select(TICK_S):
            read = os.read(0, 65_536)
            if not read:
                return
            *lines, waiting = (waiting + read).split(b"\n")
            for line in lines:
                say({"pid": fork(**json.loads(line))})
        reap()


def say(what: dict[str, Any]) -> None:
    """One line."""
    os.write(1, json.dumps(what).encode() + b"\n")


def fork(*, words: list[str], environment: dict[str, str], log: str) -> int:
    """Start a child; gives its id."""
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    errors = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDWR)
    for source, target in ((nothing, 0), (nothing, 1), (errors, 2)):
        os.dup2(source, target)
    os.environ.update(environment)
    from hedgebot.console.main import main as hedgebot

    code = 1
    try:
        hedgebot(words)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        os._exit(code)


def reap() -> None:
    """Tell of every child that has ended."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        say({"pid": pid, "code": os.waitstatus_to_exitcode(status)})


if __name__ == "__main__":
    main()
