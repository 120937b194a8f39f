"""Which dialect a frame is in: each is asked in turn. Owns the order, and how a recorded file becomes frames.

A frame that no dialect knows says nothing of margin: None. Reads no file: bytes are handed in.
"""

import json
import re

from hedgebot.domain.errors import DataError
from hedgebot.domain.health import AccountHealth
from hedgebot.venues.health import binance, bybit, deribit, hyperliquid, kraken, okx, others

DIALECTS = (hyperliquid.read, deribit.read, bybit.read, okx.read, kraken.read, binance.read, others.read)

# The answer of a recorded HTTP exchange: a quoted scalar, '' being a quote and a line's end a space (YAML 1.2, 7.3.2).
_CASSETTE_BODY = re.compile(r"^ +string: '((?:[^']|'')*)'$", re.MULTILINE)
_FOLDED = re.compile(r"\s*\n\s*")


def read_frame(frame: object) -> tuple[AccountHealth, ...] | None:
    """Accounts of one frame; None where it says nothing of margin. FrameProblem where it cannot be understood."""
    for read in DIALECTS:
        found = read(frame)
        if found is not None:
            return found
    return None


def frames_of(content: bytes, name: str) -> list[object]:
    """The frames of one recorded file: JSON, or a cassette of HTTP answers; numbers keep their printed digits.

    Raises DataError for a file that is neither.
    """
    words = content.decode("utf-8", errors="replace")
    bodies = [words]
    if name.endswith((".yaml", ".yml")):
        bodies = [_FOLDED.sub(" ", body.replace("''", "'")) for body in _CASSETTE_BODY.findall(words)]
        if not bodies:
            raise DataError(f"{name}: no quoted answer is in this cassette")
    try:
        return [json.loads(body, parse_float=str) for body in bodies if body]
    except ValueError as error:
        raise DataError(f"{name} is not JSON: {error}") from error
