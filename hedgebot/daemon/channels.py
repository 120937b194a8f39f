"""Ways to take an alert to people: a webhook, a program, the file `alerts.jsonl`, standard error. Decides nothing.

Owns one attempt on one channel. When to try which channel, and what a failure means, is `hedgebot.daemon.delivery`.
An attempt takes a batch, so that a storm of alerts costs one request; whoever attempts bounds its time. No secret
leaves in a sentence: a webhook's address is never part of one, and a program gets none of the daemon's environment
but what it needs to run.
"""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

import msgspec

from hedgebot.config.loader import Config
from hedgebot.config.model import AlertSection
from hedgebot.domain.alerts import AlertKind, Severity
from hedgebot.domain.errors import ConfigError

FILE = "alerts.jsonl"
BYTES_MAX = 4 << 20
TIMEOUT_S = 3.0
# What a program may be told about itself; keys of accounts may stand in the daemon's own environment.
ENVIRONMENT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "XDG_CONFIG_HOME")
END_S_MAX = 1.0
# Discord refuses longer messages; nobody reads longer ones on a telephone.
TEXT_CHARS_MAX = 1_900


class ActiveAlert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert that was raised and not yet resolved."""

    kind: AlertKind
    severity: Severity
    runbook: str
    subject: str
    summary: str
    raised_at_ns: int


class AlertLine(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of news: `state` is raised, resolved, probe (a channel that failed is tried again) or test."""

    at_ns: int
    state: str
    alert: ActiveAlert
    book: str = ""

    @property
    def words(self) -> str:
        """The news in one line for people."""
        one = self.alert
        state = "" if self.state == "raised" else f"{self.state.upper()} "
        return f"{state}{one.severity.upper()} {one.kind} {one.subject}: {one.summary} ({self.book} {one.runbook})"


class ChannelError(Exception):
    """An attempt failed; the sentence says why, without secrets."""


class Channel(Protocol):
    """One way out."""

    @property
    def name(self) -> str:
        """What the operator calls it."""

    @property
    def kind(self) -> str:
        """What it is."""

    @property
    def timeout_s(self) -> float:
        """What an attempt may take."""

    async def send(self, lines: Sequence[AlertLine]) -> None:
        """Hand a batch over, whole; raises ChannelError. May be cancelled at any time."""


