"""The scorecard: counted by mishap, weighted, with the line that repeats a failure."""

import pytest

from hedgebot.lab.campaign import campaign, one_run, repeat_line, score
from hedgebot.lab.catalogue import FAULTS
from hedgebot.lab.outcome import Outcome, Played
from hedgebot.lab.worldbooks import BookKind, book_of
from strategies.delta_neutral import STRATEGY


def outcome(seed: int, *ids: str, stuck: str = "") -> Outcome:
    return Outcome(
        seed=seed,
        minutes=10.0,
        played=tuple(Played(id=name, from_s=1.0, until_s=2.0) for name in ids),
        violations=(),
        stuck=stuck,
        hedges=5,
        own_fills=5,
        starts=1,
        alerts=(),
    )


def test_a_failure_counts_against_each_mishap_of_its_run() -> None:
    card = score([outcome(1, "N05", "N15"), outcome(2, "N05", stuck="no process runs"), outcome(3, "N15")])
    lines = {one.id: one for one in card.lines if one.played}
    assert (lines["N05"].played, lines["N05"].passed) == (2, 1)
    assert (lines["N15"].played, lines["N15"].passed) == (2, 2)
    assert card.score == pytest.approx((3 * 0.5 + 1 * 1.0) / 4)
    assert (card.weight_played, card.weight) == (4, sum(one.weight for one in FAULTS))
    assert not card.passed
    assert repeat_line(card.failed[0]) == "hedgebot sim run --seed 2 --minutes 10"
    assert card.hedges == 15


def test_the_line_names_the_mishaps_that_a_run_was_drawn_from() -> None:
    """Another choice of mishaps is another world."""
    chosen = one_run(4, 5.0, ["N05", "P01"], STRATEGY.build)
    assert repeat_line(chosen) == "hedgebot sim run --seed 4 --minutes 5 --only N05 --only P01"
    assert repeat_line(one_run(4, 5.0, [], STRATEGY.build)) == "hedgebot sim run --seed 4 --minutes 5"


def test_the_line_names_a_book_of_other_hedges() -> None:
    chosen = one_run(4, 5.0, ["N05"], STRATEGY.build, BookKind.TWO)
    assert chosen.passed
    assert repeat_line(chosen) == "hedgebot sim run --seed 4 --minutes 5 --only N05 --book two"


def test_a_campaign_draws_a_book_and_a_world_alone_has_one_hedge_as_before_there_were_others() -> None:
    seed = next(one for one in range(1, 100) if book_of(one).kind is BookKind.TWO)
    alone = one_run(seed, 5.0, ["N05"], STRATEGY.build)
    assert alone.book is BookKind.ONE
    assert repeat_line(alone) == f"hedgebot sim run --seed {seed} --minutes 5 --only N05"
    drawn: list[Outcome] = []
    campaign([seed], 5.0, STRATEGY.build, only=["N05"], rules="bybit", workers=1, told=drawn.append)
    assert drawn[0].book is BookKind.TWO
    assert repeat_line(drawn[0]) == f"hedgebot sim run --seed {seed} --minutes 5 --only N05 --book two"


def test_nothing_played_scores_nothing() -> None:
    card = score([])
    assert (card.score, card.runs, card.passed) == (0.0, 0, True)


def test_seeds_are_played_in_order_and_told() -> None:
    heard: list[int] = []
    card = campaign([4, 2], 5.0, STRATEGY.build, only=["N05"], workers=1, told=lambda one: heard.append(one.seed))
    assert heard == [4, 2]
    assert card.runs == 2
    assert card.failed == ()
    with pytest.raises(KeyError):
        one_run(1, 5.0, ["X99"], STRATEGY.build)


def test_ways_of_one_fault_are_counted_as_one_and_others_say_who_plays_them() -> None:
    lines = {one.id: one for one in score([outcome(1, "M06", "M06n"), outcome(2, "M06n", stuck="down")]).lines}
    assert len(lines) == len(FAULTS)
    assert (lines["M06"].played, lines["M06"].passed, lines["M06"].elsewhere) == (2, 1, "")
    assert lines["S03"].elsewhere == 'make test ARGS="-k test_s03_"'
