"""Log lines as JSON with every secret removed, ours and those of ccxt, aiohttp and any other library. Decides nothing.

Two nets: a filter on each root handler (message, arguments, traceback, exception text) and the last processor of every
line. Both remove the secrets in use in all the shapes they travel in, and whatever stands behind a telling name.
"""

import json
import logging
import logging.handlers
import sys
from collections.abc import Iterable, MutableMapping
from pathlib import Path
from typing import Any, TextIO, cast

import structlog

from hedgebot.journal.redaction import Redactor

EXCEPTION = "redacted_exception"
FILE_BYTES_MAX = 16 << 20
FILES_KEPT = 4


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
