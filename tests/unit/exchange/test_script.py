from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import numpy as np
import pytest

from hedgebot.domain.errors import ConfigError
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import OrderStatus
from hedgebot.exchange.faults import OrderFault, OrderFaultKind
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.playback import Bars, RecordedPath
from hedgebot.exchange.scenario import (
    AccountSpec,
    ClientFlowSpec,
    EventSpec,
    FlowChange,
    RecordingSpec,
    Scenario,
    WeatherSpec,
    problems,
)
from hedgebot.exchange.trouble import PriceShock
from hedgebot.exchange.types import Ack, Notice, OrderRequest, OrderType, Scripted

START_NS = 1_795_485_600_000_000_000
S = 1_000_000_000


def shock(at_s: float, ratio: float) -> EventSpec:
    return EventSpec(at_s=at_s, trouble=PriceShock(underlying="BTC", ratio=ratio))


def with_events(scenario: Scenario, *events: EventSpec) -> Scenario:
    flow = ClientFlowSpec(account="main", enabled=False)
    return msgspec.structs.replace(scenario, events=events, client_flow=flow)


def test_an_event_happens_at_its_moment_and_not_before(scenario: Scenario) -> None:
    told: list[Notice] = []
    calm = Exchange(scenario, START_NS)
    hit = Exchange(with_events(scenario, shock(2.0, 0.9), shock(1.0, 1.1)), START_NS)
    hit.listen(told.append)
    for at_s, ratio in ((0.9, 1.0), (1.0, 1.1), (1.9, 1.1), (2.0, 0.99), (30.0, 0.99)):
        calm.advance(START_NS + int(at_s * S))
        hit.advance(START_NS + int(at_s * S))
        assert hit.index_price("BTC") / calm.index_price("BTC") == pytest.approx(ratio), at_s
        assert hit.index_price("ETH") == calm.index_price("ETH")
    assert [one.event.at_s for one in told if isinstance(one, Scripted)] == [1.0, 2.0]


def test_events_of_one_moment_keep_the_order_of_the_file(scenario: Scenario) -> None:
    told: list[Notice] = []
    exchange = Exchange(with_events(scenario, shock(1.0, 2.0), shock(0.5, 1.0), shock(1.0, 0.5)), START_NS)
    exchange.listen(told.append)
    exchange.advance(START_NS + 60 * S)
    played = [one.event.trouble for one in told if isinstance(one, Scripted)]
    assert [one.ratio for one in played if isinstance(one, PriceShock)] == [1.0, 2.0, 0.5]


