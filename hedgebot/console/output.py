"""How results are printed: text for people, one JSON object for programs. Decides no result."""

import sys
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec
import orjson


def emit(data: Any, lines: Iterable[str], *, as_json: bool) -> None:  # noqa: ANN401  (anything that JSON can write)
    """Print `data` as one JSON object, or `lines` as text."""
    if as_json:
        sys.stdout.write(to_json(data) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def to_json(data: Any) -> str:  # noqa: ANN401  (anything that JSON can write)
    """Write as JSON; exact numbers become strings, so that no digit is lost."""
    return orjson.dumps(msgspec.to_builtins(data, builtin_types=(Decimal,)), default=str).decode()


def table(rows: Iterable[tuple[str, ...]], *, gap: str = "  ") -> list[str]:
    """Lay rows of text out in columns."""
    known = list(rows)
    if not known:
        return []
    widths = [max(len(row[column]) for row in known) for column in range(len(known[0]))]
    return [gap.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in known]


def plain(text: str) -> str:
    """Venue-supplied text made harmless for a terminal: control characters are escaped."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
