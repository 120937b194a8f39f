import time
from decimal import Decimal

import msgspec
import numpy as np
import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.liquidity import load_liquidity
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.pricepath import STEPS_PER_BLOCK, PathBlock
from hedgebot.exchange.scenario import Scenario, TokenSpec
from hedgebot.exchange.types import InstrumentStatus
from hedgebot.exchange.world import World


class Flat:
    """A path at one price that stops for the second hundred steps."""

    start_price = 50_000.0

    def next_block(self) -> PathBlock:
        prices = np.full(STEPS_PER_BLOCK, 50_000.0)
        live = np.ones(STEPS_PER_BLOCK, dtype=np.bool_)
        live[100:200] = False
        return PathBlock(
            index=prices,
            spot=prices,
            perp=prices * 1.001,
            mark=np.full(STEPS_PER_BLOCK, np.nan),
            stress=np.ones(STEPS_PER_BLOCK),
            live=live,
        )

    def afresh(self) -> "Flat":
        return self


def test_marks_stand_between_index_and_book(scenario: Scenario, start_ns: int) -> None:
    world = World(scenario, start_ns, {"BTC": Flat()})
    for _ in range(50):
        world.step()
    perp = world.markets[next(iter(world.perps))]
    assert perp.id == "bybit:linear:BTCUSDT"
    assert world.mark(perp) == Decimal("50050.00")
    assert world.index(perp) == Decimal("50000.00")
    assert perp.ladder.bid_tick < 500_500 < perp.ladder.ask_tick


def test_a_stopped_path_is_told_once_each_way(scenario: Scenario, start_ns: int) -> None:
    world = World(scenario, start_ns, {"BTC": Flat()})
    changes = [(number, coin.live) for number in range(1, 400) for coin in world.step()]
    assert changes == [(100, False), (200, True)]
    assert world.status(next(iter(world.markets.values()))) is InstrumentStatus.TRADING


def test_the_crowd_prints_at_its_pace(scenario: Scenario, start_ns: int) -> None:
    world = World(scenario, start_ns, {"BTC": Flat()})
    market = world.markets[next(iter(world.perps))]
    trades: list[tuple[Side, int]] = []
    for _ in range(2_000):
        world.step()
        trades += world.prints(market)
        assert world.prints(market) == world.prints(market), "asking changes nothing"
    law = load_liquidity().book(market.instrument.kind, "BTC")
    assert len(trades) == pytest.approx(200 * law.trades_per_s, rel=0.1)
    assert all(lots >= 1 for _, lots in trades)


def test_a_coins_books_are_made_thin_and_wide(scenario: Scenario, start_ns: int) -> None:
    plain, thin = World(scenario, start_ns, {"BTC": Flat()}), World(scenario, start_ns, {"BTC": Flat()})
    thin.set_liquidity("BTC", 0.1)
    plain.step()
    thin.step()
    name = InstrumentId("bybit:linear:BTCUSDT")
    depths = [sum(lots for _, lots in one.markets[name].ladder.levels(Side.BUY)) for one in (plain, thin)]
    assert depths[1] == pytest.approx(0.1 * depths[0], rel=0.01)
    spreads = [one.markets[name].ladder.ask_tick - one.markets[name].ladder.bid_tick for one in (plain, thin)]
    assert spreads[1] >= spreads[0]
    eth = InstrumentId("bybit:linear:ETHUSDT")
    assert list(plain.markets[eth].ladder.levels(Side.BUY)) == list(thin.markets[eth].ladder.levels(Side.BUY))
    for liquidity in (0.0, -1.0, 21.0, float("nan")):
        with pytest.raises(ValueError, match="liquidity of BTC"):
            thin.set_liquidity("BTC", liquidity)
    with pytest.raises(KeyError):
        thin.set_liquidity("DOGE", 0.5)


def test_a_step_is_fast(scenario: Scenario, start_ns: int) -> None:
    """Six linear instruments and sixty options; the bound is generous, the machine is shared."""
    world = World(scenario, start_ns, {})
    started = time.perf_counter()
    for number in range(300):
        world.step()
        if number % 10 == 0:
            for coin in world.coins.values():
                world.remark_options(coin)
    assert (time.perf_counter() - started) / 300 < 0.005


