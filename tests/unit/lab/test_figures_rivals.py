"""The formulas of others on a small model A: each does what it is known for."""

import numpy as np
import pytest

from hedgebot.lab.bandsim import Bands, Played, play
from hedgebot.lab.figures_rivals import certainty_equivalent, play_leland, play_zakamouline, zakamouline_blocks
from hedgebot.lab.worlds import RecordedCalls, ShortCall, hourly_windows
from hedgebot.pricing.black76 import Floats

SMALL = ShortCall(720, 400, 11)


def _played(profit: Floats, cost: float) -> Played:
    return Played(profit[np.newaxis], np.full((1, len(profit)), cost), *[np.zeros((1, len(profit)))] * 2)


def test_a_sure_sum_is_worth_itself_and_risk_costs_half_its_variance() -> None:
    assert certainty_equivalent(_played(np.zeros(9), 0.2)) == pytest.approx(-0.2)
    profit = np.random.default_rng(1).normal(0.0, 0.3, 10_000)
    assert certainty_equivalent(_played(profit, 0.1)) == pytest.approx(-0.1 - 0.045, abs=1e-3)


def test_what_a_sample_has_of_a_mean_is_taken_out() -> None:
    """Profit before costs has none; a sample that was shifted by luck says the same to first order."""
    profit = np.random.default_rng(1).normal(0.0, 0.3, 10_000)
    shifted = certainty_equivalent(_played(profit + 0.01, 0.1))
    assert shifted == pytest.approx(certainty_equivalent(_played(profit, 0.1)), abs=1e-3)


def test_his_band_at_these_costs_is_worth_less_than_ours() -> None:
    """His constants were fitted for costs near 1 %: at 5 bp the band is too narrow and trades too much."""
    theirs = play_zakamouline(SMALL, 1.0)
    ours = play(SMALL.blocks(), (Bands("ww", (1.0,), 1.0, scaled=True),), SMALL.cost_ratio)["ww"]
    assert theirs.mean_cost[0] > 1.1 * ours.mean_cost[0]
    assert certainty_equivalent(theirs) < certainty_equivalent(ours)


def test_his_width_is_endless_where_the_fixed_part_covers_every_delta() -> None:
    steps = list(next(zakamouline_blocks(SMALL._replace(paths=5), 1e-4)))
    assert not np.isfinite(steps[-2].shape).any()
    assert steps[-1].liability is not None


def test_leland_trades_by_the_clock() -> None:
    found = play_leland(SMALL, 24)
    assert found.trades[0].tolist() == [29.0] * 400
    assert found.deviation[0] / SMALL.premium == pytest.approx(0.16, abs=0.03)


def test_recorded_windows_start_at_their_own_delta() -> None:
    closes = np.exp(np.random.default_rng(1).normal(0, 0.006, 1_000).cumsum())
    found = play_zakamouline(RecordedCalls(hourly_windows(closes, first=0)), 1.0)
    assert found.profit.shape == (1, 12)
    assert np.isfinite(found.profit).all()
