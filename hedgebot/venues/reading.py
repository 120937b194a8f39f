"""Reading a venue's raw fields into exact values. Owns the rule "empty is unknown, never zero"; knows no venue."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.errors import VenueError

Raw = Mapping[str, Any]
"""One object of a frame or an answer, as the JSON parser made it."""

SAMPLE_CHARS = 200


class FrameProblem(VenueError):
    """A frame or a row that cannot be understood; the message names the field."""


def as_object(value: object, what: str) -> Raw:
    """The value as a JSON object; raises FrameProblem when it is anything else."""
    if not isinstance(value, Mapping):
        msg = f"{what} is not an object"
        raise FrameProblem(msg)
    return value


def as_rows(value: object, what: str) -> tuple[Raw, ...]:
    """The value as a list of JSON objects; raises FrameProblem when it is anything else."""
    if not isinstance(value, list):
        msg = f"{what} is not a list"
        raise FrameProblem(msg)
    return tuple(as_object(row, f"a row of {what}") for row in value)


def text(raw: Raw, field: str) -> str:
    """A non-empty string; raises FrameProblem when it is missing or empty."""
    value = raw.get(field)
    if not isinstance(value, str) or not value:
        msg = f"{field} is {value!r}, it must be a word"
        raise FrameProblem(msg)
    return value


def text_or_none(raw: Raw, field: str) -> str | None:
    """A string, or None when it is missing or empty."""
    value = raw.get(field)
    return value if isinstance(value, str) and value else None


def number(raw: Raw, field: str) -> Decimal:
    """An exact finite number; raises FrameProblem when it is missing, empty or no number."""
    value = number_or_none(raw, field)
    if value is None:
        msg = f"{field} is missing"
        raise FrameProblem(msg)
    return value


def number_or_none(raw: Raw, field: str) -> Decimal | None:
    """An exact finite number; None when missing or empty; raises FrameProblem when it is something else.

    Floats are refused: they are not what the venue wrote.
    """
    value = raw.get(field)
    if value is None or value == "":
        return None
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        try:
            exact = Decimal(value)
        except InvalidOperation:
            exact = Decimal("NaN")
        if exact.is_finite():
            return exact
    msg = f"{field} is {str(value)[:40]!r}, it must be a number"
    raise FrameProblem(msg)


def price_or_none(raw: Raw, field: str) -> Decimal | None:
    """A price above zero; None when missing, empty or zero, which is how venues write "there is none"."""
    value = number_or_none(raw, field)
    return value if value is not None and value > 0 else None


def float_or_none(raw: Raw, field: str) -> float | None:
    """A finite float; None when missing or empty."""
    value = number_or_none(raw, field)
    return None if value is None else float(value)


def ns_from_ms(raw: Raw, field: str) -> int:
    """Nanoseconds from a millisecond timestamp above zero; raises FrameProblem otherwise."""
    value = number(raw, field)
    if value <= 0 or value != value.to_integral_value():
        msg = f"{field} is {value}, it must be a timestamp in milliseconds"
        raise FrameProblem(msg)
    return int(value) * NS_PER_MS


def sample(frame: object) -> str:
    """A short escaped piece of a frame, fit for a log line."""
    return ascii(frame)[:SAMPLE_CHARS]
