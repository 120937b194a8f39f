"""What grows is told, what only jumps about is not, and the figures are those of an hour."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hedgebot.lab.vitals import (
    Vitals,
    descriptor_count,
    journal_bytes,
    judge,
    private_bytes,
    resident_bytes,
    theil_sen,
    warm_up_s,
)


def samples(
    seconds: float,
    private_mb: Callable[[float], float] = lambda _at_s: 150.0,
    tasks: Callable[[float], int] = lambda _at_s: 37,
    descriptors: Callable[[float], int] = lambda _at_s: 40,
    journal_mb: Callable[[float], float] = lambda at_s: at_s / 60.0,
) -> list[Vitals]:
    dice = random.Random(5)
    return [
        Vitals(
            at_s=float(at_s),
            rss_bytes=200_000_000,
            private_bytes=int((private_mb(at_s) + dice.gauss(0.0, 0.3)) * 1e6),
            tasks=tasks(at_s),
            descriptors=descriptors(at_s),
            journal_bytes=int(journal_mb(at_s) * 1e6),
        )
        for at_s in range(0, int(seconds), 4)
    ]


def test_a_process_that_does_not_grow_is_healthy() -> None:
    found = judge(samples(1_800.0), 600.0)
    assert found.complaints == ()
    assert found.private_mb_per_h == pytest.approx(0.0, abs=0.5)
    assert found.journal_mb_per_h == pytest.approx(60.0, rel=0.01)
    assert found.journal_ratio == pytest.approx(1.0, abs=0.05)
    assert found.span_s == pytest.approx(1_196.0)


def test_a_leak_of_three_megabytes_an_hour_is_told() -> None:
    found = judge(samples(1_800.0, private_mb=lambda at_s: 150.0 + at_s / 1_200.0), 600.0)
    assert found.private_mb_per_h == pytest.approx(3.0, abs=0.5)
    assert any("MB an hour" in one for one in found.complaints)


def test_a_storm_for_a_quarter_of_the_time_is_no_leak() -> None:
    found = judge(samples(1_800.0, private_mb=lambda at_s: 170.0 if 1_050 < at_s < 1_350 else 150.0), 600.0)
    assert found.private_mb_per_h == pytest.approx(0.0, abs=0.7)
    assert found.complaints == ()


def test_what_is_needed_to_warm_up_is_not_counted() -> None:
    assert judge(samples(1_800.0, private_mb=lambda at_s: 150.0 + min(at_s, 500.0) / 10.0), 600.0).complaints == ()
    assert (warm_up_s(60.0), warm_up_s(1_800.0), warm_up_s(86_400.0)) == (40.0, 1_200.0, 1_200.0)


@pytest.mark.parametrize("what", ["tasks", "descriptors"])
def test_tasks_and_descriptors_that_pile_up_are_told(what: str) -> None:
    grows: Callable[[float], int] = lambda at_s: 40 + int(at_s / 200.0)  # noqa: E731
    found = judge(samples(1_800.0, **{what: grows}), 600.0)
    assert [one for one in found.complaints if what in one]


def test_a_journal_that_grows_faster_and_faster_is_told() -> None:
    found = judge(samples(1_800.0, journal_mb=lambda at_s: (at_s / 100.0) ** 3), 600.0)
    assert [one for one in found.complaints if "not linear" in one]


def test_a_short_run_is_judged_by_its_growth_alone() -> None:
    found = judge(samples(60.0, private_mb=lambda at_s: 150.0 + at_s / 100.0), 20.0)
    assert (found.private_mb_per_h, found.journal_ratio, found.complaints) == (None, None, ())
    assert judge(samples(60.0, private_mb=lambda at_s: 150.0 + at_s), 20.0).complaints
    with pytest.raises(ValueError, match="at least 6"):
        judge(samples(20.0), 10.0)


def test_the_slope_is_the_median_of_all_pairs() -> None:
    at, values = np.array([0.0, 1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 5.0, 7.0, 900.0])
    assert theil_sen(at, values) == pytest.approx(2.0)
    many = np.arange(5_000.0)
    assert theil_sen(many, many * 0.25) == pytest.approx(0.25)


def test_this_process_and_its_journal_can_be_measured(tmp_path: Path) -> None:
    assert 10_000_000 < private_bytes(os.getpid()) < resident_bytes(os.getpid())
    before = descriptor_count(os.getpid())
    with (tmp_path / "journal.db").open("wb") as file:
        file.write(bytes(1_000))
        file.flush()
        assert descriptor_count(os.getpid()) == before + 1
    (tmp_path / "tape").mkdir()
    (tmp_path / "tape" / "1.seg").write_bytes(bytes(50))
    (tmp_path / "hedgebot.log").write_bytes(bytes(9))
    assert journal_bytes(tmp_path) == 1_050
