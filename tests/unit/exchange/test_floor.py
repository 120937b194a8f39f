from decimal import Decimal

import msgspec

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.floor import cents
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.roll import Roll
from hedgebot.exchange.scenario import Scenario, UnderlyingSpec
from hedgebot.exchange.trouble import PriceShock, WrongMark
from hedgebot.exchange.types import InstrumentStatus
from hedgebot.exchange.world import World

DAY = 86_400_000_000_000


def test_cents_are_exact() -> None:
    assert cents(0.1 + 0.2) == Decimal("0.30")
    assert cents(90_000.004999) == Decimal("90000.00")


def test_what_is_new_is_quoted_and_what_closed_is_gone(scenario: Scenario, start_ns: int) -> None:
    world = World(scenario, start_ns, {})
    fresh = Roll(scenario.underlyings[0], start_ns).successors(95_000.0, start_ns + 5 * DAY)
    world.add(fresh)
    coin = world.coins["BTC"]
    for listing in fresh:
        market = world.markets[listing.instrument.id]
        assert market.listing.status is InstrumentStatus.PRE_LAUNCH
        assert world.mark(market) > 0
        assert market in (*coin.linear, *coin.options)
        assert market.tape.high >= market.tape.last >= market.tape.low > 0
    future = next(market for market in coin.linear if market.id == fresh[0].instrument.id)
    option = next(market for market in coin.options if market.id == fresh[-1].instrument.id)
    for market in (future, option):
        market.deliver(Decimal(96_000))
        world.close(market)
        assert market not in (*coin.linear, *coin.options)
        assert market.listing.status is InstrumentStatus.SETTLED
        assert world.mark(market) == market.instrument.delivery_value(Decimal(96_000))
        world.step()
        world.retire(market)
        assert market.id not in world.markets
    assert future.id not in world.futures
    assert option.id not in coin.board.marks


def test_a_fallen_price_is_never_nothing(scenario: Scenario, start_ns: int) -> None:
    coin = UnderlyingSpec(name="DOGE", start_price=0.15)
    exchange = Exchange(msgspec.structs.replace(scenario, underlyings=(coin,), step_ms=1_000), start_ns)
    exchange.strike(PriceShock(underlying="DOGE", ratio=0.02))
    exchange.strike(WrongMark(instrument=InstrumentId("bybit:linear:DOGEUSDT"), ratio=0.5, duration_s=60))
    exchange.advance(start_ns + 30 * 1_000_000_000)
    for one in exchange.listings():
        if one.instrument.kind.is_perp or one.instrument.kind.is_future:
            ticker = exchange.ticker(one.instrument.id)
            assert ticker.mark == ticker.index == Decimal("0.01")
