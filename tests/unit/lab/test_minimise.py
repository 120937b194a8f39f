"""Failing worlds made small: the fewest mishaps that still break the same, and the line that plays just these."""

from collections.abc import Sequence

import msgspec
import pytest

from hedgebot.lab.minimise import smallest
from hedgebot.lab.oracle import Violation
from hedgebot.lab.outcome import Outcome, Played

NAMES = ("N05", "P01", "M06", "V04")


def outcome(kept: Sequence[str] | None, *broken: str, stuck: str = "") -> Outcome:
    return Outcome(
        seed=7,
        minutes=10.0,
        played=tuple(Played(id=one, from_s=1.0, until_s=2.0) for one in (NAMES if kept is None else kept)),
        violations=tuple(Violation(invariant=one, at_ns=1, sentence="broken") for one in broken),
        stuck=stuck,
        hedges=5,
        own_fills=5,
        starts=1,
        alerts=(),
        kept=None if kept is None else tuple(kept),
    )


def needs(*names: str) -> tuple[list[Sequence[str] | None], object]:
    """A world that breaks I6 where all of these are played, and I1 wherever P01 is."""
    tried: list[Sequence[str] | None] = []

    def play(kept: Sequence[str] | None) -> Outcome:
        tried.append(kept)
        has = set(NAMES if kept is None else kept)
        return outcome(kept, *(["I6"] if has >= set(names) else []), *(["I1"] if "P01" in has else []))

    return tried, play


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (("M06",), " --keep M06"),
        (("N05", "V04"), " --keep N05 --keep V04"),
        (("N05", "P01", "V04"), " --keep N05 --keep P01 --keep V04"),
        (NAMES, ""),
        ((), " --keep none"),
    ],
)
def test_the_fewest_mishaps_that_break_the_same_are_found(cause: tuple[str, ...], words: str) -> None:
    """Another invariant that breaks with fewer of them is another failure."""
    tried, play = needs(*cause)
    found = smallest(outcome(None, "I6", "I1"), play)  # type: ignore[arg-type]
    assert (found.sign, found.kept, found.repeats) == ("I6", cause, True)
    assert found.left_out == tuple(one for one in NAMES if one not in cause)
    assert found.line == f"hedgebot sim run --seed 7 --minutes 10{words}"
    assert found.runs == len(tried) <= 16
    assert found.line in found.sentence


def test_a_failure_that_does_not_come_again_is_told_and_keeps_its_line() -> None:
    found = smallest(outcome(None, "I6"), outcome)
    assert (found.repeats, found.kept, found.runs) == (False, NAMES, 16)
    assert found.sentence == (
        "I6 does not fail again: the build is not the same from run to run; hedgebot sim run --seed 7 --minutes 10"
    )


def test_what_held_has_nothing_to_leave_out() -> None:
    with pytest.raises(ValueError, match="seed 7 held"):
        smallest(outcome(None), outcome)


def test_a_book_that_is_stuck_and_a_criterion_are_signs_of_their_own() -> None:
    def play(kept: Sequence[str] | None) -> Outcome:
        return msgspec.structs.replace(outcome(kept, stuck="halted"), unmet=("M06: an order was sent",))

    whole = play(None)
    assert whole.signs == ("I12", "criterion of M06")
    assert smallest(whole, play).kept == ()
