"""Batches of orders."""

from typing import Any

import pytest

from hedgebot.exchange.limits import RateLimits
from hedgebot.exchange.types import EndpointClass
from hedgebot.exchange.wire import batch
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.codes import Answer, WireError
from hedgebot.exchange.wire.params import Params
from tests.unit.exchange.wire.asking import code_of

ORDER = {"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "80000"}


def rows(answer: Answer) -> list[tuple[dict[str, Any], int]]:
    """Each order's row with its code."""
    assert isinstance(answer.result, dict)
    codes = answer.ext["list"]
    assert isinstance(codes, list)
    return list(zip(answer.result["list"], [one["code"] for one in codes], strict=True))


def test_each_order_is_taken_or_refused_on_its_own(api: Api) -> None:
    orders = [
        ORDER | {"orderLinkId": "a"},
        ORDER | {"orderLinkId": "b", "qty": "nothing"},
        ORDER | {"orderLinkId": "c"},
    ]
    answer = batch.create_batch(api, "book", Params({"category": "linear", "request": orders}))
    found = rows(answer)
    assert [code for _, code in found] == [0, 10001, 0]
    assert [(row["orderLinkId"], bool(row["orderId"]), bool(row["createAt"])) for row, _ in found] == [
        ("a", True, True),
        ("b", False, False),
        ("c", True, True),
    ]
    assert [one.client_id for one in api.exchange.open_orders("book")] == ["a", "c"]


def test_amending_and_cancelling_some(api: Api) -> None:
    orders = [ORDER | {"orderLinkId": name} for name in ("a", "b")]
    batch.create_batch(api, "book", Params({"category": "linear", "request": orders}))
    named = [{"symbol": "BTCUSDT", "orderLinkId": name} for name in ("a", "b", "unknown")]
    amended = batch.amend_batch(
        api, "book", Params({"category": "linear", "request": [one | {"qty": "0.02"} for one in named]})
    )
    assert [code for _, code in rows(amended)] == [0, 0, 110001]
    assert {str(one.qty_contracts) for one in api.exchange.open_orders("book")} == {"0.02"}
    ended = batch.cancel_batch(api, "book", Params({"category": "linear", "request": named}))
    assert [(row["orderLinkId"], code) for row, code in rows(ended)] == [("a", 0), ("b", 0), ("unknown", 110001)]
    assert all("createAt" not in row for row, _ in rows(ended))
    assert api.exchange.open_orders("book") == ()


@pytest.mark.parametrize("request_", ["x", [], [1], {}, None, [ORDER] * 21])
def test_what_is_no_batch_is_refused_whole(api: Api, request_: Any) -> None:
    assert code_of(batch.create_batch, api, category="linear", request=request_) == 10001
    assert api.exchange.open_orders("book") == ()


def test_spot_takes_ten(api: Api) -> None:
    assert code_of(batch.create_batch, api, category="spot", request=[ORDER] * 11) == 10001
    assert code_of(batch.create_batch, api, category="spot", request=[ORDER | {"qty": "0.0001"}] * 10) is None


@pytest.fixture
def limited(api: Api) -> Api:
    """With the venue's limits in force."""
    api.exchange.limits = RateLimits(api.exchange.rules, enabled=True)
    return api


def place_many(api: Api, category: str, count: int, **changes: str) -> list[int]:
    orders = [ORDER | {"orderLinkId": f"{category}-{number}"} | changes for number in range(count)]
    answer = batch.create_batch(api, "book", Params({"category": category, "request": orders}))
    return [code for _, code in rows(answer)]


def test_a_batch_counts_its_orders_and_leaves_the_single_requests_theirs(limited: Api) -> None:
    """What exceeds the limit fails, what does not succeeds; the limit of single requests is another one."""
    assert place_many(limited, "linear", 13) == [0] * 10 + [10006] * 3
    assert limited.exchange.rate_state("book", EndpointClass.CREATE).remaining == 10
    named = [{"symbol": "BTCUSDT", "orderId": one.order_id} for one in limited.exchange.open_orders("book")]
    ended = batch.cancel_batch(limited, "book", Params({"category": "linear", "request": named}))
    assert [code for _, code in rows(ended)] == [0] * 10
    assert limited.exchange.rate_state("book", EndpointClass.CANCEL_BATCH).remaining == 0
    assert limited.exchange.rate_state("book", EndpointClass.CANCEL).remaining == 10


def test_business_lines_have_budgets_of_their_own(limited: Api) -> None:
    assert place_many(limited, "linear", 10) == [0] * 10
    for _ in range(2):
        assert 10006 not in place_many(limited, "spot", 10, qty="0.0001")
    assert place_many(limited, "spot", 1, qty="0.0001") == [10006]


def test_a_batch_of_options_counts_as_one_request(limited: Api) -> None:
    symbol = next(one.instrument.symbol for one in limited.exchange.listings() if one.instrument.category == "option")
    for _ in range(10):
        assert 10006 not in place_many(limited, "option", 20, symbol=symbol, price="5", qty="0.1")
    with pytest.raises(WireError) as caught:
        place_many(limited, "option", 1, symbol=symbol, price="5", qty="0.1")
    assert caught.value.code == 10006
