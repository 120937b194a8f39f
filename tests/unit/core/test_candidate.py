"""Candidate: urgent is what brings a delta back that is beyond its limit, or whose hedge a delivery takes away."""

import pytest

from hedgebot.core.candidate import finding
from hedgebot.core.sums import Sums
from tests.unit.core.test_gate import _candidate


@pytest.mark.parametrize(
    ("delta", "settling", "urgent"), [(1.0, False, False), (1.0, True, True), (6.0, False, True), (-1.0, True, False)]
)
def test_what_is_urgent(delta: float, settling: bool, urgent: bool) -> None:
    one = _candidate(delta)
    one.underlying.sums = Sums(settling=settling)
    assert one.is_urgent is urgent


def test_a_finding_without_a_problem_is_content() -> None:
    assert not finding("rule", 1.0, 2.0).problem
    assert finding("rule", 3.0, 2.0, "too much").check.value == 3.0
