"""The cheapest points of a sweep and what lies between them."""

import numpy as np
import pytest

from hedgebot.domain.errors import DataError
from hedgebot.lab.frontier import dearer_percent, frontier


def test_points_that_another_beats_are_left_out() -> None:
    line = frontier(np.array([3.0, 1.0, 2.0, 2.5, 2.0]), np.array([1.0, 4.0, 2.0, 3.0, 2.5]))
    assert line.deviation.tolist() == [1.0, 2.0, 3.0]
    assert line.cost.tolist() == [4.0, 2.0, 1.0]


def test_between_two_points_the_logs_are_straight() -> None:
    line = frontier(np.array([1.0, 4.0]), np.array([8.0, 2.0]))
    assert line.cost_at(2.0) == pytest.approx(4.0)
    assert line.cost_at(1.0) == pytest.approx(8.0)


def test_trades_are_told_of_the_points_that_are_kept_and_only_where_they_were_counted() -> None:
    line = frontier(np.array([4.0, 1.0, 2.0]), np.array([2.0, 8.0, 9.0]), np.array([10.0, 40.0, 99.0]))
    assert line.trades_at(2.0) == pytest.approx(20.0)
    with pytest.raises(DataError, match="not counted"):
        frontier(np.array([1.0, 4.0]), np.array([8.0, 2.0])).trades_at(2.0)


def test_policies_are_compared_at_the_same_deviation() -> None:
    one, other = (
        frontier(np.array([1.0, 4.0]), np.array([6.0, 1.5])),
        frontier(np.array([1.0, 4.0]), np.array([8.0, 2.0])),
    )
    assert dearer_percent(one, other, 2.0) == pytest.approx(-25.0)
    assert dearer_percent(other, one, 3.0) == pytest.approx(100 / 3)


@pytest.mark.parametrize("deviation", [0.5, 5.0])
def test_outside_of_the_sweep_nothing_is_made_up(deviation: float) -> None:
    line = frontier(np.array([1.0, 4.0]), np.array([8.0, 2.0]))
    with pytest.raises(DataError, match="the sweep reached deviations of 1 to 4"):
        line.cost_at(deviation)
    with pytest.raises(DataError, match="widen it"):
        frontier(np.empty(0), np.empty(0)).cost_at(1.0)
