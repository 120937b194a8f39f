"""Signed paths about assets."""

import pytest

from hedgebot.exchange.wire import routes_asset as routes
from hedgebot.exchange.wire.api import Api
from tests.unit.exchange.wire.asking import ask, code_of


def test_every_quote_and_settlement_coin_is_known(api: Api) -> None:
    coins = {row["coin"] for row in ask(routes.coin_info, api)["rows"]}
    assert {"BTC", "ETH", "USD", "USDC", "USDT"} <= coins
    assert [row["coin"] for row in ask(routes.coin_info, api, coin="ETH")["rows"]] == ["ETH"]


def test_balances_by_account_type(api: Api) -> None:
    rows = ask(routes.coins_balance, api, accountType="UNIFIED", coin="USDT,DOGE")["balance"]
    assert [(row["coin"], row["walletBalance"]) for row in rows] == [("USDT", "500000"), ("DOGE", "0")]
    one = ask(routes.coin_balance, api, accountType="FUND", coin="USDT")["balance"]
    assert (one["walletBalance"], one["transferBalance"]) == ("0", "0")
    assert ask(routes.coins_balance, api, accountType="FUND")["balance"] == []
    assert code_of(routes.coins_balance, api, accountType="UNIFIED") == 10001
    assert code_of(routes.coins_balance, api, accountType="CONTRACT", coin="USDT") == 10001
    assert code_of(routes.coins_balance, api, accountType="UNIFIED", coin=",".join(["USDT"] * 11)) == 10001
    assert code_of(routes.coin_balance, api, accountType="UNIFIED") == 10001


def test_greeks_are_the_options_sum(api: Api) -> None:
    (row,) = ask(routes.coin_greeks, api)["list"]
    held = next(one for one in api.exchange.positions("book") if ":option:" in one.instrument)
    assert row["baseCoin"] == "BTC"
    assert float(row["totalDelta"]) == pytest.approx(held.delta, abs=1e-7)
    assert ask(routes.coin_greeks, api, baseCoin="ETH")["list"] == []


def test_nobody_moves_coins_here(api: Api) -> None:
    assert ask(routes.no_rows, api) == {"rows": [], "nextPageCursor": ""}
    assert ask(routes.no_exchanges, api) == {"orderBody": [], "nextPageCursor": ""}
    assert ask(routes.no_conversions, api) == {"list": []}
    coins = ask(routes.convert_coins, api, accountType="eb_convert_uta")["coins"]
    assert all(row["disableFrom"] and row["disableTo"] for row in coins)
    assert code_of(routes.conversion, api, quoteTxId="1") == 10001
    # The key may not: withdraw, convert.
    assert code_of(routes.denied, api) == 10005
