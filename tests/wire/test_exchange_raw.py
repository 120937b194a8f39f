"""A client that is neither ours nor ccxt's: websockets and plain HTTP."""

import asyncio
import hmac
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import ClientConnection, connect

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.wire.routes import ROUTES
from hedgebot.exchange.wire.sessions import OUTBOX_MAX
from tests.wire.exchange_client import KEY, SCENARIO, SECRET, Lab, lab

pytestmark = pytest.mark.wire


@pytest.fixture
async def venue() -> AsyncIterator[Lab]:
    async with lab(markets=False) as running:
        yield running


def sign(text: str, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), text.encode(), "sha256").hexdigest()


def dial(venue: Lab, path: str) -> Any:
    return connect(f"ws://127.0.0.1:{venue.server.port}{path}")


async def ask(ws: ClientConnection, message: object) -> dict[str, Any]:
    """Send a message and take the next frame that is no topic's."""
    await ws.send(message if isinstance(message, str) else json.dumps(message))
    while True:
        answer: dict[str, Any] = json.loads(await asyncio.wait_for(ws.recv(), 5))
        if "topic" not in answer:
            return answer


async def topic_frame(ws: ClientConnection, topic: str) -> dict[str, Any]:
    while True:
        frame: dict[str, Any] = json.loads(await asyncio.wait_for(ws.recv(), 5))
        if frame.get("topic") == topic:
            return frame


async def log_in(ws: ClientConnection, **extra: object) -> dict[str, Any]:
    expires = int(time.time() * 1_000) + 5_000
    return await ask(ws, {"op": "auth", "args": [KEY, expires, sign(f"GET/realtime{expires}")], **extra})


async def signed(venue: Lab, method: str, path: str, payload: str, **changed: str) -> tuple[int, dict[str, Any], Any]:
    """A signed request made by hand."""
    stamp, window = str(int(time.time() * 1_000)), "5000"
    headers = {
        "X-BAPI-API-KEY": KEY,
        "X-BAPI-TIMESTAMP": stamp,
        "X-BAPI-RECV-WINDOW": window,
        "X-BAPI-SIGN": sign(stamp + KEY + window + payload),
        "Content-Type": "application/json",
        **changed,
    }
    url = venue.server.endpoint + path + (f"?{payload}" if method == "GET" else "")
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, url, headers=headers, data=payload if method == "POST" else None) as reply,
    ):
        return reply.status, await reply.json(), reply.headers


async def test_pongs_have_their_channels_shape(venue: Lab) -> None:
    shapes = {}
    for channel in ("public/linear", "public/inverse", "public/spot", "public/option", "private", "trade"):
        async with dial(venue, f"/v5/{channel}") as ws:
            shapes[channel] = await ask(ws, {"op": "ping", "req_id": 7, "reqId": "7"})
    assert shapes["public/linear"] == shapes["public/inverse"] | {"conn_id": shapes["public/linear"]["conn_id"]}
    linear, option, private, trade = (shapes[one] for one in ("public/linear", "public/option", "private", "trade"))
    # A numeric id comes back as a string.
    assert (linear["op"], linear["ret_msg"], linear["req_id"], linear["success"]) == ("ping", "pong", "7", True)
    assert set(option) == {"args", "op"}
    assert (private["op"], private["req_id"], set(private)) == ("pong", "7", {"req_id", "op", "args", "conn_id"})
    assert (trade["op"], trade["retCode"], len(trade["data"]), trade["reqId"]) == ("pong", 0, 1, "7")


async def test_a_raw_client_follows_ticker_and_book(venue: Lab) -> None:
    async with dial(venue, "/v5/public/linear") as ws:
        answer = await ask(ws, {"op": "subscribe", "args": ["tickers.BTCUSDT", "orderbook.50.BTCUSDT"], "req_id": "1"})
        assert (answer["success"], answer["op"], answer["req_id"]) == (True, "subscribe", "1")
        first = await topic_frame(ws, "tickers.BTCUSDT")
        second = await topic_frame(ws, "tickers.BTCUSDT")
        assert (first["type"], second["type"]) == ("snapshot", "delta")
        assert set(second["data"]) < set(first["data"])
        book = await topic_frame(ws, "orderbook.50.BTCUSDT")
        numbers = [(await topic_frame(ws, "orderbook.50.BTCUSDT"))["data"]["u"] for _ in range(5)]
        assert numbers == sorted(set(numbers))
        assert book["data"]["s"] == "BTCUSDT"
        await ask(ws, {"op": "unsubscribe", "args": ["orderbook.50.BTCUSDT"]})
        (session,) = venue.server.sessions.chosen("linear")
        assert list(session.topics) == ["tickers.BTCUSDT"]


