"""Faults of the wire: the neutral ones (`exchange/faults.py`) as HTTP and websockets show them, and those beyond.

Owns which request, frame, login and connection meets which fault, and the seeded weather. It decides what happens and
leaves the doing to the transport. Kinds that both faces know have the same name on both.
"""

import random
import time
from itertools import count
from typing import Annotated, assert_never

import msgspec

from hedgebot.exchange.faultbook import FaultBook, described
from hedgebot.exchange.faults import (
    Altered,
    Count,
    FaultBase,
    LineFault,
    LineFaultKind,
    Milliseconds,
    OrderFault,
    Worded,
)
from hedgebot.exchange.scenario import WeatherSpec

PUBLIC = ("linear", "inverse", "spot", "option")
Code = Annotated[int, msgspec.Meta(ge=1_000, le=4_999)]


class HttpFaultKind(Worded):
    """What happens to a matching request."""

    STATUS = "status", "answered with an HTTP status; not carried out, or carried out (`executed`)"
    RET_CODE = "ret_code", "answered with a return code on 200; not carried out, or carried out (`executed`)"
    REQUEST_LOST = "request_lost", "not carried out; the connection drops, or nothing is ever answered (`silent`)"
    ACK_LOST = "ack_lost", "carried out; the connection drops, or nothing is ever answered (`silent`)"
    ACK_FALSE = "ack_false", "not carried out, answered as if: an order id that never was"
    ACK_DELAY = "ack_delay", "carried out at once, answered after `delay_ms`"
    ACK_DUPLICATE = "ack_duplicate", "carried out, answered twice (the trade socket; over HTTP it cannot be)"
    DELAY = "delay", "carried out after `delay_ms`"
    EMPTY = "empty", "carried out, the answer's lists are empty"
    EMPTY_BODY = "empty_body", "carried out, status 200 with no body"
    GARBLE = "garble", "carried out, the answer is no JSON"
    TRUNCATE = "truncate", "carried out, half of the answer"
    WRONG_TYPE = "wrong_type", "carried out, every field of its rows has another type"
    NULL = "null", "carried out, the fields of its rows (`altered.fields`, else all) are null"
    UNKNOWN_WORD = "unknown_word", "carried out, enumerated fields have a word that nobody knows"
    HUGE = "huge", "carried out, 2 MB of answer"
    ALTER = "alter", "carried out, figures in its rows are wrong (`altered`)"


class SocketFaultKind(Worded):
    """What happens to frames towards a matching socket, to its login, or to the socket as a whole."""

    MUTE = "mute", "frames of the topic are dropped while pongs go on"
    DELAY = "delay", "the frame, and what follows it, leaves after `delay_ms`"
    DUPLICATE = "duplicate", "the frame is sent twice"
    REORDER = "reorder", "the frame leaves after the next one of its socket, or after delay_ms when there is none"
    GARBLE = "garble", "the frame is no JSON"
    TRUNCATE = "truncate", "half of the frame is sent"
    WRONG_TYPE = "wrong_type", "well-formed JSON whose values in `data` are of other types"
    NULL = "null", "the fields of its rows (`altered.fields`, else all) are null"
    UNKNOWN_WORD = "unknown_word", "enumerated fields have a word that nobody knows"
    HUGE = "huge", "a frame of 2 MB"
    ALTER = "alter", "figures in `data` are wrong (`altered`)"
    FREEZE = "freeze", "nothing at all is sent, not even pongs; everything comes when it is over"
    HALF_OPEN = "half_open", "the connection stands; what comes is not read, what would be sent is gone"
    REFUSE_AUTH = "refuse_auth", "the login is refused"
    DELAY_AUTH = "delay_auth", "the login is answered after delay_ms"
    EXPIRE_AUTH = "expire_auth", "the login is taken; after delay_ms the socket is closed as if the key had expired"


class ConnectFaultKind(Worded):
    """What happens to a new websocket or to an HTTP request before it is read."""

    REFUSE = "refuse", "the connection is reset"
    HANG = "hang", "accepted and never answered: no upgrade, no status"
    SLOW = "slow", "goes on after delay_ms"
    STATUS = "status", "answered with `status`"
    CUT = "cut", "websockets: delay_ms after the upgrade the connection drops, or is closed with `code`"


