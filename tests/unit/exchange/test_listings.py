from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.errors import ConfigError
from hedgebot.domain.instrument import InstrumentKind, OptionType
from hedgebot.exchange.listings import expiries, find_holding, make_listings, option_symbol, strike_step, strikes
from hedgebot.exchange.scenario import Scenario, UnderlyingSpec

PRICES = {"BTC": 90_000.0, "ETH": 3_000.0}


def test_every_product_is_listed_once(scenario: Scenario, start_ns: int) -> None:
    listings = make_listings(scenario, PRICES, start_ns)
    ids = [one.instrument.id for one in listings]
    assert len(set(ids)) == len(ids) == 66
    assert [i for i in ids if ":option:" not in i] == [
        "bybit:spot:BTCUSDT",
        "bybit:linear:BTCUSDT",
        "bybit:linear:BTCPERP",
        "bybit:spot:ETHUSDT",
        "bybit:linear:ETHUSDT",
        "bybit:linear:ETHPERP",
    ]
    perp = next(one for one in listings if one.instrument.symbol == "BTCPERP")
    assert (perp.instrument.settle, perp.instrument.tick_size) == ("USDC", Decimal("0.1"))
    assert perp.instrument.funding_interval_hours == 8.0
    for one in listings:
        if one.instrument.kind is InstrumentKind.LINEAR_OPTION:
            assert one.instrument.expiry_ns is not None
            at = datetime.fromtimestamp(one.instrument.expiry_ns / 1e9, UTC)
            assert (at.hour, at.minute) == (8, 0)
            assert at.timestamp() * 1e9 > start_ns


def test_expiries_in_seconds_take_their_day(scenario: Scenario, start_ns: int) -> None:
    spec = UnderlyingSpec(name="BTC", start_price=90_000.0, option_expiries_days=(0.0, 1.0), option_expiries_s=(4.5,))
    first, second = expiries(spec, start_ns)
    assert first.timestamp() * 1e9 == start_ns + 5_000_000_000
    assert second == datetime(2026, 11, 25, 8, tzinfo=UTC)
    world = msgspec.structs.replace(scenario, underlyings=(spec,))
    ids = [one.instrument.id for one in make_listings(world, PRICES, start_ns)]
    assert len(set(ids)) == len(ids)


def test_a_symbol_reads_like_the_venues() -> None:
    expiry = datetime(2026, 12, 4, 8, tzinfo=UTC)
    assert option_symbol("BTC", expiry, Decimal(90_000), OptionType.CALL) == "BTC-4DEC26-90000-C-USDT"
    assert option_symbol("ETH", expiry, Decimal(3_000), OptionType.PUT) == "ETH-4DEC26-3000-P-USDT"


@pytest.mark.parametrize(("price", "step"), [(90_000.0, "2000"), (3_000.0, "100"), (150.0, "5"), (1.0, "0.02")])
def test_strikes_are_round_numbers(price: float, step: str) -> None:
    spec = UnderlyingSpec(name="X", start_price=price)
    assert strike_step(spec, price) == Decimal(step)
    around = strikes(spec, price)
    assert around[0] < Decimal(str(price)) < around[-1]
    assert len(around) == 5


def test_expiries_are_distinct_and_ahead() -> None:
    spec = UnderlyingSpec(name="X", start_price=1.0, option_expiries_days=(0.0, 0.1, 9.0))
    now = int(datetime(2026, 11, 24, 7, 59, tzinfo=UTC).timestamp()) * 10**9
    assert [one.day for one in expiries(spec, now)] == [24, 25, 3]


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
