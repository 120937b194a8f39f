"""Spoils frames and answers on purpose: cut off, of wrong types, null, unknown words, wrong figures, far too long.

Owns bytes in, bytes out; it must not know why. What is no JSON object comes back as it is.
"""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation

import orjson

from hedgebot.domain.decimals import plain
from hedgebot.exchange.faults import Altered

GARBAGE = b'{"topic":"garbled","data":{"symbol":'
HUGE_BYTES = 2_000_000
# Fields that have one of few words; the word that no client knows.
ENUMS = (
    "side",
    "S",
    "orderStatus",
    "orderType",
    "timeInForce",
    "execType",
    "category",
    "cancelType",
    "positionStatus",
    "status",
    "type",
    "op",
)
UNKNOWN_WORD = "Zorp"


def truncated(payload: bytes) -> bytes:
    """The first half."""
    return payload[: len(payload) // 2]


def retyped(payload: bytes) -> bytes:
    """Rows whose every field has a wrong type: texts become numbers, the rest null."""
    return _rows(payload, lambda row: {name: 0 if isinstance(value, str) else None for name, value in row.items()})


def nulled(payload: bytes, fields: tuple[str, ...] = ()) -> bytes:
    """Rows whose fields (those named, else all) are null."""
    return _rows(payload, lambda row: row | dict.fromkeys((name for name in row if not fields or name in fields), None))


def unknown_word(payload: bytes, fields: tuple[str, ...] = ()) -> bytes:
    """Rows whose fields of few words (or those named) have a word that is not in any documentation."""
    names = fields or ENUMS
    return _rows(payload, lambda row: row | {name: UNKNOWN_WORD for name in row if name in names})


def emptied(payload: bytes) -> bytes:
    """An answer without rows and without a next page."""
    frame = _object(payload)
    result = frame.get("result") if frame is not None else None
    if frame is None or not isinstance(result, dict):
        return payload
    for name, value in result.items():
        if isinstance(value, list):
            result[name] = []
    if "nextPageCursor" in result:
        result["nextPageCursor"] = ""
    return orjson.dumps(frame)


def huge(payload: bytes) -> bytes:
    """The same with two megabytes of nothing in it."""
    frame = _object(payload)
    return payload if frame is None else orjson.dumps(frame | {"padding": "x" * HUGE_BYTES})


def altered(payload: bytes, how: Altered) -> bytes:
    """Rows with wrong figures in the named fields: multiplied, "NaN", or the empty text that stands for a missing one.

    A number in a text stays a number in a text.
    """

    def change(row: dict[str, object]) -> dict[str, object]:
        return row | {name: _altered(row[name], how) for name in how.fields if name in row}

    return _rows(payload, change)


SPOILERS: dict[str, Callable[[bytes, Altered], bytes]] = {
    "truncate": lambda payload, _: truncated(payload),
    "wrong_type": lambda payload, _: retyped(payload),
    "null": lambda payload, how: nulled(payload, how.fields),
    "unknown_word": lambda payload, how: unknown_word(payload, how.fields),
    "huge": lambda payload, _: huge(payload),
    "alter": altered,
}
"""What the kinds of fault that spoil content do; answers and frames have the same names for them."""


def _altered(value: object, how: Altered) -> object:
    if how.missing:
        return ""
    if how.nan:
        return "NaN"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value * how.factor
    try:
        return plain(Decimal(str(value)) * Decimal(str(how.factor)))
    except InvalidOperation:
        return value


def _rows(payload: bytes, change: Callable[[dict[str, object]], dict[str, object]]) -> bytes:
    """Change the rows of a frame: what is in `data` or `result`, one or a list of them."""
    frame = _object(payload)
    if frame is None:
        return payload
    for part in ("data", "result"):
        frame[part] = _changed(frame[part], change) if part in frame else None
        if frame[part] is None:
            del frame[part]
    return orjson.dumps(frame)


def _changed(part: object, change: Callable[[dict[str, object]], dict[str, object]]) -> object:
    if isinstance(part, list):
        return [change(row) if isinstance(row, dict) else row for row in part]
    if isinstance(part, dict):
        lists = {name: rows for name, rows in part.items() if isinstance(rows, list) and name == "list"}
        return part | {name: _changed(rows, change) for name, rows in lists.items()} if lists else change(part)
    return part


def _object(payload: bytes) -> dict[str, object] | None:
    try:
        frame = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    return frame if isinstance(frame, dict) else None
