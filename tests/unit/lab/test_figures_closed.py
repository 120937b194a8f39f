"""Closed forms: each experiment finds exactly what it says, inside its tolerance."""

import pytest

from hedgebot.lab.experiment import Experiment, Setting
from hedgebot.lab.figures_closed import EXPERIMENTS, call
from hedgebot.lab.reproduce import CASES, read_cases

KNOWN = {one.id: one for one in read_cases(CASES)}


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda one: one.ids[0])
def test_every_closed_form_is_reproduced(experiment: Experiment) -> None:
    found = experiment.find(Setting())
    assert set(found) == set(experiment.ids)
    assert [name for name, value in found.items() if not KNOWN[name].holds(value)] == []


def test_a_call_on_a_forward_with_interest_is_hulls() -> None:
    """Hull's example: 100,000 options worth 240,000 USD, delta 0.522."""
    found = call(49.0, 50.0, 20 / 52, 0.20, 0.05)
    assert found.delta[0] == pytest.approx(0.522, abs=5e-4)
    assert found.premium[0] * 2.718281828 ** (-0.05 * 20 / 52) == pytest.approx(2.4005273, abs=1e-6)
