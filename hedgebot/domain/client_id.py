"""Deterministic client order ids: a function of what the journal knows, recognisable as ours, never random.

Layout, 128 bits as 32 lowercase hex characters (fits every planned venue, safety reference section 3.3)::

    magic 8 | install 32 | epoch 24 | strategy 8 | intent 32 | attempt 8 | check 16

The check is a BLAKE2b digest of the other bits, so that a foreign id has a chance of 1 in 16 million to look like ours.
"""

import re
from hashlib import blake2b

import msgspec

from hedgebot.domain.durations import NS_PER_MINUTE
from hedgebot.domain.errors import ProgrammingError

MAGIC = 0x4B
ERA_NS = 1_767_225_600 * 1_000_000_000
"""2026-01-01 UTC: minutes from here fit the epoch's bits for thirty years."""

_WIDTHS = (("install", 32), ("epoch", 24), ("strategy", 8), ("intent", 32), ("attempt", 8))
_PATTERN = re.compile(r"[0-9a-f]{32}")


class ClientId(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a client id: `install` tells installations apart, `epoch` runs, `intent` orders of a run.

    The epoch is at least the journal's; it goes beyond whatever time or the venue say that other runs have used.
    """

    install: int
    epoch: int
    strategy: int
    intent: int
    attempt: int = 0

    def encode(self) -> str:
        """Write as 32 hex characters; raises ProgrammingError where a part does not fit its width."""
        bits = MAGIC
        for name, width in _WIDTHS:
            part: int = getattr(self, name)
            if not 0 <= part < 1 << width:
                msg = f"client id part {name} is {part}, it must fit {width} bits"
                raise ProgrammingError(msg)
            bits = bits << width | part
        return f"{bits << 16 | _check(bits):032x}"


def epoch_at(at_ns: int) -> int:
    """The least epoch of a run that starts at a moment: minutes, so that it lies beyond those of earlier runs.

    A journal that is restored from a backup does not know of later runs, but it is restored later than they began.
    """
    return min(max(at_ns - ERA_NS, 0) // NS_PER_MINUTE, 1 << 23)


def decode_client_id(text: str | None) -> ClientId | None:
    """Read a client id; None when it was not made by a hedgebot."""
    if text is None or not _PATTERN.fullmatch(text):
        return None
    whole = int(text, 16)
    bits, check = whole >> 16, whole & 0xFFFF
    if bits >> 104 != MAGIC or _check(bits) != check:
        return None
    parts: dict[str, int] = {}
    for name, width in reversed(_WIDTHS):
        parts[name] = bits & ((1 << width) - 1)
        bits >>= width
    return ClientId(**parts)


def _check(bits: int) -> int:
    return int.from_bytes(blake2b(bits.to_bytes(14, "big"), digest_size=2).digest(), "big")
