import msgspec
import pytest

from hedgebot.daemon.plugins import load_strategy
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.settings import EngineSettings, StrategySettings
from hedgebot.lab.backtest import Wish
from hedgebot.lab.compare import Point, Policy, compare, dearer, variant
from hedgebot.lab.worldspec import SCENARIO, SETTINGS, UNDERLYING
from strategies.delta_neutral import STRATEGY
from tests.unit.lab.recorded import recorded_wish, refining, with_strategies


def point(policy: str, error: float, cost: float) -> Point:
    return Point(
        policy=policy,
        scale=1.0,
        underlying="BTC",
        tracking_error_usd=error,
        cost_usd_day=cost,
        orders_day=1.0,
        efficiency=None,
    )


def rival(settings: EngineSettings, policy: str, scale: float) -> EngineSettings:
    return variant(settings, policy, scale, load_strategy)


def test_rivals_hedge_what_the_configured_policy_hedges() -> None:
    """A bare fixed band in its place lost the target, the scope and the hours: it hedged another book."""
    aware = StrategySettings(
        name="mine",
        plugin="cost_aware",
        enabled=True,
        underlyings=(UNDERLYING,),
        accounts=("main",),
        instruments=(InstrumentId("bybit:linear:BTCUSDT"),),
        params={
            "tracking_error_usd": 500.0,
            "reference_price_usd": 90_000.0,
            "reference_vol": 0.6,
            "reference_variance_coin2_day": 9.5,
            "cap_coin": 4.0,
        },
    )
    half, hours = refining("target", hedge_ratio=0.5), refining("patience", hours="07:00-22:00", dwell_s=60.0)
    off = StrategySettings(name="off", plugin="target", enabled=False, underlyings=(UNDERLYING,))
    settings = msgspec.structs.replace(SETTINGS, strategies=(aware, half, off, hours))
    for policy in (Policy.EDGE, Policy.ZERO):
        band, *others = rival(settings, policy, 1.0).strategies
        assert (band.name, band.module, band.params) == ("mine", "delta_neutral", {})
        assert (band.accounts, band.instruments) == (aware.accounts, aware.instruments)
        assert others == [half, off, hours]
    *_, gate = rival(settings, Policy.CLOCK, 0.5).strategies
    assert gate == msgspec.structs.replace(hours, params=hours.params | {"interval_s": 1_800.0})


def test_a_second_band_is_left_out_so_that_the_gates_before_it_stay() -> None:
    """A fixed band that stands after a gate would make the band anew, without the gate."""
    again = msgspec.structs.replace(SETTINGS.strategies[0], name="again", plugin="delta_neutral")
    gated = with_strategies(refining("patience", dwell_s=60.0), again)
    assert [one.name for one in rival(gated, Policy.ZERO, 1.0).strategies] == ["delta_neutral", "patience"]


def test_the_clock_takes_no_name_that_another_strategy_has() -> None:
    named = StrategySettings(name="patience", plugin="target", enabled=True, underlyings=(UNDERLYING,))
    names = [one.name for one in rival(with_strategies(named), Policy.CLOCK, 1.0).strategies]
    assert names == ["delta_neutral", "patience", "patience of the clock"]


def test_rivals_are_made_of_the_same_plugins() -> None:
    edge, zero = rival(SETTINGS, Policy.EDGE, 2.0).underlyings[0], rival(SETTINGS, Policy.ZERO, 1.0).underlyings[0]
    assert [edge.band_coin, edge.target_ratio] == pytest.approx([0.12, 0.999])
    assert [zero.band_coin, zero.target_ratio] == pytest.approx([0.06, 0.0])
    clock = rival(SETTINGS, Policy.CLOCK, 0.5)
    assert [one.module for one in clock.strategies] == ["delta_neutral", "patience"]
    assert clock.strategies[1].params == {"interval_s": 1_800.0}


def test_a_budget_is_scaled_and_a_band_that_outgrows_its_limit_takes_it_along() -> None:
    budget = msgspec.structs.replace(SETTINGS.strategies[0], params={"tracking_error_usd": 100.0})
    settings = msgspec.structs.replace(SETTINGS, strategies=(budget,))
    assert rival(settings, Policy.OURS, 0.5).strategies[0].params == {"tracking_error_usd": 50.0}
    wide = rival(SETTINGS, Policy.EDGE, 100.0).underlyings[0]
    assert wide.delta_limit_coin == pytest.approx(24.0)


def test_a_policy_that_nobody_knows_is_told_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="fixed band to zero"):
        rival(SETTINGS, "hope", 1.0)
    with pytest.raises(ConfigError, match="scale is 0"):
        rival(SETTINGS, Policy.OURS, 0.0)


def test_what_costs_more_at_the_same_error_is_told_as_a_share() -> None:
    points = [
        *(point(Policy.OURS, error, 100.0 / error) for error in (1.0, 2.0, 4.0)),
        *(point(Policy.ZERO, error, 150.0 / error) for error in (1.5, 3.0)),
        point(Policy.CLOCK, 50.0, 1.0),
    ]
    assert dearer(points, Policy.ZERO, "BTC") == pytest.approx(0.5)
    assert dearer(points, Policy.CLOCK, "BTC") is None
    assert dearer(points, Policy.EDGE, "BTC") is None


def test_all_policies_run_on_the_same_path() -> None:
    wish = Wish(scenario=msgspec.structs.replace(SCENARIO, step_ms=10_000), settings=SETTINGS, days=0.02)
    shares: list[float] = []
    points = compare(wish, STRATEGY.build, (Policy.EDGE, Policy.ZERO), (1.0,), workers=1, told=shares.append)
    assert [one.policy for one in points] == [Policy.EDGE, Policy.ZERO]
    assert shares == [0.5, 1.0]
    assert all(one.cost_usd_day > 0.0 for one in points)
    assert set(Policy) > {Policy.EDGE, Policy.ZERO}


@pytest.mark.parametrize("workers", [1, 2])
def test_every_run_plays_the_recording_from_its_beginning(workers: int) -> None:
    points = compare(recorded_wish(20), STRATEGY.build, (Policy.EDGE,), (1.0, 1.0), workers=workers)
    assert points[0].cost_usd_day > 0.0
    assert points == [points[0]] * 2
