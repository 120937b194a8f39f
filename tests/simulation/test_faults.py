"""Each fault of the project's table that the fault world plays: the book survives it, and meets its row's criterion.

Named after the ids. Past failing seeds stay in `REGRESSIONS`. `hedgebot sim run` and `make campaign` play many more.
"""

import pytest

from hedgebot.lab.faultworld import FaultWorld, minutes_for
from hedgebot.lab.mishaps import BY_ID, MISHAPS
from strategies.delta_neutral import STRATEGY

SEEDS = (101, 102)
MIXED = tuple(range(1, 25))
REGRESSIONS: tuple[int, ...] = ()
LONG_S = 1_000.0
"""Mishaps longer than this are played once: their worlds take half an hour and more."""


@pytest.mark.parametrize("name", BY_ID)
def test_fault(name: str) -> None:
    mishap = BY_ID[name]
    for seed in SEEDS[:1] if mishap.seconds > LONG_S else SEEDS:
        outcome = FaultWorld(seed, minutes_for(mishap), STRATEGY.build, [mishap]).run()
        assert outcome.passed, (seed, outcome.stuck, outcome.violations[:3], outcome.unmet)
        assert [one.id for one in outcome.played] == [name]


@pytest.mark.parametrize("seed", MIXED + REGRESSIONS)
def test_mixed_faults(seed: int) -> None:
    outcome = FaultWorld(seed, 10.0, STRATEGY.build, MISHAPS).run()
    assert outcome.passed, (outcome.played, outcome.stuck, outcome.violations[:3], outcome.unmet)
