"""Plans of worlds: all that fits is drawn, what does not fit has its turn, and what is alone is alone."""

import random

from hedgebot.lab.draws import LONG_EVERY, PEACE_S, QUIET_S, WARM_UP_S, Plan, chance_of, draw, minutes_for
from hedgebot.lab.mishaps import MISHAPS
from hedgebot.lab.stage import Mishap, nothing


def mishap(name: str, seconds: float, *, alone: bool = False) -> Mishap:
    return Mishap(id=name, title=name, begin=nothing, seconds=seconds, alone=alone)


def plans(mishaps: list[Mishap], minutes: float, seeds: range) -> list[Plan]:
    return [draw(random.Random(seed), mishaps, minutes, seed) for seed in seeds]


def test_each_mishap_begins_after_the_warm_up_and_ends_before_the_peace() -> None:
    for plan in plans([mishap("N01", 20.0), mishap("N02", 60.0), mishap("N05", 100.0)], 5.0, range(1, 200)):
        assert plan.minutes == 5.0
        assert plan.mishaps
        for one, from_s in plan.mishaps:
            assert WARM_UP_S <= from_s <= 300.0 - PEACE_S - QUIET_S - one.seconds
        assert list(plan.mishaps) == sorted(plan.mishaps, key=lambda row: row[1])


def test_what_is_too_long_has_worlds_of_its_own_by_turns() -> None:
    long = [mishap("V17", 2_400.0), mishap("V22", 1_800.0)]
    found = plans([mishap("N01", 20.0), *long], 5.0, range(1, 4 * LONG_EVERY + 1))
    stretched = [one for one in found if one.minutes > 5.0]
    assert [one.mishaps[0][0].id for one in stretched] == ["V22", "V17", "V22", "V17"]
    assert all(one.minutes == minutes_for(one.mishaps[0][0]) and len(one.mishaps) == 1 for one in stretched)
    assert all(one.mishaps[0][1] + one.mishaps[0][0].seconds <= one.minutes * 60.0 - PEACE_S - QUIET_S for one in found)


def test_what_is_alone_is_alone_and_nothing_fits_into_nothing() -> None:
    found = plans([mishap("V13", 20.0, alone=True), mishap("N01", 20.0)], 5.0, range(1, 50))
    assert all(len(one.mishaps) == 1 for one in found if any(row[0].alone for row in one.mishaps))
    assert any(len(one.mishaps) == 1 and one.mishaps[0][0].alone for one in found)
    assert draw(random.Random(1), [mishap("V17", 2_400.0)], 5.0, LONG_EVERY) == Plan((), 5.0)


def test_two_hundred_worlds_of_half_an_hour_play_all_that_there_is() -> None:
    seen = {one.id for plan in plans(list(MISHAPS), 30.0, range(1, 201)) for one, _ in plan.mishaps}
    assert seen == {one.id for one in MISHAPS}


def test_the_stream_of_a_seed_is_its_own_and_always_the_same() -> None:
    assert chance_of(4).random() == chance_of(4).random()
    assert chance_of(4).random() != chance_of(5).random()
