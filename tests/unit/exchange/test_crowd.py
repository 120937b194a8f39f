import math

import numpy as np
import pytest

from hedgebot.domain.instrument import Side
from hedgebot.exchange.crowd import Crowd, CrowdShape, Floats
from hedgebot.exchange.pricepath import stream

STEPS = 600
CALM = np.ones(STEPS)
STILL = np.zeros(STEPS)


def shape(trades_per_step: float = 1.0, persistence: float = 0.3) -> CrowdShape:
    return CrowdShape(
        trades_per_step=trades_per_step,
        median_lots=20.0,
        mean_lots=100.0,
        persistence=persistence,
        memory_trades=8.0,
        rate_power=0.7,
    )


def trades(crowd: Crowd, blocks: int, stress: float = 1.0) -> list[tuple[Side, int]]:
    found = []
    for _ in range(blocks):
        block = crowd.block(CALM * stress, STILL)
        found += [trade for step in sorted(block) for trade in block[step]]
    return found


def correlation(signs: Floats, lag: int) -> float:
    return float(np.corrcoef(signs[:-lag], signs[lag:])[0, 1])


def test_rate_and_sizes_are_the_laws() -> None:
    found = trades(Crowd(shape(), stream(1, "crowd")), 100)
    sizes = np.array([lots for _, lots in found])
    assert len(found) == pytest.approx(100 * STEPS, rel=0.02)
    assert np.median(sizes) == pytest.approx(20, abs=1)
    assert sizes.mean() == pytest.approx(100, rel=0.06)


def test_stress_makes_more_trades() -> None:
    calm, wild = (len(trades(Crowd(shape(0.5), stream(1, "crowd")), 40, stress)) for stress in (1.0, 4.0))
    assert wild / calm == pytest.approx(4.0**0.7, rel=0.05)


@pytest.mark.parametrize("persistence", [0.1, 0.3])
def test_signs_keep_on_and_fade(persistence: float) -> None:
    """Without a moving price nobody follows it, so that the mood alone is seen: thinner by the followers' share."""
    found = trades(Crowd(shape(persistence=persistence), stream(2, "crowd")), 200)
    signs = np.array([side.sign for side, _ in found], dtype=np.float64)
    first, later = correlation(signs, 1), correlation(signs, 9)
    assert first == pytest.approx(persistence / 0.49, rel=0.1)
    assert later == pytest.approx(first * math.exp(-1.0), rel=0.2)
    assert abs(signs.mean()) < 0.05


def test_persistence_is_the_laws_where_the_price_moves_by_chance() -> None:
    random, crowd = stream(4, "moves"), Crowd(shape(0.2), stream(3, "crowd"))
    signs: list[int] = []
    for _ in range(400):
        found = crowd.block(CALM, random.standard_normal(STEPS))
        signs += [side.sign for step in sorted(found) for side, _ in found[step]]
    assert correlation(np.array(signs, dtype=np.float64), 1) == pytest.approx(0.3, abs=0.04)


def test_takers_go_with_a_moving_price() -> None:
    up = Crowd(shape(), stream(1, "crowd")).block(CALM, CALM)
    signs = [side.sign for found in up.values() for side, _ in found]
    assert 0.1 < sum(signs) / len(signs) < 0.5


def test_a_coarse_step_holds_the_volume_of_its_trades_in_one() -> None:
    crowd = Crowd(shape(900.0), stream(1, "crowd"))
    found = [crowd.block(CALM, STILL) for _ in range(20)]
    assert all(len(one) == 1 for block in found for one in block.values())
    volumes = np.array([lots for block in found for ((_, lots),) in block.values()], dtype=np.float64)
    assert volumes.mean() == pytest.approx(900 * 100, rel=0.03)
    # Variance of a sum of 900 log-normals with mean 5 medians.
    assert volumes.std() == pytest.approx(100 * math.sqrt(900 * (25 - 1)), rel=0.1)


def test_one_seed_gives_one_crowd() -> None:
    first, again, other = (trades(Crowd(shape(), stream(seed, "crowd")), 3) for seed in (1, 1, 2))
    assert first == again
    assert first != other
