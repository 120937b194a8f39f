"""Order fields into requests, answers into the venue's shapes."""

from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import TimeInForce
from hedgebot.exchange.types import EndpointClass, OrderType
from hedgebot.exchange.wire import entry
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.codes import WireError
from hedgebot.exchange.wire.fields_private import order_fields
from hedgebot.exchange.wire.params import Params

LIMIT = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.01",
    "price": "88000",
    "orderLinkId": "id-1",
}


def code_of(handler: entry.Handler, api: Api, **values: Any) -> int | None:
    try:
        handler(api, "book", Params(values))
    except WireError as error:
        return error.code
    return None


def test_a_limit_order_is_read_whole(api: Api) -> None:
    made = entry.create(api, "book", Params(LIMIT | {"timeInForce": "PostOnly"}))
    order = api.exchange.order("book", client_id="id-1")
    assert order is not None
    assert made == {"orderId": order.order_id, "orderLinkId": "id-1"}
    assert (order.side, order.type, order.time_in_force) == (Side.BUY, OrderType.LIMIT, TimeInForce.POST_ONLY)
    assert (order.qty_contracts, order.limit_price, order.reduce_only) == (Decimal("0.01"), Decimal(88_000), False)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"category": ""}, 10001),
        ({"symbol": ""}, 10001),
        ({"symbol": "NOPE"}, 10001),
        ({"side": "buy"}, 10001),
        ({"orderType": "Stop"}, 10001),
        ({"qty": "much"}, 10001),
        ({"qty": "0.0005"}, 10001),
        ({"price": ""}, 10001),
        ({"price": "88000.05"}, 110003),
        ({"timeInForce": "GTD"}, 10001),
        ({"triggerPrice": "80000"}, 10001),
        ({"positionIdx": 1}, 10001),
        ({"orderLinkId": "x" * 37}, 10001),
        ({"reduceOnly": "perhaps"}, 10001),
        ({"reduceOnly": True}, 110017),
        ({"category": "spot", "symbol": "NOPE"}, 170121),
        ({"category": "spot", "side": "x"}, 170117),
        ({"category": "spot", "orderType": "x"}, 170116),
        ({"category": "spot", "timeInForce": "x"}, 170115),
        ({"category": "spot", "qty": "0.000001"}, 170136),
    ],
)
def test_what_is_wrong_gets_its_code(api: Api, changed: dict[str, Any], code: int) -> None:
    assert code_of(entry.create, api, **(LIMIT | changed)) == code
    assert api.exchange.open_orders("book") == ()


def test_options_need_a_client_id(api: Api) -> None:
    option = api.listings("option")[0].instrument.symbol
    values = {"category": "option", "symbol": option, "side": "Buy", "orderType": "Market", "qty": "0.01"}
    assert code_of(entry.create, api, **values) == 10001
    assert code_of(entry.create, api, **values, orderLinkId="o-1") is None


def test_a_market_sell_of_spot_counts_in_base(api: Api) -> None:
    values = {"category": "spot", "symbol": "BTCUSDT", "side": "Sell", "orderType": "Market", "qty": "0.01"}
    made = entry.create(api, "book", Params(values))
    order = api.exchange.order("book", order_id=str(made["orderId"]))
    assert order is not None
    assert order.qty_contracts == Decimal("0.01")


def test_cancel_by_either_id(api: Api) -> None:
    where = {"category": "linear", "symbol": "BTCUSDT"}
    made = entry.create(api, "book", Params(LIMIT))
    assert code_of(entry.cancel, api, **where) == 10001
    # The order id has priority, even a wrong one.
    assert code_of(entry.cancel, api, **where, orderId="None", orderLinkId="id-1") == 110001
    assert entry.cancel(api, "book", Params(where | {"orderLinkId": "id-1"})) == made
    assert code_of(entry.cancel, api, **where, orderLinkId="id-1") == 110001
    # Another account's order is not there.
    entry.create(api, "book", Params(LIMIT | {"orderLinkId": "id-2"}))
    with pytest.raises(WireError):
        entry.cancel(api, "other", Params(where | {"orderLinkId": "id-2"}))


@pytest.mark.parametrize(
    ("values", "left"),
    [
        ({"category": "linear", "symbol": "BTCUSDT"}, ["BTCPERP", "ETHUSDT", "BTCUSDT(spot)"]),
        ({"category": "linear", "settleCoin": "USDC"}, ["BTCUSDT", "ETHUSDT", "BTCUSDT(spot)"]),
        ({"category": "linear", "baseCoin": "BTC"}, ["ETHUSDT", "BTCUSDT(spot)"]),
        ({"category": "spot"}, ["BTCUSDT", "BTCPERP", "ETHUSDT"]),
    ],
)
def test_cancel_all_takes_what_is_named(api: Api, values: dict[str, str], left: list[str]) -> None:
    for category, symbol, price in (
        ("linear", "BTCUSDT", "88000"),
        ("linear", "BTCPERP", "88000"),
        ("linear", "ETHUSDT", "2900"),
        ("spot", "BTCUSDT", "88000"),
    ):
        changed = {"category": category, "symbol": symbol, "price": price, "orderLinkId": f"{category}-{symbol}"}
        entry.create(api, "book", Params(LIMIT | changed))
    answer = entry.cancel_all(api, "book", Params(values))
    assert answer["success"] == "1"
    words = []
    for order in api.exchange.open_orders("book"):
        _, category, symbol = order.instrument.split(":")
        words.append(f"{symbol}(spot)" if category == "spot" else symbol)
    assert words == left


def test_cancel_all_of_contracts_must_be_narrowed(api: Api) -> None:
    assert code_of(entry.cancel_all, api, category="linear") == 10001


