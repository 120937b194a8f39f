"""Simulated walks at a fraction of their paths, with the tolerance that this leaves."""

import pytest

from hedgebot.lab.experiment import Setting
from hedgebot.lab.figures_walks import EXPERIMENTS, at_times, hull_cost, to_target, walked_efficiency
from hedgebot.pricing.band import efficiency_of


def test_hulls_table_from_few_paths() -> None:
    (table, _) = EXPERIMENTS
    found = table.find(Setting(effort=0.05))
    assert set(found) == set(table.ids)
    expected = {"5": 0.42, "4": 0.38, "2": 0.28, "1": 0.21, "0.5": 0.16, "0.25": 0.13}
    for name, value in expected.items():
        assert found[f"hull-table-{name}w"] == pytest.approx(value, abs=0.009)


def test_more_trades_track_better() -> None:
    assert hull_cost(0.25, 4_000, 1) < hull_cost(1.0, 4_000, 1) < hull_cost(5.0, 4_000, 1)


@pytest.mark.parametrize("ratio", [1.0, 0.75, 0.0])
def test_efficiency_of_a_walk_is_the_closed_form(ratio: float) -> None:
    assert walked_efficiency(to_target(ratio), 100, 1) == pytest.approx(efficiency_of(ratio), rel=0.05)


def test_efficiency_by_the_clock() -> None:
    assert walked_efficiency(at_times, 200, 1) == pytest.approx(0.5642, rel=0.05)