class Webhook:
    """Posts a batch as one request; any status but 2xx is a failure."""

    kind: ClassVar[str] = "webhook"

    def __init__(self, name: str, url: str, *, shape: str = "json", timeout_s: float = TIMEOUT_S) -> None:
        self.name = name
        self.timeout_s = timeout_s
        self._url = url
        self._shape = shape

    async def send(self, lines: Sequence[AlertLine]) -> None:
        """Post; redirects are not followed: an alert goes where the operator said, or fails."""
        import aiohttp

        body, content_type = encode(lines, self._shape)
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self.timeout_s)) as session,
                session.post(
                    self._url, data=body, headers={"Content-Type": content_type}, allow_redirects=False
                ) as answer,
            ):
                if not 200 <= answer.status < 300:
                    raise ChannelError(f"it answered with status {answer.status}")
        except TimeoutError:
            raise ChannelError(f"no answer within {self.timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # The text of these errors may hold the address, which may be a secret.
            raise ChannelError(f"it cannot be reached ({type(error).__name__})") from None


class Command:
    """Starts a program and gives it a batch on standard input; any exit code but 0 is a failure."""

    kind: ClassVar[str] = "command"

    def __init__(self, name: str, words: Sequence[str], *, shape: str = "json", timeout_s: float = TIMEOUT_S) -> None:
        self.name = name
        self.timeout_s = timeout_s
        self._words = tuple(words)
        self._shape = shape

    async def send(self, lines: Sequence[AlertLine]) -> None:
        """Run the program to its end; one that is still running when the attempt is given up is killed."""
        body, _ = encode(lines, self._shape)
        try:
            process = await asyncio.create_subprocess_exec(
                *self._words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise ChannelError(f"{self._words[0]} cannot be started ({_why(error)})") from None
        try:
            # Its words stay its own: they might hold a secret that we cannot know for one.
            await process.communicate(body)
        finally:
            if process.returncode is None:
                await _end(process)
        if process.returncode:
            raise ChannelError(f"{self._words[0]} ended with code {process.returncode}")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill a program and all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(END_S_MAX):
            await process.wait()


class _Threaded(ABC):
    """A channel whose write may hang in the system: it runs in a thread that nothing waits for, one at a time."""

    timeout_s: float = TIMEOUT_S

    def __init__(self) -> None:
        self._working = False

    async def send(self, lines: Sequence[AlertLine]) -> None:
        """Write in a thread; while an earlier write has not come back, the channel fails at once."""
        if self._working:
            raise ChannelError("the write before has not come back yet")
        self._working = True
        try:
            await in_thread(lambda: self._write_and_rest(lines))
        except OSError as error:
            raise ChannelError(_why(error)) from None

    def _write_and_rest(self, lines: Sequence[AlertLine]) -> None:
        try:
            self._write(lines)
        finally:
            self._working = False

    @abstractmethod
    def _write(self, lines: Sequence[AlertLine]) -> None:
        """Write in the thread; raises OSError."""


class RecordFile(_Threaded):
    """`alerts.jsonl` in the state folder: a line for each; a file past its bound becomes `.1`."""

    name: ClassVar[str] = "record"
    kind: ClassVar[str] = "file"

    def __init__(self, state_dir: Path) -> None:
        super().__init__()
        self._path = state_dir / FILE

    def _write(self, lines: Sequence[AlertLine]) -> None:
        path = self._path
        if path.exists() and path.stat().st_size > BYTES_MAX:
            path.replace(path.with_name(path.name + ".1"))
        with path.open("ab") as file:
            path.chmod(0o600)
            file.write(b"".join(msgspec.json.encode(one) + b"\n" for one in lines))


class StandardError(_Threaded):
    """The last resort: whoever started the daemon (a service manager, a container) keeps what stands there."""

    name: ClassVar[str] = "stderr"
    kind: ClassVar[str] = "stderr"

    def _write(self, lines: Sequence[AlertLine]) -> None:
        for one in lines:
            sys.stderr.write(f"hedgebot: alert: {_printable(one.words)}\n")
        sys.stderr.flush()


def build_channels(config: Config) -> tuple[Channel, ...]:
    """The configured channels in their order, then the two that every book has: the record file and standard error.

    Raises ConfigError where a channel's address cannot be read.
    """
    configured = [_configured(name, one, config.path.parent) for name, one in config.file.alerts.items()]
    return (*configured, RecordFile(config.state_dir), StandardError())


def channel_secrets(config: Config) -> list[str]:
    """Addresses that are kept in files, for the redaction of everything that is written. Raises ConfigError."""
    return [
        _address(name, one.url_file, config.path.parent)
        for name, one in config.file.alerts.items()
        if one.url_file is not None
    ]


def encode(lines: Sequence[AlertLine], shape: str) -> tuple[bytes, str]:
    """A batch as bytes and their content type, in the shape that the other end wants."""
    text = "\n".join(one.words for one in lines)
    if len(text) > TEXT_CHARS_MAX:
        text = text[:TEXT_CHARS_MAX] + "..."
    match shape:
        case "text":
            return text.encode() + b"\n", "text/plain; charset=utf-8"
        case "slack":
            return msgspec.json.encode({"text": text}), "application/json"
        case "discord":
            # Nobody is pinged by a venue's text.
            return msgspec.json.encode({"content": text, "allowed_mentions": {"parse": []}}), "application/json"
        case _:
            alerts: Mapping[str, object] = {"text": text, "alerts": lines}
            return msgspec.json.encode(alerts), "application/json"


async def in_thread(work: Callable[[], None]) -> None:
    """Do work in a thread that does not keep the process from ending; raises what it raises."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: OSError | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        problem: OSError | None = None
        try:
            work()
        except OSError as error:
            problem = error
        with contextlib.suppress(RuntimeError):  # the loop may be gone
            loop.call_soon_threadsafe(settle, problem)

    threading.Thread(target=run, name="alert-channel", daemon=True).start()
    await done


def _configured(name: str, one: AlertSection, folder: Path) -> Channel:
    if one.kind == "command":
        return Command(name, one.command, shape=one.format, timeout_s=one.timeout_s)
    url = one.url if one.url_file is None else _address(name, one.url_file, folder)
    return Webhook(name, url or "", shape=one.format, timeout_s=one.timeout_s)


def _address(name: str, path: Path, folder: Path) -> str:
    where = folder / path.expanduser()
    try:
        value = where.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"alerts.{name}.url_file = {where} cannot be read ({_why(error)})") from None
    if not value.startswith(("http://", "https://")):
        raise ConfigError(f"alerts.{name}.url_file = {where} must hold an address that begins with https://")
    return value


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
