"""Signed paths about the account."""

import time
from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import TokenSpec
from hedgebot.exchange.types import OrderRequest, OrderType
from hedgebot.exchange.wire import routes_account as routes
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.params import Params
from tests.unit.exchange.wire.asking import ask, code_of


def test_the_key_trades_and_never_withdraws(api: Api) -> None:
    key = ask(routes.query_api, api)
    assert (key["uta"], key["readOnly"], key["apiKey"]) == (1, 0, "key")
    assert key["permissions"]["Wallet"] == []
    assert key["permissions"]["Options"] == ["OptionsTrade"]


def test_every_key_of_an_account_has_its_user_id(api: Api) -> None:
    first, other = api.exchange.scenario.accounts
    assert [ask(routes.query_api, api)["userID"], routes.query_api(api, other.name, Params({}))["userID"]] == [1, 2]
    accounts = (msgspec.structs.replace(first, more_api_keys=("second",)), other)
    scenario = msgspec.structs.replace(api.exchange.scenario, accounts=accounts)
    twin = Api(Exchange(scenario, time.time_ns()), api.faults)
    assert [twin.key_owner(key).name for key in ("key", "second", "key-2")] == ["book", "book", "other"]


def test_the_wallet_by_coin(api: Api) -> None:
    (whole,) = ask(routes.wallet_balance, api, accountType="UNIFIED")["list"]
    (part,) = ask(routes.wallet_balance, api, accountType="UNIFIED", coin="BTC,USDC")["list"]
    assert {coin["coin"] for coin in part["coin"]} == {"BTC", "USDC"}
    assert part["totalEquity"] == whole["totalEquity"]
    assert code_of(routes.wallet_balance, api, accountType="SPOT") == 10001


def test_a_token_lies_in_the_wallet_at_the_price_of_what_it_stands_for(api: Api) -> None:
    first, other = api.exchange.scenario.accounts
    holder = msgspec.structs.replace(first, coins={"METH": Decimal(5)})
    token = TokenSpec(name="METH", underlying="ETH", ratio=1.06)
    scenario = msgspec.structs.replace(api.exchange.scenario, accounts=(holder, other), tokens=(token,))
    twin = Api(Exchange(scenario, time.time_ns()), api.faults)
    (row,) = ask(routes.wallet_balance, twin, accountType="UNIFIED", coin="METH")["list"][0]["coin"]
    assert row["walletBalance"] == "5"
    index = twin.exchange._world.coins["ETH"].index
    assert float(row["usdValue"]) == pytest.approx(5 * 1.06 * index, rel=1e-6)


def test_fee_rates(api: Api) -> None:
    assert ask(routes.fee_rate, api, category="linear", symbol="BTCUSDT")["list"] == [
        {"symbol": "BTCUSDT", "takerFeeRate": "0.00055", "makerFeeRate": "0.0002", "baseCoin": ""}
    ]
    options = ask(routes.fee_rate, api, category="option")["list"]
    assert sorted(row["baseCoin"] for row in options) == ["BTC", "ETH"]
    assert code_of(routes.fee_rate, api, category="linear", symbol="NOPE") == 10001
    # Without a category contracts are meant, as in the documented example; only spot and options are named.
    assert ask(routes.fee_rate, api) == ask(routes.fee_rate, api, category="linear")
    assert "category" not in ask(routes.fee_rate, api)
    assert ask(routes.fee_rate, api, category="spot")["category"] == "spot"
    assert code_of(routes.fee_rate, api, category="futures") == 10001


def test_the_ledger_tells_trades_from_funding_and_delivery(api: Api) -> None:
    api.exchange.place(
        OrderRequest(
            account="book",
            instrument=InstrumentId("bybit:spot:BTCUSDT"),
            side=Side.BUY,
            type=OrderType.MARKET,
            qty_contracts=Decimal("0.01"),
        )
    )
    lines = ask(routes.transaction_log, api, type="TRADE")["list"]
    assert {line["currency"] for line in lines} == {"BTC", "USDT"}
    assert ask(routes.transaction_log, api, type="SETTLEMENT")["list"] == []
    assert {line["currency"] for line in ask(routes.transaction_log, api, currency="BTC")["list"]} == {"BTC"}


def test_the_group_of_self_trade_prevention_is_told(api: Api) -> None:
    assert ask(routes.smp_group, api) == {"smpGroup": 0}
    api.accounts["key"] = msgspec.structs.replace(api.accounts["key"], self_trade_group=5)
    assert ask(routes.smp_group, api) == {"smpGroup": 5}
    assert ask(routes.account_info, api)["smpGroup"] == 5
