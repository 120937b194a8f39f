"""The console's own errors, and the one place where an error becomes a sentence and an exit code, not a traceback."""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import ClassVar

import orjson

from hedgebot.domain.errors import ExitCode, HedgebotError

CRASH_FILE = "console-crash.log"

Hook = Callable[[type[BaseException], BaseException, TracebackType | None], object]


class DaemonUnreachable(HedgebotError):
    """Nobody answers at the control socket: the state of the book is not known from here."""

    exit_code: ClassVar[int] = ExitCode.UNKNOWN


class WrongUse(HedgebotError):
    """The command line lacks something or contradicts itself."""

    exit_code: ClassVar[int] = ExitCode.USAGE


class NotConfirmed(HedgebotError):
    """A verb that can add risk was not confirmed with its phrase; nothing was done."""

    exit_code: ClassVar[int] = ExitCode.REFUSED


def tell(sentence: str, code: int, *, as_json: bool = False) -> int:
    """Print one sentence for people (stderr), and for programs an object (stdout); returns the exit code."""
    sys.stderr.write(f"hedgebot: {sentence}\n")
    if as_json:
        sys.stdout.write(orjson.dumps({"error": sentence, "code": code}).decode() + "\n")
    return code


def tell_error(error: HedgebotError, *, as_json: bool = False) -> int:
    """Print an error that was raised on purpose; returns its exit code."""
    return tell(str(error), error.exit_code, as_json=as_json)


def crash_hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Last resort for a bug: one sentence, and the traceback in a file that only this user can read."""
    path = crash_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.write("".join(traceback.format_exception(kind, error, trace)))
        where = f"the details are in {path}"
    except OSError as problem:
        where = f"and the details could not be written to {path} ({problem.strerror})"
    tell(f"this is a bug in hedgebot ({kind.__name__}); {where}", ExitCode.FAILED)


def with_last_word(hook: Hook) -> Hook:
    """The daemon's hook, and then one sentence where the operator looks: its log may be a file."""

    def both(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        hook(kind, error, trace)
        tell(f"this is a bug in hedgebot ({kind.__name__}); the details are in the daemon's log", ExitCode.FAILED)

    return both


def crash_path() -> Path:
    """Where the traceback of a bug goes: $XDG_STATE_HOME/hedgebot."""
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "hedgebot" / CRASH_FILE
