"""How much of the time net delta was inside its band, from the engine's own values at every event. Pure arithmetic.

Inside means that net delta is no farther from the band's centre than the edge on its side and one lot. The time from a
breach to the fill of its hedge does not count, up to GRACE_S for each; those intervals are listed. Unknown delta counts
as outside. Time counts while the book is active.
"""

import msgspec

GRACE_S = 2.0
_NS = 1_000_000_000


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """One interval outside the band. `hedged` says that a fill of ours fell into it; `seconds` is its whole length."""

    underlying: str
    began_at_ns: int
    seconds: float
    hedged: bool

    @property
    def too_long(self) -> bool:
        """Whether it took longer than a hedge may take."""
        return self.seconds > GRACE_S


class BandShare(msgspec.Struct, frozen=True, kw_only=True):
    """Result for one underlying. `share` is None when no time counted."""

    underlying: str
    counted_s: float
    outside_s: float
    excused_s: float
    breaches: tuple[Breach, ...]

    @property
    def share(self) -> float | None:
        """Share of the counted time inside the band, 0 to 1."""
        return 1.0 - self.outside_s / self.counted_s if self.counted_s > 0 else None


class BandClock:
    """Follows one underlying from event to event; values hold until the next event."""

    def __init__(self, underlying: str) -> None:
        self._underlying = underlying
        self._last_ns: int | None = None
        self._outside = False
        self._active = False
        self._breach_ns = 0
        self._breach_counted_ns = 0
        self._hedged = False
        self._active_ns = 0
        self._outside_ns = 0
        self._excused_ns = 0
        self._breaches: list[Breach] = []

    def see(self, at_ns: int, *, delta_coin: float | None, edge_coin: float, active: bool, own_fill: bool) -> None:
        """Take the distance from the centre after one event; `edge_coin` is the band on its side plus one lot.

        `own_fill` is a fill of a hedge in it.
        """
        self._pass_time(at_ns)
        outside = delta_coin is None or abs(delta_coin) > edge_coin
        if self._outside:
            self._hedged = self._hedged or own_fill
            if not outside or not active:
                self._close(at_ns)
        if outside and active and not (self._outside and self._active):
            self._breach_ns, self._breach_counted_ns, self._hedged = at_ns, 0, own_fill
        self._outside, self._active = outside, active

    def result(self, at_ns: int) -> BandShare:
        """Close the last interval at `at_ns` and sum up."""
        self._pass_time(at_ns)
        if self._outside and self._active:
            self._close(at_ns)
            self._outside = False
        counted_ns = self._active_ns - self._excused_ns
        return BandShare(
            underlying=self._underlying,
            counted_s=counted_ns / _NS,
            outside_s=self._outside_ns / _NS,
            excused_s=self._excused_ns / _NS,
            breaches=tuple(self._breaches),
        )

    def _pass_time(self, at_ns: int) -> None:
        if self._last_ns is not None and self._active:
            passed = max(0, at_ns - self._last_ns)
            self._active_ns += passed
            if self._outside:
                self._breach_counted_ns += passed
        self._last_ns = at_ns

    def _close(self, at_ns: int) -> None:
        """End a breach: what a hedge mended is excused up to the grace, the rest was time outside."""
        if not self._active:
            return
        length = self._breach_counted_ns
        excused = min(length, int(GRACE_S * _NS)) if self._hedged else 0
        self._excused_ns += excused
        self._outside_ns += length - excused
        self._breaches.append(
            Breach(underlying=self._underlying, began_at_ns=self._breach_ns, seconds=length / _NS, hedged=self._hedged)
        )
        self._breach_counted_ns = 0
