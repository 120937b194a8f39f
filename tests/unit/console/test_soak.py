"""What a soak says of its samples and of its books. The run itself is an end-to-end test (tests/e2e/test_soak.py)."""

from pathlib import Path
from typing import Any

import pytest

from hedgebot.console.soak import Course, SoakWish, report, report_lines
from hedgebot.console.summary import DemoSummary, summarise
from hedgebot.domain.errors import HedgebotError
from hedgebot.lab.chaosplan import Blow, Kind
from hedgebot.lab.vitals import Vitals
from tests.unit.console.test_summary import truth


class Stranger:
    """Stands for a process or a proxy that is not asked."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


def course(folder: Path, samples: int, leak_mb: float = 0.0) -> tuple[SoakWish, Course, DemoSummary]:
    wish = SoakWish(minutes=30.0, seed=7, folder=folder)
    stranger: Any = Stranger()
    made = Course(wish, (stranger, stranger), stranger, print)
    made.samples = [
        Vitals(
            at_s=number * 4.0,
            rss_bytes=200_000_000,
            private_bytes=150_000_000 + int(number * leak_mb * 1e6),
            tasks=37,
            descriptors=40,
            journal_bytes=number * 10_000,
        )
        for number in range(samples)
    ]
    made.hand.fallen = [Blow(at_s=1.0, kind=Kind.CUT, place="", seconds=0.0)] * 3
    return wish, made, summarise(folder, seed=7, ran_s=1.0, truth=truth(), daemon_code=0)


def test_a_soak_that_held(journal_dir: Path) -> None:
    wish, made, book = course(journal_dir, 450)
    found = report(wish, made, book, recovered_s=1.5, dials=60)
    assert found.good
    assert found.blows == {"cut": 3}
    text = "\n".join(report_lines(found))
    for fact in (
        *(
            "Soak of 30 minutes, seed 7",
            "3 cut; 60 dials; hedged again after 1.5 s",
            "slope +0.00 MB an hour (limit 1)",
        ),
        *("1 at the exchange, 1 intents in the journal, 0 without an intent", "It does not grow, and the books agree."),
    ):
        assert fact in text


def test_a_leak_a_book_that_differs_and_one_that_stays_unhedged_are_each_said(journal_dir: Path) -> None:
    wish, made, _ = course(journal_dir, 450, leak_mb=0.01)
    book = summarise(journal_dir, seed=7, ran_s=1.0, truth=truth(positions=[]), daemon_code=0)
    found = report(wish, made, book, recovered_s=None, dials=60)
    assert not found.good
    text = "\n".join(report_lines(found))
    assert "NOT GOOD: memory grows by 9.00 MB an hour, it should be less than 1" in text
    assert "NOT GOOD: bybit:linear:BTCUSDT: the ledger has -0.162, the exchange 0" in text
    assert "NOT GOOD: the book was not hedged again within 60 s of the last blow" in text


def test_time_in_the_band_is_not_what_a_soak_is_about(journal_dir: Path) -> None:
    strict = summarise(journal_dir, seed=7, ran_s=1.0, truth=truth(), daemon_code=0, share_wanted=1.01)
    assert [one for one in strict.complaints if "time in the band" in one]
    assert summarise(journal_dir, seed=7, ran_s=1.0, truth=truth(), daemon_code=0, share_wanted=0.0).good


def test_a_soak_without_samples_is_no_soak(journal_dir: Path) -> None:
    wish, made, book = course(journal_dir, 3)
    with pytest.raises(HedgebotError, match="too short to judge: there are 0 samples"):
        report(wish, made, book, recovered_s=1.0, dials=1)
