"""Records of venues' parameters: what is wrong with a file is said with its key."""

import json
from typing import Any

import pytest

from hedgebot.domain.errors import DataError
from hedgebot.domain.settings import MarginMode
from hedgebot.margin.venue_records import Grade, Tiered, VenueRecords, parse_records

LADDER = {"tiers": [{"value_max_settle": 10.0, "initial_rate": 0.1, "maintenance_rate": 0.05}]}
GOOD: dict[str, Any] = {
    "model": "tiered",
    "id": "x-1",
    "modes": ["cross"],
    "as_of": "2026-01-01",
    "read_at": "2026-01-02",
    "source": "a page",
    "grade": "DOC",
    "status": "",
    "covers": ["linear"],
    "ladders": {"BTC": LADDER},
}


def parsed(*records: dict[str, Any]) -> VenueRecords:
    return parse_records(json.dumps({"venue": "x", "records": records}).encode(), "x.json")


def test_a_record_says_what_it_is() -> None:
    (found,) = parsed(GOOD).records
    assert isinstance(found, Tiered)
    assert (found.modes, found.grade.meaning) == (
        (MarginMode.CROSS,),
        "the venue's documentation, no number to check it by",
    )
    assert all(one.meaning for one in Grade)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"grade": "sure"}, "grade"),
        ({"ladders": {"BTC": {"tiers": []}}}, "at least one tier"),
        ({"laders": {}}, "laders"),
        ({"model": "of mine"}, "model"),
        ({"as_of": None}, "as_of"),
    ],
)
def test_a_bad_record_is_named_with_its_key(change: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=rf"margin parameters x\.json: .*{words}"):
        parsed(GOOD | change)


def test_a_record_without_tiers_at_all_is_an_error() -> None:
    with pytest.raises(DataError, match="ladders"):
        parsed({key: value for key, value in GOOD.items() if key != "ladders"})


def test_two_records_for_one_mode_are_refused() -> None:
    with pytest.raises(DataError, match="two records for one margin mode"):
        parsed(GOOD, GOOD | {"id": "x-2"})
