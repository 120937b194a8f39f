"""What stands between an in-process client and the exchange: latency, loss, faults, connections, a skewed clock.

Owns the way of requests on virtual time, out and back, each on a connection of its own, and the client's clock; news
and market data travel on `link_streams.py`. All chance comes from one seed. It carries deeds and knows no more of a
message than a name: not its content, no core, no wire.

Names of requests are the caller's: `place`, `cancel`, `amend`, `query.positions` ...; topics of pushes: `order`,
`execution`, `position`, `wallet`, `funding`, `market` (marks and index `market.ticker`), `trade`, `listing`. Faults
pick by them.
"""

import random
from collections.abc import Callable
from typing import TypeVar

from hedgebot.domain.durations import NS_PER_MS
from hedgebot.exchange.checks import refuse
from hedgebot.exchange.faults import LineFaultKind, LinkFault, RequestFault, RequestFaultKind
from hedgebot.exchange.latency import Lane
from hedgebot.exchange.link_faults import LinkFaults
from hedgebot.exchange.link_streams import Streams
from hedgebot.exchange.link_types import Call, LinkSpec, Push, Way
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.pricepath import stream as random_stream
from hedgebot.exchange.reasons import RefusalReason
from hedgebot.exchange.timeline import Deed, Schedule
from hedgebot.exchange.types import Refusal

T = TypeVar("T")


