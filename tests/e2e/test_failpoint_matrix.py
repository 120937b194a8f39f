"""P01: SIGKILL at every failpoint of the order path, 20 times each: nothing doubled, orphaned or lost, ready in 10 s.

Runs in the parallel stage: each test has worlds of its own, and nothing in it is judged by the machine's speed but the
ten seconds.
"""

from collections.abc import Iterator

import pytest

from hedgebot.daemon.failpoints import Failpoint
from tests.e2e import matrix
from tests.e2e.harness import Nursery

pytestmark = pytest.mark.timeout(240)

KILLS = 20


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    made = Nursery(tmp_path_factory.mktemp("nursery") / "nursery.log")
    yield made
    made.close()


@pytest.mark.parametrize("failpoint", list(Failpoint))
def test_p01_sigkill_at_a_failpoint_doubles_orphans_and_loses_nothing(failpoint: Failpoint, nursery: Nursery) -> None:
    outcomes = matrix.run(failpoint, KILLS, nursery)
    assert sum(one.kills for one in outcomes) == KILLS
    assert max(ready for one in outcomes for ready in one.ready_s) <= matrix.READY_S_MAX
    assert all(one.hedges > 0 for one in outcomes)
