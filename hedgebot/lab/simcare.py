"""What the simulated adapter does beside orders and lists: it measures the clock and keeps the dead-man's switch.

Owns these two kinds of requests and their answers, on virtual time. What the venue's switch covers, and when it fires,
is the exchange's rule.
"""

from hedgebot.domain.commands import ArmDeadMan
from hedgebot.domain.deadman import DeadManChanged, DeadManKind, DeadManStatus
from hedgebot.domain.durations import NS_PER_MS, NS_PER_S
from hedgebot.domain.events import ClockMeasured
from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.deadman import product_of
from hedgebot.exchange.link_types import Call
from hedgebot.exchange.venue_rules import DeadManScope
from hedgebot.lab.seat import Seat

CLOCK_EVERY_NS = 60 * NS_PER_S
REQUEST_TIMEOUT_NS = 10 * NS_PER_S
ARM_TIMEOUT_NS = 3 * NS_PER_S


class SimCare:
    """The care of one account."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat
        # What was last measured of the wall clock, which signs.
        self._signing_offset_ms = 0
        self._running = False

    def start(self) -> None:
        """Begin to measure the clock."""
        self._running = True
        self._measure_clock()

    def stop(self) -> None:
        """End; the switch is left as it stands."""
        self._running = False

    def signing_ms(self) -> int:
        """What requests are signed with: the wall clock, put right by its last measurement."""
        return self._seat.link.client_ms() + self._signing_offset_ms

    def _measure_clock(self) -> None:
        if self._running:
            self.ask_the_time()
            self._seat.timeline.after(CLOCK_EVERY_NS, self._measure_clock)

    def ask_the_time(self) -> None:
        """Measure both clocks against the venue's: the one that decides, and the one that signs."""
        asked_at_ns, wall_ms = self._seat.clock(), self._seat.link.client_ms()

        def answered(venue_ns: int) -> None:
            round_trip_ns = self._seat.clock() - asked_at_ns
            offset_ns = venue_ns - (asked_at_ns + round_trip_ns / 2)
            self._signing_offset_ms = venue_ns // NS_PER_MS - wall_ms
            self._seat.put(
                ClockMeasured(
                    account=self._seat.account,
                    offset_ms=offset_ns / NS_PER_MS,
                    round_trip_ms=round_trip_ns / NS_PER_MS,
                )
            )

        # Nobody signs this question.
        call: Call[int] = Call(name="query.time", sent_ms=self._seat.exchange.now_ns // NS_PER_MS)
        self._seat.link.request(
            lambda: self._seat.exchange.now_ns, answered, lambda _why: None, REQUEST_TIMEOUT_NS, call
        )

    # --- the dead-man's switch

    def arm(self, command: ArmDeadMan) -> None:
        """Arm, push back or disarm, read back, and say how it stands."""
        asked_at_ns = self._seat.clock()
        kind = DeadManKind(self._seat.exchange.rules.dead_man.kind.value)
        keys = self._keys(command.instruments)

        def told(status: DeadManStatus, detail: str = "", *, read_back: bool = False) -> DeadManChanged:
            return DeadManChanged(
                account=self._seat.account,
                kind=kind,
                status=status,
                seconds=command.seconds,
                read_back=read_back,
                detail=detail,
                asked_at_ns=asked_at_ns,
            )

        def work() -> DeadManChanged:
            switches = self._seat.exchange.dead_man
            # Lifts a lock-out, where the venue has one; elsewhere every arming pushes back by itself.
            switches.heartbeat(self._seat.holder)
            for key in keys:
                refusal = switches.arm(self._seat.holder, command.seconds, key)
                if refusal is not None:
                    return told(DeadManStatus.REFUSED, refusal.detail)
            if not command.seconds and kind is DeadManKind.NATIVE_TIMER:
                return told(DeadManStatus.OFF, read_back=True)
            found = {one.key: one.seconds for one in switches.states(self._seat.holder)}
            wrong = [key for key in keys if found.get(key) != command.seconds]
            if wrong:
                return told(DeadManStatus.FAILED, f"it reads back as {found.get(wrong[0])}", read_back=True)
            return told(DeadManStatus.ARMED, read_back=True)

        if kind is DeadManKind.WS_DISCONNECT:
            for key in keys:
                self._seat.link.streams.keep_alive(key)
        self._seat.link.request(
            work,
            self._seat.put,
            lambda why: self._seat.put(told(DeadManStatus.FAILED, why)),
            ARM_TIMEOUT_NS,
            Call(
                name="dead_man",
                sent_ms=self.signing_ms(),
                refuse=lambda refusal: told(DeadManStatus.FAILED, refusal.detail),
            ),
        )

    def heartbeat(self) -> None:
        """The private connection shows that it lives, where a switch watches it."""
        self._seat.link.streams.heartbeat()

    def _keys(self, instruments: tuple[InstrumentId, ...]) -> tuple[str, ...]:
        """What the venue's switches must cover for orders on these instruments."""
        found = [one.instrument for name in instruments if (one := self._seat.exchange.listing(name)) is not None]
        match self._seat.exchange.rules.dead_man.scope:
            case DeadManScope.SYMBOL:
                keys = [str(one.id) for one in found]
            case DeadManScope.UNDERLYING:
                keys = [one.underlying for one in found]
            case DeadManScope.PRODUCT:
                keys = [product_of(one) for one in found]
            case _:
                keys = [""]
        return tuple(dict.fromkeys(keys))