_OF_SOCKETS = (SocketFaultKind.FREEZE, SocketFaultKind.HALF_OPEN)
_OF_LOGINS = (SocketFaultKind.REFUSE_AUTH, SocketFaultKind.DELAY_AUTH, SocketFaultKind.EXPIRE_AUTH)


class HttpFault(FaultBase, frozen=True, kw_only=True, tag="http"):
    """Strikes requests whose path contains `endpoint` ("" all), by the account of their key; the trade socket's too.

    `order.create` on the trade socket has the path `/v5/order/create`.
    """

    kind: HttpFaultKind
    count: Count | None = 1
    endpoint: str = ""
    executed: bool = False
    silent: bool = False
    status: Annotated[int, msgspec.Meta(ge=200, le=599)] = 502
    code: int = 10016
    message: str = "Server error"
    retry_after_s: int | None = None
    body: str | None = None
    delay_ms: Milliseconds = 1_000.0
    altered: Altered = Altered()


class SocketFault(FaultBase, frozen=True, kw_only=True, tag="socket"):
    """Strikes sockets of a channel (public, linear, spot, option, inverse, private, trade; "" all).

    `topic` is a prefix of topics, `session` one socket (`GET sessions` names them); "" for any.
    """

    kind: SocketFaultKind
    channel: str = ""
    session: str = ""
    topic: str = ""
    delay_ms: Milliseconds = 1_000.0
    altered: Altered = Altered()


class ConnectFault(FaultBase, frozen=True, kw_only=True, tag="connect"):
    """Strikes new sockets of a channel, as above, and HTTP requests ("rest"); "" is everything but /admin."""

    kind: ConnectFaultKind
    channel: str = ""
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 503
    code: Code | None = None
    delay_ms: Milliseconds = 1_000.0


Fault = HttpFault | SocketFault | ConnectFault | OrderFault
"""What `POST /admin/faults` takes; order faults happen in the model, to both faces."""
WireFault = HttpFault | SocketFault | ConnectFault


