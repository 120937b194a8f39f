"""The player of policies against a hand-made path, each policy's own rule, and money that must balance."""

from collections.abc import Iterator

import numpy as np
import pytest

from hedgebot.domain.errors import ProgrammingError
from hedgebot.lab.bandsim import Bands, Clock, Moves, Policy, Step, joined, play
from hedgebot.pricing.black76 import Floats

SPOTS = (100.0, 102.0, 101.0, 110.0, 105.0)
TARGETS = (0.0, 0.5, 0.4, 2.0, 9.0)


def _column(value: float) -> Floats:
    return np.array([value, value])


def _path(shape: float = 1.0, liability: float = 7.0) -> Iterator[Step]:
    """Two equal paths of five checks, the last one the end."""
    for number, (spot, target) in enumerate(zip(SPOTS, TARGETS, strict=True)):
        last = number == len(SPOTS) - 1
        yield Step(_column(spot), _column(target), _column(shape), _column(liability) if last else None)


def _played(policy: Policy, **more: float) -> tuple[float, float, float]:
    found = play([_path(**more)], (policy,), 0.001)[policy.name]
    assert found.profit.shape == (1, 2)
    assert found.profit[0, 0] == found.profit[0, 1]
    return float(found.profit[0, 0]), float(found.cost[0, 0]), float(found.trades[0, 0])


def test_a_band_to_its_edge_trades_only_outside_and_only_to_the_edge() -> None:
    """Held 0; at 110 the gap is 2.0 beyond a trigger of 1: buy 1. At the end the target no longer matters."""
    assert _played(Bands("edge", (1.0,), 1.0)) == pytest.approx((-5.0 + 7.0, 0.001 * 110.0, 1.0))


def test_a_band_to_zero_widens_its_trigger_to_the_same_variance() -> None:
    """Half width 1: the trigger is sqrt(2), and the trade goes all the way."""
    assert _played(Bands("zero", (1.0,), 0.0)) == pytest.approx((2.0 * -5.0 + 7.0, 0.001 * 220.0, 1.0))
    assert _played(Bands("zero", (1.42,), 0.0)) == (7.0, 0.0, 0.0)


def test_a_target_inside_is_on_the_same_side() -> None:
    trigger = 1.0 * (2.0 / 1.5625) ** 0.5
    bought = 2.0 - 0.75 * trigger
    assert _played(Bands("inside", (1.0,), 0.75)) == pytest.approx((-5.0 * bought + 7.0, 0.11 * bought, 1.0))


def test_a_scaled_band_follows_the_shape() -> None:
    assert _played(Bands("scaled", (2.0,), 1.0, scaled=True), shape=0.5) == _played(Bands("flat", (1.0,), 1.0))
    assert _played(Bands("scaled", (1.0,), 1.0, scaled=True), shape=np.inf) == (7.0, 0.0, 0.0)


def test_a_clock_trades_to_the_target_at_each_nth_check() -> None:
    """n = 2: at 101 buy 0.4."""
    assert _played(Clock("time", (2,))) == pytest.approx((0.4 * 4.0 + 7.0, 0.001 * 0.4 * 101.0, 1.0))


def test_a_move_is_counted_from_the_last_trade() -> None:
    """Beyond 1.5 %: at 102 buy 0.5; 101 is 1 % from there; at 110 buy 1.5 more."""
    profit = 0.5 * 3.0 + 1.5 * -5.0 + 7.0
    assert _played(Moves("move", (0.015,))) == pytest.approx((profit, 0.001 * (51.0 + 165.0), 2.0))


def test_the_first_hedge_is_free_and_may_be_given() -> None:
    found = play([_path()], (Bands("wide", (9.0,), 1.0),), 0.001, start=3.0)["wide"]
    assert found.profit[0, 0] == pytest.approx(3.0 * 5.0 + 7.0)
    assert found.mean_cost[0] == 0.0


def test_each_parameter_has_its_row_and_blocks_are_joined() -> None:
    found = play([_path(), _path()], (Bands("edge", (0.1, 1.0, 9.0), 1.0),), 0.001)["edge"]
    assert found.cost.shape == (3, 4)
    assert found.mean_cost[0] > found.mean_cost[1] > found.mean_cost[2] == 0.0
    assert joined([found, found], axis=0).trades.shape == (6, 4)
    assert found.deviation.tolist() == [0.0, 0.0, 0.0]
    assert found.net_deviation.tolist() == [0.0, 0.0, 0.0]


def test_profit_is_what_the_holdings_earned_step_by_step() -> None:
    """Against a plain loop over one random path."""
    random = np.random.default_rng(4)
    spots, targets = 100.0 + random.normal(0, 1, 60).cumsum(), random.normal(0, 1, 60).cumsum()
    steps = [
        Step(_column(spot), _column(target), _column(1.0), _column(0.0) if number == 59 else None)
        for number, (spot, target) in enumerate(zip(spots.tolist(), targets.tolist(), strict=True))
    ]
    found = play([steps], (Bands("edge", (0.5,), 1.0),), 0.002)["edge"]
    held, profit, cost = float(targets[0]), 0.0, 0.0
    for number in range(1, 60):
        profit += held * float(spots[number] - spots[number - 1])
        gap = held - float(targets[number])
        if number < 59 and abs(gap) > 0.5:
            change = -np.sign(gap) * (abs(gap) - 0.5)
            held, cost = held + change, cost + 0.002 * abs(change) * float(spots[number])
    assert float(found.profit[0, 0]) == pytest.approx(profit, abs=1e-9)
    assert float(found.cost[0, 0]) == pytest.approx(cost, rel=1e-12)
    assert cost > 0.0


def test_a_block_without_an_end_is_our_mistake() -> None:
    with pytest.raises(ProgrammingError, match="without the profit"):
        play([[next(_path())]], (Clock("time", (1,)),), 0.001)
    with pytest.raises(ProgrammingError, match="no step"):
        play([[]], (Clock("time", (1,)),), 0.001)


def test_a_hedge_has_its_own_price_and_pays_funding_on_what_was_held() -> None:
    """Bought 2 at 50 and held; marks 50, 60, 55; 0.5 a coin is settled at the second and the last check."""
    marks, paid = (50.0, 60.0, 55.0), (None, 0.5, 0.5)
    steps = [
        Step(_column(100.0), _column(2.0), _column(9.0), _column(1.0) if number == 2 else None, _column(mark), fee)
        for number, (mark, fee) in enumerate(
            zip(marks, [None if one is None else _column(one) for one in paid], strict=True)
        )
    ]
    found = play([steps], (Bands("wide", (9.0,), 1.0), Clock("time", (1,))), 0.001)
    for name in ("wide", "time"):
        assert found[name].profit[0, 0] == pytest.approx(2.0 * 5.0 + 1.0)
        assert found[name].funding[0, 0] == pytest.approx(2.0)
    assert found["time"].trades[0, 0] == 1.0


def test_funding_counts_into_the_deviation_after_costs_alone() -> None:
    steps = [
        Step(_column(100.0), np.array([1.0, 2.0]), _column(9.0), None),
        Step(_column(100.0), _column(1.0), _column(9.0), _column(0.0), None, _column(3.0)),
    ]
    found = play([steps], (Bands("wide", (9.0,), 1.0),), 0.001)["wide"]
    assert found.deviation[0] == 0.0
    assert found.net_deviation[0] == pytest.approx(1.5)
