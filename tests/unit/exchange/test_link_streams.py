"""News and market data on their streams: order, loss, repetition, silence, and connections that come and go."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.faults import Altered, LineFault, LineFaultKind, PushFault, PushFaultKind
from hedgebot.exchange.latency import Latencies, Latency
from hedgebot.exchange.link import Link
from hedgebot.exchange.link_types import LinkSpec, Push
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.timeline import Timeline
from hedgebot.exchange.types import Ack, OrderRequest, OrderType

MS = 1_000_000
FIXED = LinkSpec(
    latencies=Latencies(
        request=Latency.fixed(10.0), private=Latency.fixed(5.0), public=Latency(floor_ms=1, median_ms=4, p99_ms=40)
    )
)
Make = Callable[..., "Reader"]
P, L = PushFaultKind, LineFaultKind


class Reader:
    """A client that reads numbered news."""

    def __init__(self, exchange: Exchange, spec: LinkSpec = FIXED, seed: int = 5) -> None:
        self.exchange = exchange
        self.timeline = Timeline(exchange)
        self.link = Link(exchange, "main", self.timeline, spec, seed=seed)
        self.link.streams.on_stream = lambda stream, up, why: self.told.append((self.ms(), stream, up, why))
        self.start_ns = exchange.now_ns
        self.read: list[Any] = []
        self.at_ms: list[float] = []
        self.told: list[tuple[float, str, bool, str]] = []

    def ms(self) -> float:
        return (self.timeline.now_ns - self.start_ns) / MS

    def _take(self, what: Any) -> None:
        self.read.append(what)
        self.at_ms.append(self.ms())

    def push(self, number: int, topic: str = "order", instrument: str = "x") -> None:
        self.link.news(
            Push(
                deliver=lambda: self._take(number),
                topic=topic,
                instrument=instrument,
                unreadable=lambda: self._take("?"),
                altered=lambda how: self._take(number * how.factor),
            )
        )

    def run(self, ms: float) -> None:
        self.timeline.advance(self.timeline.now_ns + round(ms * MS))


@pytest.fixture
def make(scenario: Scenario, start_ns: int) -> Make:
    return lambda **how: Reader(Exchange(scenario, start_ns), **how)


@pytest.fixture
def reader(make: Make) -> Reader:
    return make()


def pushed(reader: Reader, count: int = 4, gap_ms: float = 1.0) -> list[Any]:
    for number in range(1, count + 1):
        reader.push(number)
        reader.run(gap_ms)
    reader.run(500)
    return reader.read


@pytest.mark.parametrize(
    ("fault", "read"),
    [
        (PushFault(kind=P.MUTE, count=1), [2, 3, 4]),
        (PushFault(kind=P.MUTE, topic="position"), [1, 2, 3, 4]),
        (PushFault(kind=P.MUTE, instrument="y"), [1, 2, 3, 4]),
        (PushFault(kind=P.DUPLICATE, count=1), [1, 1, 2, 3, 4]),
        (PushFault(kind=P.REORDER, count=1), [2, 1, 3, 4]),
        (PushFault(kind=P.GARBLE, count=1), ["?", 2, 3, 4]),
        (PushFault(kind=P.ALTER, count=1, altered=Altered(factor=-1.0)), [-1.0, 2, 3, 4]),
        # What follows on the stream waits with it.
        (PushFault(kind=P.DELAY, count=1, delay_ms=50), [1, 2, 3, 4]),
    ],
    ids=lambda value: f"{value.kind}-{value.topic}{value.instrument}" if isinstance(value, PushFault) else "",
)
def test_what_happens_to_news(reader: Reader, fault: PushFault, read: list[Any]) -> None:
    reader.link.add(fault)
    assert pushed(reader) == read
    if fault.kind is P.DELAY:
        assert reader.at_ms == [55.0] * 4


def test_a_muted_topic_is_silent_while_heartbeats_go_on(reader: Reader) -> None:
    reader.link.add(PushFault(kind=P.MUTE, seconds=60))
    beats: list[float] = []
    for _ in range(3):
        reader.link.streams.alive("private", lambda: beats.append(reader.ms()))
        reader.run(1_000)
    assert pushed(reader) == []
    assert beats == [5.0, 1_005.0, 2_005.0]


def test_a_push_without_a_successor_is_released(reader: Reader) -> None:
    reader.link.add(PushFault(kind=P.REORDER, count=1, delay_ms=80))
    reader.push(1)
    reader.run(200)
    assert (reader.read, reader.at_ms) == ([1], [85.0])


def test_a_slow_message_holds_the_rest_of_its_stream(reader: Reader) -> None:
    for number in range(200):
        reader.link.market(lambda number=number: reader._take(number))  # type: ignore[misc]
        reader.run(1)
    reader.run(20_000)
    assert reader.read == list(range(200))
    assert reader.at_ms == sorted(reader.at_ms)
    assert len({round(at - sent, 3) for sent, at in enumerate(reader.at_ms)}) > 50


def test_a_frozen_stream_gives_everything_afterwards_and_a_half_open_one_nothing(make: Make) -> None:
    frozen = make()
    frozen.link.add(LineFault(kind=L.FREEZE, stream="private", seconds=0.1))
    assert pushed(frozen) == [1, 2, 3, 4]
    assert frozen.at_ms == [100.0] * 4
    gone = make()
    gone.link.add(LineFault(kind=L.HALF_OPEN, stream="private", seconds=0.007))
    # At 6 ms and before what arrives is gone; nobody was told, and later news come.
    assert pushed(gone) == [3, 4]
    assert gone.told == []


def test_a_freeze_without_an_end_ends_when_it_is_healed(reader: Reader) -> None:
    reader.link.add(LineFault(kind=L.FREEZE))
    assert pushed(reader) == []
    reader.link.heal()
    reader.run(1)
    assert reader.read == [1, 2, 3, 4]


def test_what_is_under_way_is_gone_with_its_connection(reader: Reader) -> None:
    reader.push(1)
    reader.run(2)
    reader.link.streams.drop("private")
    assert not reader.link.private_up
    assert reader.link.streams.is_up("public")
    reader.push(2)
    # A leg until the client knows, a second until it dials, a handshake of two legs.
    reader.run(1_029.9)
    assert reader.read == []
    assert reader.told == [(12.0, "private", False, "connection lost")]
    reader.run(1)
    assert [one[2] for one in reader.told] == [False, True]
    reader.push(3)
    reader.run(10)
    assert reader.read == [3]


def test_a_door_that_stays_shut_is_tried_again(reader: Reader) -> None:
    reader.link.add(LineFault(kind=L.REFUSE, stream="private", seconds=2.5))
    reader.link.streams.drop()
    reader.run(10_000)
    private = [(up, why) for _, stream, up, why in reader.told if stream == "private"]
    assert private == [(False, "connection lost"), (False, "refused"), (False, "refused"), (True, "connected")]
    assert [up for _, stream, up, _ in reader.told if stream == "public"] == [False, True]


def test_connections_are_slow_and_are_cut_again(make: Make) -> None:
    reader = make(spec=msgspec.structs.replace(FIXED, reconnect_ms=None))
    reader.link.add(LineFault(kind=L.SLOW, stream="private", delay_ms=9_000, count=1))
    reader.link.add(LineFault(kind=L.CUT, stream="private", delay_ms=1_000, count=1))
    reader.link.streams.drop("private")
    reader.run(5_000)
    assert [one[2] for one in reader.told] == [False]
    reader.link.streams.connect("private")
    reader.run(20_000)
    assert reader.told[1:] == [(14_020.0, "private", True, "connected"), (15_030.0, "private", False, "cut")]
    assert [one.fault.kind for one in reader.link.faults.struck] == [L.SLOW, L.CUT]  # type: ignore[attr-defined]
    reader.link.streams.connect("private")
    reader.run(100)
    assert reader.link.private_up


def test_everyday_trouble_of_pushes_repeats_with_the_seed(make: Make) -> None:
    spec = msgspec.structs.replace(FIXED, push_lost=0.1, push_duplicated=0.1, push_reordered=0.1)
    one, two, other = (make(spec=spec, seed=seed) for seed in (5, 5, 6))
    read = pushed(one, 200)
    assert read == pushed(two, 200)
    assert read != pushed(other, 200)
    assert 160 < len(set(read)) < 195
    assert len(read) > len(set(read))
    assert read != sorted(read)


def test_the_dead_mans_switch_sees_the_private_stream(scenario: Scenario, start_ns: int) -> None:
    first = msgspec.structs.replace(scenario.accounts[0], dead_man=True)
    allowed = msgspec.structs.replace(scenario, accounts=(first, *scenario.accounts[1:]))
    reader = Reader(Exchange(allowed, start_ns), msgspec.structs.replace(FIXED, reconnect_ms=2_000.0))
    exchange = reader.exchange
    assert exchange.dead_man.arm("main", 3, "derivatives") is None
    reader.link.streams.keep_alive("derivatives")
    answer = exchange.place(
        OrderRequest(
            account="main",
            instrument=InstrumentId("bybit:linear:BTCUSDT"),
            side=Side.BUY,
            type=OrderType.LIMIT,
            qty_contracts=Decimal("0.1"),
            limit_price=Decimal(80_000),
        )
    )
    assert isinstance(answer, Ack)
    reader.link.streams.drop("private")
    reader.run(2_100)
    assert reader.link.private_up
    # Back, but the countdown runs until it is heard of.
    assert exchange.dead_man.due_ns() is not None
    reader.link.streams.heartbeat()
    assert exchange.dead_man.due_ns() is None
    reader.run(10_000)
    assert len(exchange.open_orders("main")) == 1
    reader.link.add(LineFault(kind=L.REFUSE, stream="private"))
    reader.link.streams.drop("private")
    reader.run(2_999)
    assert len(exchange.open_orders("main")) == 1
    reader.run(1)
    assert exchange.open_orders("main") == ()