def test_amending_by_either_id(api: Api) -> None:
    made = entry.create(api, "book", Params(LIMIT))
    where = {"category": "linear", "symbol": "BTCUSDT"}
    assert entry.amend(api, "book", Params(where | {"orderLinkId": "id-1", "qty": "0.02"})) == made
    assert entry.amend(api, "book", Params(where | {"orderId": made["orderId"], "price": "87000", "qty": ""})) == made
    (order,) = api.exchange.open_orders("book")
    assert (order.qty_contracts, order.limit_price) == (Decimal("0.02"), Decimal(87_000))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"orderLinkId": ""}, 10001),
        ({}, 10001),
        ({"qty": "0.02", "orderLinkId": "nobody"}, 110001),
        ({"qty": "0.01"}, 10001),  # the order remains unchanged
        ({"qty": "0.0005"}, 10001),
        ({"qty": "much"}, 10001),
        ({"price": "88000.05"}, 110003),
        ({"price": "inf"}, 10001),
        ({"price": "87000", "triggerPrice": "1"}, 10001),
        ({"orderIv": "0.5", "price": "87000"}, 10001),
        ({"category": "spot", "price": "87000"}, 170213),
    ],
)
def test_wrong_amendments_get_their_codes(api: Api, changed: dict[str, Any], code: int) -> None:
    entry.create(api, "book", Params(LIMIT))
    before = api.exchange.open_orders("book")
    values = {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "id-1", **changed}
    assert code_of(entry.amend, api, **values) == code
    assert api.exchange.open_orders("book") == before


def test_a_pre_check_places_nothing(api: Api) -> None:
    checked = entry.pre_check(api, "book", Params(LIMIT | {"qty": "2"}))
    assert 0 < int(str(checked["preMmrE4"])) < int(str(checked["postMmrE4"]))
    assert int(str(checked["preImrE4"])) < int(str(checked["postImrE4"]))
    assert api.exchange.open_orders("book") == ()


def test_a_pre_check_beyond_the_margin_has_its_rates_outside_the_result(api: Api) -> None:
    with pytest.raises(WireError) as caught:
        entry.pre_check(api, "book", Params(LIMIT | {"qty": "500"}))
    assert (caught.value.code, caught.value.result) == (110007, {})
    assert caught.value.ext["future_order_link_id"] == "id-1"
    assert int(str(caught.value.ext["post_imr_e4"])) > 10_000
    assert code_of(entry.pre_check, api, **(LIMIT | {"qty": "0.0005"})) == 10001


@pytest.mark.parametrize(("seconds", "code"), [(2, 10001), (10, None), (301, 10001)])
def test_the_disconnection_window(api: Api, seconds: int, code: int | None) -> None:
    assert code_of(entry.disconnected_cancel_all, api, timeWindow=seconds, product="DERIVATIVES") == code
    windows = {one.key: one.seconds for one in api.exchange.dead_man.states("book")}
    assert windows == {"derivatives": 10, "options": 10, "spot": 10}


def test_the_disconnection_window_is_for_those_who_may(api: Api) -> None:
    assert code_of(entry.disconnected_cancel_all, api, timeWindow=30) is None
    assert [one.seconds for one in api.exchange.dead_man.states("book") if one.key == "options"] == [30]
    with pytest.raises(WireError) as caught:
        entry.disconnected_cancel_all(api, "other", Params({"timeWindow": 30}))
    assert caught.value.code == 10005


@pytest.mark.parametrize(
    ("path", "category", "endpoint"),
    [
        ("/v5/order/create", "linear", EndpointClass.CREATE),
        ("/v5/order/create", "spot", EndpointClass.CREATE_SPOT),
        ("/v5/order/amend", "option", EndpointClass.AMEND),
        ("/v5/order/amend", "spot", EndpointClass.AMEND_SPOT),
        ("/v5/order/cancel", "option", EndpointClass.CANCEL),
        ("/v5/order/cancel", "spot", EndpointClass.CANCEL_SPOT),
        ("/v5/order/cancel-all", "spot", EndpointClass.CANCEL_ALL_SPOT),
        ("/v5/order/cancel-all", "option", EndpointClass.CANCEL_ALL_OPTION),
        ("/v5/order/cancel-all", "linear", EndpointClass.CANCEL_ALL),
        ("/v5/order/create-batch", "linear", EndpointClass.CREATE_BATCH),
        ("/v5/order/amend-batch", "spot", EndpointClass.AMEND_BATCH_SPOT),
        ("/v5/order/cancel-batch", "option", EndpointClass.CANCEL_BATCH_OPTION),
    ],
)
def test_budgets(path: str, category: str, endpoint: EndpointClass) -> None:
    assert entry.order_endpoint(path, category) is endpoint


def test_an_unknown_symbol_has_its_categorys_code(api: Api) -> None:
    assert entry.instrument_of(api, "linear", "BTCPERP") == InstrumentId("bybit:linear:BTCPERP")
    with pytest.raises(WireError) as caught:
        entry.instrument_of(api, "spot", "BTCPERP")
    assert caught.value.code == 170121


def test_self_trade_prevention_is_asked_and_told_in_the_venues_words(api: Api) -> None:
    body = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01"}
    done = entry.create(api, "book", Params({**body, "price": "89000", "smpType": "CancelBoth"}))
    order = api.exchange.order("book", order_id=str(done["orderId"]))
    listing = api.find("linear", "BTCUSDT")
    assert order is not None
    assert listing is not None
    assert order_fields(order, listing.instrument)["smpType"] == "CancelBoth"
    with pytest.raises(WireError, match="smpType"):
        entry.create(api, "book", Params({**body, "price": "89000", "smpType": "CancelAll"}))