def test_shocks_multiply_and_stay_over_blocks(scenario: Scenario, start_ns: int) -> None:
    calm, shocked = World(scenario, start_ns, {}), World(scenario, start_ns, {})
    shocked.shock("BTC", 2.0)
    shocked.shock("BTC", 0.4)
    assert shocked.coins["BTC"].index == calm.coins["BTC"].index, "nothing moves before the next step"
    for _ in range(STEPS_PER_BLOCK + 3):
        calm.step()
        shocked.step()
        assert shocked.coins["BTC"].index == pytest.approx(0.8 * calm.coins["BTC"].index)
    assert shocked.coins["ETH"].index == calm.coins["ETH"].index
    for name in ("bybit:spot:BTCUSDT", "bybit:linear:BTCUSDT"):
        plain, moved = (one.markets[InstrumentId(name)].ladder.bid_tick for one in (calm, shocked))
        assert moved / plain == pytest.approx(0.8, rel=1e-4)
    mark = shocked.mark(shocked.markets[InstrumentId("bybit:linear:BTCUSDT")])
    assert float(mark) == pytest.approx(shocked.coins["BTC"].index, rel=0.002)


def test_a_shock_out_of_bounds_changes_nothing(scenario: Scenario, start_ns: int) -> None:
    world = World(scenario, start_ns, {})
    for ratio in (0.0, -1.0, 0.009, 101.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="BTC"):
            world.shock("BTC", ratio)
    with pytest.raises(KeyError):
        world.shock("DOGE", 2.0)
    assert world.coins["BTC"].shifted == 1.0


def test_usd_prices(scenario: Scenario, start_ns: int) -> None:
    world = World(msgspec.structs.replace(scenario), start_ns, {"BTC": Flat()})
    assert world.usd_price("BTC") == 50_000.0
    assert world.usd_price("USDC") == 1.0
    assert world.usd_price("DOGE") == 0.0


def test_a_token_is_worth_what_it_stands_for(scenario: Scenario, start_ns: int) -> None:
    tokens = (TokenSpec(name="WBTC", underlying="BTC", ratio=0.5),)
    world = World(msgspec.structs.replace(scenario, tokens=tokens), start_ns, {"BTC": Flat()})
    assert world.usd_price("WBTC") == 25_000.0


def test_a_stablecoin_that_loses_its_peg_moves_what_is_quoted_in_it_and_what_it_is_worth(
    scenario: Scenario, start_ns: int
) -> None:
    def after(coin: str, usd_price: float) -> Exchange:
        exchange = Exchange(msgspec.structs.replace(scenario, step_ms=1_000), start_ns)
        exchange._world.repeg(coin, usd_price)
        exchange.advance(start_ns + 300_000_000_000)
        return exchange

    calm, broken = after("USDC", 1.0), after("USDC", 0.9)
    usdt, usdc = InstrumentId("bybit:linear:BTCUSDT"), InstrumentId("bybit:linear:BTCPERP")
    assert broken.ticker(usdt) == calm.ticker(usdt)
    one, other = broken.ticker(usdc), calm.ticker(usdc)
    for moved, before in ((one.mark, other.mark), (one.index, other.index), (one.bid, other.bid)):
        assert moved is not None
        assert before is not None
        assert float(moved) == pytest.approx(float(before) / 0.9, rel=1e-4)
    wallet = {coin.coin: coin for coin in broken.wallet("main").coins}
    assert wallet["USDC"].usd_price == 0.9
    assert wallet["USDC"].usd_value == pytest.approx(0.9 * float(wallet["USDC"].equity))
    assert calm.wallet("main").equity_usd - broken.wallet("main").equity_usd == pytest.approx(10_000)


def test_only_stablecoins_have_a_peg_and_it_stays_in_bounds(scenario: Scenario, start_ns: int) -> None:
    world = Exchange(scenario, start_ns)._world
    for coin in ("BTC", "USD", "DAI"):
        with pytest.raises(KeyError):
            world.repeg(coin, 0.9)
    with pytest.raises(ValueError, match="usd_price of USDT is 0"):
        world.repeg("USDT", 0.0)
    assert world.usd_price("USDT") == 1.0
