"""Which request or frame meets a fault, and for how long."""

import msgspec
import pytest

from hedgebot.exchange.faultbook import FAULTS_MAX, TooManyFaults
from hedgebot.exchange.faults import LineFault, LineFaultKind, OrderFault, OrderFaultKind
from hedgebot.exchange.scenario import WeatherSpec
from hedgebot.exchange.wire.faults import (
    ConnectFault,
    ConnectFaultKind,
    Fault,
    FaultPlane,
    HttpFault,
    HttpFaultKind,
    SocketFault,
    SocketFaultKind,
    matches,
    on_the_wire,
)

CREATE = "/v5/order/create"


@pytest.fixture
def plane() -> FaultPlane:
    return FaultPlane(WeatherSpec(), 1)


def test_a_fault_counts_down(plane: FaultPlane) -> None:
    plane.add(HttpFault(kind=HttpFaultKind.STATUS, endpoint="order/create", count=2))
    assert plane.for_request("/v5/order/cancel") is None
    met = [plane.for_request(CREATE) is not None for _ in range(4)]
    assert met == [True, True, False, False]
    assert plane.active == ()


def test_a_fault_without_count_stays(plane: FaultPlane) -> None:
    plane.add(HttpFault(kind=HttpFaultKind.DELAY, count=None))
    assert all(plane.for_request(CREATE) for _ in range(10))
    plane.skew_ms = 5
    plane.clear()
    assert (plane.active, plane.skew_ms) == ((), 0)


def test_frames_are_picked_by_channel_account_and_topic(plane: FaultPlane) -> None:
    plane.add(SocketFault(kind=SocketFaultKind.MUTE, channel="private", account="book", topic="execution"))
    assert plane.for_frame("private", "book", "execution.linear") is not None
    assert plane.for_frame("private", "other", "execution") is None
    assert plane.for_frame("private", "book", "order") is None
    assert plane.for_frame("linear", None, "execution") is None
    # Pongs and replies have no topic and pass.
    assert plane.for_frame("private", "book", None) is None


def test_a_fault_of_frames_counts_only_what_it_meets(plane: FaultPlane) -> None:
    plane.add(SocketFault(kind=SocketFaultKind.DUPLICATE, topic="tickers", count=1))
    assert plane.for_frame("linear", None, "orderbook.1.BTCUSDT") is None
    assert plane.for_frame("linear", None, "tickers.BTCUSDT") is not None
    assert plane.for_frame("linear", None, "tickers.BTCUSDT") is None


