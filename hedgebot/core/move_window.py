"""How far an underlying's price moved within a span of time, for a gate that waits for a move: a few ranges of it.

Owns the ranges and what they say of a price. A span is cut into `PARTS`, of each its lowest and highest price is kept
with its first moment, so that the record stays small however often prices come, and its last price, which stood until
the next one came, however rarely they do. Pure; must not know who waits.
"""

import msgspec

PARTS = 60
"""The span is that exact: a move counts as older than it is by a sixtieth of it at most, never as younger."""


class Range(msgspec.Struct, kw_only=True):
    """Lowest, highest and last price (USD per coin) of a part of the span that began at `from_ns`."""

    from_ns: int
    low: float
    high: float
    last: float = 0.0

    @classmethod
    def of(cls, price: float, at_ns: int) -> "Range":
        """The first price of a part."""
        return cls(from_ns=at_ns, low=price, high=price, last=price)


class MoveWindow(msgspec.Struct, kw_only=True):
    """Ranges of the last span and the one before it, oldest first, at most `PARTS` + 2.

    Empty where nobody waits for a move within a span.
    """

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
            newest.low, newest.high, newest.last = min(newest.low, price), max(newest.high, price), price
            return
        self.ranges.append(Range.of(price, at_ns))
        while len(self.ranges) > 1 and self.ranges[1].from_ns <= at_ns - span_ns:
            del self.ranges[0]

    def restart(self, price: float, at_ns: int) -> None:
        """From here on moves count anew: what went before was hedged."""
        if self.span_ns:
            self.ranges = [Range.of(price, at_ns)]

    def moved(self, price: float, at_ns: int) -> float:
        """The farthest that a price (> 0) is from any of the last span, as a share of that one; 0 where none is known.

        What may be older than the span does not count, but for the price that stood when it began.
        """
        seen = [(one.low, one.high) for one in self.ranges if one.from_ns >= at_ns - self.span_ns]
        before = self.ranges[: len(self.ranges) - len(seen)][-1:]
        seen += [(one.last, one.last) for one in before if one.last > 0.0]
        return max((max(price / low - 1.0, 1.0 - price / high) for low, high in seen), default=0.0)
