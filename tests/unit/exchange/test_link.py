"""The in-process link on virtual time: every way in which a request can go, with an exchange at its end."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.faults import Altered, LineFault, LineFaultKind, RequestFault, RequestFaultKind
from hedgebot.exchange.latency import Latencies, Latency
from hedgebot.exchange.link import Link
from hedgebot.exchange.link_types import Call, LinkSpec
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.timeline import Timeline
from hedgebot.exchange.types import Ack, EndpointClass, OrderRequest, OrderType, Refusal, RefusalReason, SimPosition

MS = 1_000_000
PERP = InstrumentId("bybit:linear:BTCUSDT")
LEG = Latency.fixed(10.0)
SPEC = LinkSpec(latencies=Latencies(request=LEG, private=Latency.fixed(5.0), public=Latency.fixed(5.0)))


class Client:
    """A client that keeps what it learns, with the moment (ms since the start)."""

    def __init__(self, exchange: Exchange, spec: LinkSpec = SPEC, seed: int = 3) -> None:
        self.exchange = exchange
        self.timeline = Timeline(exchange)
        self.link = Link(exchange, "main", self.timeline, spec, seed=seed)
        self.start_ns = exchange.now_ns
        self.log: list[tuple[float, str, Any]] = []

    def ms(self) -> float:
        return (self.timeline.now_ns - self.start_ns) / MS

    def note(self, name: str, word: Any = None) -> None:
        self.log.append((self.ms(), name, word))

    def place(self, client_id: str, timeout_ms: int = 1_000, **call: Any) -> None:
        request = OrderRequest(
            account="main",
            instrument=PERP,
            side=Side.BUY,
            type=OrderType.MARKET,
            qty_contracts=Decimal("0.01"),
            client_id=client_id,
        )
        how: Call[Ack | Refusal] = Call(
            name="place",
            instrument=PERP,
            pretend=lambda: Ack(order_id="never", client_id=client_id),
            refuse=lambda refusal: refusal,
            **call,
        )
        self.link.request(
            lambda: self.exchange.place(request),
            lambda answer: self.note(client_id, answer.reason if isinstance(answer, Refusal) else "ack"),
            partial(self.note, client_id),
            timeout_ms * MS,
            how,
        )

    def ask(self, answered: Callable[[Any], None], **call: Any) -> None:
        self.link.request(
            lambda: self.exchange.positions("main"),
            answered,
            partial(self.note, "lost"),
            1_000 * MS,
            Call(name="query.positions", empty=lambda _: (), **call),
        )

    def run(self, ms: float) -> None:
        self.timeline.advance(self.timeline.now_ns + round(ms * MS))

    def exists(self, client_id: str) -> bool:
        return self.exchange.order("main", client_id=client_id) is not None


@pytest.fixture
def client(exchange: Exchange) -> Client:
    return Client(exchange)


def test_a_request_takes_a_leg_each_way(client: Client) -> None:
    client.place("a")
    client.run(9.9)
    assert not client.exists("a")
    client.run(0.2)
    assert client.exists("a")
    assert client.log == []
    client.run(10)
    assert client.log == [(20.0, "a", "ack")]
    client.run(2_000)
    # The timeout of an answered request tells nothing.
    assert len(client.log) == 1


K = RequestFaultKind


@pytest.mark.parametrize(
    ("fault", "log", "executed"),
    [
        (RequestFault(kind=K.REQUEST_LOST), [(1_000.0, "timeout")], False),
        (RequestFault(kind=K.REQUEST_LOST, told=True), [(10.0, "connection lost")], False),
        (RequestFault(kind=K.ACK_LOST), [(1_000.0, "timeout")], True),
        (RequestFault(kind=K.ACK_LOST, told=True), [(20.0, "connection lost")], True),
        (RequestFault(kind=K.ACK_FALSE), [(20.0, "ack")], False),
        (RequestFault(kind=K.REFUSE), [(20.0, "an error that says nothing")], False),
        (RequestFault(kind=K.REFUSE, executed=True), [(20.0, "an error that says nothing")], True),
        (RequestFault(kind=K.REFUSE, reason="overloaded"), [(20.0, "overloaded")], False),
        (RequestFault(kind=K.REFUSE, reason="rate_limited", executed=True), [(20.0, "rate_limited")], True),
        (RequestFault(kind=K.DELAY, delay_ms=300), [(320.0, "ack")], True),
        (RequestFault(kind=K.DELAY, delay_ms=2_000), [(1_000.0, "timeout")], True),
        (RequestFault(kind=K.ACK_DELAY, delay_ms=300), [(320.0, "ack")], True),
        (RequestFault(kind=K.ACK_DUPLICATE), [(20.0, "ack"), (20.0, "ack")], True),
        (RequestFault(kind=K.GARBLE), [(20.0, "unreadable")], True),
    ],
    ids=lambda value: f"{value.kind}{value.executed}{value.told}{value.reason}" if hasattr(value, "kind") else None,
)
def test_what_happens_to_a_request(
    client: Client, fault: RequestFault, log: list[tuple[float, str]], executed: bool
) -> None:
    client.link.add(fault)
    client.place("a")
    client.run(4_000)
    assert [(at_ms, word) for at_ms, _, word in client.log] == log
    assert client.exists("a") is executed
    assert [one.on for one in client.link.faults.struck] == ["place"]
    client.place("b")
    client.run(100)
    assert client.log[-1][1:] == ("b", "ack")


def test_a_position_list_says_flat(client: Client) -> None:
    client.place("a")
    client.run(50)
    found: list[Any] = []
    client.link.add(RequestFault(kind=K.EMPTY, request="query.positions"))
    for _ in range(2):
        client.ask(found.append)
        client.run(50)
    assert [len(one) for one in found] == [0, 1]


def test_figures_in_an_answer_are_wrong(client: Client) -> None:
    client.place("a")
    client.run(50)

    def alter(rows: tuple[SimPosition, ...], how: Altered) -> tuple[SimPosition, ...]:
        factor = Decimal(str(how.factor))
        return tuple(msgspec.structs.replace(row, mark_price=row.mark_price * factor) for row in rows)

    found: list[Any] = []
    client.link.add(RequestFault(kind=K.ALTER, request="query", altered=Altered(fields=("mark_price",), factor=0.84)))
    for _ in range(2):
        client.ask(found.append, alter=alter)
        client.run(50)
    wrong, right = (float(rows[0].mark_price) for rows in found)
    assert wrong == pytest.approx(0.84 * right, rel=1e-3)


def test_faults_pick_by_name_and_instrument(client: Client) -> None:
    client.link.add(RequestFault(kind=K.REQUEST_LOST, request="cancel", count=None))
    client.link.add(RequestFault(kind=K.REQUEST_LOST, instrument="bybit:linear:ETHUSDT", count=None))
    client.place("a")
    client.run(50)
    assert client.exists("a")
    assert list(client.link.faults.struck) == []


# --- rules of the venue on arrival


def test_a_skewed_clock_is_refused_unread(client: Client) -> None:
    client.link.set_clock(offset_ms=-6_000)
    client.place("late")
    client.run(50)
    client.link.set_clock(offset_ms=1_500)
    client.place("early")
    client.run(50)
    client.link.set_clock()
    client.link.venue_skew_ms = 6_000
    client.place("venue")
    client.run(50)
    assert [word for _, _, word in client.log] == [RefusalReason.OUTSIDE_WINDOW] * 3
    assert not any(client.exists(name) for name in ("late", "early", "venue"))
    client.link.heal()
    client.place("right")
    client.run(50)
    assert client.log[-1][2] == "ack"


def test_a_clock_gains(client: Client) -> None:
    client.link.set_clock(offset_ms=-250, ppm=500.0)
    true_ms = client.timeline.now_ns // MS
    client.run(20_000)
    assert client.link.client_ms() - true_ms == 20_000 - 250 + 10


def test_a_request_that_comes_too_late_is_refused(client: Client) -> None:
    client.link.add(RequestFault(kind=K.DELAY, delay_ms=7_000))
    client.place("a", timeout_ms=20_000)
    client.run(8_000)
    assert client.log == [(7_020.0, "a", RefusalReason.OUTSIDE_WINDOW)]
    client.link.add(RequestFault(kind=K.DELAY, delay_ms=7_000))
    client.place("b", timeout_ms=20_000, window_ms=10_000)
    client.run(8_000)
    assert client.log[-1][2] == "ack"


def test_a_ban_is_an_answer(client: Client) -> None:
    client.exchange.limits.ban(client.exchange.now_ns + 500 * MS, client.link.address)
    client.place("a")
    client.run(50)
    client.run(500)
    client.place("b")
    client.run(50)
    assert [word for _, _, word in client.log] == [RefusalReason.BANNED, "ack"]


def test_queries_have_budgets(scenario: Scenario, start_ns: int) -> None:
    client = Client(Exchange(msgspec.structs.replace(scenario, rate_limits=True), start_ns))
    found: list[Any] = []
    for _ in range(60):
        client.ask(found.append, endpoint=EndpointClass.QUERY_POSITIONS)
    client.run(100)
    assert len(found) == 50
    assert {word for _, _, word in client.log} == {"rate_limited"}


# --- lines of requests


def test_requests_are_refused_vanish_or_wait(client: Client) -> None:
    for number, kind in enumerate((LineFaultKind.REFUSE, LineFaultKind.HALF_OPEN, LineFaultKind.FREEZE)):
        client.link.add(LineFault(kind=kind, stream="requests", seconds=0.2))
        client.place(f"n{number}")
        client.run(2_000)
    assert [(name, word) for _, name, word in client.log] == [("n0", "refused"), ("n1", "timeout"), ("n2", "ack")]
    at_ms = [at for at, _, _ in client.log]
    assert at_ms == [10.0, 3_000.0, 4_220.0]
    assert [client.exists(f"n{number}") for number in range(3)] == [False, False, True]


def test_everyday_loss_has_its_rate_and_repeats_with_the_seed(scenario: Scenario, start_ns: int) -> None:
    spec = msgspec.structs.replace(SPEC, request_lost=0.1, ack_lost=0.2)

    def day(seed: int) -> list[tuple[float, str, Any]]:
        client = Client(Exchange(scenario, start_ns), spec, seed)
        for number in range(200):
            client.place(f"n{number}")
            client.run(30)
        client.run(2_000)
        lost = [name for _, name, word in client.log if word == "timeout"]
        executed = [name for name in lost if client.exists(name)]
        assert 30 < len(lost) < 90
        assert 15 < len(executed) < 65
        assert len(client.log) == 200
        return client.log

    first = day(3)
    assert first == day(3)
    assert [one[2] for one in first] != [one[2] for one in day(4)]
