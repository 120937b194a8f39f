"""A setting scales paths, and never below what a statistic needs."""

from hedgebot.lab.experiment import Setting


def test_effort_scales_the_paths() -> None:
    assert Setting().paths(20_000) == 20_000
    assert Setting(effort=0.1).paths(20_000) == 2_000
    assert Setting(effort=0.01).paths(500) == 100
