"""Reading of request parameters: texts, numbers, windows, cursors, with the venue's own errors for what is wrong.

Owns no meaning of any parameter. Values come as strings (query) or JSON scalars (body, trade socket).
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TypeVar
from urllib.parse import quote, unquote

from hedgebot.domain.durations import NS_PER_MS
from hedgebot.exchange.wire.codes import bad_parameter
from hedgebot.exchange.wire.words import scalar

CATEGORIES = ("linear", "inverse", "spot", "option")
DERIVATIVES = ("linear", "inverse")
DAY_MS = 86_400_000
EXPONENT_MAX, DIGITS_MAX = 15, 40

T = TypeVar("T")
_CURSOR = re.compile(r"page_args=(\d{1,9})")


class Params:
    """One request's parameters. An empty string counts as absent, as at the venue."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values

    def text(self, name: str, default: str = "") -> str:
        """A parameter as text; numbers and flags in JSON are written out."""
        value = self.values.get(name)
        if value is None or value == "":
            return default
        if isinstance(value, (str, int, float)):
            return scalar(value)
        raise bad_parameter(f"params error: {name} invalid")

    def required(self, name: str) -> str:
        """A parameter that must be there."""
        text = self.text(name)
        if not text:
            raise bad_parameter(f"params error: {name} is required")
        return text

    def category(self, *, allowed: Sequence[str] = CATEGORIES) -> str:
        """The product type."""
        category = self.text("category")
        if category not in allowed:
            raise bad_parameter("Illegal category")
        return category

    def whole(self, name: str, default: int | None = None) -> int | None:
        """A whole number."""
        text = self.text(name)
        if not text:
            return default
        try:
            return int(text)
        except ValueError:
            raise bad_parameter(f"params error: {name} invalid") from None

    def limit(self, default: int, largest: int, *, clips: bool = False) -> int:
        """A page size; beyond the largest is an error, or the largest (the venue clips some and refuses others)."""
        value = self.whole("limit", default)
        if clips and value is not None:
            value = min(value, largest)
        if value is None or not 1 <= value <= largest:
            raise bad_parameter(f"params error: limit must be 1 to {largest}")
        return value

    def number(self, name: str, error: str) -> Decimal:
        """An exact number; `error` is the venue's sentence for a bad one."""
        try:
            value = Decimal(self.required(name))
        except InvalidOperation:
            raise bad_parameter(error) from None
        # Beyond these no instrument has a price or quantity, and exact arithmetic would be without bound.
        if (
            not value.is_finite()
            or not -EXPONENT_MAX <= value.adjusted() <= EXPONENT_MAX
            or len(str(value)) > DIGITS_MAX
        ):
            raise bad_parameter(error)
        return value

    def flag(self, name: str) -> bool:
        """A boolean, off by default."""
        text = self.text(name, "false").lower()
        if text not in {"true", "false", "0", "1"}:
            raise bad_parameter(f"params error: {name} invalid")
        return text in {"true", "1"}

    def window_ns(self, now_ms: int, length_ms: int) -> tuple[int, int]:
        """`startTime` and `endTime` as nanoseconds (end exclusive), completed to a window by the venue's rule.

        Neither: the last `length_ms`; only one: a window from or up to it; both: at most `length_ms` apart.
        """
        start, end = self.whole("startTime"), self.whole("endTime")
        if start is None and end is None:
            start, end = now_ms - length_ms, now_ms
        elif start is None and end is not None:
            start = end - length_ms
        elif start is not None and end is None:
            end = start + length_ms
        if start is None or end is None or end < start:
            raise bad_parameter("The start time cannot be later than the end time")
        if end - start > length_ms:
            raise bad_parameter(
                f"The time range between startTime and endTime cannot exceed {length_ms // DAY_MS} days"
            )
        return max(start, 0) * NS_PER_MS, (end + 1) * NS_PER_MS


def page(rows: Sequence[T], params: Params, size: int) -> tuple[Sequence[T], str]:
    """One page of rows and the next page's cursor ("" after the last).

    Cursors are percent-encoded as the venue's are: a client that encodes again, or does not, reaches the same page.
    The offset counts from the newest row, so rows that arrive between two pages shift what the next one shows, as at
    the venue; a backfill must tolerate repeats.
    """
    cursor, first = unquote(params.text("cursor")), 0
    if cursor:
        match = _CURSOR.fullmatch(cursor)
        if match is None:
            raise bad_parameter("params error: cursor invalid")
        first = int(match[1])
    last = first + size
    more = last < len(rows)
    return rows[first:last], quote(f"page_args={last}", safe="") if more else ""
