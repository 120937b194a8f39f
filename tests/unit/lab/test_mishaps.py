"""The catalogue of mishaps: ids of the project's table, and each begins and ends on a stage without more ado."""

import re

import pytest

from hedgebot.domain.alerts import AlertKind
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


def test_each_fault_whose_row_asks_for_an_alert_says_which() -> None:
    """The rows of the project's table that name I9 and are played in the world; what it is due from is the mishap's.

    But for V17, whose margin melts over forty minutes: there each report owes its alert (`alertjudge.py`).
    """
    rows = {
        "N02": AlertKind.STALE_MARKET_DATA,
        "N15": AlertKind.PRIVATE_STREAM_SILENT,
        "V06": AlertKind.ADL_OR_LIQUIDATION,
        "V10": AlertKind.INSTRUMENT_SETTLING,
        "V12": AlertKind.FUNDING_COST_LIMIT,
        "V13": AlertKind.MARGIN_BUFFER_LOW,
        "V22": AlertKind.VENUE_UNREACHABLE,
        "P06": AlertKind.TASK_FAILED,
        "D01": AlertKind.TASK_FAILED,
        "O06": AlertKind.API_KEY_INVALID,
    }
    for fault, kind in rows.items():
        assert any(kind in one.alerts for one in MISHAPS if one.fault == fault), fault
