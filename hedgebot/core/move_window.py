"""How far an underlying's price moved within a span of time, for a gate that waits for a move: a few ranges of it.

Owns the ranges and what they say of a price. A span is cut into `PARTS`, of each its lowest and highest price is kept
with its first moment, so that the record stays small however often prices come. Pure; must not know who waits.
"""

import msgspec

PARTS = 60
"""The span is that exact: a move counts as older than it is by a sixtieth of it at most, never as younger."""


class Range(msgspec.Struct, kw_only=True):
    """Lowest and highest price (USD per coin) of a part of the span that began at `from_ns`."""

    from_ns: int
    low: float
    high: float


class MoveWindow(msgspec.Struct, kw_only=True):
    """Ranges of the last span, oldest first, at most `PARTS` + 1; empty where nobody waits for a move within a span."""

    span_ns: int = 0
    ranges: list[Range] = []

    def note(self, price: float, at_ns: int, span_ns: int) -> None:
        """Take the live price, if there is one; another span than before begins anew, none (0) forgets all."""
        if span_ns != self.span_ns:
            self.span_ns, self.ranges = span_ns, []
        if not span_ns or price <= 0.0:
            return
        newest = self.ranges[-1] if self.ranges else None
        if newest is not None and at_ns < newest.from_ns + -(-span_ns // PARTS):
            newest.low, newest.high = min(newest.low, price), max(newest.high, price)
            return
        self.ranges.append(Range(from_ns=at_ns, low=price, high=price))
        while self.ranges[0].from_ns < at_ns - span_ns:
            del self.ranges[0]

    def restart(self, price: float, at_ns: int) -> None:
        """From here on moves count anew: what went before was hedged."""
        if self.span_ns:
            self.ranges = [Range(from_ns=at_ns, low=price, high=price)]

    def moved(self, price: float, at_ns: int) -> float:
        """The farthest that a price (> 0) is from any of the last span, as a share of that one; 0 where none is known.

        What may be older than the span does not count.
        """
        seen = [one for one in self.ranges if one.from_ns >= at_ns - self.span_ns]
        return max((max(price / one.low - 1.0, 1.0 - price / one.high) for one in seen), default=0.0)
