"""Failpoints: armed by name and passage, silent otherwise."""

import pytest

from hedgebot.daemon.failpoints import VARIABLE, Failpoint, Failpoints
from hedgebot.domain.errors import ConfigError


@pytest.mark.parametrize("point", list(Failpoint))
def test_an_armed_point_strikes_at_its_passage_and_only_there(point: Failpoint) -> None:
    struck: list[str] = []
    points = Failpoints(f"{point}:3", strike=lambda: struck.append("struck"))
    for _ in range(2):
        points.passed(point)
    for other in Failpoint:
        if other is not point:
            points.passed(other)
    assert struck == []
    points.passed(point)
    assert struck == ["struck"]
    points.passed(point)
    assert struck == ["struck"]


def test_without_a_number_the_first_passage_counts() -> None:
    struck: list[str] = []
    points = Failpoints("before_commit", strike=lambda: struck.append("struck"))
    assert points.armed(Failpoint.BEFORE_COMMIT)
    points.passed(Failpoint.BEFORE_COMMIT)
    assert struck == ["struck"]


def test_nothing_is_armed_without_the_variable() -> None:
    struck: list[str] = []
    for environment in ({}, {VARIABLE: ""}):
        points = Failpoints.from_environment(environment)
        assert not any(points.armed(point) for point in Failpoint)
    points = Failpoints(None, strike=lambda: struck.append("struck"))
    for point in Failpoint:
        points.passed(point)
    assert struck == []


async def test_a_point_in_the_middle_of_something_strikes_a_moment_later() -> None:
    struck: list[str] = []
    points = Failpoints("in_snapshot", strike=lambda: struck.append("struck"))
    await points.passed_soon(Failpoint.IN_CANCEL)
    assert struck == []
    await points.passed_soon(Failpoint.IN_SNAPSHOT)
    assert struck == ["struck"]


@pytest.mark.parametrize("spec", ["nowhere", "before_commit:often", ":2"])
def test_a_misspelt_point_is_refused_with_the_known_ones(spec: str) -> None:
    with pytest.raises(ConfigError, match="before_commit"):
        Failpoints.from_environment({VARIABLE: spec})
