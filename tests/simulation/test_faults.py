"""Each fault of the project's table that the fault world plays: the book survives it, safety first, then liveness.

Named after the ids. Past failing seeds stay in `REGRESSIONS`. `hedgebot sim run` and `make campaign` play many more.
"""

import pytest

from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.mishaps import BY_ID, MISHAPS
from strategies.delta_neutral import STRATEGY

SEEDS = (101, 102)
MIXED = tuple(range(1, 25))
REGRESSIONS: tuple[int, ...] = ()


@pytest.mark.parametrize("name", BY_ID)
def test_fault(name: str) -> None:
    for seed in SEEDS:
        outcome = FaultWorld(seed, 5.0, STRATEGY.build, [BY_ID[name]]).run()
        assert outcome.passed, (seed, outcome.stuck, outcome.violations[:3])
        assert [one.id for one in outcome.played] == [name]


@pytest.mark.parametrize("seed", MIXED + REGRESSIONS)
def test_mixed_faults(seed: int) -> None:
    outcome = FaultWorld(seed, 10.0, STRATEGY.build, MISHAPS).run()
    assert outcome.passed, (outcome.played, outcome.stuck, outcome.violations[:3])
