import msgspec
import pytest

from hedgebot.daemon.idle_options import option_doubts, unhedged
from hedgebot.domain.settings import EngineSettings, StrategySettings
from hedgebot.lab.worldspec import SETTINGS

NOW_NS = 1_790_000_000_000_000_000
BUDGETED = {
    "tracking_error_usd": 500.0,
    "reference_price_usd": 60_000.0,
    "reference_vol": 0.6,
    "reference_variance_coin2_day": 9.5,
    "cap_coin": 4.0,
}


def strategy(name: str, **params: float | str) -> StrategySettings:
    return StrategySettings(name=name, enabled=True, underlyings=("BTC",), params=dict(params))


def book(*strategies: StrategySettings) -> EngineSettings:
    return msgspec.structs.replace(SETTINGS, strategies=strategies)


COST_AWARE, NEUTRAL = strategy("cost_aware", **BUDGETED), strategy("delta_neutral")


@pytest.mark.parametrize(
    "idle",
    [
        (strategy("patience", dwell_s=5.0),),
        (strategy("target", target_coin=1.0), strategy("patience", dwell_s=5.0)),
        (NEUTRAL, strategy("patience", end_at="2020-01-01T00:00:00")),
        (strategy("patience", dwell_s=5.0), strategy("target", target_coin=1.0)),
    ],
)
def test_strategies_that_keep_no_band_are_told(idle: tuple[StrategySettings, ...]) -> None:
    (told,) = unhedged(book(*idle), NOW_NS)
    names = ", ".join(one.name for one in idle)
    assert told == (
        f"nothing hedges BTC: the strategies {names} keep no band of it at 2026-09-21 14:13:20 UTC; name one that "
        "makes a band first, and an end_at that is later"
    )


@pytest.mark.parametrize(
    "good",
    [
        (),
        (NEUTRAL,),
        (COST_AWARE,),
        (NEUTRAL, strategy("patience", dwell_s=60.0, hard_coin=1.0, end_at="2030-01-01T00:00:00")),
        (COST_AWARE, strategy("target", target_coin=1.0, up_ratio=2.0), strategy("patience", interval_s=60.0)),
    ],
)
def test_nothing_is_told_where_every_option_acts(good: tuple[StrategySettings, ...]) -> None:
    assert unhedged(book(*good), NOW_NS) == []
    assert option_doubts(book(*good), NOW_NS) == []


def test_a_disabled_strategy_is_no_concern() -> None:
    off = msgspec.structs.replace(strategy("patience", dwell_s=5.0), enabled=False)
    assert unhedged(book(off), NOW_NS) == []


def test_a_hard_edge_inside_the_band_lets_nothing_wait() -> None:
    (told,) = option_doubts(book(COST_AWARE, strategy("patience", dwell_s=60.0, hard_coin=0.01)), NOW_NS)
    assert told.startswith(
        "strategies.patience.params.hard_coin is 0.01, not beyond the band's edge of 0.52 coins at its"
    )
    (told,) = option_doubts(book(NEUTRAL, strategy("patience", dwell_s=60.0, hard_coin=0.01)), NOW_NS)
    assert "coins: whatever leaves the band is hedged at once" in told


def test_a_band_that_a_later_strategy_replaces_is_told() -> None:
    (told,) = option_doubts(book(COST_AWARE, NEUTRAL), NOW_NS)
    assert told == (
        "strategies.delta_neutral makes a band of BTC of its own: that of cost_aware before it does nothing, nor does "
        "its tracking_error_usd; enable one of them"
    )
    (told,) = option_doubts(book(NEUTRAL, COST_AWARE), NOW_NS)
    assert told.endswith("that of delta_neutral before it does nothing; enable one of them")


def test_a_cap_below_the_floor_is_told() -> None:
    (told,) = option_doubts(book(strategy("cost_aware", **BUDGETED | {"cap_coin": 0.0001})), NOW_NS)
    assert told.startswith("strategies.cost_aware.params.cap_coin is 0.0001, below the narrowest band that its budget")
