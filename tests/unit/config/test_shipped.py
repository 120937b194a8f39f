"""The records that ship: each is there, and no newer one of its venue lies beside it."""

from importlib.resources import files

import pytest

from hedgebot.config.shipped import FILES


@pytest.mark.parametrize("venue", FILES)
def test_the_record_of_a_venue_is_the_newest_there_is(venue: str) -> None:
    there = sorted(one.name for one in files("hedgebot.margin").iterdir() if one.name.startswith(f"{venue}_2"))
    assert there[-1] == FILES[venue]
