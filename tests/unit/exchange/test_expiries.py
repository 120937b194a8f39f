from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import OptionType
from hedgebot.exchange.expiries import (
    inverse_future_expiries,
    inverse_future_symbol,
    linear_future_expiries,
    linear_future_symbol,
    nanoseconds,
    option_expiries,
    option_symbol,
)
from hedgebot.exchange.listings import make_listings
from hedgebot.exchange.scenario import Scenario, UnderlyingSpec

PRICES = {"BTC": 90_000.0, "ETH": 3_000.0}
SPEC = UnderlyingSpec(name="X", start_price=1.0)


def test_a_symbol_reads_like_the_venues() -> None:
    expiry = datetime(2026, 12, 4, 8, tzinfo=UTC)
    assert option_symbol("BTC", expiry, Decimal(90_000), OptionType.CALL) == "BTC-4DEC26-90000-C-USDT"
    assert option_symbol("ETH", expiry, Decimal(3_000), OptionType.PUT) == "ETH-4DEC26-3000-P-USDT"


def test_expiries_are_distinct_and_ahead() -> None:
    spec = UnderlyingSpec(name="X", start_price=1.0, option_expiries_days=(0.0, 0.1, 9.0))
    now = int(datetime(2026, 11, 24, 7, 59, tzinfo=UTC).timestamp()) * 10**9
    assert [one.day for one in option_expiries(spec, now)] == [24, 25, 3]


def test_expiries_in_seconds_take_their_day(scenario: Scenario, start_ns: int) -> None:
    spec = UnderlyingSpec(name="BTC", start_price=90_000.0, option_expiries_days=(0.0, 1.0), option_expiries_s=(4.5,))
    first, second = option_expiries(spec, start_ns)
    assert first.timestamp() * 1e9 == start_ns + 5_000_000_000
    assert second == datetime(2026, 11, 25, 8, tzinfo=UTC)
    world = msgspec.structs.replace(scenario, underlyings=(spec,))
    ids = [one.instrument.id for one in make_listings(world, PRICES, start_ns)]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("now", "week", "quarter"),
    [
        (datetime(2026, 11, 24, 2, tzinfo=UTC), (11, 27), (12, 25)),
        (datetime(2026, 11, 27, 7, 59, tzinfo=UTC), (11, 27), (12, 25)),
        (datetime(2026, 11, 27, 8, tzinfo=UTC), (12, 4), (12, 25)),
        (datetime(2026, 12, 25, 9, tzinfo=UTC), (1, 1), (3, 26)),
    ],
)
def test_futures_end_on_fridays_and_with_quarters(
    now: datetime, week: tuple[int, int], quarter: tuple[int, int]
) -> None:
    linear = linear_future_expiries(SPEC, nanoseconds(now))
    assert [(one.month, one.day) for one in linear] == [week, quarter]
    assert all((one.weekday(), one.hour) == (4, 8) and one > now for one in linear)
    assert [(one.month, one.day) for one in inverse_future_expiries(SPEC, nanoseconds(now))] == [quarter]


def test_a_week_that_ends_a_quarter_is_one_expiry() -> None:
    now = nanoseconds(datetime(2026, 12, 23, tzinfo=UTC))
    assert len(linear_future_expiries(SPEC, now)) == 1
    soon = msgspec.structs.replace(SPEC, future_expiries_s=(60.0,))
    assert linear_future_expiries(soon, now)[0].timestamp() * 1e9 == now + 60 * 10**9
    assert len(inverse_future_expiries(soon, now)) == 1, "one a month, the nearest"


def test_symbols_of_futures_read_like_the_venues() -> None:
    at = datetime(2026, 7, 3, 8, tzinfo=UTC)
    assert linear_future_symbol("BTC", "USDT", at) == "BTCUSDT-03JUL26"
    assert linear_future_symbol("BTC", "USDC", at) == "BTC-03JUL26"
    assert [inverse_future_symbol("ETH", at.replace(month=one)) for one in (3, 6, 9, 12)] == [
        "ETHUSDH26",
        "ETHUSDM26",
        "ETHUSDU26",
        "ETHUSDZ26",
    ]
