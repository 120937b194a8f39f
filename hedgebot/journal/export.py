"""Rows as files for other programs: JSON lines or CSV. The same journal gives the same bytes, on every machine."""

import csv
from collections.abc import Iterable
from typing import TextIO

import msgspec

from hedgebot.domain.errors import ConfigError
from hedgebot.journal.chain import Row

FORMATS = ("jsonl", "csv")
_FIELDS = ("row", "seq", "idx", "run_id", "epoch", "at_ns", "kind", "subject", "client_id", "payload", "hash")


def export_rows(rows: Iterable[Row], form: str, out: TextIO) -> int:
    """Write rows in `form`; gives their number. Raises ConfigError for another form. Payloads go out as they are."""
    match form:
        case "jsonl":
            return _jsonl(rows, out)
        case "csv":
            return _csv(rows, out)
        case _:
            raise ConfigError(f"format {form!r} is not known; it is one of {', '.join(FORMATS)}")


def _jsonl(rows: Iterable[Row], out: TextIO) -> int:
    count = 0
    for row in rows:
        line: dict[str, object] = dict(zip(_FIELDS, _values(row), strict=True))
        line["payload"] = msgspec.Raw(row.payload)
        out.write(msgspec.json.encode(line).decode("utf-8") + "\n")
        count += 1
    return count


def _csv(rows: Iterable[Row], out: TextIO) -> int:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_FIELDS)
    count = 0
    for row in rows:
        writer.writerow(["" if value is None else value for value in _values(row)])
        count += 1
    return count


def _values(row: Row) -> tuple[object, ...]:
    return (
        row.row,
        row.seq,
        row.idx,
        row.run_id,
        row.epoch,
        row.at_ns,
        row.kind,
        row.subject,
        row.client_id,
        row.payload.decode("utf-8"),
        row.hash.hex(),
    )
