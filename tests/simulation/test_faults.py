"""Each fault of the project's table that the fault world plays: the book survives it, and meets its row's criterion.

Named after the ids, each once here: a time limit of minutes for all of them. Past failing seeds stay in `REGRESSIONS`.
`hedgebot sim run` and `make campaign` play many seeds of each.
"""

import pytest

from hedgebot.lab.faultworld import FaultWorld, minutes_for
from hedgebot.lab.mishaps import BY_ID, MISHAPS
from strategies.delta_neutral import STRATEGY

pytestmark = pytest.mark.timeout(300)

SEED = 101
MIXED = tuple(range(1, 17))
REGRESSIONS: tuple[int, ...] = ()


@pytest.mark.parametrize("name", BY_ID)
def test_fault(name: str) -> None:
    mishap = BY_ID[name]
    outcome = FaultWorld(SEED, minutes_for(mishap), STRATEGY.build, [mishap]).run()
    assert outcome.passed, (outcome.stuck, outcome.violations[:3], outcome.unmet)
    assert [one.id for one in outcome.played] == [name]


@pytest.mark.parametrize("seed", MIXED + REGRESSIONS)
def test_mixed_faults(seed: int) -> None:
    outcome = FaultWorld(seed, 10.0, STRATEGY.build, MISHAPS).run()
    assert outcome.passed, (outcome.played, outcome.stuck, outcome.violations[:3], outcome.unmet)
