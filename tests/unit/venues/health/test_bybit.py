import pytest

from hedgebot.venues.health.bybit import read


def wallet(**changed: object) -> dict[str, object]:
    row: dict[str, object] = {"accountType": "UNIFIED", "totalEquity": "1200", "totalMarginBalance": "1000.00"}
    row |= {"totalInitialMargin": "250.00", "totalMaintenanceMargin": "50.06", "totalAvailableBalance": "750.00"}
    row |= {"accountIMRate": "0.25", "accountMMRate": "0.05", "coin": []}
    return {"topic": "wallet", "creationTime": 1_700_000_000_000, "data": [row | changed]}


def test_the_rate_is_use_as_it_is() -> None:
    (account,) = read(wallet()) or ()
    assert account.stated_use == 0.05
    assert account.use == pytest.approx(0.05006)  # the amounts know more digits, and more is due
    assert account.initial_use == 0.25
    assert all(one.holds for one in account.relations)


def test_a_rate_of_another_balance_contradicts() -> None:
    (account,) = read(wallet(accountMMRate="0.2")) or ()
    assert [one.name for one in account.relations if not one.holds] == ["accountMMRate = margin / balance"]


def test_portfolio_margin_rates_are_of_the_equity() -> None:
    (account,) = read(wallet(accountIMRate="0.2083", accountMMRate="0.0417")) or ()
    assert [one.name for one in account.relations if not one.holds] == []
    assert account.equity == 1_000.0  # the smaller one: never less use than the venue shows


def test_empty_totals_are_unknown() -> None:
    (account,) = read(wallet(totalMarginBalance="", totalEquity="", totalMaintenanceMargin="", accountMMRate="")) or ()
    assert account.use is None
    assert "totalMaintenanceMargin is empty" in account.missing


def test_the_account_is_the_sum_of_its_coins() -> None:
    coin = {"coin": "BTC", "equity": "2", "usdValue": "100000", "totalPositionMM": "0.00100120", "totalOrderIM": "0"}
    (account,) = read(wallet(coin=[coin])) or ()
    assert all(one.holds for one in account.relations)
    (account,) = read(wallet(coin=[coin | {"totalPositionMM": "0.00200120"}])) or ()
    assert [one.name for one in account.relations if not one.holds] == ["maintenance margin = sum over coins"]
    (account,) = read(wallet(coin=[coin | {"usdValue": ""}])) or ()
    assert "maintenance margin = sum over coins" not in {one.name for one in account.relations}


def position(**changed: object) -> dict[str, object]:
    row: dict[str, object] = {"symbol": "BTCUSDT", "side": "Sell", "size": "0.1", "avgPrice": "50000", "leverage": "10"}
    row |= {"markPrice": "51000", "positionValue": "5000", "positionIM": "512.8", "positionIMByMp": "512.8"}
    row |= {"positionMM": "28.3", "riskLimitValue": "2000000", "tradeMode": 0, "unrealisedPnl": "-100"}
    return {"retCode": 0, "result": {"list": [row | changed]}, "time": 1_700_000_000_000}


def test_a_position_is_signed_and_valued_at_its_mark() -> None:
    (account,) = read(position()) or ()
    (held,) = account.holdings
    assert (held.contracts, held.initial, held.missing) == (-0.1, 512.8, ())
    assert held.value == pytest.approx(5_100.0)
    assert all(one.holds for one in held.relations)


@pytest.mark.parametrize(
    ("field", "value", "name"),
    [
        ("positionValue", "5100", "positionValue = size x entry"),
        ("riskLimitValue", "150", "positionValue within riskLimitValue"),
        ("positionBalance", "9.9", "positionIM = positionBalance"),
    ],
)
def test_a_row_that_contradicts_itself(field: str, value: str, name: str) -> None:
    (account,) = read(position(**{field: value})) or ()
    assert [one.name for one in account.holdings[0].relations if not one.holds] == [name]


def test_rows_of_the_retired_calculation_say_so() -> None:
    frame = position()
    rows = frame["result"]["list"]  # type: ignore[index]
    del rows[0]["positionIMByMp"]
    (account,) = read(frame) or ()
    assert "older than" in account.holdings[0].missing[0]


def test_an_empty_slot_is_no_position() -> None:
    (account,) = read(position(size="0", side="")) or ()
    assert account.holdings == ()


def test_other_frames_are_not_ours() -> None:
    assert read({"topic": "order", "data": [{"orderId": "1"}]}) is None
    assert read({"a": 1}) is None
