"""A margin what-if on a real daemon: the gate's number and the venue's stand side by side, and nothing is traded."""

import json
from typing import Any

import pytest

from tests.e2e import checker
from tests.e2e.harness import World

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

RATE = 2e-4
"""The venue rounds its rates to 1e-4, and the market moves between the two answers."""


def test_our_number_and_the_venues_agree_and_the_order_is_not_placed(world: World) -> None:
    world.admin("flow", enabled=False)
    daemon = world.daemon()
    daemon.until_active()
    daemon.until("margin known", lambda book: any(one["margin_use"] is not None for one in book["accounts"]))
    words: Any = world.verb("margin", "what-if", "sell 3 BTC perp on bybit", "--state-dir", str(world.state_dir))
    code, answers = words
    first = answers[0]
    theirs = first["theirs"]
    assert first["source"] == "daemon", first
    assert theirs is not None, first["theirs_problem"]
    assert theirs["refused"] == ""
    assert first["before"]["use"] == pytest.approx(theirs["maintenance_before"], abs=RATE)
    assert first["after"]["use"] == pytest.approx(theirs["maintenance_after"], abs=RATE)
    assert first["after"]["maintenance"] > first["before"]["maintenance"]
    assert (code, first["verdict"]) == (0, "pass")
    assert {one["mode"] for one in answers} == {"isolated", "cross", "portfolio"}
    # Far too much: the gate refuses it, and the venue says that it would as well.
    code, answers = world.verb("margin", "what-if", "sell 900 BTC perp", "--state-dir", str(world.state_dir))
    first = answers[0]  # type: ignore[index]
    assert (code, first["verdict"]) == (6, "refuse"), first
    assert first["theirs"]["refused"].startswith("110007"), first
    code, shown = world.verb("margin", "show", "--state-dir", str(world.state_dir))
    assert code == 0
    assert {one["margin_mode"] for one in shown["models"] if one["venue"] == "bybit"} == {
        "isolated",
        "cross",
        "portfolio",
    }
    assert shown["accounts"][0]["venue_maintenance_usd"] is not None
    assert daemon.stop() == 0, daemon.words()
    mine = [row for row in checker.read_rows(world.state_dir) if "what-if" in json.dumps(row.payload)]
    assert mine == [], "a look leaves no row"
    code, answer = world.verb("journal", "replay", "--verify", "--state-dir", str(world.state_dir))
    assert code == 0, json.dumps(answer)
