"""A world with troubles: without one it is the plain world, and with one the path's arrays stay as they are."""

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.troubles.bent import BentWorld
from hedgebot.exchange.types import InstrumentStatus
from hedgebot.exchange.world import World

BTCUSDT = InstrumentId("bybit:linear:BTCUSDT")


def test_without_a_trouble_it_is_the_plain_world(scenario: Scenario, start_ns: int) -> None:
    plain, bent = World(scenario, start_ns, {}), BentWorld(scenario, start_ns, {})
    bent.bend("BTC")
    for _ in range(50):
        plain.step()
        bent.step()
        assert plain.coins["BTC"].index == bent.coins["BTC"].index
    assert plain.mark(plain.markets[BTCUSDT]) == bent.mark(bent.markets[BTCUSDT])


def test_a_bend_leaves_the_path_alone(scenario: Scenario, start_ns: int) -> None:
    world = BentWorld(scenario, start_ns, {})
    before = world.coins["BTC"].block.index.copy(), world.coins["BTC"].block.live.copy()
    held = world.coins["BTC"].index
    world.bend("BTC").is_index_halted = True
    world.bend("BTC").volatility = 3.0
    for _ in range(20):
        world.step()
    assert world.coins["BTC"].index == held
    block = world.coins["BTC"].block
    assert ((block.index == before[0]).all(), (block.live == before[1]).all()) == (True, True)


def test_marks_and_statuses_are_bent_by_instrument(scenario: Scenario, start_ns: int) -> None:
    world = BentWorld(scenario, start_ns, {})
    market = world.markets[BTCUSDT]
    right = world.mark(market)
    world.mark_ratios = {BTCUSDT: 2.0}
    world.suspended = frozenset({BTCUSDT})
    assert (world.mark(market), world.status(market)) == (2 * right, InstrumentStatus.SUSPENDED)
    other = world.markets[InstrumentId("bybit:linear:ETHUSDT")]
    assert world.status(other) is InstrumentStatus.TRADING
