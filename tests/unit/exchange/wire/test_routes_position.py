"""Signed paths about positions."""

from typing import Any

import pytest

from hedgebot.exchange.wire import routes_position as routes
from hedgebot.exchange.wire.api import Api
from tests.unit.exchange.wire.asking import ask, code_of


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


def test_the_position_mode_is_switched_by_symbol_or_coin(api: Api) -> None:
    usdt: dict[str, Any] = {"category": "linear", "symbol": "ETHUSDT"}
    assert code_of(routes.switch_mode, api, **usdt, mode=0) == 110025
    assert code_of(routes.switch_mode, api, category="linear", symbol="ETHPERP", mode=3) == 110029
    assert code_of(routes.switch_mode, api, category="linear", mode=3) == 10001
    assert code_of(routes.switch_mode, api, **usdt, mode=1) == 10001
    assert ask(routes.switch_mode, api, **usdt, mode=3) == {}
    assert [row["positionIdx"] for row in ask(routes.position_list, api, **usdt)["list"]] == [1, 2]
    assert code_of(routes.switch_mode, api, category="linear", coin="USDT", mode=3) is None


def test_stops_cannot_be_set(api: Api) -> None:
    held = {"category": "linear", "symbol": "BTCPERP", "tpslMode": "Full", "positionIdx": 0}
    assert code_of(routes.trading_stop, api, **held) == 34040
    assert code_of(routes.trading_stop, api, **held, takeProfit="0") == 34040
    assert code_of(routes.trading_stop, api, **held, takeProfit="95000") == 10001
    assert code_of(routes.trading_stop, api, **held | {"symbol": "BTCUSDT"}) == 10001  # nothing is held
    assert code_of(routes.trading_stop, api, **held | {"positionIdx": 1}) == 10001
    assert code_of(routes.trading_stop, api, **held | {"tpslMode": "Some"}) == 10001


def test_what_other_accounts_could_switch(api: Api) -> None:
    perp = {"category": "linear", "symbol": "BTCUSDT"}
    assert code_of(routes.confirm_mmr, api, **perp) == 110082
    assert code_of(routes.switch_isolated, api, **perp, tradeMode=1) == 100028
