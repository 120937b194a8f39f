"""Worlds: prices without drift, the exact hedge and width at each check, and an end that pays what was sold."""

import numpy as np
import pytest

from hedgebot.lab.bandsim import Step
from hedgebot.lab.worlds import (
    BOOK,
    BOOK_STRIKES,
    MixedBook,
    RecordedCalls,
    ShortCall,
    hourly_windows,
    short_call_step,
    walks,
)
from hedgebot.pricing.black76 import greeks


def test_walks_have_no_drift_and_the_volatility_asked_for() -> None:
    ends = list(walks(np.random.default_rng(1), 20_000, 10, 30 / 365))
    assert len(ends) == 11
    assert (ends[0] == 100.0).all()
    assert ends[-1].mean() == pytest.approx(100.0, abs=0.5)
    assert np.log(ends[-1] / 100.0).std() == pytest.approx(0.6 * (30 / 365) ** 0.5, rel=0.02)


def test_the_call_that_model_a_sells_is_the_references() -> None:
    world = ShortCall(steps=4, paths=2_500)
    blocks = [list(block) for block in world.blocks()]
    assert world.premium == pytest.approx(6.8539, abs=5e-5)
    assert [len(block[0].spot) for block in blocks] == [1_000, 1_000, 500]
    first, last = blocks[0][0], blocks[0][-1]
    assert first.shape[0] == pytest.approx(0.034212, abs=1e-6)
    assert first.target[0] == pytest.approx(0.5343, abs=1e-4)
    assert last.liability is not None
    assert last.liability == pytest.approx(world.premium - np.maximum(last.spot - 100.0, 0.0))
    assert all(step.liability is None for step in blocks[0][:-1])


def test_a_world_is_the_same_each_time_it_is_asked() -> None:
    one, other = (np.array([step.spot for step in next(ShortCall(3, 50).blocks())]) for _ in range(2))
    assert (one == other).all()
    another = np.array([step.spot for step in next(ShortCall(3, 50, seed=2).blocks())])
    assert not (one == another).all()


def test_a_step_hedges_at_its_own_volatility() -> None:
    spot = np.array([90.0, 110.0])
    step = short_call_step(spot, 100.0, 0.05, np.array([0.4, 0.8]), 0.0005)
    for number, vol in enumerate((0.4, 0.8)):
        one = spot[number : number + 1]
        found = greeks(one, np.array([100.0]), np.array([0.05]), np.array([vol]), np.array([True]))
        assert step.target[number] == found.delta[0]
        assert step.shape[number] == pytest.approx((1.5 * 0.0005 * one[0] * found.gamma[0] ** 2) ** (1 / 3))


def test_the_book_settles_its_first_expiry_and_keeps_the_rest() -> None:
    """Four steps of 3.5 days: after the second the week is over. Profit before hedges, against one recomputed."""
    steps: list[Step] = list(next(MixedBook(steps=4, paths=5).blocks()))
    assert len(steps) == 5
    assert np.abs(steps[2].target).max() <= sum(abs(qty) for days, held in BOOK.items() if days > 7 for qty in held)

    def value(spot: float, days: float) -> float:
        total = 0.0
        for expiry, held in BOOK.items():
            for strike, qty in zip(BOOK_STRIKES, held, strict=True):
                at = spot if expiry - days >= 0.0 else float(steps[2].spot[0])
                left = np.array([max(expiry - days, 0.0) / 365])
                found = greeks(np.array([at]), np.array([strike]), left, np.array([0.6]), np.array([True]))
                total += qty * float(found.premium[0])
        return total

    last = steps[-1]
    assert last.liability is not None
    assert last.liability[0] == pytest.approx(value(float(last.spot[0]), 14.0) - value(100.0, 0.0), abs=1e-9)


def test_windows_start_each_day_from_the_first_bar_asked_for() -> None:
    closes = 50.0 * np.exp(np.random.default_rng(1).normal(0, 0.01, 130).cumsum())
    windows = hourly_windows(closes, hours=48, every=24, first=30)
    assert windows.shape == (49, 3)
    assert windows[0] == pytest.approx(np.full(3, 100.0))
    assert windows[48, 1] == pytest.approx(100.0 * closes[102] / closes[54])


def test_a_recorded_call_knows_the_volatility_of_its_own_window() -> None:
    closes = np.exp(np.random.default_rng(1).normal(0, 0.006, 200).cumsum())
    world = RecordedCalls(hourly_windows(closes, hours=100, every=24, first=0))
    assert world.steps == 100
    assert world.vol[0] == pytest.approx(np.diff(np.log(closes[:101])).std() * 8_760**0.5)
    (block,) = world.blocks()
    steps = list(block)
    assert len(steps) == 101
    assert steps[-1].liability == pytest.approx(world.premium - np.maximum(steps[-1].spot - 100.0, 0.0))
