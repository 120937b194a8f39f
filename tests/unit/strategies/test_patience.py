"""patience: hours, an end, and what it hands to the policy."""

from datetime import UTC, datetime
from typing import cast

import pytest

from hedgebot.core.strategy import (
    BandTerms,
    BindingStrategy,
    Patience,
    Proposal,
    Steady,
    SteadyStrategy,
    Strategy,
    UnderlyingView,
)
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.settings import StrategySettings
from strategies.patience import STRATEGY
from tests.support.playbook import settings

BEFORE = Proposal(strategy="x", centre_coin=0.0, trigger_coin=1.0, inside_coin=0.75, reason="keep", evidence={})


def build(**params: float | str | bool) -> Strategy:
    return STRATEGY.build(StrategySettings(name="patience", enabled=True, underlyings=("BTC",), params=params))


def view(moment: str) -> UnderlyingView:
    at_ns = round(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()) * 1_000_000_000
    return UnderlyingView(
        at_ns=at_ns, delta_coin=0.0, gamma_coin_per_usd=0.0, price_usd=100.0, settings=settings().underlyings[0]
    )


def patience(strategy: Strategy, moment: str = "2026-11-25T12:00") -> Patience:
    found = strategy.propose(view(moment), BEFORE)
    assert found is not None
    assert found.patience is not None
    return found.patience


def test_what_has_to_be_waited_for_is_handed_on() -> None:
    found = patience(build(hard_coin=2.0, dwell_s=1.5, interval_s=60.0, price_move_bps=20.0))
    assert found == Patience(hard_coin=2.0, dwell_ms=1_500, interval_ms=60_000, price_move_bps=20.0)
    assert patience(build()).hard_coin is None
    within = patience(build(price_move_bps=20.0, price_move_within_minutes=1.5))
    assert within == Patience(price_move_bps=20.0, price_move_within_ms=90_000)


def test_predictions_hear_of_times_and_of_gates_that_they_do_not_know() -> None:
    def terms(before: BandTerms, **params: float | str) -> BandTerms:
        return cast("BindingStrategy", build(**params)).terms(before)

    half = BandTerms(hedge_ratio=0.5, dwell_ms=2_000)
    assert terms(half, dwell_s=1.0, interval_s=60.0) == BandTerms(hedge_ratio=0.5, dwell_ms=2_000, interval_ms=60_000)
    gated = terms(BandTerms(), price_move_bps=20.0, price_move_within_minutes=5.0, hours="07:00-22:00")
    assert gated.gates == ("a price move of 20 bps within 5 min", "the hours 07:00-22:00 UTC")
    assert terms(BandTerms(), price_move_bps=20.0).gates == ("a price move of 20 bps",)


@pytest.mark.parametrize(
    ("hours", "moment", "is_open"),
    [
        ("07:00-22:00", "2026-11-25T07:00", True),
        ("07:00-22:00", "2026-11-25T21:59", True),
        ("07:00-22:00", "2026-11-25T22:00", False),
        ("22:00-07:00", "2026-11-25T23:30", True),
        ("22:00-07:00", "2026-11-25T06:59", True),
        ("22:00-07:00", "2026-11-25T12:00", False),
    ],
)
def test_hours_of_the_day(hours: str, moment: str, is_open: bool) -> None:
    assert (patience(build(hours=hours), moment).closed == "") is is_open


def test_after_its_end_nothing_is_proposed() -> None:
    strategy = build(end_at="2026-11-25T12:00:00")
    assert strategy.propose(view("2026-11-25T11:59"), BEFORE) is not None
    assert strategy.propose(view("2026-11-25T12:00"), BEFORE) is None
    assert build().propose(view("2026-11-25T12:00"), None) is None


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"hours": "7-22"}, "hours is '7-22', it must be like \"07:00-22:00\""),
        ({"hours": "07:00-07:00"}, "two different times"),
        ({"end_at": "tomorrow"}, "end_at is 'tomorrow', it must be a time like"),
        ({"dwell_s": -1.0}, "dwell_s is -1, it must not be negative"),
        ({"price_move_within_minutes": 30.0}, "within_minutes does nothing without price_move_bps"),
        ({"price_move_within_minutes": -1.0, "price_move_bps": 5.0}, "minutes is -1, it must not be negative"),
        ({"price_move_within_minutes": 0.001, "price_move_bps": 5.0}, "is 0.001, it must be a second"),
        ({"price_move_within_minutes": 20_000.0, "price_move_bps": 5.0}, "is 20000, it must be a second"),
    ],
)
def test_parameters_out_of_range_are_named(params: dict[str, float | str | bool], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        build(**params)


def test_a_move_within_a_span_needs_every_price_so_its_band_does_not_stand_still() -> None:
    still = Steady(0.0, 1.0, 1.0, 2**62)
    for params, stands in (({}, True), ({"price_move_within_minutes": 5.0}, False)):
        found = cast("SteadyStrategy", build(price_move_bps=20.0, **params)).steady(settings().underlyings[0], still)
        assert (found == still) is stands
