"""The scripted days that ship: each loads, is played to its end on virtual time, and does what its comments promise."""

from pathlib import Path

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.scenario_file import load_scenario
from hedgebot.exchange.several import Exchanges, venue_scenarios
from hedgebot.exchange.types import Execution, Notice, Scripted
from tests.unit.exchange.conftest import START_NS

S = 1_000_000_000


def day(root: Path, name: str, step_ms: int) -> Scenario:
    """A scenario that ships, on a coarser grid."""
    return msgspec.structs.replace(load_scenario(root / "config" / "scenarios" / f"{name}.toml"), step_ms=step_ms)


def play(exchange: Exchange, moments_s: list[float]) -> dict[float, float]:
    """BTC's index at moments, played in one go."""
    found = {}
    for at_s in moments_s:
        exchange.advance(START_NS + int(at_s * S))
        found[at_s] = exchange.index_price("BTC")
    return found


def test_every_scenario_that_ships_opens_and_runs(root: Path) -> None:
    files = sorted((root / "config" / "scenarios").glob("*.toml"))
    assert len(files) >= 9
    for file in files:
        for name, world in venue_scenarios(load_scenario(file)).items():
            exchange = Exchange(msgspec.structs.replace(world, step_ms=1_000), START_NS)
            exchange.advance(START_NS + 20 * S)
            assert exchange.now_ns == START_NS + 20 * S, (file, name)
            assert exchange.wallet("main").equity_usd > 0


def test_the_statement_whipsaws_and_the_client_trades_more(root: Path) -> None:
    exchange = Exchange(day(root, "fomc_spike", 5_000), START_NS)
    told: list[Notice] = []
    exchange.listen(told.append)
    index = play(exchange, [1_795, 1_800, 1_805, 3_595, 3_645, 5_405])
    assert index[1_800] / index[1_795] == pytest.approx(0.988, abs=0.004)
    assert index[1_805] / index[1_795] == pytest.approx(0.988 * 1.016, abs=0.004)
    assert index[3_645] / index[3_595] == pytest.approx(1.008 * 1.012, abs=0.006)
    trades = [one for one in exchange.executions("main") if isinstance(one, Execution)]
    calm = sum(one.at_ns < START_NS + 1_800 * S for one in trades) / 30
    busy = sum(START_NS + 1_800 * S <= one.at_ns < START_NS + 2_700 * S for one in trades) / 15
    assert busy > 2 * calm > 0
    played = [one.event for one in told if isinstance(one, Scripted)]
    assert len(played) == len(exchange.scenario.events)
    assert played[-1].weather is not None
    assert played[-1].weather.ack_delay_ms < 5


def test_the_crash_has_the_shape_of_that_evening(root: Path) -> None:
    """13 % down within half an hour, five minutes with more than 6 % of it, and half of it back within the next."""
    exchange = Exchange(day(root, "crash_20251010", 10_000), START_NS)
    moments = [590.0, 1_490.0, *(1_500.0 + 30 * number for number in range(90))]
    index = play(exchange, moments)
    low_at, low = min(index.items(), key=lambda one: one[1])
    assert low / index[590.0] == pytest.approx(0.87, abs=0.02)
    assert 1_740 <= low_at <= 1_860
    assert index[1_800.0] / index[1_490.0] < 0.93
    assert index[4_170.0] / low > 1.04
    assert exchange.wallet("main").equity_usd > 0


def test_the_stablecoin_loses_its_peg_and_finds_it_again(root: Path) -> None:
    world = day(root, "stablecoin_depeg", 60_000)
    exchange = Exchange(world, START_NS)
    usdt = next(one.instrument.id for one in exchange.listings() if one.instrument.symbol == "BTCUSDT")
    usdc = next(one.instrument.id for one in exchange.listings() if one.instrument.symbol == "BTCPERP")

    def at(hours: float) -> tuple[float, float]:
        exchange.advance(START_NS + int(hours * 3_600) * S)
        worth = next(one.usd_price for one in exchange.wallet("main").coins if one.coin == "USDC")
        premium = float(exchange.book(usdc).bids[0][0] / exchange.book(usdt).bids[0][0])
        return worth, premium

    assert at(1.0) == pytest.approx((1.0, 1.0), abs=0.003)
    assert at(7.0) == pytest.approx((0.88, 1 / 0.88), abs=0.005)
    assert at(24.0)[0] == pytest.approx(0.97)
    assert at(57.0) == pytest.approx((1.0, 1.0), abs=0.003)


def test_half_of_the_hedge_is_deleveraged(root: Path) -> None:
    exchange = Exchange(day(root, "adl_hedge_leg", 100), START_NS)

    def held() -> float:
        return {str(one.instrument): float(one.contracts) for one in exchange.positions("main")}["bybit:linear:BTCUSDT"]

    exchange.advance(START_NS + 74 * S)
    assert held() == -6
    exchange.advance(START_NS + 76 * S)
    assert held() == -3
    (execution,) = [one for one in exchange.executions("main") if isinstance(one, Execution)]
    assert execution.kind.value == "adl"
    assert execution.order.client_id is None


def test_two_venues_are_apart_and_one_has_its_own_shock(root: Path) -> None:
    exchanges = Exchanges(day(root, "two_venues", 1_000), START_NS)
    ratio = {}
    for at_s in (119, 125, 165):
        exchanges.advance(START_NS + at_s * S)
        ratio[at_s] = exchanges["far"].index_price("BTC") / exchanges["near"].index_price("BTC")
    assert ratio[119] == 1.0
    assert ratio[125] == pytest.approx(0.997)
    assert ratio[165] == pytest.approx(1.0)
    depth = {
        name: sum(float(qty) for _, qty in one.book(InstrumentId("bybit:linear:BTCUSDT")).asks)
        for name, one in exchanges.items()
    }
    assert 0.2 < depth["far"] / depth["near"] < 0.6


def test_options_expire_thirty_seconds_in(root: Path) -> None:
    exchange = Exchange(day(root, "expiry", 100), START_NS)
    exchange.advance(START_NS + 31 * S)
    kinds = [one.kind.value for one in exchange.executions("main") if isinstance(one, Execution)]
    assert kinds == ["delivery"] * 3
    assert exchange.positions("main") == ()


def test_the_venue_is_gone_for_half_an_hour_and_the_market_goes_on(root: Path) -> None:
    exchange = Exchange(day(root, "venue_down", 10_000), START_NS)
    told: list[Notice] = []
    exchange.listen(told.append)
    index = play(exchange, [590, 610, 1_490, 1_500, 2_390, 3_000])
    assert index[1_500] / index[1_490] == pytest.approx(0.97, abs=0.005)
    gone = next(one.event for one in told if isinstance(one, Scripted) and one.event.faults)
    assert {(one.kind.value, one.seconds) for one in gone.faults} == {("freeze", 1_800.0), ("refuse", 1_800.0)}
    trades = [one.at_ns - START_NS for one in exchange.executions("main")]
    assert trades
    assert not [one for one in trades if 600 * S < one < 2_400 * S]
    assert any(one > 2_400 * S for one in trades)
