"""Fault O07: a key that can move money out ends the start with its own exit code; the override is journaled."""

import pytest

from tests.e2e import checker
from tests.e2e.harness import World

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


def test_o07_a_key_that_may_withdraw_is_refused_unless_the_override_names_its_venue(world: World) -> None:
    world.admin("key", account="main", state="may_withdraw")
    refused = world.daemon().process
    assert refused.wait() == 6, refused.words()
    assert "may move money out (AccountTransfer, Withdraw)" in refused.words()
    assert "--accept-key-rights bybit" in refused.words()
    stranger = world.daemon("--accept-key-rights", "binance").process
    assert stranger.wait() == 2, stranger.words()
    accepted = world.daemon("--accept-key-rights", "bybit", USER="ada")
    accepted.until_active()
    assert accepted.stop() == 0
    rows = checker.read_rows(world.state_dir)
    (event,) = [row.payload for row in rows if row.kind == "KeyRightsAccepted"]
    assert (event["venue"], event["rights"]) == ("bybit", ["AccountTransfer", "Withdraw"])
    (record,) = [
        row.payload for row in rows if row.kind == "RecordOperator" and row.payload["action"].startswith("accept")
    ]
    assert (record["operator"], record["action"]) == ("ada", "accept key rights bybit")
    # It holds for that start alone.
    again = world.daemon().process
    assert again.wait() == 6, again.words()
