"""Whose rules a seed has: each of the other venues' in a tenth of all worlds, and the line that repeats one says so."""

from collections import Counter

import pytest

from hedgebot.exchange.venue_rules import IdUniqueness, venue_rules
from hedgebot.lab.campaign import campaign, repeat_line
from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.mishaps import BY_ID
from hedgebot.lab.worldvenues import FIRST, OTHERS, venue_of
from strategies.delta_neutral import STRATEGY


def test_a_tenth_of_all_seeds_has_each_of_the_others_and_all_ways_of_ids_are_there() -> None:
    seen = Counter(venue_of(seed) for seed in range(1, 5_001))
    assert all(0.08 < seen[name] / 5_000 < 0.12 for name in OTHERS)
    assert seen.keys() == {FIRST, *OTHERS}
    assert {venue_rules(name).client_id.uniqueness for name in seen} == set(IdUniqueness)


@pytest.mark.timeout(300)
def test_a_campaign_draws_it_a_world_alone_has_the_first_and_the_line_says_what_is_not() -> None:
    seed = next(seed for seed in range(1, 100) if venue_of(seed) == "deribit")
    told: list[str] = []
    card = campaign(
        [seed], 5.0, STRATEGY.build, only=["N05"], workers=1, told=lambda one: told.append(repeat_line(one))
    )
    assert card.passed
    assert "--rules deribit" in told[0]
    alone = FaultWorld(seed, 5.0, STRATEGY.build, [BY_ID["N05"]])
    assert alone.exchange.rules.name == FIRST
    assert FaultWorld(seed, 5.0, STRATEGY.build, [BY_ID["V03"]], rules="okx").exchange.rules.name == "binance"
