from typing import Any

import pytest

from hedgebot.venues.health.hyperliquid import read


def state(**changed: object) -> dict[str, Any]:
    position = {"coin": "BTC", "szi": "0.5", "positionValue": "40000.0", "marginUsed": "4000.0", "maxLeverage": 40}
    position |= {"leverage": {"type": "cross", "value": 10}, "entryPx": "81000.0", "unrealizedPnl": "-500.0"}
    summary = {
        "accountValue": "10000.0",
        "totalNtlPos": "40000.0",
        "totalRawUsd": "-30000.0",
        "totalMarginUsed": "4000.0",
    }
    return {
        "crossMarginSummary": summary,
        "crossMaintenanceMarginUsed": "500.0",
        "assetPositions": [{"type": "oneWay", "position": position}],
        "time": 1_770_000_000_000,
    } | changed


def test_use_is_the_cross_maintenance_margin_over_the_account_value() -> None:
    (account,) = read(state()) or ()
    assert (account.use, account.initial_use, account.complete) == (0.05, 0.4, True)
    assert all(one.holds for one in account.relations)
    (held,) = account.holdings
    assert (held.contracts, held.mark, held.leverage_max) == (0.5, 80_000.0, 40.0)


def test_a_short_takes_from_the_account_value() -> None:
    frame = state()
    frame["assetPositions"][0]["position"]["szi"] = "-0.5"
    (account,) = read(frame) or ()
    assert not account.relations[0].holds  # -30,000 - 40,000 is not 10,000


@pytest.mark.parametrize("gone", ["", None])
def test_without_its_maintenance_margin_use_is_unknown(gone: str | None) -> None:
    (account,) = read(state(crossMaintenanceMarginUsed=gone)) or ()
    assert account.use is None
    assert account.missing == ("crossMaintenanceMarginUsed is empty",)


def test_a_state_without_its_positions_says_so() -> None:
    (account,) = read(state(assetPositions=[])) or ()
    assert not account.complete
    assert "positions: 0 of 40000.0 notional is listed" in account.missing


def test_isolated_positions_are_not_the_cross_accounts() -> None:
    frame = state()
    frame["assetPositions"][0]["position"]["leverage"] = {"type": "isolated", "value": 10, "rawUsd": "-36000.0"}
    (account,) = read(frame) or ()
    assert account.holdings[0].isolated
    assert not account.complete


def test_other_frames_are_not_ours() -> None:
    assert read({"balances": []}) is None
    assert read([]) is None
