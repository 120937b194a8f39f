"""The control socket: `<state_dir>/control.sock`, mode 0600, one JSON object per line each way. Decides nothing.

Owns the transport only: framing, bounds, and one reply for each request whatever it was. What the verbs mean is
`hedgebot.daemon.verbs`. Only the daemon's own user may connect, because only that user may open the file.
"""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog

from hedgebot.domain.errors import ConfigError, ExitCode, HedgebotError

FILE = "control.sock"
LINE_BYTES_MAX = 1 << 16
CONNECTIONS_MAX = 16
IDLE_S_MAX = 60.0
DRAIN_S_MAX = 5.0
CLOSE_S_MAX = 1.0
# A unix socket's address holds 108 bytes on Linux, 104 on macOS, the closing zero included.
PATH_BYTES_MAX = 103


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One line from the console."""

    verb: str
    args: dict[str, Any] = {}


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One line to the console; `code` is an exit code of the operations contract."""

    ok: bool
    code: int = ExitCode.OK
    data: dict[str, Any] | None = None
    error: str | None = None


def refusal(error: str, code: int = ExitCode.FAILED) -> Reply:
    """A reply that says why not."""
    return Reply(ok=False, code=code, error=error)


def parse_request(line: bytes) -> Request:
    """Read a line: `verb` and its arguments side by side. Raises msgspec.DecodeError or ValidationError."""
    fields = msgspec.json.decode(line, type=dict[str, Any])
    verb = fields.pop("verb", None)
    if not isinstance(verb, str):
        raise msgspec.ValidationError("the request has no verb")
    return Request(verb=verb, args=fields)


class ControlServer:
    """Serves the control socket until stopped."""

    def __init__(self, state_dir: Path, handle: Callable[[Request], Awaitable[Reply]]) -> None:
        self.path = state_dir / FILE
        self._handle = handle
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._idle: dict[asyncio.Task[None], None] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._log = structlog.stdlib.get_logger("hedgebot.control")

    async def start(self) -> None:
        """Open the socket in place of one that a dead daemon left; raises ConfigError for a path that is too long."""
        if len(os.fsencode(self.path)) > PATH_BYTES_MAX:
            raise ConfigError(
                f"state directory {self.path.parent} is too long for a unix socket: "
                f"the path of {FILE} must fit {PATH_BYTES_MAX} bytes"
            )
        self.path.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._accept, self.path, limit=LINE_BYTES_MAX)
        finally:
            os.umask(mask)
        self.path.chmod(0o600)

    async def stop(self) -> None:
        """Close the socket and every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, *self._closing, return_exceptions=True)
        self.path.unlink(missing_ok=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            if len(self._connections) > CONNECTIONS_MAX and not self._make_room():
                await _answer(writer, refusal(f"more than {CONNECTIONS_MAX} connections are open: try again"))
                return
            await self._serve(reader, writer)
        except (ConnectionError, TimeoutError):
            # Whoever does not read gets nothing more: what waits for them is thrown away.
            writer.transport.abort()
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(CLOSE_S_MAX):
                    await writer.wait_closed()

    def _make_room(self) -> bool:
        """Close the connection that has been idle for longest, so that idle ones cannot keep a kill out."""
        oldest = next(iter(self._idle), None)
        if oldest is None:
            return False
        del self._idle[oldest]
        self._connections.discard(oldest)
        self._closing.add(oldest)
        oldest.add_done_callback(self._closing.discard)
        oldest.cancel()
        return True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                line = await self._next_line(reader)
            except ValueError:
                await _answer(writer, refusal(f"the request is longer than {LINE_BYTES_MAX} bytes", ExitCode.USAGE))
                return
            if not line:
                return
            await _answer(writer, await self._reply(line))

    async def _next_line(self, reader: asyncio.StreamReader) -> bytes:
        task = asyncio.current_task()
        if task is not None:
            self._idle[task] = None
        try:
            return await asyncio.wait_for(reader.readline(), IDLE_S_MAX)
        finally:
            if task is not None:
                self._idle.pop(task, None)

    async def _reply(self, line: bytes) -> Reply:
        try:
            request = parse_request(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return refusal(f"the request is no JSON object with a verb: {error}", ExitCode.USAGE)
        try:
            return await self._handle(request)
        except HedgebotError as error:
            return refusal(str(error), error.exit_code)
        except OSError as error:
            self._log.error("control verb failed", verb=request.verb, exc_info=error)
            return refusal(f"{request.verb} failed: {error}")


async def _answer(writer: asyncio.StreamWriter, reply: Reply) -> None:
    writer.write(msgspec.json.encode(reply) + b"\n")
    async with asyncio.timeout(DRAIN_S_MAX):
        await writer.drain()
