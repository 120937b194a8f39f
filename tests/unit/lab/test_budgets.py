"""Tracking budgets on history: the strategy's own band at each look, replayed, and searched walking forward."""

import math

import msgspec
import numpy as np
import pytest

from hedgebot.core.strategy import Strategy
from hedgebot.domain.errors import DataError
from hedgebot.domain.settings import StrategySettings, UnderlyingSettings
from hedgebot.lab.budgets import asked, budgets, known_now, play_moving, thinned
from hedgebot.lab.sweep import BandChoice, BudgetChoice, Exposure, Seen, play
from hedgebot.lab.tune import tune_budgets
from strategies.cost_aware import STRATEGY
from strategies.target import STRATEGY as TARGET
from tests.support.playbook import Playbook, settings

BTC: UnderlyingSettings = msgspec.structs.replace(settings().underlyings[0], delta_limit_coin=60.0)
"""A limit above the cap of its strategy's bands, as the configuration wants it."""

LOOKS = 6_000


def strategy_for(budget_usd: float) -> Strategy:
    params: dict[str, int | float | str | bool] = {
        "tracking_error_usd": budget_usd,
        "reference_price_usd": 100.0,
        "reference_vol": 0.6,
        "reference_variance_coin2_day": 2.5,
        "cap_coin": 50.0,
        "noise_floor_usd": 0.4,
    }
    return STRATEGY.build(StrategySettings(name="cost_aware", enabled=True, underlyings=("BTC",), params=params))


def walk(seed: int = 5, *, known: bool = True) -> Exposure:
    """A walk of price and exposure, busier in its second half; six days."""
    rng = np.random.default_rng(seed)
    days = np.arange(LOOKS) / 1_000.0
    price = 100.0 * np.exp(np.cumsum(rng.standard_normal(LOOKS)) * 1e-3)
    size = np.where(np.arange(LOOKS) < LOOKS // 2, 0.05, 0.15)
    vol = np.full(LOOKS, 1e-3 * math.sqrt(1_000.0) if known else math.nan)
    flow = size * size * 1_000.0 if known else np.full(LOOKS, math.nan)
    seen = Seen(np.zeros(LOOKS), vol, flow, np.zeros(LOOKS))
    return Exposure(days, price, np.cumsum(rng.standard_normal(LOOKS) * size), seen)


def test_the_strategy_is_asked_at_each_look_and_its_band_follows_the_flow() -> None:
    # Looks that are not apart: what those do is the next test's.
    band = asked(walk(), strategy_for(5.0), msgspec.structs.replace(BTC, check_interval_s=1e-9))
    quiet, busy = band.trigger[100], band.trigger[-100]
    assert busy / quiet == pytest.approx(9.0 ** (1.0 / 3.0), rel=0.1)  # and with the price
    assert band.inside[100] == pytest.approx(0.75 * quiet)
    # Not known yet: the reference's variance, and the same band at every look but for the price.
    early = asked(walk(known=False), strategy_for(5.0), BTC)
    assert early.trigger.max() / early.trigger.min() < 1.5


def test_a_band_is_played_as_the_delta_limit_lets_it_come_into_force() -> None:
    free, held = (
        asked(walk(), strategy_for(5.0), msgspec.structs.replace(BTC, delta_limit_coin=one)) for one in (60.0, 4.0)
    )
    assert free.trigger.max() > 5.0
    assert held.trigger.max() == 4.0
    assert (held.trigger == np.minimum(free.trigger, 4.0)).all()
    assert held.inside / held.trigger == pytest.approx(free.inside / free.trigger)


def test_a_measured_cost_is_what_the_strategy_is_told() -> None:
    dear = asked(msgspec.structs.replace(walk(), cost_bps=8.0 * BTC.cost_bps), strategy_for(5.0), BTC)
    # Width goes with the cube root of the cost.
    assert dear.trigger[100] / asked(walk(), strategy_for(5.0), BTC).trigger[100] == pytest.approx(2.0, rel=0.1)


def test_looks_that_are_apart_bring_the_band_in_as_they_do_live() -> None:
    coarse = msgspec.structs.replace(BTC, check_interval_s=60.0)
    near, far = (asked(walk(), strategy_for(5.0), one).trigger for one in (BTC, coarse))
    assert (far < near).all()


def test_a_band_that_does_not_move_is_played_as_the_fixed_one() -> None:
    path = walk()
    fixed = play(path, BandChoice(trigger_coin=0.4, target_ratio=0.75), cost_ratio=5e-4, lot_coin=0.01)
    band = asked(path, strategy_for(5.0), BTC)
    band = band._replace(trigger=np.full(LOOKS, 0.4), inside=np.full(LOOKS, 0.3))
    moving = play_moving(path, band, BudgetChoice(tracking_error_usd=5.0), cost_ratio=5e-4, lot_coin=0.01)
    assert msgspec.structs.replace(moving, choice=fixed.choice) == fixed


def test_the_search_keeps_the_budget_out_of_sample_and_leaves_refused_ones_out() -> None:
    found = tune_budgets(walk(), BTC, 1.0, strategy_for, budget_usd=6.0, folds=3)
    # A quarter of 1 is below the noise floor of 0.4, and so is what is too near to it.
    assert found.candidates < len(budgets(1.0)) + 1
    assert isinstance(found.now, BudgetChoice)
    assert found.now.tracking_error_usd > 1.0
    assert found.gain is not None
    assert found.gain < -0.2  # more tracking error is cheaper
    for fold in found.folds:
        assert fold.from_day > 1.0
        # The busy half was not in what the second fold was chosen on.
        assert fold.after.tracking_error_usd < 2.5 * 6.0


def test_without_a_budget_the_choice_keeps_what_the_present_one_had() -> None:
    found = tune_budgets(walk(), BTC, 2.0, strategy_for, budget_usd=None, folds=2)
    assert isinstance(found.now, BudgetChoice)
    assert found.now.tracking_error_usd == pytest.approx(2.0, rel=0.25)


def test_what_cannot_be_asked_is_told() -> None:
    path = walk()
    blind = Exposure(path.days, path.price, path.unhedged_coin)
    with pytest.raises(DataError, match="no estimates of gamma, volatility and flow"):
        asked(blind, strategy_for(5.0), BTC)
    target = TARGET.build(StrategySettings(name="target", enabled=True, underlyings=("BTC",)))
    with pytest.raises(DataError, match="strategy target proposes nothing by itself"):
        asked(path, target, BTC)


def test_a_long_path_is_thinned_with_what_was_known() -> None:
    short = thinned(walk(), 100)
    assert len(short.days) == 100
    assert short.days[-1] == walk().days[-1]
    assert short.seen is not None
    assert len(short.seen.flow_variance) == 100


def test_what_an_engine_knows_has_no_number_where_it_knows_nothing() -> None:
    book = Playbook()
    book.ready()
    gamma, vol, flow, overshoot = known_now(book.state.underlyings["BTC"], BTC, book.at_ns)
    assert (gamma, overshoot) == (0.0, 0.0)
    assert math.isnan(vol)
    assert math.isnan(flow)
