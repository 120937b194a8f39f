import pytest

from hedgebot.venues.health.kraken import read

ACCOUNT = {"name": "f-xbt:usd", "balance": "2.0", "pnl": "0.5", "funding": "-0.1", "pv": "2.4", "am": "2.0"}
ACCOUNT |= {"im": "0.4", "mm": "0.2"}


def test_a_margin_account_by_its_amounts() -> None:
    cash = {"name": "xbt", "balance": "9", "pnl": "0", "funding": "0", "pv": "0", "am": "0", "im": "0", "mm": "0"}
    (account,) = read({"feed": "account_balances_and_margins", "margin_accounts": [cash, ACCOUNT]}) or ()
    assert account.unit == "XBT"
    assert account.use == pytest.approx(0.2 / 2.4)
    assert all(one.holds for one in account.relations)
    (account,) = read(ACCOUNT | {"pv": "2.5"}) or ()
    assert [one.holds for one in account.relations] == [False, False]


def test_a_cash_account_margins_nothing() -> None:
    (account,) = read(ACCOUNT | {"name": "xbt"}) or ()
    assert account.use is None


def test_an_inverse_position_checks_its_profit() -> None:
    row = {
        "instrument": "PI_XBTUSD",
        "balance": "-100",
        "entry_price": "50000",
        "mark_price": "40000",
        "pnl": "-0.0005",
    }
    (account,) = read({"feed": "open_positions", "account": "a", "positions": [row]}) or ()
    assert not account.holdings[0].relations[0].holds  # a short gains when the price falls
    expected = -100 * (1 / 50_000 - 1 / 40_000)
    (account,) = read({"feed": "open_positions", "account": "a", "positions": [row | {"pnl": repr(expected)}]}) or ()
    assert account.holdings[0].relations[0].holds
    assert account.holdings[0].value == 0.0025
    assert account.use is None


def test_a_list_of_positions_tells_no_margin() -> None:
    row = {"symbol": "PI_ETHUSD", "side": "short", "size": "12", "price": "1750"}
    (account,) = read({"openPositions": [row]}) or ()
    assert (account.holdings[0].contracts, account.use) == (-12.0, None)


def test_spots_margin_level_points_down_and_is_no_maintenance_margin() -> None:
    row = {"eb": "2000", "tb": "2000", "m": "500", "e": "2000", "mf": "1500", "ml": "400"}
    (account,) = read({"result": row}) or ()
    assert (account.initial_use, account.use) == (0.25, None)
    assert all(one.holds for one in account.relations)
    (worse,) = read({"result": row | {"ml": "120"}}) or ()
    assert "ml = 100 e / m (down is bad)" in {one.name for one in worse.relations if not one.holds}


def test_other_frames_are_not_ours() -> None:
    assert read({"feed": "fills"}) is None
    assert read("x") is None
