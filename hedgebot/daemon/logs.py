"""Log lines as JSON with every secret removed, ours and those of ccxt, aiohttp and any other library. Decides nothing.

Two nets: a filter on each root handler (message, arguments, traceback, exception text) and the last processor of every
line. Both remove the secrets in use in all the shapes they travel in, and whatever stands behind a telling name.
"""

import base64
import json
import logging
import logging.handlers
import re
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, TextIO, cast
from urllib.parse import quote, quote_plus

import structlog

MASK = "***"
EXCEPTION = "redacted_exception"
SECRET_CHARS_MIN = 4
TEXT_CHARS_MAX = 16_000
DEPTH_MAX = 8
FILE_BYTES_MAX = 16 << 20
FILES_KEPT = 4

_NAMES = (
    r"api[_-]?key|api[_-]?secret|secret(?:[_-]?key)?|signature|sign|passphrase|password|private[_-]?key|listen[_-]?key"
    r"|x-bapi-sign|x-bapi-api-key|x-mbx-apikey|authorization|auth[_-]?token|access[_-]?token|bearer"
)
_NAME = re.compile(rf"(?i)^(?:{_NAMES})$")
# name, separator with any quoting (also escaped), value up to the next delimiter
_PAIR = re.compile(
    rf"(?i)((?<![a-z0-9])(?:{_NAMES})\\*[\"']?\s*(?:=>|[=:]|%3d)\s*(?:b?\\*[\"'])?(?:bearer\s+)?)([^\s\"'\\&,;}})\]]+)"
)


def _shapes(secret: str) -> set[str]:
    """Every way in which a secret may be written."""
    raw = secret.encode()
    shapes = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), raw.hex()}
    shapes |= {
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        repr(raw)[2:-1],
    }
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            # Inside a longer text ("key:secret") base64 shifts: keep the characters that depend on the secret alone.
            text = encode(b"\0" * shift + raw).decode()
            first = (0, 2, 3)[shift]
            exact = (shift + len(raw)) * 8 // 6
            shapes.add(text[first:exact])
        shapes.add(encode(raw).decode())
    return {shape for shape in shapes if len(shape) >= SECRET_CHARS_MIN}


class Redactor:
    """Takes secrets out of texts and of values made of texts."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """`secrets` are the values in use; those under 4 characters cannot be told from ordinary text."""
        shapes = {shape for secret in secrets if len(secret) >= SECRET_CHARS_MIN for shape in _shapes(secret)}
        longest_first = sorted(shapes, key=lambda shape: (-len(shape), shape))
        self._canaries = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE) if shapes else None

    def text(self, text: str) -> str:
        """The text, cut to a bound, without secrets."""
        if self._canaries is not None:
            text = self._canaries.sub(MASK, text)
        if len(text) > TEXT_CHARS_MAX:
            text = text[:TEXT_CHARS_MAX] + "..."
        return _PAIR.sub(rf"\1{MASK}", text)

    def value(self, value: object, depth: int = 0) -> object:
        """The value, rebuilt without secrets: mappings, sequences and texts; anything else by its text."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.text(value)
        if depth >= DEPTH_MAX:
            return MASK
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._behind(str(key), item, depth) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item, depth + 1) for item in value]
        if isinstance(value, bytes | bytearray):
            return self.text(bytes(value).decode("utf-8", "backslashreplace"))
        return self.text(str(value))

    def _behind(self, name: str, value: object, depth: int) -> object:
        return MASK if _NAME.match(name) and value is not None and value != "" else self.value(value, depth + 1)


class RedactingFilter(logging.Filter):
    """On a handler: redacts records of any library before any formatter sees them, tracebacks included."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record; it is always kept."""
        if isinstance(record.msg, dict):
            # structlog's own event: the last processor redacts it whole, but other handlers may see it before.
            record.msg = cast("Any", self._redactor.value(record.msg))
        else:
            record.msg = self._redactor.text(_message(record))
            record.args = None
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text = self._redactor.text(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        elif record.exc_text:
            record.exc_text = self._redactor.text(record.exc_text)
        if record.exc_text:
            # structlog's formatter drops exc_text: the last processor finds it here.
            setattr(record, EXCEPTION, record.exc_text)
        if record.stack_info:
            record.stack_info = self._redactor.text(record.stack_info)
        return True


def _message(record: logging.LogRecord) -> str:
    """The record's text; a record whose arguments do not fit its format is still told, not lost."""
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg!s} {record.args!r}"


class _LastProcessor:
    """Renders one line of JSON from redacted values."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, _logger: object, _name: str, event: MutableMapping[str, Any]) -> str:
        record = event.get("_record")
        exception = getattr(record, EXCEPTION, None)
        if exception and "exception" not in event:
            event["exception"] = exception
        shown = {key: value for key, value in event.items() if not key.startswith("_")}
        return json.dumps(self._redactor.value(shown), ensure_ascii=False, default=str)


def _shared() -> list[structlog.typing.Processor]:
    return [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
    ]


def set_up(
    secrets: Iterable[str], *, level: int = logging.INFO, stream: TextIO | None = None, file: Path | None = None
) -> Redactor:
    """Send every log line of the process to `stream` and, rotated, to `file`, where given; returns the redactor.

    ccxt's logger never goes below INFO: its DEBUG lines carry keys (safety reference section 9).
    """
    redactor = Redactor(secrets)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(), processors=[_LastProcessor(redactor)], use_get_message=False
    )
    handlers: list[logging.Handler] = [] if stream is None else [logging.StreamHandler(stream)]
    if file is not None:
        handlers.append(
            logging.handlers.RotatingFileHandler(
                file, maxBytes=FILE_BYTES_MAX, backupCount=FILES_KEPT, encoding="utf-8"
            )
        )
        file.chmod(0o600)
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    for handler in handlers:
        handler.setFormatter(formatter)
        handler.addFilter(RedactingFilter(redactor))
        root.addHandler(handler)
    root.setLevel(level)
    for name in ("ccxt", "ccxt.base.exchange", "aiohttp", "websockets", "asyncio", "aiosqlite"):
        logging.getLogger(name).setLevel(max(level, logging.INFO))
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    sys.excepthook = _log_uncaught
    return redactor


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: object) -> None:
    """The last words of the process go through the same nets."""
    logging.getLogger("hedgebot").critical("uncaught error", exc_info=(kind, error, cast("Any", trace)))