class Link:
    """One client's link to an exchange, as one account."""

    def __init__(self, exchange: Exchange, account: str, schedule: Schedule, spec: LinkSpec, *, seed: int) -> None:
        self.account = account
        self.spec = spec
        self.faults = LinkFaults(schedule, seed)
        self.streams = Streams(exchange, account, schedule, spec, self.faults, seed)
        self.address = f"link/{account}"
        # How far the venue's clock is ahead of true time.
        self.venue_skew_ms = 0
        self._exchange = exchange
        self._schedule = schedule
        self._random = random.Random(f"{seed}/link/{account}")
        self._out, self._back = (
            Lane(spec.latencies.request, random_stream(seed, "link", account, leg)) for leg in ("out", "back")
        )
        self._clock = (schedule.now_ns, 0, 0.0)

    def add(self, fault: LinkFault) -> None:
        """Start a fault now; raises TooManyFaults."""
        self.faults.add(fault)

    def heal(self) -> None:
        """End all faults and the venue's skew; what was frozen arrives. The client's clock stays as it is."""
        self.faults.clear()
        self.venue_skew_ms = 0
        self.streams.thaw()

    def news(self, deliver: Deed | Push) -> None:
        """Bring private news, as far as the private stream works."""
        self.streams.news(deliver)

    def market(self, deliver: Deed | Push) -> None:
        """Bring market data, as far as the public stream works."""
        self.streams.market(deliver)

    @property
    def private_up(self) -> bool:
        """Whether the private stream is connected."""
        return self.streams.is_up("private")

    @property
    def _now_ns(self) -> int:
        return self._schedule.now_ns

    def _later(self, delay_ns: int, deed: Deed) -> None:
        self._schedule.at(self._now_ns + delay_ns, deed)

    def _chance(self, probability: float) -> bool:
        return probability > 0.0 and self._random.random() < probability

    # --- the client's clock

    def client_ms(self) -> int:
        """What the client's wall clock shows."""
        since_ns, offset_ns, ppm = self._clock
        passed_ns = self._now_ns - since_ns
        return (self._now_ns + offset_ns + round(passed_ns * ppm * 1e-6)) // NS_PER_MS

    def set_clock(self, offset_ms: float = 0.0, ppm: float = 0.0) -> None:
        """Step the client's clock to an offset from true time, and let it gain `ppm` from now on."""
        self._clock = (self._now_ns, round(offset_ms * NS_PER_MS), ppm)

    # --- requests

    def request(
        self,
        work: Callable[[], T],
        answered: Callable[[T], None],
        lost: Callable[[str], None],
        timeout_ns: int,
        call: Call[T] | None = None,
    ) -> None:
        """Have work done at the venue and its answer brought back; `lost` with a reason when none comes in time.

        One of the two is called, once; only a duplicated acknowledgement calls `answered` twice. What was lost may
        have been carried out all the same.
        """
        call = call or Call()
        way = Way(call, work, answered, lost)
        self._schedule.at(self._now_ns + timeout_ns, lambda: way.lose("timeout"))
        if self.faults.stands(LineFaultKind.REFUSE, "requests"):
            self._later(self._out.delay_ns(), lambda: way.lose("refused"))
            return
        if self.faults.stands(LineFaultKind.HALF_OPEN, "requests"):
            return
        fault = self.faults.request(call.name, call.instrument)
        delay_ns = self._out.delay_ns()
        if self.faults.stands(LineFaultKind.FREEZE, "requests"):
            thaws_ns = self.faults.thaws_ns("requests")
            if thaws_ns is None:
                return
            delay_ns += thaws_ns - self._now_ns
        kind = fault.kind if fault is not None else None
        if self._chance(self.spec.request_lost) or kind is RequestFaultKind.REQUEST_LOST:
            if fault is not None and fault.told:
                self._later(delay_ns, lambda: way.lose("connection lost"))
            return
        if fault is not None and kind is RequestFaultKind.DELAY:
            delay_ns += round(fault.delay_ms * NS_PER_MS)
        sent_ms = self.client_ms() if call.sent_ms is None else call.sent_ms
        self._later(delay_ns, lambda: self._arrive(way, fault, sent_ms))

    def _arrive(self, way: Way[T], fault: RequestFault | None, sent_ms: int) -> None:
        """At the venue: what its rules refuse, what the fault makes of it, the work itself, and the way back."""
        self._exchange.advance(self._now_ns)
        kind = fault.kind if fault is not None else None
        refusal = self._refusal(way.call, sent_ms)
        if fault is not None and kind is RequestFaultKind.REFUSE:
            if fault.executed and refusal is None:
                way.work()
            if not fault.reason:
                self._back_with(fault, lambda: way.lose("an error that says nothing"))
                return
            refusal = refuse(RefusalReason(fault.reason), "by order")
        if refusal is not None:
            told = refusal
            self._back_with(fault, lambda: way.refused(told))
            return
        if kind is RequestFaultKind.ACK_FALSE and way.call.pretend is not None:
            answer = way.call.pretend()
        else:
            answer = way.work()
        if fault is not None and kind is RequestFaultKind.EMPTY and way.call.empty is not None:
            answer = way.call.empty(answer)
        if fault is not None and kind is RequestFaultKind.ALTER and way.call.alter is not None:
            answer = way.call.alter(answer, fault.altered)
        if kind is RequestFaultKind.GARBLE:
            self._back_with(fault, lambda: way.lose("unreadable"))
        elif kind is RequestFaultKind.ACK_LOST or self._chance(self.spec.ack_lost):
            if fault is not None and fault.told:
                self._back_with(fault, lambda: way.lose("connection lost"))
        else:
            self._back_with(fault, lambda: way.answer(answer))
            if kind is RequestFaultKind.ACK_DUPLICATE:
                self._back_with(fault, lambda: way.answer(answer, again=True))

    def _refusal(self, call: Call[T], sent_ms: int) -> Refusal | None:
        """What the venue's rules refuse before anything is read."""
        exchange, now_ns = self._exchange, self._exchange.now_ns
        if not exchange.limits.visit(self.address, now_ns):
            until_ns = exchange.limits.banned_until_ns(self.address)
            return refuse(RefusalReason.BANNED, f"{self.address} is shut out until {until_ns} ns")
        problem = exchange.rules.deadline.problem(sent_ms, now_ns // NS_PER_MS + self.venue_skew_ms, call.window_ms)
        if problem is not None:
            return refuse(RefusalReason.OUTSIDE_WINDOW, problem)
        if call.endpoint is not None and not exchange.charge(self.account, call.endpoint).allowed:
            return refuse(RefusalReason.RATE_LIMITED, f"too many {call.endpoint} requests")
        return None

    def _back_with(self, fault: RequestFault | None, deed: Deed) -> None:
        delay_ns = self._back.delay_ns()
        if fault is not None and fault.kind is RequestFaultKind.ACK_DELAY:
            delay_ns += round(fault.delay_ms * NS_PER_MS)
        self._later(delay_ns, deed)
