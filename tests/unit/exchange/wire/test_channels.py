"""What a client says on a socket and what it hears, without a network."""

import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from hedgebot.exchange.types import EndpointClass
from hedgebot.exchange.wire.api import Api, sign
from hedgebot.exchange.wire.channels import ARGS_CHARS_MAX, REQ_IDS_MAX, Channels, limit_headers
from hedgebot.exchange.wire.faults import HttpFault, HttpFaultKind
from hedgebot.exchange.wire.publish import Publisher

Make = Callable[[str], Any]


@pytest.fixture
def channels(api: Api) -> Channels:
    return Channels(api, Publisher(api))


async def say(channels: Channels, one: Any, message: object) -> dict[str, Any]:
    one.socket.frames.clear()
    await channels.take(one.session, message if isinstance(message, str) else orjson.dumps(message))
    answers = await one.drain()
    return answers[-1] if answers else {}


def login(secret: str = "secret", ahead_ms: int = 5_000) -> dict[str, Any]:
    expires = int(time.time() * 1_000) + ahead_ms
    return {"op": "auth", "args": ["key", expires, sign(secret, f"GET/realtime{expires}")]}


def order(req_id: str | None = "r", **changed: Any) -> dict[str, Any]:
    body = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01"}
    message = {
        "op": "order.create",
        "header": {"X-BAPI-TIMESTAMP": str(int(time.time() * 1_000))},
        "args": [body | {"price": "88000"} | changed],
    }
    return message | ({"reqId": req_id} if req_id else {})


async def test_logins_on_both_private_channels(channels: Channels, wired: Make) -> None:
    private, trade = wired("private"), wired("trade")
    assert (await say(channels, private, login("wrong")))["success"] is False
    assert (await say(channels, private, login(ahead_ms=-1)))["success"] is False
    assert private.session.account is None
    assert (await say(channels, private, login()))["success"] is True
    assert private.session.account == "book"
    assert (await say(channels, trade, login("wrong")))["retCode"] == 10004
    assert (await say(channels, trade, login()))["retCode"] == 0
    assert (await say(channels, trade, login()))["retCode"] == 20001


async def test_public_channels_know_no_login(channels: Channels, wired: Make) -> None:
    assert (await say(channels, wired("linear"), login()))["success"] is False


@pytest.mark.parametrize("message", ["", "nonsense", "[]", '"text"', "{}", '{"op": 5}', '{"op": "subscribe"}'])
@pytest.mark.parametrize("channel", ["linear", "option", "private", "trade"])
async def test_nonsense_is_answered(channels: Channels, api: Api, wired: Make, channel: str, message: str) -> None:
    answer = await say(channels, wired(channel), message)
    assert answer.get("success") is False or answer.get("retCode", 0) != 0
    assert api.crashes == 0


async def test_subscriptions_are_limited(channels: Channels, wired: Make) -> None:
    spot = wired("spot")
    long = {"op": "subscribe", "args": ["x" * (ARGS_CHARS_MAX + 1)]}
    assert (await say(channels, spot, long))["ret_msg"] == "args length >21000"
    many = {"op": "subscribe", "args": ["tickers.BTCUSDT"] * 2_001}
    assert (await say(channels, wired("option"), many))["ret_msg"] == "args size >2000"
    assert (await say(channels, spot, {"op": "subscribe", "args": []}))["success"] is False


async def test_private_topics_need_a_login(channels: Channels, wired: Make) -> None:
    private = wired("private")
    message = {"op": "subscribe", "args": ["order", "execution"], "req_id": 3}
    assert (await say(channels, private, message))["success"] is False
    await say(channels, private, login())
    assert (await say(channels, private, message)) == {
        "success": True,
        "ret_msg": "",
        "conn_id": private.session.id,
        "req_id": "3",
        "op": "subscribe",
    }
    assert list(private.session.topics) == ["order", "execution"]
    await say(channels, private, {"op": "unsubscribe", "args": ["order"]})
    assert list(private.session.topics) == ["execution"]


async def test_orders_on_the_trade_socket(channels: Channels, api: Api, wired: Make) -> None:
    trade = wired("trade")
    assert (await say(channels, trade, order()))["retCode"] == 10005
    await say(channels, trade, login())
    done = await say(channels, trade, order("1"))
    assert (done["retCode"], done["op"], done["reqId"]) == (0, "order.create", "1")
    assert done["data"]["orderId"] == api.exchange.open_orders("book")[0].order_id
    assert (await say(channels, trade, order("1")))["retCode"] == 20006
    assert (await say(channels, trade, order("x" * 37)))["retCode"] == 10001
    assert (await say(channels, trade, order("2", qty="0")))["retCode"] == 10001
    assert "reqId" not in await say(channels, trade, order(None))
    batch = order("3")
    batch["args"] *= 2
    assert (await say(channels, trade, batch))["retCode"] == 10001


async def test_request_ids_are_forgotten_within_a_bound(channels: Channels, wired: Make) -> None:
    trade = wired("trade")
    trade.session.req_ids = {str(number): None for number in range(REQ_IDS_MAX)}
    await say(channels, trade, login())
    await say(channels, trade, order("new"))
    assert len(trade.session.req_ids) == REQ_IDS_MAX
    assert "0" not in trade.session.req_ids


@pytest.mark.parametrize(
    ("kind", "answered", "executed"),
    [
        (HttpFaultKind.ACK_LOST, False, True),
        (HttpFaultKind.REQUEST_LOST, False, False),
        (HttpFaultKind.RET_CODE, True, False),
        (HttpFaultKind.DELAY, True, True),
    ],
)
async def test_faults_of_order_requests(
    channels: Channels, api: Api, wired: Make, kind: HttpFaultKind, answered: bool, executed: bool
) -> None:
    trade = wired("trade")
    await say(channels, trade, login())
    api.faults.add(HttpFault(kind=kind, endpoint="/v5/order/create", code=10016, delay_ms=1))
    answer = await say(channels, trade, order("f"))
    assert bool(answer) is answered
    assert bool(api.exchange.open_orders("book")) is executed


async def test_a_crash_is_told_and_logged(
    channels: Channels, api: Api, wired: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    trade = wired("trade")
    await say(channels, trade, login())

    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(type(api.exchange), "place", broken)
    answer = await say(channels, trade, order("boom"))
    assert (answer["retCode"], answer["reqId"], api.crashes) == (10016, "boom", 1)
    assert "crashed its handler" in caplog.text


def test_the_budget_headers(api: Api) -> None:
    headers = limit_headers(api, "book", EndpointClass.CREATE)
    assert (headers["X-Bapi-Limit"], headers["X-Bapi-Limit-Status"]) == ("10", "10")
    api.exchange.charge("book", EndpointClass.CREATE)
    assert limit_headers(api, "book", EndpointClass.CREATE)["X-Bapi-Limit-Status"] == "9"
