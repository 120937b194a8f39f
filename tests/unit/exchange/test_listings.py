from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.errors import ConfigError
from hedgebot.domain.instrument import InstrumentKind, OptionType
from hedgebot.exchange.chaintape import OptionSeen
from hedgebot.exchange.listings import find_holding, make_listings, strike_step, strikes
from hedgebot.exchange.scenario import Scenario, UnderlyingSpec

PRICES = {"BTC": 90_000.0, "ETH": 3_000.0}


def test_every_product_is_listed_once(scenario: Scenario, start_ns: int) -> None:
    listings = make_listings(scenario, PRICES, start_ns)
    ids = [one.instrument.id for one in listings]
    assert len(set(ids)) == len(ids) == 78
    assert [i.removeprefix("bybit:") for i in ids if ":option:" not in i] == [
        "spot:BTCUSDT",
        "linear:BTCUSDT",
        "linear:BTCPERP",
        "inverse:BTCUSD",
        "spot:ETHUSDT",
        "linear:ETHUSDT",
        "linear:ETHPERP",
        "inverse:ETHUSD",
        "linear:BTCUSDT-27NOV26",
        "linear:BTC-27NOV26",
        "linear:BTCUSDT-25DEC26",
        "linear:BTC-25DEC26",
        "inverse:BTCUSDZ26",
        "linear:ETHUSDT-27NOV26",
        "linear:ETH-27NOV26",
        "linear:ETHUSDT-25DEC26",
        "linear:ETH-25DEC26",
        "inverse:ETHUSDZ26",
    ]
    assert all(one.launched_at_ns < start_ns for one in listings)
    by_symbol = {one.instrument.id.removeprefix("bybit:"): one for one in listings}
    perp = by_symbol["linear:BTCPERP"]
    assert (perp.instrument.settle, perp.instrument.tick_size) == ("USDC", Decimal("0.1"))
    assert perp.instrument.funding_interval_hours == 8.0
    inverse = by_symbol["inverse:BTCUSD"].instrument
    assert (inverse.quote, inverse.settle, inverse.lot_size) == ("USD", "BTC", Decimal(1))
    future = by_symbol["inverse:BTCUSDZ26"]
    assert (future.delivery_rate, future.funding_interval_ns) == (Decimal("0.0005"), None)
    assert future.instrument.expiry_ns == int(datetime(2026, 12, 25, 8, tzinfo=UTC).timestamp()) * 10**9


def test_only_the_products_of_a_coin_are_listed(scenario: Scenario, start_ns: int) -> None:
    spec = msgspec.structs.replace(
        scenario.underlyings[0],
        products=(InstrumentKind.INVERSE_PERP, InstrumentKind.LINEAR_OPTION),
        option_settles=("USDC", "USDT"),
    )
    world = msgspec.structs.replace(scenario, underlyings=(spec,))
    listings = make_listings(world, PRICES, start_ns)
    assert {one.instrument.kind for one in listings} == set(spec.products)
    usdc = [one.instrument for one in listings if one.instrument.settle == "USDC"]
    assert len(usdc) == 30
    assert not any(one.symbol.endswith("-USDT") for one in usdc)
    held = find_holding("option:BTC/0/0/C", listings, world, 90_000.0)
    assert held in {one.id for one in usdc}, "the first settlement coin is meant"


@pytest.mark.parametrize(("price", "step"), [(90_000.0, "2000"), (3_000.0, "100"), (150.0, "5"), (1.0, "0.02")])
def test_strikes_are_round_numbers(price: float, step: str) -> None:
    spec = UnderlyingSpec(name="X", start_price=price)
    assert strike_step(spec, price) == Decimal(step)
    around = strikes(spec, price)
    assert around[0] < Decimal(str(price)) < around[-1]
    assert len(around) == 5


def test_holdings_are_found_by_symbol_and_by_place(scenario: Scenario, start_ns: int) -> None:
    listings = make_listings(scenario, PRICES, start_ns)
    assert find_holding("linear:BTCPERP", listings, scenario, 90_000.0) == "bybit:linear:BTCPERP"
    first = find_holding("option:BTC/0/0/C", listings, scenario, 90_000.0)
    chosen = next(one.instrument for one in listings if one.instrument.id == first)
    assert (chosen.strike, chosen.option_type) == (Decimal(90_000), OptionType.CALL)


@pytest.mark.parametrize(
    "name",
    ["linear:DOGE", "option:BTC/9/0/C", "option:BTC/0/7/C", "option:BTC/0/-7/C", "option:BTC/0/0/X", "option:X/1"],
)
def test_a_holding_that_is_not_listed_is_refused(scenario: Scenario, start_ns: int, name: str) -> None:
    listings = make_listings(scenario, PRICES, start_ns)
    with pytest.raises(ConfigError, match="holding"):
        find_holding(name, listings, scenario, 90_000.0)


def test_a_place_that_the_chain_lacks_is_told_with_what_the_chain_has(scenario: Scenario, start_ns: int) -> None:
    """A recorded chain has its own strikes; the scenario's place said only how places are written."""
    spec = scenario.underlyings[0]
    expiry_ns = int(datetime(2026, 12, 25, 8, tzinfo=UTC).timestamp()) * 10**9
    kinds = [(Decimal(70_000 + 4_000 * one), each) for one in range(12) for each in OptionType]
    seen = [OptionSeen(expiry_ns, strike, each, start_ns) for strike, each in kinds]
    listings = make_listings(scenario, PRICES, start_ns, {spec.name: seen})
    words = (
        r"its expiries are 0 \(2026-12-25\), the strikes of expiry 0 are 70000, 74000, 78000, 82000, \.\.\., "
        r"102000, 106000, 110000, 114000, not 92000"
    )
    with pytest.raises(ConfigError, match=words):
        find_holding("option:BTC/0/1/C", listings, scenario, 90_000.0)
    with pytest.raises(ConfigError, match=r"its expiries are 0 \(2026-12-25\)$"):
        find_holding("option:BTC/1/0/C", listings, scenario, 90_000.0)