def test_however_time_is_cut_the_script_plays_alike(scenario: Scenario) -> None:
    world = with_events(scenario, shock(1.25, 0.95), EventSpec(at_s=2.0, flow=FlowChange(trades_per_minute=600.0)))
    whole, pieces = Exchange(world, START_NS), Exchange(world, START_NS)
    whole.advance(START_NS + 20 * S)
    for step in range(1, 81):
        pieces.advance(START_NS + step * S // 4)
    assert whole.executions("main") == pieces.executions("main") != ()
    assert whole.index_price("BTC") == pieces.index_price("BTC")


def test_the_client_trades_from_the_event_on(scenario: Scenario) -> None:
    change = EventSpec(at_s=10.0, flow=FlowChange(trades_per_minute=600.0))
    exchange = Exchange(with_events(scenario, change), START_NS)
    exchange.advance(START_NS + 10 * S - 1)
    assert exchange.executions("main") == ()
    exchange.advance(START_NS + 20 * S)
    assert len(exchange.executions("main")) > 30
    assert min(one.at_ns for one in exchange.executions("main")) >= START_NS + 10 * S


def test_a_moment_of_the_recording_is_found_at_any_speed(scenario: Scenario) -> None:
    hours = np.arange(4, dtype=np.int64) * 3_600 * S + int(datetime(2025, 10, 10, 20, tzinfo=UTC).timestamp()) * S
    flat = np.full(4, 100.0)
    bars = Bars(times_ns=hours, step_ns=3_600 * S, opens=flat, highs=flat, lows=flat, closes=flat)
    path = RecordedPath(
        perp=bars, spot=None, minutes=None, underlying=scenario.underlyings[0], speed=3_600.0, step_s=0.1
    )
    trouble = PriceShock(underlying="BTC", ratio=0.5)
    event = EventSpec(at=datetime(2025, 10, 10, 21, 30), trouble=trouble)  # noqa: DTZ001  (a file's time without zone is UTC)
    recorded = msgspec.structs.replace(
        with_events(scenario, event), recordings=(RecordingSpec(underlying="BTC", perp_bars="x"),)
    )
    exchange = Exchange(recorded, START_NS, {"BTC": path})
    exchange.advance(START_NS + int(1.4 * S))
    before = exchange.index_price("BTC")
    exchange.advance(START_NS + int(1.5 * S))
    assert exchange.index_price("BTC") == pytest.approx(before / 2)
    with pytest.raises(ConfigError, match="needs a recording to count on"):
        Exchange(recorded, START_NS)


def test_a_trouble_that_cannot_be_is_told_once_with_its_moment(scenario: Scenario) -> None:
    exchange = Exchange(with_events(scenario, shock(1.0, 0.02), shock(2.0, 0.02)), START_NS)
    with pytest.raises(ConfigError, match=r"scenario test: event of at_s = 2: .*must stay in 0.01 to 100"):
        exchange.advance(START_NS + 3 * S)
    exchange.advance(START_NS + 4 * S)
    assert exchange.now_ns == START_NS + 4 * S


def limit_order(client_id: str) -> OrderRequest:
    return OrderRequest(
        account="main",
        instrument=InstrumentId("bybit:linear:BTCUSDT"),
        side=Side.BUY,
        type=OrderType.LIMIT,
        qty_contracts=Decimal("0.01"),
        limit_price=Decimal(80_000),
        client_id=client_id,
    )


def test_written_faults_strike_the_next_orders_and_no_earlier_or_later_ones(scenario: Scenario) -> None:
    reject = OrderFault(kind=OrderFaultKind.REJECT, count=3)
    exchange = Exchange(with_events(scenario, EventSpec(at_s=30.0, faults=(reject,))), START_NS)

    def outcomes(label: str, count: int) -> list[OrderStatus]:
        found = []
        for number in range(count):
            answer = exchange.place(limit_order(f"{label}-{number}"))
            assert isinstance(answer, Ack), "a rejection comes after the acknowledgement"
            order = exchange.order("main", order_id=answer.order_id)
            assert order is not None
            found.append(order.status)
        return found

    exchange.advance(START_NS + 30 * S - 1)
    assert outcomes("before", 2) == [OrderStatus.OPEN] * 2
    exchange.advance(START_NS + 30 * S)
    assert outcomes("after", 5) == [OrderStatus.REJECTED] * 3 + [OrderStatus.OPEN] * 2


def test_more_written_faults_than_there_is_room_for_are_named(scenario: Scenario) -> None:
    event = EventSpec(at_s=1.0, faults=(OrderFault(kind=OrderFaultKind.REJECT),) * 101)
    exchange = Exchange(with_events(scenario, event), START_NS)
    with pytest.raises(ConfigError, match="event of at_s = 1: "):
        exchange.advance(START_NS + 2 * S)


@pytest.mark.parametrize(
    ("event", "path", "sentence"),
    [
        (EventSpec(weather=WeatherSpec()), (), "at_s .* or at"),
        (EventSpec(at_s=-1.0, weather=WeatherSpec()), ("at_s",), "it must be 0 to"),
        (EventSpec(at_s=1.0), (), "needs what happens"),
        (EventSpec(at_s=1.0, flow=FlowChange()), ("flow",), "there is no client_flow"),
        (EventSpec(at=datetime(2025, 1, 1, tzinfo=UTC), weather=WeatherSpec()), ("at",), "nothing recorded"),
        (
            EventSpec(at_s=1.0, trouble=PriceShock(underlying="SOL", ratio=1.0)),
            ("trouble", "underlying"),
            r"is 'SOL', it must be one of \['BTC', 'ETH'\]",
        ),
        (
            EventSpec(at_s=1.0, faults=(OrderFault(kind=OrderFaultKind.REJECT, account="mian"),)),
            ("faults", 0, "account"),
            r"account of an order fault is 'mian', it must be one of \['main'",
        ),
    ],
)
def test_an_event_that_makes_no_sense_is_named(
    scenario: Scenario, event: EventSpec, path: tuple[str | int, ...], sentence: str
) -> None:
    found = list(problems(msgspec.structs.replace(scenario, events=(event,))))
    assert [one for one, _ in found] == [("events", 0, *path)]
    with pytest.raises(ConfigError, match=sentence):
        Exchange(msgspec.structs.replace(scenario, events=(event,)), START_NS)


def test_the_weather_is_told_for_the_wire(scenario: Scenario) -> None:
    told: list[Notice] = []
    stormy = WeatherSpec(ack_lost_probability=0.5)
    spec = AccountSpec(name="main", api_key="k", api_secret="s", coins={})
    world = msgspec.structs.replace(
        scenario, accounts=(spec,), events=(EventSpec(at_s=0.5, note="a storm", weather=stormy),)
    )
    exchange = Exchange(world, START_NS)
    exchange.listen(told.append)
    exchange.advance(START_NS + S)
    (one,) = (notice for notice in told if isinstance(notice, Scripted))
    assert one.event.weather == stormy
