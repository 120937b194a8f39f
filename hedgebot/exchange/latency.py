"""How long a message is under way, as a value: a floor, a median and a 99th percentile, drawn from a seeded stream.

Owns the law of delays on a link and that one connection keeps its order. Knows no messages, clients or clocks: it is
given the moment of sending and answers the moment of arrival.
"""

import math

import msgspec
import numpy as np

from hedgebot.domain.durations import NS_PER_MS

# 99th percentile of the standard normal distribution.
_Z99 = 2.3263478740408408
_BLOCK = 256


class Latency(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One leg's delay in ms: `floor_ms` plus a log-normal part that gives `median_ms` and `p99_ms`, cut at `max_ms`.

    Equal floor, median and p99 make a fixed delay. ValueError (a scenario file: an error naming the key) otherwise
    than 0 <= floor <= median <= p99 <= max, with floor < median where median < p99.
    """

    floor_ms: float = 0.0
    median_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 10_000.0

    def __post_init__(self) -> None:
        """Refuse percentiles out of order."""
        if not 0.0 <= self.floor_ms <= self.median_ms <= self.p99_ms <= self.max_ms < math.inf:
            msg = (
                f"latency floor_ms {self.floor_ms:g}, median_ms {self.median_ms:g}, p99_ms {self.p99_ms:g}, "
                f"max_ms {self.max_ms:g}: they must rise from 0 in this order"
            )
            raise ValueError(msg)
        if self.median_ms == self.floor_ms and self.p99_ms > self.median_ms:
            msg = f"latency floor_ms and median_ms are both {self.floor_ms:g}: a spread needs a median above its floor"
            raise ValueError(msg)

    @staticmethod
    def fixed(delay_ms: float) -> "Latency":
        """Always the same delay."""
        return Latency(floor_ms=delay_ms, median_ms=delay_ms, p99_ms=delay_ms, max_ms=max(delay_ms, Latency().max_ms))

    def draw_ms(self, random: np.random.Generator, count: int) -> list[float]:
        """Delays in ms. Any law takes `count` normals from the stream, so that a change of it shifts nothing else."""
        normals = random.standard_normal(count)
        body = self.median_ms - self.floor_ms
        if body == 0.0:
            return [self.floor_ms] * count
        spread = math.log((self.p99_ms - self.floor_ms) / body) / _Z99
        drawn: list[float] = np.minimum(self.floor_ms + body * np.exp(spread * normals), self.max_ms).tolist()
        return drawn


class Latencies(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The three legs of a link: client to matching, matching to private push, market to public push."""

    request: Latency = Latency()
    private: Latency = Latency()
    public: Latency = Latency()


class Lane:
    """One connection in one direction: messages arrive in the order in which they were sent, a slow one holds the rest.

    That is what one TCP stream does, and why a stall ends in a burst.
    """

    def __init__(self, latency: Latency, random: np.random.Generator) -> None:
        self._latency = latency
        self._random = random
        self._drawn: list[float] = []
        self._last_ns = 0

    def arrives_ns(self, sent_at_ns: int) -> int:
        """Arrival of a message sent now: never before the one sent before it."""
        self._last_ns = max(sent_at_ns + self.delay_ns(), self._last_ns)
        return self._last_ns

    def delay_ns(self) -> int:
        """The next delay alone, for messages that each have a connection of their own."""
        if not self._drawn:
            self._drawn = self._latency.draw_ms(self._random, _BLOCK)[::-1]
        return round(self._drawn.pop() * NS_PER_MS)

    def change(self, latency: Latency) -> None:
        """Use another law from the next message on."""
        self._latency = latency
        self._drawn.clear()
