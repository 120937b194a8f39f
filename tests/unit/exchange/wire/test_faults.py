"""Which request or frame meets a fault, and for how long."""

import msgspec
import pytest

from hedgebot.exchange.scenario import WeatherSpec
from hedgebot.exchange.wire.faults import (
    FAULTS_MAX,
    Fault,
    FaultPlane,
    HttpFault,
    HttpFaultKind,
    SocketFault,
    SocketFaultKind,
    TooManyFaults,
    matches,
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
    monkeypatch.setattr("time.monotonic", lambda: now_s)
    plane.add(SocketFault(kind=SocketFaultKind.FREEZE, channel="public", seconds=2.0))
    assert plane.frozen("spot", None)
    assert not plane.frozen("private", "book")
    now_s = 102.5
    assert not plane.frozen("spot", None)


def test_a_login_is_refused_as_often_as_asked(plane: FaultPlane) -> None:
    plane.add(SocketFault(kind=SocketFaultKind.REFUSE_AUTH, channel="trade", count=1))
    assert [plane.refuses_auth("trade", "book") for _ in range(2)] == [True, False]
    assert not plane.refuses_auth("private", "book")


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


def test_delays_stay_in_their_range() -> None:
    plane = FaultPlane(WeatherSpec(ack_delay_ms=2.0, ack_delay_jitter_ms=3.0, push_delay_ms=1.5), 1)
    assert all(0.002 <= plane.ack_delay_s() <= 0.005 for _ in range(100))
    assert plane.push_delay_s == 0.0015


def test_faults_are_read_from_json() -> None:
    made = msgspec.json.decode(b'{"type": "socket", "kind": "mute", "channel": "private"}', type=Fault)
    assert made == SocketFault(kind=SocketFaultKind.MUTE, channel="private")
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"type": "http", "kind": "mute"}', type=Fault)


@pytest.mark.parametrize(
    ("wanted", "channel", "picked"),
    [("", "trade", True), ("public", "option", True), ("public", "private", False), ("spot", "linear", False)],
)
def test_public_means_every_public_channel(wanted: str, channel: str, picked: bool) -> None:
    assert matches(wanted, channel) is picked