class FaultPlane:
    """Active faults of the wire, and the weather. Reads the machine's monotonic clock: the wire runs on real time."""

    def __init__(self, weather: WeatherSpec, seed: int) -> None:
        self.weather = weather
        self.skew_ms = 0
        self._random = random.Random(seed)
        numbers = count(1)
        self._http: FaultBook[HttpFault] = FaultBook(seed, numbers)
        self._socket: FaultBook[SocketFault] = FaultBook(seed, numbers)
        self._connect: FaultBook[ConnectFault] = FaultBook(seed, numbers)

    @property
    def active(self) -> tuple[dict[str, object], ...]:
        """Faults that are not over, as values."""
        now_ns = time.monotonic_ns()
        return (
            *described(self._http, now_ns),
            *described(self._socket, now_ns),
            *described(self._connect, now_ns),
        )

    def add(self, fault: WireFault) -> int:
        """Start a fault; its number. Raises TooManyFaults."""
        now_ns = time.monotonic_ns()
        match fault:
            case HttpFault():
                return self._http.add(fault, now_ns)
            case SocketFault():
                return self._socket.add(fault, now_ns)
            case ConnectFault():
                return self._connect.add(fault, now_ns)

    def end(self, number: int) -> bool:
        """End one fault; False where there is none of that number."""
        return self._http.end(number) or self._socket.end(number) or self._connect.end(number)

    def clear(self) -> None:
        """End all faults and the skew; the weather stays."""
        self._http.clear()
        self._socket.clear()
        self._connect.clear()
        self.skew_ms = 0

    def for_request(self, path: str, account: str | None = None) -> HttpFault | None:
        """The fault that this request meets; counts it."""
        return self._http.strike(
            time.monotonic_ns(), lambda fault: fault.endpoint in path and fault.account in {"", account or ""}
        )

    def for_frame(self, channel: str, account: str | None, topic: str | None, session: str = "") -> SocketFault | None:
        """The fault that a frame meets; counts it. Control frames (`topic` None) meet none here."""
        if topic is None or self._socket.is_idle:
            return None
        return self._socket.strike(
            time.monotonic_ns(),
            lambda fault: (
                fault.kind not in _OF_SOCKETS
                and fault.kind not in _OF_LOGINS
                and _picks(fault, channel, account, session)
                and topic.startswith(fault.topic)
            ),
        )

    def frozen(self, channel: str, account: str | None, session: str = "") -> bool:
        """Whether a socket may send nothing now."""
        return self._stands(SocketFaultKind.FREEZE, channel, account, session)

    def half_open(self, channel: str, account: str | None, session: str = "") -> bool:
        """Whether a socket neither reads nor sends now."""
        return self._stands(SocketFaultKind.HALF_OPEN, channel, account, session)

    def _stands(self, kind: SocketFaultKind, channel: str, account: str | None, session: str) -> bool:
        return not self._socket.is_idle and (
            self._socket.holds(
                time.monotonic_ns(), lambda fault: fault.kind is kind and _picks(fault, channel, account, session)
            )
            is not None
        )

    def for_login(self, channel: str, account: str | None) -> SocketFault | None:
        """The fault that a login meets; counts it."""
        return self._socket.strike(
            time.monotonic_ns(), lambda fault: fault.kind in _OF_LOGINS and _picks(fault, channel, account, "")
        )

    def for_connection(self, channel: str) -> ConnectFault | None:
        """The fault that a new socket, or a request before it is read ("rest"), meets; counts it."""
        return self._connect.strike(time.monotonic_ns(), lambda fault: matches(fault.channel, channel))

    def hangs(self, channel: str) -> bool:
        """Whether what hangs there shall go on hanging."""
        return (
            self._connect.holds(
                time.monotonic_ns(),
                lambda fault: fault.kind is ConnectFaultKind.HANG and matches(fault.channel, channel),
            )
            is not None
        )

    # --- weather

    def loses_request(self) -> bool:
        """Whether an order request is lost by weather on its way in."""
        return self._chance(self.weather.request_lost_probability)

    def loses_ack(self) -> bool:
        """Whether an order request's reply is lost by weather although it was carried out."""
        return self._chance(self.weather.ack_lost_probability)

    def pushes(self) -> int:
        """How often a frame of account news is sent by weather: once, never or twice."""
        weather = self.weather
        if self._chance(weather.push_lost_probability):
            return 0
        return 2 if self._chance(weather.push_duplicate_probability) else 1

    def _chance(self, probability: float) -> bool:
        return probability > 0 and self._random.random() < probability

    def ack_delay_s(self) -> float:
        """How long the reply to an order request takes."""
        weather = self.weather
        return (weather.ack_delay_ms + weather.ack_delay_jitter_ms * self._random.random()) / 1_000

    @property
    def push_delay_s(self) -> float:
        """How long account news takes to the socket."""
        return self.weather.push_delay_ms / 1_000


def _picks(fault: SocketFault, channel: str, account: str | None, session: str) -> bool:
    return (
        matches(fault.channel, channel)
        and (not fault.account or fault.account == account)
        and (not fault.session or fault.session == session)
    )


def matches(wanted: str, channel: str) -> bool:
    """Whether a wanted channel ("" any, "public" any public one) is this channel."""
    return not wanted or wanted == channel or (wanted == "public" and channel in PUBLIC)


_CHANNELS = {"": "", "requests": "rest", "private": "private", "public": "public"}


def on_the_wire(fault: LineFault) -> WireFault:
    """A fault of connections, in the neutral words that both faces share, as this face carries it out."""
    channel = _CHANNELS.get(fault.stream, fault.stream)
    times = {name: getattr(fault, name) for name in FaultBase.__struct_fields__}
    match fault.kind:
        case LineFaultKind.FREEZE:
            return SocketFault(kind=SocketFaultKind.FREEZE, channel=channel, **times)
        case LineFaultKind.HALF_OPEN:
            return SocketFault(kind=SocketFaultKind.HALF_OPEN, channel=channel, **times)
        case LineFaultKind.REFUSE:
            return ConnectFault(kind=ConnectFaultKind.REFUSE, channel=channel, **times)
        case LineFaultKind.SLOW:
            return ConnectFault(kind=ConnectFaultKind.SLOW, channel=channel, delay_ms=fault.delay_ms, **times)
        case LineFaultKind.CUT:
            return ConnectFault(kind=ConnectFaultKind.CUT, channel=channel, delay_ms=fault.delay_ms, **times)
        case _:
            assert_never(fault.kind)
