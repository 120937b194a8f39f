"""Orders that go wrong on purpose: rejected after their acknowledgement, filled in part, cancelled too late.

Owns the active order faults and what of them is still to happen. It sees the desk's orders and never a client; the
answers to requests stay those of the desk.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import count

from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.checks import refuse
from hedgebot.exchange.desk import Desk
from hedgebot.exchange.faultbook import FaultBook
from hedgebot.exchange.faults import Fate, OrderFault, OrderFaultKind
from hedgebot.exchange.reasons import EndReason, RefusalReason
from hedgebot.exchange.requests import Ack, OrderRequest, Origin, Refusal

# Order faults are numbered from here, so that no other fault of an exchange has their numbers.
ORDER_NUMBERS_FROM = 1_000_001
_OF_CANCELS = (OrderFaultKind.CANCEL_RACE, OrderFaultKind.CANCEL_LATE)


@dataclass(frozen=True, slots=True)
class _Due:
    """Something that happens to an order later: `share` of its rest fills, then it ends for `reason`."""

    at_ns: int
    order_id: str
    share: float
    reason: EndReason


class OrderFaults:
    """The faulty side of matching. `advance` has what is due happen."""

    def __init__(self, desk: Desk, seed: int, *, reduce_only_passes: bool) -> None:
        self.book: FaultBook[OrderFault] = FaultBook(seed, count(ORDER_NUMBERS_FROM))
        self._desk = desk
        self._reduce_only_passes = reduce_only_passes
        self._due: list[_Due] = []

    def add(self, fault: OrderFault) -> int:
        """Start a fault now; its number."""
        return self.book.add(fault, self._desk.books.now_ns)

    def place(self, request: OrderRequest) -> Ack | Refusal:
        """Place an order as the desk would, but for what strikes it."""
        fault = self._strike(
            request.account, request.instrument, request.client_id, lambda kind: kind not in _OF_CANCELS
        )
        if fault is None:
            return self._desk.place(request, Origin.API)
        if fault.kind is OrderFaultKind.OVERLOADED:
            if not (request.reduce_only and self._reduce_only_passes):
                return refuse(RefusalReason.OVERLOADED, "the venue takes no new orders at the moment")
            return self._desk.place(request, Origin.API)
        fate = Fate(
            rejected=fault.kind is OrderFaultKind.REJECT,
            share=fault.share if fault.kind is OrderFaultKind.PARTIAL else None,
            pieces=fault.pieces if fault.kind is OrderFaultKind.PIECES else 1,
        )
        answer = self._desk.place(request, Origin.API, fate)
        if fault.kind is OrderFaultKind.VENUE_CANCEL and isinstance(answer, Ack):
            self._later(answer.order_id, fault, 0.0, EndReason.BY_VENUE)
        return answer

    def cancel(
        self, account: str, instrument: InstrumentId, order_id: str | None, client_id: str | None
    ) -> Ack | Refusal:
        """Cancel an order as the desk would, but for what strikes it: then the effect comes later, or too late."""
        order = self._desk.orders.find(account, order_id, client_id)
        fault = None
        if order is not None and order.instrument == instrument and not order.status.is_terminal:
            fault = self._strike(account, instrument, order.client_id, lambda kind: kind in _OF_CANCELS)
        if order is None or fault is None:
            return self._desk.cancel(account, instrument, order_id, client_id)
        share = fault.share if fault.kind is OrderFaultKind.CANCEL_RACE else 0.0
        self._later(order.order_id, fault, share, EndReason.BY_USER)
        return Ack(order_id=order.order_id, client_id=order.client_id)

    def _strike(
        self, account: str, instrument: str, client_id: str | None, of: Callable[[OrderFaultKind], bool]
    ) -> OrderFault | None:
        return self.book.strike(
            self._desk.books.now_ns, lambda fault: of(fault.kind) and fault.picks(account, instrument, client_id)
        )

    def _later(self, order_id: str, fault: OrderFault, share: float, reason: EndReason) -> None:
        at_ns = self._desk.books.now_ns + round(fault.delay_ms * NS_PER_MS)
        self._due.append(_Due(at_ns, order_id, share, reason))
        self._due.sort(key=lambda one: one.at_ns)

    def due_ns(self) -> int | None:
        """When the next of it happens; None when nothing waits."""
        return self._due[0].at_ns if self._due else None

    def advance(self, now_ns: int) -> None:
        """Have what is due happen, earliest first. An order that ended meanwhile is left alone."""
        while self._due and self._due[0].at_ns <= now_ns:
            due = self._due.pop(0)
            order = self._desk.orders.get(due.order_id)
            if order is None or order.status.is_terminal:
                continue
            if due.share:
                order = self._desk.fill_resting(order, Decimal(str(due.share)))
            if not order.status.is_terminal:
                self._desk.end(order, due.reason)
