"""Faults on order: what the test plane can break, for how many requests or frames, and what breaks by weather.

Owns the list of active faults (at most 100) and the seeded weather. It decides what happens to a request or frame and
leaves the doing to the transport. Times are seconds of the event loop's clock.
"""

import random
import time
from enum import StrEnum
from typing import Annotated

import msgspec

from hedgebot.exchange.scenario import WeatherSpec

FAULTS_MAX = 100


class HttpFaultKind(StrEnum):
    """What happens to a matching request."""

    STATUS = "status"  # an HTTP status, not executed
    RET_CODE = "ret_code"  # a return code, not executed
    REQUEST_LOST = "request_lost"  # the connection drops, not executed
    ACK_LOST = "ack_lost"  # executed, the reply is lost
    DELAY = "delay"  # executed after a pause
    GARBLE = "garble"  # executed, the reply is no JSON


class SocketFaultKind(StrEnum):
    """What happens to frames towards a matching socket."""

    MUTE = "mute"  # frames of the topic are dropped while pongs go on
    DELAY = "delay"
    DUPLICATE = "duplicate"
    REORDER = "reorder"  # the frame leaves after the next one of its socket, or after delay_ms when there is none
    GARBLE = "garble"
    WRONG_TYPE = "wrong_type"  # well-formed JSON whose values in `data` are of other types
    FREEZE = "freeze"  # nothing at all is sent, not even pongs
    REFUSE_AUTH = "refuse_auth"


class HttpFault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag="http"):
    """Applies to the next `count` requests (None: all) whose path contains `endpoint`; orders on the trade socket too.

    `order.create` on the trade socket has the path `/v5/order/create`.
    """

    kind: HttpFaultKind
    endpoint: str = ""
    count: int | None = 1
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] = 502
    code: int = 10016
    message: str = "Server error"
    retry_after_s: int | None = None
    delay_ms: float = 1_000.0


class SocketFault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag="socket"):
    """Applies to sockets of a channel (public, linear, spot, option, inverse, private, trade; empty: all).

    `topic` is a prefix of topics, `account` a name, both empty for any. Ends after `count` frames or `seconds`.
    """

    kind: SocketFaultKind
    channel: str = ""
    account: str = ""
    topic: str = ""
    count: int | None = None
    seconds: float | None = None
    delay_ms: float = 1_000.0
    ends_at_s: float | None = None


Fault = HttpFault | SocketFault
PUBLIC = ("linear", "inverse", "spot", "option")


class TooManyFaults(ValueError):
    """The list of faults is full."""


class FaultPlane:
    """Active faults, and the weather."""

    def __init__(self, weather: WeatherSpec, seed: int) -> None:
        self.weather = weather
        self.skew_ms = 0
        self._random = random.Random(seed)
        self._faults: list[Fault] = []

    @property
    def active(self) -> tuple[Fault, ...]:
        """Faults that are not over."""
        self._expire()
        return tuple(self._faults)

    def add(self, fault: Fault) -> None:
        """Start a fault; raises TooManyFaults."""
        self._expire()
        if len(self._faults) >= FAULTS_MAX:
            msg = f"{FAULTS_MAX} faults are active already"
            raise TooManyFaults(msg)
        if isinstance(fault, SocketFault) and fault.seconds is not None:
            fault.ends_at_s = time.monotonic() + fault.seconds
        self._faults.append(fault)

    def clear(self) -> None:
        """End all faults and the skew; the weather stays."""
        self._faults.clear()
        self.skew_ms = 0

    def _expire(self) -> None:
        now_s = time.monotonic()
        self._faults = [
            one
            for one in self._faults
            if not (isinstance(one, SocketFault) and one.ends_at_s and one.ends_at_s <= now_s)
        ]

    def _spend(self, fault: Fault) -> None:
        if fault.count is not None:
            fault.count -= 1
            if fault.count <= 0:
                self._faults.remove(fault)

    def for_request(self, path: str) -> HttpFault | None:
        """The fault that this request meets; counts it."""
        for fault in self._faults:
            if isinstance(fault, HttpFault) and fault.endpoint in path:
                self._spend(fault)
                return fault
        return None

    def for_frame(self, channel: str, account: str | None, topic: str | None) -> SocketFault | None:
        """The fault that a frame meets; counts it. Control frames (`topic` None) meet none here."""
        if not self._faults or topic is None:
            return None
        self._expire()
        for fault in self._faults:
            if (
                isinstance(fault, SocketFault)
                and fault.kind not in {SocketFaultKind.FREEZE, SocketFaultKind.REFUSE_AUTH}
                and _picks(fault, channel, account)
                and topic.startswith(fault.topic)
            ):
                self._spend(fault)
                return fault
        return None

    def frozen(self, channel: str, account: str | None) -> bool:
        """Whether a socket may send nothing now."""
        return self._any(SocketFaultKind.FREEZE, channel, account) is not None

    def refuses_auth(self, channel: str, account: str | None) -> bool:
        """Whether this login is refused; counts it."""
        fault = self._any(SocketFaultKind.REFUSE_AUTH, channel, account)
        if fault is not None:
            self._spend(fault)
        return fault is not None

    def _any(self, kind: SocketFaultKind, channel: str, account: str | None) -> SocketFault | None:
        if not self._faults:
            return None
        self._expire()
        for fault in self._faults:
            if isinstance(fault, SocketFault) and fault.kind is kind and _picks(fault, channel, account):
                return fault
        return None

    # --- weather

    def loses_ack(self) -> bool:
        """Whether an order request's reply is lost by weather although it was carried out."""
        chance = self.weather.ack_lost_probability
        return chance > 0 and self._random.random() < chance

    def ack_delay_s(self) -> float:
        """How long the reply to an order request takes."""
        weather = self.weather
        return (weather.ack_delay_ms + weather.ack_delay_jitter_ms * self._random.random()) / 1_000

    @property
    def push_delay_s(self) -> float:
        """How long account news takes to the socket."""
        return self.weather.push_delay_ms / 1_000


def _picks(fault: SocketFault, channel: str, account: str | None) -> bool:
    return matches(fault.channel, channel) and (not fault.account or fault.account == account)


def matches(wanted: str, channel: str) -> bool:
    """Whether a wanted channel ("" any, "public" any public one) is this channel."""
    return not wanted or wanted == channel or (wanted == "public" and channel in PUBLIC)
