"""The mixed book at few paths: a band that follows net gamma is cheaper, to zero is dearer."""

import numpy as np
import pytest

from hedgebot.lab.bandsim import Step
from hedgebot.lab.experiment import Setting
from hedgebot.lab.figures_book import EXPERIMENTS, with_floor


def test_the_order_of_the_policies_is_the_references() -> None:
    """-11.5 and +27.3 % at full effort; a hundred paths leave about eight points."""
    (experiment,) = EXPERIMENTS
    found = experiment.find(Setting(effort=0.025))
    assert set(found) == set(experiment.ids)
    assert -22.0 < found["table-book28-ww-rho75-2.0"] < -1.0
    assert 15.0 < found["table-book28-band-zero-2.0"] < 50.0
    assert found["book28-ww-rho75-vs-zero"] < -22.0
    assert found["table-book28-time-2.0"] > found["table-book28-band-zero-2.0"] - 5.0
    assert abs(found["table-book28-ww-floor-2.0"] - found["table-book28-ww-edge-2.0"]) < 4.0


def test_no_width_falls_below_a_quarter_of_its_own_mean_so_far() -> None:
    nothing = np.zeros(2)
    block = [Step(nothing, nothing, np.array(shape)) for shape in ([1.0, 2.0], [0.0, 2.0], [3.0, 0.1])]
    found = [one.shape.tolist() for one in with_floor(block)]
    # Means so far: 1 and 2, then 0.5 and 2, then 4/3 and 4.1/3.
    assert found == [[1.0, 2.0], [0.125, 2.0], pytest.approx([3.0, 0.25 * 4.1 / 3.0])]
