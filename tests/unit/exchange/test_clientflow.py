import msgspec
import pytest

from hedgebot.domain.client_id import decode_client_id
from hedgebot.exchange.clientflow import ClientFlow
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import ClientFlowSpec, Scenario
from hedgebot.exchange.types import Execution
from hedgebot.exchange.world import World
from tests.unit.exchange.conftest import START_NS, calm_scenario

S = 1_000_000_000


@pytest.fixture(scope="module")
def busy() -> Scenario:
    flow = ClientFlowSpec(
        account="main",
        trades_per_minute=120.0,
        size_coin={"BTC": 0.08, "ETH": 1.5},
        bound_coin={"BTC": 0.3, "ETH": 6.0},
    )
    return msgspec.structs.replace(calm_scenario(), client_flow=flow)


@pytest.fixture(scope="module")
def played(busy: Scenario) -> tuple[Exchange, dict[str, float]]:
    """Five busy minutes, and the largest inventory of each coin; looked at only."""
    exchange, largest = Exchange(busy, START_NS), {"BTC": 0.0, "ETH": 0.0}
    flow = exchange._clockwork.flow
    assert flow is not None
    for second in range(3, 303, 3):
        exchange.advance(START_NS + second * S)
        for coin, amount in flow.inventory_coin.items():
            largest[coin] = max(largest[coin], abs(amount))
    return exchange, largest


def test_the_client_trades_every_product_but_never_the_hedges(played: tuple[Exchange, dict[str, float]]) -> None:
    exchange, _ = played
    rows = [row for row in exchange.executions("main") if isinstance(row, Execution)]
    assert 400 < len({row.order.order_id for row in rows}) < 800
    products = {":".join(row.instrument.split(":")[1:])[:10] for row in rows}
    assert {"spot:BTCUS", "spot:ETHUS", "linear:BTC", "linear:ETH", "option:BTC", "option:ETH"} == products
    assert not {row.instrument for row in rows} & {"bybit:linear:BTCUSDT", "bybit:linear:ETHUSDT"}
    for row in rows:
        assert decode_client_id(row.order.client_id) is None
        assert (row.order.client_id is not None) is (":option:" in row.instrument)
    ids = [row.order.client_id for row in rows if row.order.client_id]
    assert len(set(ids)) == len({row.order.order_id for row in rows if row.order.client_id})


def test_its_inventory_comes_back(played: tuple[Exchange, dict[str, float]]) -> None:
    _, largest = played
    assert 0.05 < largest["BTC"] < 0.9
    assert 1.0 < largest["ETH"] < 20.0


def test_it_waits_for_its_time_and_draws_nothing_while_off(busy: Scenario, start_ns: int) -> None:
    assert busy.client_flow is not None
    world = World(busy, start_ns, {})
    flow = ClientFlow(busy.client_flow, world, busy.seed)
    assert flow.due(start_ns) is None
    flow.switch(enabled=False, now_ns=start_ns)
    state = flow._random.bit_generator.state
    assert flow.due(start_ns + 3_600 * S) is None
    assert flow._random.bit_generator.state == state
    flow.switch(enabled=True, now_ns=start_ns + 3_600 * S)
    assert flow.due(start_ns + 3_600 * S) is None
    assert flow.due(start_ns + 7_200 * S) is not None
    assert flow.account == "main"