async def test_bad_messages_get_the_venues_errors(venue: Lab) -> None:
    async with dial(venue, "/v5/public/spot") as ws:
        assert (await ask(ws, "{not json"))["success"] is False
        assert (await ask(ws, "[1, 2]"))["success"] is False
        assert "not found" in (await ask(ws, {"op": "dance"}))["ret_msg"]
        eleven = [f"tickers.{number}USDT" for number in range(11)]
        assert (await ask(ws, {"op": "subscribe", "args": eleven}))["ret_msg"] == "args size >10"
        assert (await ask(ws, {"op": "subscribe", "args": ["tickers.NOPE"]}))["success"] is False
        assert (await ask(ws, {"op": "subscribe", "args": ["orderbook.7.BTCUSDT"]}))["success"] is False
        assert (await ask(ws, {"op": "subscribe", "args": "tickers.BTCUSDT"}))["success"] is False
        assert (await ask(ws, {"op": "subscribe", "args": ["tickers.BTCUSDT"]}))["ret_msg"] == "subscribe"
    async with dial(venue, "/v5/public/option") as ws:
        answer = await ask(ws, {"op": "subscribe", "args": ["tickers.NOPE"]})
        assert answer["type"] == "COMMAND_RESP"
        assert answer["data"] == {"failTopics": ["tickers.NOPE"], "successTopics": []}
    assert venue.server.api.crashes == 0


async def test_private_logins(venue: Lab) -> None:
    async with dial(venue, "/v5/private") as ws:
        early = await ask(ws, {"op": "subscribe", "args": ["order"]})
        assert early["success"] is False
        past = int(time.time() * 1_000) - 1
        assert (await ask(ws, {"op": "auth", "args": [KEY, past, sign(f"GET/realtime{past}")]}))["success"] is False
        ahead = int(time.time() * 1_000) + 5_000
        assert (await ask(ws, {"op": "auth", "args": [KEY, ahead, sign("something else")]}))["success"] is False
        assert (await ask(ws, {"op": "auth", "args": []}))["success"] is False
        done = await log_in(ws, req_id=5)
        assert (done["success"], done["op"], done["req_id"]) == (True, "auth", "5")
        assert (await ask(ws, {"op": "subscribe", "args": ["order", "nothing"]}))["success"] is False


async def test_the_trade_socket_in_the_raw(venue: Lab) -> None:
    order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01"}
    order |= {"price": "88000", "timeInForce": "PostOnly", "orderLinkId": "raw-1"}

    def create(req_id: str, stamp_ms: int | None = None) -> dict[str, Any]:
        stamp = str(int(time.time() * 1_000) if stamp_ms is None else stamp_ms)
        return {"op": "order.create", "reqId": req_id, "header": {"X-BAPI-TIMESTAMP": stamp}, "args": [order]}

    async with dial(venue, "/v5/trade") as ws:
        assert (await ask(ws, create("a")))["retCode"] == 10005
        assert (await log_in(ws))["retCode"] == 0
        assert (await log_in(ws))["retCode"] == 20001
        done = await ask(ws, create("b"))
        assert (done["retCode"], done["reqId"], done["data"]["orderLinkId"]) == (0, "b", "raw-1")
        assert {"X-Bapi-Limit", "X-Bapi-Limit-Status", "X-Bapi-Limit-Reset-Timestamp"} <= set(done["header"])
        assert (await ask(ws, create("b")))["retCode"] == 20006
        assert (await ask(ws, create("c")))["retCode"] == 110072
        assert (await ask(ws, create("d", 1)))["retCode"] == 10002
        assert (await ask(ws, {"op": "order.dance", "reqId": "e"}))["retCode"] == 10404
        assert (await ask(ws, {"op": "order.create", "reqId": "f", "args": []}))["retCode"] == 10001
        assert len(venue.exchange.open_orders("book")) == 1


async def test_a_raw_private_client_sees_the_fill(venue: Lab) -> None:
    async with dial(venue, "/v5/private") as ws:
        await log_in(ws)
        await ask(
            ws, {"op": "subscribe", "args": ["execution", "order.linear", "position", "wallet", "execution.fast"]}
        )
        body = {"instrument": "bybit:linear:BTCPERP", "side": "buy", "contracts": "0.2"}
        assert (await venue.admin("POST", "trade", body))["ok"]
        found: dict[str, Any] = {}
        while len(found) < 5:
            frame = json.loads(await asyncio.wait_for(ws.recv(), 5))
            found.setdefault(frame.get("topic"), frame)
        (execution,) = (one for one in venue.exchange.executions("book"))
        assert found["execution"]["data"][0]["execId"] == execution.exec_id
        assert found["execution.fast"]["data"][0]["execId"] == execution.exec_id
        assert found["order.linear"]["data"][-1]["orderStatus"] == "Filled"
        position = found["position"]["data"][-1]
        assert (position["side"], position["size"], position["category"]) == ("Sell", "0.3", "linear")
        assert [coin["coin"] for coin in found["wallet"]["data"][0]["coin"]] == ["USDC"]


