"""Signed paths that change an account's margin, and what borrowing cost."""

from decimal import Decimal

import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.types import Ack, MarginMode, OrderRequest, OrderType
from hedgebot.exchange.wire import routes_account
from hedgebot.exchange.wire import routes_switches as routes
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.codes import WireError
from hedgebot.exchange.wire.params import Params
from tests.unit.exchange.wire.asking import ask, code_of


def buy(api: Api, symbol: str = "BTCUSDT", qty: str = "0.1") -> None:
    request = OrderRequest(
        account="book",
        instrument=InstrumentId(f"bybit:linear:{symbol}"),
        side=Side.BUY,
        type=OrderType.MARKET,
        qty_contracts=Decimal(qty),
    )
    assert isinstance(api.exchange.place(request), Ack)


def isolated(api: Api) -> None:
    for position in api.exchange.positions("book"):
        api.exchange._accounts["book"].positions.pop((position.instrument, position.position_index))
    assert ask(routes.set_margin_mode, api, setMarginMode="ISOLATED_MARGIN") == {"reasons": []}


def test_the_mode_is_switched_and_shown(api: Api) -> None:
    assert ask(routes_account.account_info, api)["marginMode"] == "REGULAR_MARGIN"
    assert ask(routes.set_margin_mode, api, setMarginMode="PORTFOLIO_MARGIN") == {"reasons": []}
    assert ask(routes_account.account_info, api)["marginMode"] == "PORTFOLIO_MARGIN"
    assert code_of(routes.set_margin_mode, api, setMarginMode="x") == 10001


def test_what_is_against_a_mode_is_listed_as_documented(api: Api) -> None:
    api.exchange._accounts["book"].coins = {"USDT": Decimal(900)}
    api.exchange._accounts["book"].positions.clear()
    with pytest.raises(WireError) as caught:
        routes.set_margin_mode(api, "book", Params({"setMarginMode": "PORTFOLIO_MARGIN"}))
    reason = {"reasonCode": "3400000", "reasonMsg": "Equity needs to be equal to or greater than 1000 USDC"}
    assert (caught.value.code, caught.value.result) == (3400045, {"reasons": [reason]})


def test_margin_of_an_isolated_position(api: Api) -> None:
    values = {"category": "linear", "symbol": "BTCUSDT", "margin": "25.5"}
    assert code_of(routes.add_margin, api, **values) == 110015
    isolated(api)
    assert code_of(routes.add_margin, api, **values) == 110005
    buy(api)
    before = float(api.exchange.positions("book")[0].position_margin)
    answer = ask(routes.add_margin, api, **values)
    assert answer["symbol"] == "BTCUSDT"
    assert float(answer["positionIM"]) == pytest.approx(before + 25.5)
    assert code_of(routes.add_margin, api, **(values | {"margin": "1e9"})) == 110014
    assert code_of(routes.add_margin, api, **(values | {"margin": "0.00001"})) == 10001


def test_auto_add_margin(api: Api) -> None:
    values = {"category": "linear", "symbol": "BTCUSDT", "autoAddMargin": "1"}
    assert code_of(routes.set_auto_add_margin, api, **values) == 110076
    isolated(api)
    buy(api)
    assert ask(routes.set_auto_add_margin, api, **values) == {}
    assert api.exchange.positions("book")[0].is_auto_add
    assert code_of(routes.set_auto_add_margin, api, **(values | {"autoAddMargin": "2"})) == 10001


def test_collateral_and_spot_margin_switches(api: Api) -> None:
    assert ask(routes.set_collateral, api, coin="ETH", collateralSwitch="OFF") == {}
    assert api.exchange._accounts["book"].margin.not_collateral == {"ETH"}
    assert code_of(routes.set_collateral, api, coin="ETH", collateralSwitch="0") == 10001
    assert code_of(routes.set_collateral, api, coin="USDT", collateralSwitch="OFF") == 110101
    assert ask(routes.switch_spot_margin, api, spotMarginMode="1") == {"spotMarginMode": "1"}
    api.exchange._accounts["book"].margin.mode = MarginMode.ISOLATED
    assert code_of(routes.switch_spot_margin, api, spotMarginMode="1") == 182021


def test_several_coins_are_switched_until_one_cannot(api: Api) -> None:
    pairs = [{"coin": "ETH", "collateralSwitch": "OFF"}, {"coin": "BTC", "collateralSwitch": "ON"}]
    assert ask(routes.set_collateral_batch, api, request=pairs) == {"list": pairs}
    assert code_of(routes.set_collateral_batch, api, request=[{"coin": "USDT", "collateralSwitch": "OFF"}]) == 110101
    for request in ("x", [], [1], pairs * 26):
        assert code_of(routes.set_collateral_batch, api, request=request) == 10001


def test_interest_is_listed_and_in_the_transaction_log(api: Api) -> None:
    assert ask(routes.borrow_history, api) == {"list": [], "nextPageCursor": ""}
    api.exchange._accounts["book"].coins["USDC"] = Decimal(-100_000)
    lending = api.exchange._clockwork._lending
    lending._due_ns = api.exchange.now_ns
    lending.charge()
    # The wire's clock and the exchange's differ in these tests: the moment is asked for by name.
    at_ms = api.exchange.now_ns // 1_000_000
    window = {"startTime": str(at_ms), "endTime": str(at_ms + 1)}
    rows = ask(routes.borrow_history, api, currency="USDC", **window)["list"]
    assert rows
    assert float(rows[0]["borrowCost"]) == pytest.approx(1.46, rel=0.01)
    assert rows[0]["hourlyBorrowRate"] == "0.000014621596"
    # The documented keys (docs/v5/account/borrow-history.mdx).
    names = (
        "borrowAmount costExemption freeBorrowedAmount createdTime InterestBearingBorrowSize currency unrealisedLoss"
    )
    assert set(rows[0]) == {*names.split(), "hourlyBorrowRate", "borrowCost"}
    log = ask(routes_account.transaction_log, api, type="INTEREST", **window)["list"]
    assert [row["currency"] for row in log] == ["USDC"] * len(rows)
    assert float(log[0]["change"]) == -float(rows[0]["borrowCost"])
