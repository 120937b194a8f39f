"""Client of a daemon's control socket: one question, one answer, five seconds at most. Synchronous; decides nothing."""

import os
import socket
import time
from pathlib import Path
from typing import Any

import msgspec

from hedgebot.console.errors import DaemonUnreachable
from hedgebot.domain.errors import HedgebotError

SOCKET_FILE = "control.sock"
TIMEOUT_S = 5.0
ANSWER_BYTES_MAX = 16 << 20
# A unix socket's address holds 108 bytes on Linux, 104 on macOS, the closing zero included.
PATH_BYTES_MAX = 103


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon's answer; `code` is an exit code of the operations contract."""

    ok: bool
    code: int = 0
    data: dict[str, Any] | None = None
    error: str | None = None


def ask(state_dir: Path, verb: str, *, timeout_s: float = TIMEOUT_S, **args: Any) -> Answer:  # noqa: ANN401  (JSON)
    """Ask the daemon of `state_dir`. Raises DaemonUnreachable when none runs there or none answers in time."""
    path = state_dir / SOCKET_FILE
    if len(os.fsencode(path)) > PATH_BYTES_MAX:
        raise DaemonUnreachable(f"{path} is too long a path for a socket; choose a shorter --state-dir")
    request = msgspec.json.encode({"verb": verb, **args}) + b"\n"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(timeout_s)
            link.connect(os.fspath(path))
            link.sendall(request)
            line = _read_line(link, time.monotonic() + timeout_s)
    except (FileNotFoundError, ConnectionRefusedError):
        raise DaemonUnreachable(
            f"no daemon runs on {state_dir}; start one with: hedgebot run --config FILE --state-dir {state_dir}"
        ) from None
    except TimeoutError:
        raise DaemonUnreachable(f"the daemon of {state_dir} did not answer {verb} in {timeout_s:g} s") from None
    except PermissionError:
        raise DaemonUnreachable(f"{path} may only be opened by the user the daemon runs as") from None
    except OSError as error:
        raise DaemonUnreachable(f"the daemon of {state_dir} cannot be asked: {error.strerror or error}") from None
    try:
        return msgspec.json.decode(line, type=Answer)
    except msgspec.DecodeError as error:
        raise HedgebotError(f"the daemon of {state_dir} gave an answer that cannot be read: {error}") from None


def is_running(state_dir: Path) -> bool:
    """Whether somebody listens at the control socket."""
    path = state_dir / SOCKET_FILE
    if len(os.fsencode(path)) > PATH_BYTES_MAX:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.settimeout(1.0)
        return link.connect_ex(os.fspath(path)) == 0


def _read_line(link: socket.socket, until_s: float) -> bytes:
    """Read up to the line's end; an answer that is cut off or too long is no answer."""
    line = bytearray()
    while not line.endswith(b"\n"):
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        link.settimeout(left_s)
        piece = link.recv(1 << 16)
        if not piece:
            raise ConnectionResetError(0, "it closed the connection before its answer was complete")
        line += piece
        if len(line) > ANSWER_BYTES_MAX:
            raise OSError(0, f"its answer is longer than {ANSWER_BYTES_MAX} bytes")
    return bytes(line)
