import msgspec
import numpy as np
import pytest

from hedgebot.domain.errors import DataError
from hedgebot.lab.budgets import thinned
from hedgebot.lab.sweep import BandChoice, Exposure, Played
from hedgebot.lab.tune import candidates, choose, tune
from tests.support.playbook import settings

BTC = msgspec.structs.replace(
    settings().underlyings[0], band_coin=0.3, target_ratio=0.0, delta_limit_coin=1_000.0, cost_bps=5.0
)
"""Hedges back to zero, and no limit that a walk would come to."""


def walk(seed: int = 5, looks: int = 12_000) -> Exposure:
    rng = np.random.default_rng(seed)
    price = 100.0 * np.exp(np.cumsum(rng.standard_normal(looks)) * 1e-3)
    return Exposure(np.arange(looks) / 1_000.0, price, np.cumsum(rng.standard_normal(looks)) * 0.05)


def played(error: float, cost: float, width: float = 1.0) -> Played:
    return Played(
        choice=BandChoice(trigger_coin=width, target_ratio=0.75),
        tracking_error_usd=error,
        cost_usd_day=cost,
        orders_day=1.0,
        turnover_coin_day=1.0,
    )


def test_the_cheapest_within_the_budget_is_chosen_and_the_tightest_where_none_is() -> None:
    runs = [played(1.0, 9.0, 0.1), played(2.0, 5.0, 0.2), played(3.0, 1.0, 0.3)]
    assert choose(runs, 2.5) == runs[1].choice
    assert choose(runs, 0.5) == runs[0].choice


def test_hedging_back_to_zero_is_beaten_out_of_sample_at_the_same_tracking_error() -> None:
    found = tune(walk(), BTC, budget_usd=None, workers=1)
    assert len(found.folds) == 5
    assert found.gain is not None
    assert -0.5 < found.gain < -0.15  # to zero costs 41 % more turnover at the same variance
    for fold in found.folds:
        assert fold.after.tracking_error_usd < 1.3 * fold.present.tracking_error_usd


def test_every_fold_is_chosen_on_what_came_before_it_alone() -> None:
    path = walk()
    known = tune(path, BTC, budget_usd=5.0, folds=2, workers=1)
    changed = Exposure(path.days, path.price, path.unhedged_coin.copy())
    changed.unhedged_coin[8_000:] += np.linspace(0.0, 5.0, 4_000)
    other = tune(changed, BTC, budget_usd=5.0, folds=2, workers=1)
    # The candidates span the whole reach; what the first fold chooses among them is near the same.
    mine, theirs = known.folds[0].chosen, other.folds[0].chosen
    assert isinstance(mine, BandChoice)
    assert isinstance(theirs, BandChoice)
    assert theirs.trigger_coin == pytest.approx(mine.trigger_coin, rel=0.35)


def test_too_little_history_and_a_book_that_never_moved_are_told() -> None:
    short = walk(looks=300)
    with pytest.raises(DataError, match="300 looks are too few for 5 folds"):
        tune(short, BTC, budget_usd=None)
    still = Exposure(np.arange(10.0), np.full(10, 1.0), np.zeros(10))
    with pytest.raises(DataError, match="never moved"):
        candidates(still, 5.0)


def test_no_band_is_tighter_than_two_lots_of_the_hedge() -> None:
    """A band below a lot is none that could be traded: where the exposure moves little all of them were."""
    calm = walk()
    path = Exposure(calm.days, calm.price, calm.unhedged_coin * 0.001, lot_coin=0.001)
    assert min(one.trigger_coin for one in candidates(path, 5.0)) == pytest.approx(0.002)
    assert path.part(10, 20).lot_coin == thinned(path, 100).lot_coin == 0.001
    found = tune(path, BTC, budget_usd=None, workers=1)
    traded = [one.after.turnover_coin_day * (one.until_day - one.from_day) / 0.001 for one in found.folds]
    assert all(lots == pytest.approx(round(lots), abs=1e-6) for lots in traded)
    assert any(lots > 0.0 for lots in traded)


def test_no_band_reaches_the_delta_limit() -> None:
    path = walk()
    free, bounded = (candidates(path, limit) for limit in (1_000.0, 0.8))
    assert max(one.trigger_coin for one in free) == pytest.approx(np.ptp(path.unhedged_coin))
    assert len(free) == len(bounded)
    assert 0.7 < max(one.trigger_coin for one in bounded) < 0.8
    with pytest.raises(DataError, match=r"the least that can be traded, is not below the limit 0\.001"):
        candidates(path, 0.001)
    # With a budget that every band keeps, the widest is the cheapest: it is one that may be written down.
    found = tune(path, msgspec.structs.replace(BTC, delta_limit_coin=0.8), budget_usd=1e9, folds=2, workers=1)
    assert isinstance(found.now, BandChoice)
    assert 0.7 < found.now.trigger_coin < 0.8


def test_what_own_fills_cost_is_what_a_search_pays() -> None:
    path = walk()
    told = msgspec.structs.replace(path, cost_bps=10.0)
    configured, measured = (tune(one, BTC, budget_usd=5.0, folds=2, workers=1) for one in (path, told))
    assert (configured.cost_bps, measured.cost_bps) == (5.0, 10.0)
    assert path.part(5, 9).cost_bps is None
    assert told.part(5, 9).cost_bps == thinned(told, 100).cost_bps == 10.0
    # The same bands at twice the price: dearer, and no other choice.
    assert measured.now == configured.now
    for once, twice in zip(configured.folds, measured.folds, strict=True):
        assert twice.after.cost_usd_day == pytest.approx(2.0 * once.after.cost_usd_day)
