"""Whether a command that a replay gave is the one in the journal: to the bit, or within a tolerance across machines."""

import math

import msgspec

from hedgebot.domain.commands import Command
from hedgebot.journal.codec import encode

FLOAT_TOLERANCE = 1e-9
_PROSE = frozenset({"explanation", "reason", "summary"})
"""Sentences with floats in them: across machines their digits may differ where their numbers agree."""


def same_command(command: Command, payload: bytes, *, exact: bool) -> bool:
    """Hold `command` against the journal's bytes; `exact` False allows floats a relative difference of 1e-9."""
    fresh = encode(command)
    if fresh == payload:
        return True
    return not exact and _alike(msgspec.json.decode(fresh), msgspec.json.decode(payload))


def _alike(one: object, other: object) -> bool:
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(name in _PROSE or _alike(one[name], other[name]) for name in one)
        case list(), list():
            return len(one) == len(other) and all(map(_alike, one, other))
        case float(), float():
            return math.isclose(one, other, rel_tol=FLOAT_TOLERANCE, abs_tol=FLOAT_TOLERANCE)
        case _:
            return one == other
