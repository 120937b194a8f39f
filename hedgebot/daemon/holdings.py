"""Reading holdings outside the exchanges, again and again: a file or an address, each in a task of its own.

Owns what a reading looks like; whether it is to be trusted is the engine's to say. A reading is a number, or a JSON
object with `qty` (a number, or one in quotes) and, where the keeper knows better than the file's own date, `at` (a UTC
time like 2026-01-31T08:00:00Z). What cannot be read is told in a sentence, never as a zero.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from hedgebot.config.loader import Config
from hedgebot.config.model import HoldingSection
from hedgebot.domain.errors import DataError
from hedgebot.domain.holdings import QTY_MAX, HoldingReported
from hedgebot.domain.ports import EventSink

BYTES_MAX = 65_536
"""A quantity is short; what is longer is another page."""


def tasks(
    config: Config, sink: EventSink, now_ns: Callable[[], int]
) -> list[tuple[str, Callable[[], Coroutine[Any, Any, None]]]]:
    """One task for each configured holding, with its name."""
    folder = config.path.parent
    readers = [HoldingReader(name, one, folder, sink, now_ns) for name, one in config.file.holdings.items()]
    return [(f"holding {one.name}", one.run) for one in readers]


class HoldingReader:
    """Reads one holding and puts an event for each reading, whatever came of it."""

    def __init__(
        self, name: str, section: HoldingSection, folder: Path, sink: EventSink, now_ns: Callable[[], int]
    ) -> None:
        self.name = name
        self._section = section
        self._folder = folder
        self._sink = sink
        self._now_ns = now_ns

    async def run(self) -> None:
        """Read for ever."""
        while True:
            self._sink.put(await self.read())
            await asyncio.sleep(self._section.every_s)

    async def read(self) -> HoldingReported:
        """One reading."""
        try:
            async with asyncio.timeout(self._section.timeout_s):
                text, as_of_ns = await (self._fetch() if self._section.url else asyncio.to_thread(self._file))
            qty, at_ns = parse(text)
        except TimeoutError:
            return self._failed(f"no answer within {self._section.timeout_s:g} s")
        except DataError as error:
            return self._failed(str(error))
        except OSError as error:
            return self._failed(f"it cannot be read: {error.strerror or type(error).__name__}")
        return HoldingReported(name=self.name, qty=qty, as_of_ns=at_ns or as_of_ns)

    def _failed(self, problem: str) -> HoldingReported:
        return HoldingReported(name=self.name, qty=None, as_of_ns=0, problem=problem)

    def _file(self) -> tuple[bytes, int]:
        if self._section.path is None:
            raise DataError("it has no path")
        with (self._folder / self._section.path.expanduser()).open("rb") as file:
            modified_ns = Path(file.name).stat().st_mtime_ns
            return file.read(BYTES_MAX + 1), modified_ns

    async def _fetch(self) -> tuple[bytes, int]:
        # Imported here: a book without such a holding does not load it (as with alert channels).
        import aiohttp

        try:
            async with (
                aiohttp.ClientSession(raise_for_status=False) as session,
                session.get(self._section.url or "", allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    raise DataError(f"its address answers with status {answer.status}, it must be 200")
                body = b""
                async for part in answer.content.iter_chunked(BYTES_MAX):
                    body += part
                    if len(body) > BYTES_MAX:
                        break
                return body, self._now_ns()
        except aiohttp.ClientError as error:
            raise DataError(f"its address does not answer: {type(error).__name__}") from error


def parse(body: bytes) -> tuple[Decimal, int]:
    """Quantity and its moment (UTC nanoseconds, 0 where none is told). DataError in one sentence for anything else."""
    if len(body) > BYTES_MAX:
        raise DataError(f"it is longer than {BYTES_MAX} bytes: it must be a number or a JSON object with qty")
    try:
        text = body.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise DataError("it is not UTF-8 text: it must be a number or a JSON object with qty") from error
    if not text:
        raise DataError("it is empty: it must be a number or a JSON object with qty")
    if not text.startswith("{"):
        return _quantity(text), 0
    try:
        found = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except ValueError as error:
        raise DataError("it is not valid JSON: it must be a number or a JSON object with qty") from error
    if "qty" not in found:
        raise DataError("its JSON object has no qty")
    return _quantity(found["qty"]), _moment(found["at"]) if "at" in found else 0


def _quantity(value: object) -> Decimal:
    try:
        qty = Decimal(value) if isinstance(value, str | Decimal) else None
    except InvalidOperation:
        qty = None
    if qty is None or not qty.is_finite():
        raise DataError(f"its quantity is {str(value)[:40]!r}, it must be a number")
    if not -QTY_MAX <= qty <= QTY_MAX:  # even `abs` raises on what is beyond the range of an exponent
        raise DataError(f"its quantity is {str(value)[:40]!r}, it must be a number of at most {QTY_MAX:.0E}")
    return qty


def _moment(value: object) -> int:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise DataError(f"its at is {str(value)[:40]!r}, it must be a time with its zone, such as 2026-01-31T08:00:00Z")
    return round((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000) * 1_000
