from typing import Any

import pytest

from hedgebot.venues.health.deribit import owned, prices, read, read_positions
from hedgebot.venues.reading import FrameProblem


def summary(**changed: object) -> dict[str, Any]:
    row: dict[str, object] = {
        "currency": "BTC",
        "margin_model": "segregated_sm",
        "equity": "10.5",
        "options_value": "0.5",
    }
    row |= {"margin_balance": "10.0", "initial_margin": "2.0", "maintenance_margin": "1.0", "available_funds": "8.0"}
    return {"result": {"summaries": [row | changed]}, "usOut": 1_700_000_000_000_000}


def test_use_is_over_the_margin_balance_not_the_equity() -> None:
    (account,) = read(summary()) or ()
    assert (account.use, account.initial_use, account.unit) == (0.1, 0.2, "BTC")
    assert all(one.holds for one in account.relations)
    assert account.at_ns == 1_700_000_000_000_000_000


@pytest.mark.parametrize("field", ["available_funds", "options_value"])
def test_an_identity_that_is_broken(field: str) -> None:
    (account,) = read(summary(**{field: "3.0"})) or ()
    assert sum(not one.holds for one in account.relations) == 1


def test_a_cross_account_is_whole_in_usd_and_shares_its_use() -> None:
    totals = {"total_margin_balance_usd": "500000", "total_initial_margin_usd": "100000"}
    totals |= {"total_maintenance_margin_usd": "50000"}
    whole, coin = read(summary(margin_model="cross_pm", **totals)) or ()
    assert (whole.unit, whole.use, coin.use) == ("USD", 0.1, 0.1)
    assert all(one.holds for one in coin.relations)
    _, other = read(summary(margin_model="cross_pm", **totals | {"total_initial_margin_usd": "300000"})) or ()
    assert "initial_margin / margin_balance as in USD" in {one.name for one in other.relations if not one.holds}


def test_a_pushed_portfolio_is_the_same() -> None:
    row = summary()["result"]["summaries"][0]
    (account,) = read({"params": {"channel": "user.portfolio.btc", "data": row}}) or ()
    assert account.use == 0.1
    assert "positions: a summary has none" in account.missing


def test_a_change_of_positions() -> None:
    position = {"instrument_name": "BTC-PERPETUAL", "size": "100000", "size_currency": "2.0", "mark_price": "50000"}
    position |= {"initial_margin": "0.0402", "maintenance_margin": "0.0202", "leverage": "50", "average_price": "49000"}
    trade = {"timestamp": 1_700_000_000_000, "fee_currency": "BTC"}
    frame = {"params": {"channel": "user.changes.any.any.raw", "data": {"positions": [position], "trades": [trade]}}}
    (account,) = read(frame) or ()
    assert (account.unit, account.use, account.at_ns) == ("BTC", None, 1_700_000_000_000_000_000)
    assert account.holdings[0].value == 2.0
    assert account.holdings[0].relations[0].holds


def test_other_frames_are_not_ours() -> None:
    assert read({"params": {"channel": "trades.any", "data": []}}) is None
    assert read({"result": {"ok": 1}}) is None
    assert read([]) is None


def test_positions_of_an_answer_and_what_is_owned() -> None:
    row = {"instrument_name": "BTC-PERPETUAL", "size": 100, "mark_price": "50000.5"}
    (held,) = read_positions({"result": [row, row | {"size": 0}]})
    assert (held.contracts, held.mark) == (100.0, 50_000.5)
    with pytest.raises(FrameProblem):
        read_positions({"result": {}})
    assert owned(read(summary()) or ()) == {"BTC": 10.0}
    assert prices(read(summary()) or ()) == {}
    crossed = read(summary(margin_model="cross_pm", total_margin_balance_usd="1000000")) or ()
    assert prices(crossed) == {"BTC": 100_000.0}
