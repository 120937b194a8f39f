"""A recorded option chain on the exchange's time: what is listed now, and when that changes.

Owns the shift between the exchange's clock and the recorded one. Must not know markets or rules of instruments.
"""

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from hedgebot.exchange.chaintape import ChainTape, OptionSeen
from hedgebot.exchange.listings import recorded_options
from hedgebot.exchange.options import RecordedSurface
from hedgebot.exchange.playback import RecordedPath
from hedgebot.exchange.pricepath import PricePath
from hedgebot.exchange.quotes import Listing
from hedgebot.exchange.scenario import UnderlyingSpec


class Chain:
    """One underlying's recorded chain in one exchange. Moments are UTC ns of the exchange."""

    def __init__(self, tape: ChainTape, path: RecordedPath, start_ns: int) -> None:
        self._tape = tape
        self._shift_ns = start_ns - path.origin_ns
        self._next_ns = tape.next_capture_ns(path.origin_ns)
        self.surface = RecordedSurface(tape, path.index_at, self._shift_ns)

    @classmethod
    def of(cls, path: PricePath, start_ns: int) -> "Chain | None":
        """The chain that was recorded with a path; None where none was."""
        if not isinstance(path, RecordedPath) or path.chain is None:
            return None
        return cls(path.chain, path, start_ns)

    def listed(self, now_ns: int) -> tuple[OptionSeen, ...]:
        """Options that can be traded now, with their expiries on the exchange's time."""
        return tuple(
            replace(
                one,
                expiry_ns=one.expiry_ns + self._shift_ns,
                first_seen_ns=one.first_seen_ns + self._shift_ns,
            )
            for one in self._tape.listed(now_ns - self._shift_ns)
        )

    def listings(self, spec: UnderlyingSpec, now_ns: int) -> list[Listing]:
        """The same as instruments that are launched now."""
        return [
            msgspec.structs.replace(one, launched_at_ns=now_ns) for one in recorded_options(spec, self.listed(now_ns))
        ]

    def due(self, now_ns: int) -> bool:
        """Whether a capture's moment has come since this was last asked."""
        recorded_ns = now_ns - self._shift_ns
        if self._next_ns is None or recorded_ns < self._next_ns:
            return False
        self._next_ns = self._tape.next_capture_ns(recorded_ns)
        return True


def listed_options(chains: Mapping[str, Chain | None], now_ns: int) -> dict[str, tuple[OptionSeen, ...]]:
    """What is listed now, of the underlyings that have a recorded chain."""
    return {name: one.listed(now_ns) for name, one in chains.items() if one is not None}
