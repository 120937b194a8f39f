"""The faults of one link: which are active, in what state its lines are, and what struck.

Owns the books of faults and the record of what they did. Carries nothing.
"""

from collections import deque
from typing import TypeVar

from hedgebot.exchange.faultbook import FaultBook
from hedgebot.exchange.faults import FaultBase, LineFault, LineFaultKind, LinkFault, PushFault, RequestFault
from hedgebot.exchange.link_types import Struck
from hedgebot.exchange.timeline import Schedule

STRUCK_KEPT = 10_000
F = TypeVar("F", bound=FaultBase)


class LinkFaults:
    """What can go wrong on a link now."""

    def __init__(self, schedule: Schedule, seed: int) -> None:
        # The newest strikes, as evidence for whoever counts them.
        self.struck: deque[Struck] = deque(maxlen=STRUCK_KEPT)
        self._schedule = schedule
        self._requests: FaultBook[RequestFault] = FaultBook(seed)
        self._pushes: FaultBook[PushFault] = FaultBook(seed + 1)
        self._lines: FaultBook[LineFault] = FaultBook(seed + 2)

    def add(self, fault: LinkFault) -> None:
        """Start a fault now; raises TooManyFaults. A cut strikes connections that are made from now on."""
        now_ns = self._schedule.now_ns
        match fault:
            case RequestFault():
                self._requests.add(fault, now_ns)
            case PushFault():
                self._pushes.add(fault, now_ns)
            case LineFault():
                self._lines.add(fault, now_ns)

    def clear(self) -> None:
        """End all faults."""
        for book in (self._requests, self._pushes, self._lines):
            book.clear()

    def request(self, name: str, instrument: str) -> RequestFault | None:
        """The fault that strikes a request."""
        return self._noted(
            self._requests.strike(
                self._schedule.now_ns,
                lambda one: name.startswith(one.request) and one.instrument in {"", instrument},
            ),
            name,
        )

    def push(self, stream: str, topic: str, instrument: str) -> PushFault | None:
        """The fault that strikes a push."""
        if self._pushes.is_idle:
            return None
        return self._noted(
            self._pushes.strike(
                self._schedule.now_ns,
                lambda one: topic.startswith(one.topic) and one.instrument in {"", instrument},
            ),
            f"{stream}:{topic}",
        )

    def line(self, kind: LineFaultKind, stream: str) -> LineFault | None:
        """The fault that strikes a connection that is being made."""
        return self._noted(
            self._lines.strike(self._schedule.now_ns, lambda one: one.kind is kind and one.stream in {"", stream}),
            stream,
        )

    def stands(self, kind: LineFaultKind, stream: str) -> bool:
        """Whether a line is in such a state now."""
        if self._lines.is_idle:
            return False
        return (
            self._lines.holds(self._schedule.now_ns, lambda one: one.kind is kind and one.stream in {"", stream})
            is not None
        )

    def thaws_ns(self, stream: str) -> int | None:
        """When a frozen line moves again; None when nobody knows."""
        ends = [
            one.ends_at_ns
            for one in self._lines.active(self._schedule.now_ns)
            if one.fault.kind is LineFaultKind.FREEZE and one.fault.stream in {"", stream}
        ]
        known = [one for one in ends if one is not None]
        return max(known) if known and len(known) == len(ends) else None

    def _noted(self, fault: F | None, on: str) -> F | None:
        if fault is not None:
            self.struck.append(Struck(self._schedule.now_ns, fault, on))
        return fault
