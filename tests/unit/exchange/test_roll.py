from datetime import UTC, datetime

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId, InstrumentKind
from hedgebot.exchange import clockwork
from hedgebot.exchange.expiries import moment, nanoseconds
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.roll import PRE_LAUNCH_NS, Roll
from hedgebot.exchange.scenario import Scenario, UnderlyingSpec
from hedgebot.exchange.types import InstrumentStatus, ListingChanged, Notice

S = 1_000_000_000
HOUR = 3_600 * S
START = nanoseconds(datetime(2026, 11, 24, 7, 59, 50, tzinfo=UTC))
SPEC = UnderlyingSpec(name="BTC", start_price=90_000.0, option_expiries_days=(0.0, 1.0, 9.0), option_strikes=1)


def days(roll: Roll, at: datetime) -> list[tuple[int, int]]:
    fresh = roll.successors(90_000.0, nanoseconds(at))
    ends = {moment(one.instrument.expiry_ns) for one in fresh if one.instrument.expiry_ns is not None}
    return [(one.month, one.day) for one in sorted(ends)]


def test_what_ends_is_followed_by_what_is_as_far_ahead() -> None:
    roll = Roll(SPEC, START)
    assert days(roll, datetime(2026, 11, 24, 8, tzinfo=UTC)) == [(11, 26)], "the 25th is taken: the next day"
    assert days(roll, datetime(2026, 11, 25, 8, tzinfo=UTC)) == [(11, 27)]
    # A Friday: the week's futures and the day's options end, and are followed.
    assert days(roll, datetime(2026, 11, 27, 8, tzinfo=UTC)) == [(11, 28), (11, 29), (12, 4)]


def test_a_year_of_rolling_names_nothing_twice() -> None:
    roll, seen, at = Roll(SPEC, START), set[InstrumentId](), datetime(2026, 11, 24, 8, tzinfo=UTC)
    for day in range(365):
        fresh = roll.successors(90_000.0, nanoseconds(at) + day * 24 * HOUR)
        names = [one.instrument.id for one in fresh]
        assert len(names) == len(set(names))
        assert not seen & set(names)
        seen.update(names)
        assert all(one.status is InstrumentStatus.PRE_LAUNCH for one in fresh)
        assert len(roll._option_days) < 10
    assert sum(name.startswith("bybit:inverse") for name in seen) == 4
    assert sum(name.startswith("bybit:linear:BTCUSDT-") for name in seen) > 50


def test_a_market_lives_from_launch_to_the_end(scenario: Scenario) -> None:
    """The chain that ends first, and the one that takes its place, over the hours that follow."""
    world = msgspec.structs.replace(scenario, step_ms=10_000, underlyings=(SPEC,), accounts=scenario.accounts)
    exchange = Exchange(world, START)
    told: list[Notice] = []
    exchange.listen(told.append)
    old = next(one for one in exchange.listings() if one.instrument.kind.is_option).instrument.id
    statuses = {one.status for one in exchange.listings()}
    assert statuses == {InstrumentStatus.TRADING}
    exchange.advance(START + 10 * S)
    fresh = [one for one in exchange.listings() if one.status is InstrumentStatus.PRE_LAUNCH]
    assert {one.instrument.strike for one in fresh} == {90_000}
    new = fresh[0].instrument.id
    ended = exchange.listing(old)
    assert ended is not None
    assert ended.status is InstrumentStatus.DELIVERING
    first = exchange.delivery_prices()[0]
    assert (first.instrument, first.price) == (old, ended.settlement_price)
    assert exchange.option_ticker(new).mark > 0
    exchange.advance(START + 10 * S + PRE_LAUNCH_NS)
    launched = exchange.listing(new)
    assert launched is not None
    assert launched.status is InstrumentStatus.TRADING
    exchange.advance(START + 10 * S + 4 * HOUR)
    closed = exchange.listing(old)
    assert closed is not None
    assert closed.status is InstrumentStatus.SETTLED
    heard = [one.listing.status for one in told if isinstance(one, ListingChanged) and one.listing.instrument.id == old]
    assert heard == [InstrumentStatus.DELIVERING, InstrumentStatus.SETTLED]
    heard = [one.listing.status for one in told if isinstance(one, ListingChanged) and one.listing.instrument.id == new]
    assert heard == [InstrumentStatus.PRE_LAUNCH, InstrumentStatus.TRADING]


def test_a_long_run_keeps_its_size(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    # What was closed is kept for a week; a day of it makes the run as long as it needs to be.
    monkeypatch.setattr(clockwork, "RETIRE_NS", 24 * HOUR)
    kinds = (InstrumentKind.LINEAR_FUTURE, InstrumentKind.LINEAR_OPTION)
    world = msgspec.structs.replace(
        scenario, step_ms=60_000, underlyings=(msgspec.structs.replace(SPEC, products=kinds),)
    )
    exchange = Exchange(world, START)
    counts = []
    for day in range(1, 7):
        exchange.advance(START + day * 24 * HOUR)
        counts.append(len(exchange.listings()))
    assert max(counts[2:]) - min(counts[2:]) <= 4
    trading = [one for one in exchange.listings() if one.status is InstrumentStatus.TRADING]
    assert len([one for one in trading if one.instrument.kind.is_option]) == 6
    assert len(exchange._world.settlements.chain("BTC")) <= 6
    assert len(exchange._world._crowds) <= 6
