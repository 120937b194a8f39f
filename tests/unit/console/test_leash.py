import os
import signal
import subprocess
import sys
import time

import pytest

from hedgebot.console import leash

CHILD = """
import os, sys, time
from hedgebot.console import leash
{before}
leash.hold_if_asked(os.environ)
print("HEDGEBOT_LEASH" in os.environ, flush=True)
time.sleep(30)
"""


def start(before: str = "", **environment: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", CHILD.format(before=before)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
    )


def ended(child: "subprocess.Popen[bytes]") -> int:
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == b"False\n"
    child.stdin.close()
    began = time.monotonic()
    try:
        return child.wait(5)
    finally:
        assert time.monotonic() - began < 5
        child.kill()
        child.wait()
        child.stdout.close()


def test_the_end_of_the_pipe_is_the_end_of_the_child() -> None:
    assert ended(start(**leash.LEASHED)) == -signal.SIGTERM


def test_a_child_that_is_deaf_to_the_asking_is_killed() -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); leash.PATIENCE_S = 0.1"
    assert ended(start(deaf, **leash.LEASHED)) == -signal.SIGKILL


def test_without_the_variable_nothing_is_held() -> None:
    child = start()
    assert child.stdin is not None
    child.stdin.close()
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.5)
    finally:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()
