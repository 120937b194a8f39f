"""The mixed book at few paths: a band that follows net gamma is cheaper, to zero is dearer."""

from hedgebot.lab.experiment import Setting
from hedgebot.lab.figures_book import EXPERIMENTS


def test_the_order_of_the_policies_is_the_references() -> None:
    """-11.5 and +27.3 % at full effort; a hundred paths leave about eight points."""
    (experiment,) = EXPERIMENTS
    found = experiment.find(Setting(effort=0.025))
    assert set(found) == set(experiment.ids)
    assert -22.0 < found["table-book28-ww-rho75-2.0"] < -1.0
    assert 15.0 < found["table-book28-band-zero-2.0"] < 50.0
    assert found["book28-ww-rho75-vs-zero"] < -22.0
    assert found["table-book28-time-2.0"] > found["table-book28-band-zero-2.0"] - 5.0
