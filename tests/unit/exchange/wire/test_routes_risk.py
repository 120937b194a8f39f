"""Public paths about insurance and auto-deleveraging."""

from decimal import Decimal

from hedgebot.exchange.wire import routes_risk as routes
from hedgebot.exchange.wire.api import Api
from tests.unit.exchange.wire.asking import ask, code_of


def test_every_fund_stands_behind_the_contracts_that_settle_in_it(api: Api) -> None:
    rows = {row["coin"]: row for row in ask(routes.insurance, api)["list"]}
    assert {"USDT", "USDC", "BTC", "ETH"} == set(rows)
    assert "BTCUSDT" in rows["USDT"]["symbols"].split(",")
    assert "BTCPERP" in rows["USDC"]["symbols"].split(",")
    assert "BTCUSD" in rows["BTC"]["symbols"].split(",")
    assert Decimal(rows["USDT"]["value"]) == Decimal(rows["USDT"]["balance"])
    assert float(rows["BTC"]["value"]) > 10_000 * float(rows["BTC"]["balance"])
    assert [row["coin"] for row in ask(routes.insurance, api, coin="USDC")["list"]] == ["USDC"]


def test_how_near_deleveraging_is(api: Api) -> None:
    (row,) = ask(routes.adl_alert, api, symbol="BTCUSDT")["list"]
    assert (row["coin"], row["pnlRatio"], row["insurancePnlRatio"], row["adlStopRatio"]) == (
        "USDT",
        "0",
        "-0.3",
        "-0.25",
    )
    assert len(ask(routes.adl_alert, api)["list"]) > 4
    assert code_of(routes.adl_alert, api, symbol="NOPE") == 10001


def test_groups_are_by_settlement_coin(api: Api) -> None:
    assert {alert.coin for _, alert in routes.alerts(api, "USDC")} == {"USDC"}
    assert {alert.coin for _, alert in routes.alerts(api, "inverse")} == {"BTC", "ETH"}
