import msgspec
import numpy as np
import pytest

from hedgebot.daemon.plugins import load_strategy
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.settings import StrategySettings
from hedgebot.lab.backtest import Hedges, Result, Wish, run_backtest
from hedgebot.lab.worldspec import SCENARIO, SETTINGS, UNDERLYING
from strategies.delta_neutral import STRATEGY
from tests.unit.lab.recorded import BEGAN, MINUTE_NS, recorded_path, recorded_wish, refining

WORLD = msgspec.structs.replace(SCENARIO, step_ms=5_000)


@pytest.fixture(scope="module")
def result() -> Result:
    shares: list[float] = []
    found = run_backtest(Wish(scenario=WORLD, settings=SETTINGS, days=0.03), STRATEGY.build, shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    return found


def test_a_run_hedges_and_every_dollar_of_equity_has_a_cause(result: Result) -> None:
    (one,) = result.hedges
    assert result.mode == "active"
    assert one.measures.orders_per_day > 0
    assert one.costs.fees > 0.0
    moved = result.equity_last_usd - result.equity_first_usd
    assert result.profit.total == pytest.approx(moved, abs=1e-6)
    explained = abs(result.profit.rest)
    assert explained < 0.2 * (abs(result.profit.hedge_fees) + abs(result.profit.client_fees) + abs(moved))


def test_costs_are_the_hedges_own(result: Result) -> None:
    (one,) = result.hedges
    assert one.lot_coin == 0.001
    assert one.costs.fees == pytest.approx(-result.profit.hedge_fees)
    assert one.columns.trading_usd[-1] == pytest.approx(one.costs.trading)
    assert len(one.columns.days) == len(one.columns.delta_coin) > 100


def test_the_same_wish_gives_the_same_figures(result: Result) -> None:
    again = run_backtest(Wish(scenario=WORLD, settings=SETTINGS, days=0.03), STRATEGY.build)
    assert again.profit == result.profit
    assert again.hedges[0].measures == result.hedges[0].measures


def test_a_wider_band_costs_less(result: Result) -> None:
    wide = msgspec.structs.replace(SETTINGS.underlyings[0], band_coin=0.3)
    settings = msgspec.structs.replace(SETTINGS, underlyings=(wide,))
    found = run_backtest(Wish(scenario=WORLD, settings=settings, days=0.03), STRATEGY.build)
    assert found.hedges[0].costs.trading < result.hedges[0].costs.trading
    assert found.hedges[0].measures.variance_coin2 > result.hedges[0].measures.variance_coin2


def test_both_edges_of_a_lopsided_band_around_a_target_are_in_the_report() -> None:
    strategies = (*SETTINGS.strategies, refining("target", target_coin=0.5, down_ratio=4.0))
    lopsided = msgspec.structs.replace(SETTINGS, strategies=strategies)
    found = run_backtest(Wish(scenario=WORLD, settings=lopsided, days=0.03), load_strategy)
    (one,) = found.hedges
    assert np.all(one.columns.high_coin == pytest.approx(0.56))
    assert np.all(one.columns.low_coin == pytest.approx(0.26))
    assert np.all(one.columns.centre_coin == pytest.approx(0.5))
    assert one.measures.inside_band > 0.9
    off = one.columns.delta_coin[:-1] - 0.5
    assert one.measures.variance_coin2 == pytest.approx(float((off**2).mean()), rel=0.05)


def test_a_book_that_cannot_become_active_is_told() -> None:
    blind = msgspec.structs.replace(SETTINGS.underlyings[0], hedge_instrument="bybit:linear:NOTHING")
    settings = msgspec.structs.replace(SETTINGS, underlyings=(blind,))
    with pytest.raises(ConfigError, match="did not become active"):
        run_backtest(Wish(scenario=WORLD, settings=settings, days=0.03), STRATEGY.build)


def costs_around_half_past(result: Result) -> tuple[float, float]:
    """What hedging cost before 00:28 and after 00:33 of the recording; looks begin some minutes after midnight."""
    columns, (one,) = result.hedges[0].columns, result.hedges
    paid = columns.trading_usd
    at = [int(np.searchsorted(columns.days, minutes / 1_440.0)) for minutes in (25, 32)]
    assert one.costs.trading == paid[-1]
    return float(paid[at[0]]), float(paid[-1] - paid[at[1]])


@pytest.mark.parametrize(("hours", "first", "second"), [("00:00-00:30", True, False), ("00:30-01:00", False, True)])
def test_hours_of_the_day_are_those_of_the_recording(hours: str, first: bool, second: bool) -> None:
    found = run_backtest(recorded_wish(55, refining("patience", hours=hours)), load_strategy)
    assert found.recorded_ns == BEGAN.timestamp() * 1e9
    assert found.hedges[0].unpredicted.startswith("unreliable: hedges also wait for")
    before, after = costs_around_half_past(found)
    assert (before > 0.0, after > 0.0) == (first, second)


def test_the_end_is_a_moment_of_the_recording() -> None:
    found = run_backtest(recorded_wish(55, refining("patience", end_at="2025-05-10T00:30:00")), load_strategy)
    before, after = costs_around_half_past(found)
    assert before > 0.0 == after
    columns = found.hedges[0].columns
    assert not np.isnan(columns.low_coin[columns.days < 25 / 1_440.0]).any()
    assert np.isnan(columns.low_coin[columns.days > 32 / 1_440.0]).all()


def test_strategies_that_propose_nothing_when_the_market_begins_are_told() -> None:
    wish = recorded_wish(40, refining("patience", end_at="2025-05-09T20:00:00"))
    with pytest.raises(ConfigError, match=r"delta_neutral, patience keep no band of BTC at 2025-05-10 00:02:50 UTC"):
        run_backtest(wish, load_strategy)


def test_the_band_and_its_centre_are_those_of_each_look() -> None:
    """A hedged half of a moving exposure has a centre that moves: held to one, the report told twice the error."""
    wish = recorded_wish(40, refining("target", hedge_ratio=0.5))
    (one,) = run_backtest(wish, load_strategy).hedges
    columns, band = one.columns, wish.settings.underlyings[0].band_coin
    assert np.ptp(columns.centre_coin) > band
    assert columns.high_coin - columns.low_coin == pytest.approx(2.0 * band)
    assert columns.low_coin + columns.high_coin == pytest.approx(2.0 * columns.centre_coin)
    # It lies at half of what there is to hedge; hedges of the time before the first look are a constant beside it.
    assert np.ptp(columns.centre_coin - 0.5 * columns.unhedged_coin) < 0.5 * band
    assert one.measures.tracking_error_usd == pytest.approx(one.engine.tracking_error_usd_root_day, rel=0.1)


def test_the_slowest_steps_that_may_be_asked_for_keep_the_truth() -> None:
    """What the venue said last is asked for once in a step: its age limit has to stand that."""
    slow = msgspec.structs.replace(SCENARIO, step_ms=60_000)
    found = run_backtest(Wish(scenario=slow, settings=SETTINGS, days=0.02), STRATEGY.build)
    assert found.mode == "active"
    assert "VenueUnreachable" not in found.alerts


def steady_client_wish(cost_bps: float, step_ms: int, days: float, *more: StrategySettings) -> Wish:
    """A client who trades without end, in a market without jumps: what is promised is of such."""
    assert SCENARIO.client_flow is not None
    client = msgspec.structs.replace(
        SCENARIO.client_flow, bound_coin={"BTC": 1e3}, trades_per_minute=3.0, size_coin={"BTC": 0.15}
    )
    market = msgspec.structs.replace(SCENARIO.underlyings[0], jumps_per_day=0.0, option_vol=0.7)
    world = msgspec.structs.replace(SCENARIO, step_ms=step_ms, seed=2, client_flow=client, underlyings=(market,))
    hedged = msgspec.structs.replace(
        SETTINGS.underlyings[0], band_coin=0.3, cost_bps=cost_bps, delta_limit_coin=600.0, order_qty_coin_max=50.0
    )
    hedged = msgspec.structs.replace(hedged, check_interval_s=step_ms / 1_000.0)
    settings = msgspec.structs.replace(SETTINGS, underlyings=(hedged,), strategies=(*SETTINGS.strategies, *more))
    return Wish(scenario=world, settings=settings, days=days)


def assert_kept(one: Hedges, rel: float = 0.15) -> None:
    for name in one.engine.__struct_fields__:
        came, promised = getattr(one.engine, name), getattr(one.predicted, name)
        assert came == pytest.approx(promised, rel=rel), name


def test_what_is_promised_of_a_hedged_half_comes() -> None:
    """The band sees half the exposure, a quarter of its variance: promises of the whole were three times too high."""
    wish = steady_client_wish(5.6, 20_000, 0.25, refining("target", hedge_ratio=0.5))
    (one,) = run_backtest(wish, load_strategy).hedges
    assert_kept(one)
    assert one.measures.efficiency == pytest.approx(one.engine.efficiency, rel=0.02)


def test_no_look_is_taken_beyond_the_days_that_were_asked_for() -> None:
    wish = recorded_wish(40)
    columns = run_backtest(wish, load_strategy).hedges[0].columns
    assert wish.end_ns - wish.looks_ns == 40 * MINUTE_NS
    assert columns.days[-1] - columns.days[0] == pytest.approx(40 / 1_440.0)


def test_nothing_is_ordered_on_the_old_prices_of_a_gap() -> None:
    """They were shown with new stamps: hedges were sent again and again, and none could be filled."""
    wish = recorded_wish(40)
    holed = msgspec.structs.replace(wish, paths={UNDERLYING: recorded_path(60, gap=slice(20, 30))})
    whole, found = (run_backtest(one, load_strategy) for one in (wish, holed))
    assert (found.gaps, found.gaps_s) == (1, 600.0)
    assert AlertKind.STALE_MARKET_DATA.value in found.alerts
    assert AlertKind.STALE_MARKET_DATA.value not in whole.alerts
    assert AlertKind.ORDER_REJECTED.value not in found.alerts
    # Blind for longer than `blind_ms_halt`; the hedge goes on where prices do.
    assert found.mode == "active"
    trading_usd = found.hedges[0].columns.trading_usd
    begun = (wish.looks_ns - wish.start_ns) / MINUTE_NS
    filled_at = begun + found.hedges[0].columns.days[1:][np.diff(trading_usd) > 0.0] * 1_440.0
    assert not ((filled_at > 20.5) & (filled_at < 30.0)).any()
    assert (filled_at > 30.0).any()