async def test_signed_requests_by_hand(venue: Lab) -> None:
    query = "accountType=UNIFIED"
    path = "/v5/account/wallet-balance"
    status, content, headers = await signed(venue, "GET", path, query)
    assert (status, content["retCode"]) == (200, 0)
    assert headers["X-Bapi-Limit"] == "50"
    # The venue's host may stand before the path.
    assert (await signed(venue, "GET", "/api.bybit.com" + path, query))[1]["retCode"] == 0
    assert (await signed(venue, "GET", path, query, **{"X-BAPI-SIGN": "0" * 64}))[1]["retCode"] == 10004
    assert (await signed(venue, "GET", path, query, **{"X-BAPI-API-KEY": "who"}))[1]["retCode"] == 10003
    assert (await signed(venue, "GET", path, query, **{"X-BAPI-TIMESTAMP": "1"}))[1]["retCode"] == 10002
    assert (await signed(venue, "GET", path, query, **{"X-BAPI-TIMESTAMP": "soon"}))[1]["retCode"] == 10002
    assert (await signed(venue, "POST", "/v5/order/create", "{nope"))[1]["retCode"] == 10001
    assert (await signed(venue, "POST", "/v5/order/create", '["a"]'))[1]["retCode"] == 10001
    assert (await signed(venue, "POST", path, "{}"))[0] == 400
    assert (await venue.get(path))[0] == 401
    assert (await venue.get("/v5/market/nothing"))[0] == 404
    assert (await venue.get("/v5/market/tickers?category=nothing"))[1]["retMsg"] == "Illegal category"


async def test_too_many_visits() -> None:
    import msgspec

    async with lab(msgspec.structs.replace(SCENARIO, rate_limits=True), markets=False) as venue:
        body = json.dumps({"category": "linear", "symbol": "BTCUSDT", "orderId": "none"})
        codes = [(await signed(venue, "POST", "/v5/order/cancel", body))[1]["retCode"] for _ in range(14)]
        assert codes[:10] == [110001] * 10
        assert 10006 in codes[10:]


async def test_a_slow_reader_of_prices_loses_frames_and_gets_a_snapshot(venue: Lab) -> None:
    async with dial(venue, "/v5/public/linear") as ws:
        await ask(ws, {"op": "subscribe", "args": ["orderbook.50.BTCUSDT"]})
        await topic_frame(ws, "orderbook.50.BTCUSDT")
        (session,) = venue.server.sessions.chosen("linear")
        await venue.admin("POST", "faults", {"type": "socket", "kind": "freeze", "channel": "linear", "seconds": 1.0})
        for _ in range(OUTBOX_MAX + 10):
            session.push("orderbook.50.BTCUSDT", b'{"topic":"x"}')
        assert session.waiting <= OUTBOX_MAX
        assert session.dropped >= OUTBOX_MAX
        await asyncio.sleep(1.0)
        for _ in range(200):
            if (await topic_frame(ws, "orderbook.50.BTCUSDT"))["type"] == "snapshot":
                break
        else:
            pytest.fail("no snapshot came after frames were dropped")


async def test_a_slow_reader_of_account_news_is_cut(venue: Lab) -> None:
    async with dial(venue, "/v5/private") as ws:
        await log_in(ws)
        (session,) = venue.server.sessions.chosen("private")
        await venue.admin("POST", "faults", {"type": "socket", "kind": "freeze", "channel": "private", "seconds": 1.0})
        for _ in range(OUTBOX_MAX + 1):
            session.push("order", b"{}")
        with pytest.raises(Exception, match="no close frame"):
            await asyncio.wait_for(ws.recv(), 5)


async def test_every_signed_answer_says_where_the_budget_stands(venue: Lab) -> None:
    for path, route in ROUTES.items():
        _, answer, headers = await signed(venue, route.method, path, "" if route.method == "GET" else "{}")
        named = {name for name in headers if name.startswith("X-Bapi-Limit")}
        assert len(named) == (3 if route.signed else 0), (path, answer)
        if route.signed:
            assert 0 <= int(headers["X-Bapi-Limit-Status"]) <= int(headers["X-Bapi-Limit"]) <= 50


async def test_three_thousand_frames_a_second_reach_one_client(venue: Lab) -> None:
    async with dial(venue, "/v5/public/linear") as ws:
        await ask(ws, {"op": "subscribe", "args": ["orderbook.1.BTCUSDT"]})
        (session,) = venue.server.sessions.chosen("linear")
        payload = json.dumps(await topic_frame(ws, "orderbook.1.BTCUSDT")).encode()
        total = 6_000
        started_s = time.perf_counter()

        async def send() -> None:
            for number in range(total):
                session.push("flood", payload)
                if number % 200 == 199:
                    await asyncio.sleep(0)

        task = asyncio.create_task(send())
        for _ in range(total):
            await asyncio.wait_for(ws.recv(), 5)
        await task
        # The client shares this core and this process; alone the server does far more.
        assert total / (time.perf_counter() - started_s) > 3_000
        assert session.dropped == 0


def test_the_world_may_be_built_without_a_wire() -> None:
    exchange = Exchange(SCENARIO, 1_700_000_000_000_000_000)
    assert exchange.listing(InstrumentId("bybit:linear:BTCUSDT")) is not None
