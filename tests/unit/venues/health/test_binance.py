import pytest

from hedgebot.venues.health.binance import read


def linear(**changed: object) -> dict[str, object]:
    frame: dict[str, object] = {"totalInitialMargin": "60", "totalMaintMargin": "25", "totalWalletBalance": "110"}
    frame |= {"totalUnrealizedProfit": "-10", "totalMarginBalance": "100", "totalPositionInitialMargin": "50"}
    frame |= {"totalOpenOrderInitialMargin": "10", "multiAssetsMargin": False, "assets": []}
    row: dict[str, object] = {
        "symbol": "BTCUSDT",
        "positionAmt": "-0.01",
        "notional": "-1000",
        "leverage": "20",
        "maintMargin": "4",
    }
    row |= {"positionInitialMargin": "50", "entryPrice": "99000", "unrealizedProfit": "-10", "isolated": False}
    frame["positions"] = [row, row | {"symbol": "ETHUSDT", "positionAmt": "0"}]
    return frame | changed


def test_use_of_a_linear_account_goes_up_when_it_gets_worse() -> None:
    (account,) = read(linear()) or ()
    assert (account.use, account.initial_use, account.unit) == (0.25, 0.6, "USDT")
    assert all(one.holds for one in account.relations)
    (held,) = account.holdings
    assert (held.contracts, held.value, held.maintenance) == (-0.01, 1_000.0, 4.0)


def test_a_sum_that_is_not_one_is_seen() -> None:
    (account,) = read(linear(totalMarginBalance="120")) or ()
    assert not account.relations[0].holds


def test_the_portfolio_ratio_points_the_other_way() -> None:
    # The published sample of the portfolio account (margin reference, BIN-7).
    frame = {"uniMMR": "5167.92171923", "accountEquity": "122607.35137903", "accountMaintMargin": "23.72469206"}
    (account,) = read(frame) or ()
    assert account.stated_use == pytest.approx(1.0 / 5_167.92171923)
    assert all(one.holds for one in account.relations)
    worse = []
    for ratio in ("1.5", "1.2", "1.05"):  # reminder, reduce-only, liquidation
        (account,) = read({"uniMMR": ratio, "accountEquity": "", "accountMaintMargin": ""}) or ()
        worse.append(account.use)
    assert worse == [pytest.approx(0.667, abs=1e-3), pytest.approx(0.833, abs=1e-3), pytest.approx(0.952, abs=1e-3)]


def test_a_margin_call_is_a_use() -> None:
    row = {"s": "ETHUSDT", "ps": "SHORT", "pa": "2", "mt": "CROSSED", "mp": "2000", "up": "-60", "mm": "20"}
    (account,) = read({"e": "MARGIN_CALL", "E": 1_600_000_000_000, "cw": "85", "p": [row]}) or ()
    assert (account.equity, account.use) == (25.0, 0.8)
    assert (account.holdings[0].contracts, account.holdings[0].value) == (-2.0, 4_000.0)


def test_a_margin_call_without_a_profit_has_no_equity() -> None:
    row = {"s": "ETHUSDT", "ps": "SHORT", "pa": "2", "mt": "CROSSED", "mp": "2000", "up": "", "mm": "20"}
    (account,) = read({"e": "MARGIN_CALL", "E": 1_600_000_000_000, "cw": "85", "p": [row]}) or ()
    assert (account.equity, account.use) == (None, None)
    assert "equity: the profit of a position is not told" in account.missing


def test_a_coin_margined_account_is_one_for_each_coin() -> None:
    asset = {
        "asset": "BTC",
        "walletBalance": "2",
        "unrealizedProfit": "-1",
        "marginBalance": "1",
        "initialMargin": "0.5",
    }
    asset |= {"maintMargin": "0.25"}
    unused = {**dict.fromkeys(asset, "0"), "asset": "ADA"}
    row = {"symbol": "BTCUSD_PERP", "positionAmt": "100", "leverage": "20", "maintMargin": "0.25"}
    (account,) = read({"assets": [unused, asset], "positions": [row]}) or ()
    assert (account.unit, account.use, len(account.holdings)) == ("BTC", 0.25, 1)
    (empty,) = read({"assets": [unused], "positions": []}) or ()
    assert empty.use == 0.0


def test_what_tells_no_margin_says_so() -> None:
    risk = {"symbol": "BTCUSDT", "positionAmt": "2", "entryPrice": "100", "markPrice": "110", "unRealizedProfit": "20"}
    (account,) = read({"id": "x", "status": 200, "result": [risk]}) or ()
    assert account.use is None
    assert account.holdings[0].relations[0].holds
    (account,) = read(risk | {"unRealizedProfit": "-20"}) or ()
    assert not account.holdings[0].relations[0].holds
    (account,) = read([{"asset": "USDT", "crossWalletBalance": "1"}]) or ()
    assert account.use is None
    (account,) = read({"e": "ACCOUNT_UPDATE", "a": {}}) or ()
    assert account.missing == ("margins: the event has none",)


def test_other_frames_are_not_ours() -> None:
    assert read({"e": "aggTrade"}) is None
    assert read([{"price": "1"}]) is None
    assert read(7) is None
