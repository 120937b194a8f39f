import msgspec
import pytest

from hedgebot.domain.errors import ConfigError
from hedgebot.lab.backtest import Wish
from hedgebot.lab.compare import Point, Policy, compare, dearer, variant
from hedgebot.lab.worldspec import SCENARIO, SETTINGS
from strategies.delta_neutral import STRATEGY
from tests.unit.lab.recorded import recorded_wish


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


def test_rivals_are_made_of_the_same_plugins() -> None:
    edge, zero = variant(SETTINGS, Policy.EDGE, 2.0).underlyings[0], variant(SETTINGS, Policy.ZERO, 1.0).underlyings[0]
    assert [edge.band_coin, edge.target_ratio] == pytest.approx([0.12, 0.999])
    assert [zero.band_coin, zero.target_ratio] == pytest.approx([0.06, 0.0])
    clock = variant(SETTINGS, Policy.CLOCK, 0.5)
    assert [one.module for one in clock.strategies] == ["delta_neutral", "patience"]
    assert clock.strategies[1].params == {"interval_s": 1_800.0}


def test_a_budget_is_scaled_and_a_band_that_outgrows_its_limit_takes_it_along() -> None:
    budget = msgspec.structs.replace(SETTINGS.strategies[0], params={"tracking_error_usd": 100.0})
    settings = msgspec.structs.replace(SETTINGS, strategies=(budget,))
    assert variant(settings, Policy.OURS, 0.5).strategies[0].params == {"tracking_error_usd": 50.0}
    wide = variant(SETTINGS, Policy.EDGE, 100.0).underlyings[0]
    assert wide.delta_limit_coin == pytest.approx(24.0)


def test_a_policy_that_nobody_knows_is_told_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="fixed band to zero"):
        variant(SETTINGS, "hope", 1.0)
    with pytest.raises(ConfigError, match="scale is 0"):
        variant(SETTINGS, Policy.OURS, 0.0)


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
