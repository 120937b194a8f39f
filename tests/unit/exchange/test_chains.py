"""A recorded chain in a running exchange: listed as seen, valued as captured, delivered, and let go."""

from decimal import Decimal

import msgspec
import numpy as np
import pytest

from hedgebot.domain.instrument import OptionType
from hedgebot.exchange.chains import Chain
from hedgebot.exchange.chaintape import Capture, ChainTape, OptionSeen, Smile
from hedgebot.exchange.fundingtape import FundingTape
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.playback import Bars, Beside, RecordedPath
from hedgebot.exchange.pricepath import SeededPath
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.types import InstrumentStatus, Listing, ListingChanged, Notice

HOUR = 3_600 * 1_000_000_000
DAY = 24 * HOUR
# 2026-01-01 00:00 UTC.
ORIGIN = 1_767_225_600_000_000_000
KS = np.array([-0.3, 0.0, 0.3])
FUNDING_HOURS = (8, 16, 24, 26, 28)


def smile(forward: float, iv: float) -> Smile:
    return Smile(forward, KS, np.full(3, iv))


def recorded(scenario: Scenario) -> RecordedPath:
    """Three days of flat hours; captures at their begin and a day later, which shows a new expiry and strike."""
    times = ORIGIN + np.arange(73, dtype=np.int64) * HOUR
    flat = np.full(73, 90_000.0)
    soon, late = ORIGIN + 8 * HOUR, ORIGIN + 3 * DAY - HOUR
    tape = ChainTape(
        (
            Capture(ORIGIN, {soon: smile(90_000.0, 0.5), late: smile(90_500.0, 0.6)}),
            Capture(ORIGIN + DAY, {late: smile(91_000.0, 0.9)}),
        ),
        (
            OptionSeen(soon, Decimal(88_000), OptionType.CALL, ORIGIN),
            OptionSeen(late, Decimal(90_000), OptionType.PUT, ORIGIN),
            OptionSeen(late, Decimal(95_000), OptionType.CALL, ORIGIN + DAY),
        ),
    )
    funding = FundingTape(
        np.array([ORIGIN + hour * HOUR for hour in FUNDING_HOURS], dtype=np.int64),
        np.array([0.0001, -0.0002, 0.0003, 0.0004, -0.003]),
    )
    bars = Bars(times_ns=times, step_ns=HOUR, opens=flat, highs=flat, lows=flat, closes=flat)
    return RecordedPath(
        perp=bars,
        spot=bars,
        minutes=None,
        underlying=scenario.underlyings[0],
        speed=1.0,
        step_s=60.0,
        beside=Beside(origin_ns=ORIGIN, funding=funding, chain=tape),
    )


def world(scenario: Scenario) -> Scenario:
    return msgspec.structs.replace(scenario, step_ms=60_000, underlyings=scenario.underlyings[:1])


def options(exchange: Exchange) -> dict[str, Listing]:
    return {one.instrument.symbol: one for one in exchange.listings() if one.instrument.kind.is_option}


def test_options_come_and_go_as_recorded(scenario: Scenario) -> None:
    exchange = Exchange(world(scenario), ORIGIN, {"BTC": recorded(scenario)})
    told: list[Notice] = []
    exchange.listen(told.append)
    assert sorted(options(exchange)) == ["BTC-1JAN26-88000-C-USDT", "BTC-3JAN26-90000-P-USDT"]
    exchange.advance(ORIGIN + 9 * HOUR)
    gone = options(exchange)["BTC-1JAN26-88000-C-USDT"]
    assert gone.status is InstrumentStatus.DELIVERING
    assert gone.settlement_price == Decimal(90_000)
    exchange.advance(ORIGIN + DAY + HOUR)
    new = options(exchange)["BTC-3JAN26-95000-C-USDT"]
    assert (new.status, new.launched_at_ns) == (InstrumentStatus.TRADING, ORIGIN + DAY)
    changes = [one.listing.instrument.symbol for one in told if isinstance(one, ListingChanged)]
    assert changes == ["BTC-1JAN26-88000-C-USDT"] * 2 + ["BTC-3JAN26-95000-C-USDT"], "delivered, closed, listed"
    exchange.advance(ORIGIN + 3 * DAY)
    assert InstrumentStatus.TRADING not in {one.status for one in options(exchange).values()}


def test_marks_are_the_captured_ones_and_hold_their_smile_in_between(scenario: Scenario) -> None:
    exchange = Exchange(world(scenario), ORIGIN, {"BTC": recorded(scenario)})
    name = options(exchange)["BTC-3JAN26-90000-P-USDT"].instrument.id
    assert exchange.option_ticker(name).forward == pytest.approx(90_500.0)
    exchange.advance(ORIGIN + DAY - 60_000_000_000)
    before = exchange.option_ticker(name)
    exchange.advance(ORIGIN + DAY)
    after = exchange.option_ticker(name)
    assert (before.mark_iv, after.mark_iv) == pytest.approx((0.6, 0.9))
    assert after.forward == pytest.approx(91_000.0)
    assert after.bid is not None
    assert after.ask is not None
    assert after.bid < after.mark < after.ask


def test_funding_is_paid_as_recorded_with_its_changing_interval_and_not_known_before(scenario: Scenario) -> None:
    exchange = Exchange(world(scenario), ORIGIN, {"BTC": recorded(scenario)})
    perp = next(
        one.instrument.id
        for one in exchange.listings()
        if one.instrument.symbol == "BTCUSDT" and one.funding_interval_ns
    )
    forecast = exchange.ticker(perp)
    assert forecast.next_funding_at_ns == ORIGIN + 8 * HOUR
    exchange.advance(ORIGIN + 24 * HOUR)
    after = exchange.ticker(perp)
    assert (after.next_funding_at_ns, after.funding_interval_ns) == (ORIGIN + 26 * HOUR, 2 * HOUR)
    assert after.funding_rate is not None
    assert abs(after.funding_rate) < 0.0001
    exchange.advance(ORIGIN + 40 * HOUR)
    paid = exchange.funding_rates(perp)
    assert [(at - ORIGIN) // HOUR for at, _ in paid[:5]] == list(FUNDING_HOURS)
    assert [rate for _, rate in paid[:5]] == [0.0001, -0.0002, 0.0003, 0.0004, -0.003]
    assert len(paid) > 5


def test_a_chain_is_played_on_the_exchanges_own_calendar(scenario: Scenario) -> None:
    """The exchange may start at any moment: expiries keep their distance from it."""
    later = ORIGIN + 10 * DAY
    exchange = Exchange(world(scenario), later, {"BTC": recorded(scenario)})
    assert sorted(options(exchange)) == ["BTC-11JAN26-88000-C-USDT", "BTC-13JAN26-90000-P-USDT"]
    exchange.advance(later + 9 * HOUR)
    assert options(exchange)["BTC-11JAN26-88000-C-USDT"].status is InstrumentStatus.DELIVERING


def test_only_a_recorded_path_has_a_chain(scenario: Scenario) -> None:
    assert Chain.of(SeededPath(scenario.underlyings[0], 1, 0.1), ORIGIN) is None
    chain = Chain.of(recorded(scenario), ORIGIN)
    assert chain is not None
    assert [chain.due(ORIGIN + hour * HOUR) for hour in (0, 23, 24, 25, 90)] == [False, False, True, False, False]
