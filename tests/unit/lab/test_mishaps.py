"""The catalogue of mishaps: ids of the project's table, and each begins and ends on a stage without more ado."""

import re

import pytest

from hedgebot.lab.catalogue import BY_FAULT
from hedgebot.lab.draws import minutes_for
from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.mishaps import BY_ID, MISHAPS
from strategies.delta_neutral import STRATEGY


def test_ids_are_the_tables_and_each_is_there_once() -> None:
    assert len(BY_ID) == len(MISHAPS)
    assert all(re.fullmatch(r"[NVPDCOM]\d\d[a-z]?", one.id) for one in MISHAPS)
    assert {one.fault for one in MISHAPS} <= BY_FAULT.keys()
    assert all(one.title and one.seconds > 0 for one in MISHAPS)


@pytest.mark.parametrize("name", BY_ID)
def test_each_begins_and_ends(name: str) -> None:
    world = FaultWorld(1, minutes_for(BY_ID[name]), STRATEGY.build, [BY_ID[name]])
    world.host.start()
    world.timeline.advance(world.timeline.now_ns + 5_000_000_000)
    BY_ID[name].begin(world)
    world.timeline.advance(world.timeline.now_ns + 2_000_000_000)
    BY_ID[name].end(world)
    assert world.oracle.violations == []
