"""Signed paths about the account."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.types import OrderRequest, OrderType
from hedgebot.exchange.wire import routes_account as routes
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.codes import WireError
from hedgebot.exchange.wire.params import Params


def ask(handler: Any, api: Api, **values: Any) -> dict[str, Any]:
    content: dict[str, Any] = handler(api, "book", Params(values))
    return content


def code_of(handler: Any, api: Api, **values: Any) -> int | None:
    try:
        handler(api, "book", Params(values))
    except WireError as error:
        return error.code
    return None


def test_the_key_trades_and_never_withdraws(api: Api) -> None:
    key = ask(routes.query_api, api)
    assert (key["uta"], key["readOnly"], key["apiKey"]) == (1, 0, "key")
    assert key["permissions"]["Wallet"] == []
    assert key["permissions"]["Options"] == ["OptionsTrade"]


def test_every_quote_and_settlement_coin_is_known(api: Api) -> None:
    coins = {row["coin"] for row in ask(routes.coin_info, api)["rows"]}
    assert {"BTC", "ETH", "USD", "USDC", "USDT"} <= coins
    assert [row["coin"] for row in ask(routes.coin_info, api, coin="ETH")["rows"]] == ["ETH"]


def test_the_wallet_by_coin(api: Api) -> None:
    (whole,) = ask(routes.wallet_balance, api, accountType="UNIFIED")["list"]
    (part,) = ask(routes.wallet_balance, api, accountType="UNIFIED", coin="BTC,USDC")["list"]
    assert {coin["coin"] for coin in part["coin"]} == {"BTC", "USDC"}
    assert part["totalEquity"] == whole["totalEquity"]
    assert code_of(routes.wallet_balance, api, accountType="SPOT") == 10001


def test_fee_rates(api: Api) -> None:
    assert ask(routes.fee_rate, api, category="linear", symbol="BTCUSDT")["list"] == [
        {"symbol": "BTCUSDT", "takerFeeRate": "0.00055", "makerFeeRate": "0.0002", "baseCoin": ""}
    ]
    options = ask(routes.fee_rate, api, category="option")["list"]
    assert sorted(row["baseCoin"] for row in options) == ["BTC", "ETH"]
    assert code_of(routes.fee_rate, api, category="linear", symbol="NOPE") == 10001


def test_margin_modes(api: Api) -> None:
    assert ask(routes.set_margin_mode, api, setMarginMode="REGULAR_MARGIN") == {"reasons": []}
    assert code_of(routes.set_margin_mode, api, setMarginMode="PORTFOLIO_MARGIN") == 3400045
    assert code_of(routes.set_margin_mode, api, setMarginMode="x") == 10001
    assert ask(routes.account_info, api)["marginMode"] == "REGULAR_MARGIN"


def test_positions_by_filter(api: Api) -> None:
    def held(**values: Any) -> list[str]:
        return [row["symbol"] for row in ask(routes.position_list, api, **values)["list"]]

    assert held(category="linear", settleCoin="USDC") == ["BTCPERP"]
    assert held(category="linear", settleCoin="USDT") == []
    assert held(category="linear", baseCoin="BTC") == ["BTCPERP"]
    assert len(held(category="option")) == 1
    assert held(category="option", baseCoin="ETH") == []
    assert code_of(routes.position_list, api, category="linear") == 10001
    assert code_of(routes.position_list, api, category="spot") == 10001


@pytest.mark.parametrize("category", ["linear", "option"])
def test_a_symbol_never_held_is_a_flat_row(api: Api, category: str) -> None:
    symbol = api.listings(category)[0].instrument.symbol
    (row,) = ask(routes.position_list, api, category=category, symbol=symbol)["list"]
    assert (row["side"], row["size"]) == ("", "0")
    assert float(row["markPrice"]) > 0


def test_leverage_is_remembered_within_its_range(api: Api) -> None:
    where = {"category": "linear", "symbol": "BTCPERP"}
    assert code_of(routes.set_leverage, api, **where, buyLeverage="20", sellLeverage="20") is None
    assert code_of(routes.set_leverage, api, **where, buyLeverage="20", sellLeverage="20") == 110043
    assert code_of(routes.set_leverage, api, **where, buyLeverage="101", sellLeverage="101") == 110013
    assert code_of(routes.set_leverage, api, **where, buyLeverage="5", sellLeverage="6") == 10001
    (row,) = ask(routes.position_list, api, category="linear", settleCoin="USDC")["list"]
    assert row["leverage"] == "20"
    assert float(row["positionIM"]) == pytest.approx(float(row["positionValue"]) / 20, rel=1e-3)
    assert code_of(routes.set_leverage, api, **where, buyLeverage="nan", sellLeverage="nan") == 10001
    where["symbol"] = "ETHUSDT"
    (row,) = ask(routes.position_list, api, **where)["list"]
    assert row["leverage"] == "10", "a flat row has the account's"


def test_one_way_mode_only(api: Api) -> None:
    assert code_of(routes.switch_mode, api, category="linear", mode=0) == 110025
    assert code_of(routes.switch_mode, api, category="linear", mode=3) == 110029


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
    entry = api.exchange.ledger("book")[0]
    listing = api.listings("option")[0]
    zero = Decimal(0)
    paid = msgspec.structs.replace(entry, fee=zero, cash_flow=zero, funding=Decimal(1))
    late = msgspec.structs.replace(entry, at_ns=listing.instrument.expiry_ns)
    worthless = msgspec.structs.replace(late, fee=zero, cash_flow=zero)
    kinds = [routes._ledger_kind(one, listing.instrument) for one in (entry, paid, late, worthless)]
    assert kinds == ["TRADE", "SETTLEMENT", "DELIVERY", "DELIVERY"]
