from hedgebot.daemon.tracking_budgets import budget_doubts
from hedgebot.domain.settings import StrategySettings


def strategy(*, enabled: bool = True, **params: float) -> StrategySettings:
    return StrategySettings(
        name="mine", plugin="cost_aware", enabled=enabled, underlyings=("BTC",), params={**REFERENCE, **params}
    )


REFERENCE = {
    "reference_price_usd": 60_000.0,
    "reference_vol": 0.6,
    "reference_variance_coin2_day": 9.5,
    "cap_coin": 4.0,
}


def test_a_budget_without_a_floor_is_told() -> None:
    (told,) = budget_doubts([strategy(tracking_error_usd=500.0)])
    assert told.startswith("strategies.mine.params.noise_floor_usd is not stated: where options are held, a budget of")


def test_a_budget_near_what_is_refused_is_told_with_the_floors_number() -> None:
    # The least for a floor of 400 is 440.3: what the strategy refuses ends there, what is told at 484.3.
    (told,) = budget_doubts([strategy(tracking_error_usd=484.0, noise_floor_usd=400.0)])
    assert "tracking_error_usd is 484, within 10 % of what is refused beside a noise_floor_usd of 400" in told
    assert budget_doubts([strategy(tracking_error_usd=485.0, noise_floor_usd=400.0)]) == []


def test_what_has_no_budget_or_is_off_is_not_told() -> None:
    assert budget_doubts([strategy(), strategy(enabled=False, tracking_error_usd=500.0)]) == []
