"""Candidate: urgent is what brings a delta back that is beyond its limit, or whose hedge a delivery takes away."""

import math

import pytest

from hedgebot.core.candidate import finding
from hedgebot.core.gate import judge
from hedgebot.core.sums import Sums
from hedgebot.domain.orders import Refused
from tests.unit.core.test_gate import _candidate, _set_margin


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


@pytest.mark.parametrize("delta", [math.nan, math.inf])
def test_an_unproven_delta_never_counts_as_risk_reducing(delta: float) -> None:
    one = _candidate(delta_coin=delta)
    assert not one.reduces_delta
    assert not one.reduces_risk
    assert isinstance(judge(one), Refused)


@pytest.mark.parametrize(("use", "event", "passes"), [(0.6, "", True), (0.6, "FOMC", False), (0.4, "FOMC", True)])
def test_the_higher_floor_of_an_event_holds_without_a_model_too(use: float, event: str, passes: bool) -> None:
    """Without a model the venue's number judges: what grows a position is no rescue below the floor."""
    one = _candidate()
    assert (one.effect, one.grows_position) == (None, True)
    _set_margin(one, use)
    one.account.margin.event = event
    assert one.reduces_risk is passes
    verdict = judge(one)
    assert isinstance(verdict, Refused) is not passes
    if isinstance(verdict, Refused):
        assert (verdict.check.rule, verdict.check.value, verdict.check.limit) == ("margin_use", 0.6, 0.5)
