"""The streams of one link: news and market data in the order of one connection each, until it breaks.

Owns connections (up, down, made anew), what is under way on them, and what faults make of pushes. Knows of a push its
topic and instrument only. The dead-man's switch of the venue is told which private connection stands.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from hedgebot.domain.durations import NS_PER_MS
from hedgebot.exchange.faults import LineFaultKind, PushFaultKind
from hedgebot.exchange.latency import Lane
from hedgebot.exchange.link_faults import LinkFaults
from hedgebot.exchange.link_types import LinkSpec, Push
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.pricepath import stream as random_stream
from hedgebot.exchange.timeline import Deed, Schedule

STREAMS = ("private", "public")


@dataclass(slots=True)
class _Stream:
    """A connection from the venue. Its number goes up whenever it is made or lost: what was under way is gone then."""

    name: str
    lane: Lane
    up: bool = True
    number: int = 0
    held: list[Deed] = field(default_factory=list)
    # What waits for a freeze without an end.
    frozen: list[Deed] = field(default_factory=list)


class Streams:
    """The private and the public stream of one client."""

    def __init__(
        self, exchange: Exchange, account: str, schedule: Schedule, spec: LinkSpec, faults: LinkFaults, seed: int
    ) -> None:
        # Called when the client learns that a stream came up or went down, with the reason.
        self.on_stream: Callable[[str, bool, str], None] = lambda _stream, _up, _why: None
        self._exchange = exchange
        self._account = account
        self._address = f"link/{account}"
        self._schedule = schedule
        self._spec = spec
        self._faults = faults
        self._random = random.Random(f"{seed}/link/{account}/streams")

        def lane(leg: str) -> Lane:
            laws = {"private": spec.latencies.private, "public": spec.latencies.public}
            return Lane(laws.get(leg, spec.latencies.request), random_stream(seed, "link", account, leg))

        self._handshake = lane("handshake")
        self._streams = {name: _Stream(name, lane(name)) for name in STREAMS}
        self._kept_alive: dict[str, None] = {}

    @property
    def _now_ns(self) -> int:
        return self._schedule.now_ns

    def _later(self, delay_ns: int, deed: Deed) -> None:
        self._schedule.at(self._now_ns + delay_ns, deed)

    def _chance(self, probability: float) -> bool:
        return probability > 0.0 and self._random.random() < probability

    def thaw(self) -> None:
        """Have everything arrive that waits for a freeze without an end."""
        for stream in self._streams.values():
            waiting, stream.frozen = stream.frozen, []
            for deed in waiting:
                self._schedule.at(self._now_ns, deed)

    # --- pushes

    def news(self, deliver: Deed | Push) -> None:
        """Bring private news, as far as the private stream works."""
        self._push("private", deliver if isinstance(deliver, Push) else Push(deliver=deliver))

    def market(self, deliver: Deed | Push) -> None:
        """Bring market data, as far as the public stream works."""
        self._push("public", deliver if isinstance(deliver, Push) else Push(deliver=deliver, topic="market"))

    def alive(self, stream: str, deliver: Deed) -> None:
        """Bring a heartbeat: only what happens to the whole connection happens to it."""
        one = self._streams[stream]
        if one.up:
            self._send(one, deliver, 0)

    def _push(self, name: str, push: Push) -> None:
        stream = self._streams[name]
        if not stream.up or self._chance(self._spec.push_lost):
            return
        fault = self._faults.push(name, push.topic, push.instrument)
        kind = fault.kind if fault is not None else None
        deliver: Deed | None = push.deliver
        if kind is PushFaultKind.MUTE:
            return
        if kind is PushFaultKind.GARBLE:
            deliver = push.unreadable
        elif fault is not None and kind is PushFaultKind.ALTER and push.altered is not None:
            spoil, how = push.altered, fault.altered
            deliver = lambda: spoil(how)  # noqa: E731  # a deed with its figures
        if deliver is None:
            return
        if kind is PushFaultKind.REORDER or self._chance(self._spec.push_reordered):
            self._hold(stream, deliver, self._spec.reorder_ms if fault is None else fault.delay_ms)
            return
        delay_ns = round(fault.delay_ms * NS_PER_MS) if fault is not None and kind is PushFaultKind.DELAY else 0
        self._send(stream, deliver, delay_ns)
        if kind is PushFaultKind.DUPLICATE or self._chance(self._spec.push_duplicated):
            self._send(stream, deliver, 0)
        held, stream.held = stream.held, []
        for one in held:
            self._send(stream, one, 0)

    def _hold(self, stream: _Stream, deliver: Deed, at_most_ms: float) -> None:
        """Keep a push back until the next one went, or for a while where none follows."""
        stream.held.append(deliver)

        def release() -> None:
            if deliver in stream.held:
                stream.held.remove(deliver)
                self._send(stream, deliver, 0)

        self._later(round(at_most_ms * NS_PER_MS), release)

    def _send(self, stream: _Stream, deliver: Deed, delay_ns: int) -> None:
        number = stream.number
        arrives_ns = stream.lane.arrives_ns(self._now_ns + delay_ns)
        self._schedule.at(arrives_ns, lambda: self._deliver(stream, number, deliver))

    def _deliver(self, stream: _Stream, number: int, deliver: Deed) -> None:
        """At the client, if the connection that it came over still stands and moves."""
        if number != stream.number or self._faults.stands(LineFaultKind.HALF_OPEN, stream.name):
            return
        if not self._faults.stands(LineFaultKind.FREEZE, stream.name):
            deliver()
            return
        thaws_ns = self._faults.thaws_ns(stream.name)
        again: Deed = lambda: self._deliver(stream, number, deliver)  # noqa: E731  # the same, later
        if thaws_ns is None:
            stream.frozen.append(again)
        else:
            self._schedule.at(thaws_ns, again)

    # --- connections

    @property
    def private_up(self) -> bool:
        """Whether the private stream is connected."""
        return self._streams["private"].up

    def is_up(self, stream: str) -> bool:
        """Whether a stream is connected. KeyError for an unknown one."""
        return self._streams[stream].up

    def keep_alive(self, key: str = "") -> None:
        """Have the private stream count for a dead-man's switch that fires on its loss."""
        self._kept_alive[key] = None
        if self.private_up:
            self._exchange.dead_man.connected(self._account, self._connection, key)

    @property
    def _connection(self) -> str:
        return f"{self._address}/{self._streams['private'].number}"

    def heartbeat(self) -> None:
        """The client's own heartbeat on the private stream reaches the venue, if the connection lets it."""
        stalled = (LineFaultKind.HALF_OPEN, LineFaultKind.FREEZE)
        if self.private_up and not any(self._faults.stands(kind, "private") for kind in stalled):
            self._exchange.dead_man.heartbeat(self._account, self._connection)

    def drop(self, stream: str = "", reason: str = "connection lost") -> None:
        """Cut one stream, or all: what is under way is gone, the client learns of it a leg later."""
        for one in self._streams.values():
            if stream in {"", one.name} and one.up:
                if one.name == "private":
                    self._exchange.advance(self._now_ns)
                    self._exchange.dead_man.disconnected(self._account, self._connection)
                one.up = False
                one.number += 1
                one.held.clear()
                one.frozen.clear()
                self._later(self._handshake.delay_ns(), lambda one=one: self._lost(one, reason))  # type: ignore[misc]

    def _lost(self, stream: _Stream, reason: str) -> None:
        self.on_stream(stream.name, False, reason)
        if self._spec.reconnect_ms is not None:
            self._later(round(self._spec.reconnect_ms * NS_PER_MS), lambda: self.connect(stream.name))

    def connect(self, stream: str) -> None:
        """Make a connection that was lost; a handshake takes a leg each way. It may be refused, or be cut again."""
        one = self._streams[stream]
        if one.up:
            return
        if self._faults.stands(LineFaultKind.REFUSE, stream):
            self._later(self._handshake.delay_ns(), lambda: self._lost(one, "refused"))
            return
        slow = self._faults.line(LineFaultKind.SLOW, stream)
        extra_ns = 0 if slow is None else round(slow.delay_ms * NS_PER_MS)
        self._later(self._handshake.delay_ns() + self._handshake.delay_ns() + extra_ns, lambda: self._connected(one))

    def _connected(self, stream: _Stream) -> None:
        if stream.up:
            return
        stream.up = True
        stream.number += 1
        if stream.name == "private":
            for key in self._kept_alive:
                self._exchange.dead_man.connected(self._account, self._connection, key)
        self.on_stream(stream.name, True, "connected")
        cut = self._faults.line(LineFaultKind.CUT, stream.name)
        if cut is not None:
            number = stream.number

            def cut_off() -> None:
                if stream.up and stream.number == number:
                    self.drop(stream.name, "cut")

            self._later(round(cut.delay_ms * NS_PER_MS), cut_off)