def test_time_ends_a_fault(plane: FaultPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 100.0
    monkeypatch.setattr("time.monotonic_ns", lambda: int(now_s * 1e9))
    plane.add(SocketFault(kind=SocketFaultKind.FREEZE, channel="public", seconds=2.0))
    assert plane.frozen("spot", None)
    assert not plane.frozen("private", "book")
    now_s = 102.5
    assert not plane.frozen("spot", None)


def test_logins_meet_only_faults_of_logins(plane: FaultPlane) -> None:
    plane.add(SocketFault(kind=SocketFaultKind.MUTE))
    plane.add(SocketFault(kind=SocketFaultKind.REFUSE_AUTH, channel="trade", count=1))
    assert plane.for_login("private", "book") is None
    met = [plane.for_login("trade", "book") for _ in range(2)]
    assert [one.kind if one else None for one in met] == [SocketFaultKind.REFUSE_AUTH, None]


def test_requests_are_picked_by_account(plane: FaultPlane) -> None:
    plane.add(HttpFault(kind=HttpFaultKind.ACK_LOST, account="book"))
    assert plane.for_request(CREATE, "other") is None
    assert plane.for_request(CREATE) is None
    assert plane.for_request(CREATE, "book") is not None


def test_one_socket_can_be_picked(plane: FaultPlane) -> None:
    plane.add(SocketFault(kind=SocketFaultKind.HALF_OPEN, session="sim2-private"))
    assert plane.half_open("private", "book", "sim2-private")
    assert not plane.half_open("private", "book", "sim1-private")
    assert not plane.frozen("private", "book", "sim2-private")
    assert plane.for_frame("private", "book", "order", "sim2-private") is None


def test_connections_meet_faults_of_connections(plane: FaultPlane) -> None:
    plane.add(ConnectFault(kind=ConnectFaultKind.HANG, channel="public", count=2))
    assert plane.for_connection("rest") is None
    assert plane.for_connection("spot") is not None
    assert plane.hangs("linear")
    assert plane.for_connection("option") is not None
    assert not plane.hangs("linear")


def test_faults_are_ended_by_number(plane: FaultPlane) -> None:
    numbers = [
        plane.add(one)
        for one in (
            HttpFault(kind=HttpFaultKind.STATUS),
            SocketFault(kind=SocketFaultKind.MUTE, seconds=60),
            ConnectFault(kind=ConnectFaultKind.REFUSE),
        )
    ]
    assert numbers == [1, 2, 3]
    assert [plane.end(2), plane.end(2)] == [True, False]
    left = [(one["type"], one["number"], one["struck"]) for one in plane.active]
    assert left == [("http", 1, 0), ("connect", 3, 0)]


def test_the_list_is_bounded(plane: FaultPlane) -> None:
    for _ in range(FAULTS_MAX):
        plane.add(HttpFault(kind=HttpFaultKind.STATUS))
    with pytest.raises(TooManyFaults):
        plane.add(HttpFault(kind=HttpFaultKind.STATUS))


def test_the_weather_is_seeded() -> None:
    weather = WeatherSpec(ack_lost_probability=0.3)
    one, two = (FaultPlane(weather, 5) for _ in range(2))
    draws = [one.loses_ack() for _ in range(200)]
    assert draws == [two.loses_ack() for _ in range(200)]
    assert 30 < sum(draws) < 90
    assert not any(FaultPlane(WeatherSpec(), 5).loses_ack() for _ in range(50))
    stormy = FaultPlane(WeatherSpec(request_lost_probability=0.2, push_lost_probability=0.2), 5)
    assert 20 < sum(stormy.loses_request() for _ in range(200)) < 60
    assert {stormy.pushes() for _ in range(100)} == {0, 1}
    twins = FaultPlane(WeatherSpec(push_duplicate_probability=0.5), 5)
    assert {twins.pushes() for _ in range(100)} == {1, 2}
    assert {FaultPlane(WeatherSpec(), 5).pushes() for _ in range(100)} == {1}


def test_delays_stay_in_their_range() -> None:
    plane = FaultPlane(WeatherSpec(ack_delay_ms=2.0, ack_delay_jitter_ms=3.0, push_delay_ms=1.5), 1)
    assert all(0.002 <= plane.ack_delay_s() <= 0.005 for _ in range(100))
    assert plane.push_delay_s == 0.0015


def test_faults_are_read_from_json() -> None:
    made = msgspec.json.decode(b'{"type": "socket", "kind": "mute", "channel": "private"}', type=Fault)
    assert made == SocketFault(kind=SocketFaultKind.MUTE, channel="private")
    order = msgspec.json.decode(b'{"type": "order", "kind": "pieces", "pieces": 5}', type=Fault)
    assert order == OrderFault(kind=OrderFaultKind.PIECES, pieces=5)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"type": "http", "kind": "mute"}', type=Fault)


@pytest.mark.parametrize(
    ("wanted", "channel", "picked"),
    [("", "trade", True), ("public", "option", True), ("public", "private", False), ("spot", "linear", False)],
)
def test_public_means_every_public_channel(wanted: str, channel: str, picked: bool) -> None:
    assert matches(wanted, channel) is picked


@pytest.mark.parametrize(
    ("kind", "stream", "made", "channel"),
    [
        (LineFaultKind.FREEZE, "", SocketFaultKind.FREEZE, ""),
        (LineFaultKind.HALF_OPEN, "private", SocketFaultKind.HALF_OPEN, "private"),
        (LineFaultKind.REFUSE, "requests", ConnectFaultKind.REFUSE, "rest"),
        (LineFaultKind.SLOW, "public", ConnectFaultKind.SLOW, "public"),
        (LineFaultKind.CUT, "", ConnectFaultKind.CUT, ""),
    ],
)
def test_the_neutral_words_for_lines_are_carried_out_here(
    kind: LineFaultKind, stream: str, made: SocketFaultKind | ConnectFaultKind, channel: str
) -> None:
    fault = on_the_wire(LineFault(kind=kind, stream=stream, seconds=5.0, delay_ms=70.0, account="main"))
    assert isinstance(fault, (SocketFault, ConnectFault))
    assert (fault.kind, fault.channel, fault.seconds, fault.account) == (made, channel, 5.0, "main")
    if kind in {LineFaultKind.SLOW, LineFaultKind.CUT}:
        assert fault.delay_ms == 70.0
