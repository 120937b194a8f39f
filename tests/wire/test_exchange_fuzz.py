"""Nonsense on every door: the venue's own error comes back, nothing crashes, and whoever behaves is served on."""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from hedgebot.exchange.model import Exchange
from hedgebot.exchange.wire import routes_asset, routes_margin
from hedgebot.exchange.wire.api import Api, sign
from hedgebot.exchange.wire.codes import SERVER_ERROR, Answer, WireError
from hedgebot.exchange.wire.faults import FaultPlane
from hedgebot.exchange.wire.http import BODY_BYTES_MAX
from hedgebot.exchange.wire.params import Params
from hedgebot.exchange.wire.routes import ROUTES
from hedgebot.exchange.wire.server import MESSAGE_BYTES_MAX
from tests.wire.exchange_client import KEY, SCENARIO, SECRET, Lab, lab
from tests.wire.nonsense import NAMES, NESTED, WORDS, nonsense

pytestmark = pytest.mark.wire
CHANNELS = ("/v5/public/linear", "/v5/public/spot", "/v5/public/option", "/v5/private", "/v5/trade")
scalars = st.one_of(
    st.sampled_from(WORDS), st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.just([[]])
)


@pytest.fixture
async def venue() -> AsyncIterator[Lab]:
    async with lab(markets=False) as running:
        yield running


# What lets a handler get past its first checks.
SEEDS: tuple[dict[str, Any], ...] = (
    {},
    {"category": "linear", "symbol": "BTCUSDT"},
    {"category": "spot", "symbol": "BTCUSDT", "side": "Buy"},
    {"category": "option", "baseCoin": "BTC"},
    {"category": "inverse", "symbol": "BTCUSD"},
    {"category": "linear", "symbol": "BTCPERP", "interval": "1", "period": "5min", "intervalTime": "1h"},
    {"accountType": "UNIFIED", "coin": "USDT", "currency": "BTC", "coinName": "USDT"},
)


@pytest.mark.parametrize("path", sorted(ROUTES))
def test_every_route_answers_or_refuses(path: str) -> None:
    """A handler given anything answers what can be written or raises the venue's error, and leaves the books whole."""
    exchange = Exchange(SCENARIO, time.time_ns())
    api = Api(exchange, FaultPlane(SCENARIO.weather, 1))
    draw = random.Random(path)
    values: tuple[Any, ...] = (*WORDS, 1, -1.5, 2**70, 1e300, True, None, [], {}, json.loads(NESTED), ["x", 1])
    for number in range(120):
        wish = {name: draw.choice(values) for name in draw.sample(NAMES, draw.randint(0, 6))}
        if draw.random() < 0.3:
            orders = [{name: draw.choice(values) for name in draw.sample(NAMES, 6)} for _ in range(draw.randint(0, 3))]
            wish["request"] = draw.choice((orders, [1], "x", orders * 30, [ORDER | one for one in orders]))
        wish = SEEDS[number % len(SEEDS)] | wish
        assert answered(api, path, wish) != SERVER_ERROR, wish
    exchange.wallet("book")
    exchange.positions("book")


def answered(api: Api, path: str, values: dict[str, Any]) -> int:
    """The return code of a handler; 0 when it answered with what can be written out."""
    try:
        found = ROUTES[path].handler(api, "book", Params(values))
    except WireError as error:
        return error.code
    answer = found if isinstance(found, Answer) else Answer(found)
    return 0 if orjson.dumps([answer.result, answer.ext, answer.beside]) else SERVER_ERROR


async def answers_before_pong(ws: ClientConnection, message: str | bytes) -> list[dict[str, Any]]:
    """What a message is answered with, topics aside; a ping behind it shows that all answers have come."""
    await ws.send(message)
    await ws.send('{"op":"ping","req_id":"mark","reqId":"mark"}')
    found: list[dict[str, Any]] = []
    pongs = 1 + is_ping(message)
    while pongs:
        frame = json.loads(await asyncio.wait_for(ws.recv(), 5))
        if "topic" in frame:
            continue
        if frame.get("op") == "pong" or frame.get("ret_msg") == "pong":
            pongs -= 1
        else:
            found.append(frame)
    return found


def is_ping(message: str | bytes) -> bool:
    """Whether the message is itself answered with a pong."""
    try:
        content = orjson.loads(message)
    except orjson.JSONDecodeError:
        return False
    return isinstance(content, dict) and content.get("op") == "ping"


async def log_in(ws: ClientConnection) -> None:
    expires = int(time.time() * 1_000) + 60_000
    await ws.send(json.dumps({"op": "auth", "args": [KEY, expires, sign(SECRET, f"GET/realtime{expires}")]}))
    frame = json.loads(await asyncio.wait_for(ws.recv(), 5))
    assert frame.get("success") or frame.get("retCode") == 0


@pytest.mark.parametrize("known", [False, True], ids=["stranger", "logged in"])
@pytest.mark.parametrize("path", CHANNELS)
async def test_sockets_answer_all_nonsense(venue: Lab, path: str, known: bool) -> None:
    draw = random.Random(f"{path}{known}")
    async with connect(f"ws://127.0.0.1:{venue.server.port}{path}", max_size=None) as ws:
        if known and "public" not in path:
            await log_in(ws)
        for _ in range(120):
            message = nonsense(draw)
            for frame in await answers_before_pong(ws, message):
                words = str({name: value for name, value in frame.items() if name not in {"req_id", "reqId"}})
                assert "Server error" not in words, (message, frame)
                assert len(words) < 3_000, "an error does not repeat a client's flood"
        assert await answers_before_pong(ws, "{") != []
    assert venue.server.api.crashes == 0
    # The request log holds all of it and can still be written.
    assert (await venue.admin("GET", "requests"))["ok"]
    assert (await venue.admin("GET", "truth"))["crashes"] == 0


async def test_malformed_messages_are_answered_each(venue: Lab) -> None:
    for path in CHANNELS:
        async with connect(f"ws://127.0.0.1:{venue.server.port}{path}") as ws:
            for message in ("", "{", "[]", "7", '"x"', NESTED, "\ud7ff", '{"op":"dance"}', '{"op":' + NESTED + "}"):
                (frame,) = await answers_before_pong(ws, message)
                assert frame.get("success") is False or frame["retCode"] in {10001, 10404}, (path, message, frame)
    assert venue.server.api.crashes == 0


async def test_a_huge_frame_closes_its_socket_only(venue: Lab) -> None:
    address = f"ws://127.0.0.1:{venue.server.port}/v5/public/linear"
    async with connect(address) as bystander, connect(address) as ws:
        with contextlib.suppress(ConnectionClosed):  # the cut may come while the rest is still being written
            await ws.send("x" * (MESSAGE_BYTES_MAX + 10))
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(ws.recv(), 5)
        assert ws.close_code in {1009, 1006}
        flood = json.dumps({"op": "subscribe", "args": ["tickers." + "A" * 900_000]})
        (frame,) = await answers_before_pong(bystander, flood)
        assert "args length" in frame["ret_msg"]
    assert venue.server.api.crashes == 0


async def raw(venue: Lab, payload: bytes) -> bytes:
    """Write bytes on a bare connection; what comes back within a moment."""
    reader, writer = await asyncio.open_connection("127.0.0.1", venue.server.port)
    try:
        writer.write(payload)
        await writer.drain()
        return await asyncio.wait_for(reader.read(20_000), 0.5)
    except (TimeoutError, ConnectionError):
        return b""
    finally:
        writer.transport.abort()


async def test_raw_bytes_in_requests(venue: Lab) -> None:
    """Bytes that are no UTF-8 in query, headers and signature; torn requests; what is no HTTP at all."""
    stamp = str(int(time.time() * 1_000)).encode()
    head = (
        b"X-BAPI-API-KEY: " + KEY.encode() + b"\r\nX-BAPI-TIMESTAMP: " + stamp + b"\r\nHost: x\r\nConnection: close\r\n"
    )
    signed = b"GET /v5/position/list?category=%FF HTTP/1.1\r\n" + head + b"X-BAPI-SIGN: \xe9\xff\r\n\r\n"
    assert b"10004" in await raw(venue, signed)
    assert b"400 Bad Request" in await raw(venue, signed.replace(b"%FF", b"\xff"))
    public = b"GET /v5/market/tickers?category=%FF%FE&symbol=%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert b"Illegal category" in await raw(venue, public)
    unknown = b"GET /v5/market/tickers?category=linear&symbol=\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert b"Server error" not in await raw(venue, unknown)
    draw = random.Random(5)
    for _ in range(40):
        torn = bytearray(signed)
        for _ in range(draw.randint(1, 8)):
            torn[draw.randrange(len(torn))] = draw.randrange(256)
        assert b"Server error" not in await raw(venue, bytes(torn[: draw.randint(1, len(torn))]) + b"\r\n\r\n")
    assert venue.server.api.crashes == 0
    assert (await venue.admin("GET", "requests"))["ok"]


async def test_signed_bodies_of_all_kinds(venue: Lab) -> None:
    bodies = (b"", b"{", b"[]", b"null", b"\xff\xfe", NESTED.encode(), b'{"category":' + NESTED.encode() + b"}")
    paths = [path for path, route in ROUTES.items() if route.method == "POST"]
    await venue.admin("POST", "key", {"account": "book", "state": "may_transfer"})
    async with aiohttp.ClientSession() as http:
        for path in paths:
            for body in bodies:
                stamp = str(int(time.time() * 1_000))
                text = body.decode("utf-8", "replace")
                headers = {"X-BAPI-API-KEY": KEY, "X-BAPI-TIMESTAMP": stamp}
                headers["X-BAPI-SIGN"] = sign(SECRET, f"{stamp}{KEY}{text}")
                async with http.post(venue.server.endpoint + path, data=body, headers=headers) as reply:
                    answer = await reply.json()
                    # A permission that the key lacks is refused first; a repayment needs no parameter.
                    others = {routes_asset.denied: 10005, routes_margin.quick_repayment: 182102}
                    codes = {10001} | {code for handler, code in others.items() if handler is ROUTES[path].handler}
                    assert answer["retCode"] in codes, (path, body[:20], answer)
        async with http.post(venue.server.endpoint + paths[0], data=b"x" * (BODY_BYTES_MAX + 1)) as reply:
            assert (reply.status, (await reply.json())["retCode"]) == (413, 10001)
    assert venue.server.api.crashes == 0


async def test_half_open_sockets_hold_nobody_up() -> None:
    """Connections that say half a request cost nobody else anything and do not keep it from ending."""
    async with lab(markets=False) as venue:
        request = b"POST /v5/order/create HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
        upgrade = b"GET /v5/private HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        left = [await half_open(venue, half) for half in (b"", b"G", request, upgrade) * 5]
        for writer in left[::2]:
            writer.transport.abort()
        async with connect(f"ws://127.0.0.1:{venue.server.port}/v5/public/linear") as ws:
            assert await answers_before_pong(ws, "{") != []
        status, answer = await venue.get("/v5/market/time")
        assert (status, answer["retCode"]) == (200, 0)
        assert venue.server.api.crashes == 0
        started_s = time.monotonic()
        await venue.server.close()
        assert time.monotonic() - started_s < 5.0
        for writer in left[1::2]:
            writer.transport.abort()


async def half_open(venue: Lab, half: bytes) -> asyncio.StreamWriter:
    """Say half a request and fall silent."""
    _, writer = await asyncio.open_connection("127.0.0.1", venue.server.port)
    writer.write(half)
    await writer.drain()
    return writer


ORDER = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01"}


@pytest.mark.parametrize("action", ["create", "amend", "pre-check", "cancel"])
def test_a_good_order_with_one_wrong_word(action: str) -> None:
    exchange = Exchange(SCENARIO, time.time_ns())
    api = Api(exchange, FaultPlane(SCENARIO.weather, 1))
    good = ORDER | {"price": "88000", "orderLinkId": "a"}
    for category in ("linear", "spot"):
        for kind in ("Limit", "Market"):
            for name in (*good, "reduceOnly", "timeInForce", "positionIdx", "marketUnit"):
                for word in (*WORDS, "1e-400", "1e20", "1" * 30 + "." + "1" * 30, 1e300, -0.0, True, None):
                    values = good | {"category": category, "orderType": kind, name: word}
                    assert answered(api, f"/v5/order/{action}", values) != SERVER_ERROR


@pytest.mark.parametrize("path", ["/v5/private", "/v5/trade"])
async def test_logins_with_one_wrong_part(venue: Lab, path: str) -> None:
    good: list[Any] = [KEY, int(time.time() * 1_000) + 60_000, "f" * 64]
    wrong: tuple[Any, ...] = (*WORDS, -1, 1.5, 2**70, True, None, [], {}, json.loads(NESTED))
    async with connect(f"ws://127.0.0.1:{venue.server.port}{path}") as ws:
        for place in range(3):
            for word in wrong:
                args = [word if number == place else one for number, one in enumerate(good)]
                (frame,) = await answers_before_pong(ws, json.dumps({"op": "auth", "args": args}))
                assert frame.get("success") is False or frame["retCode"] in {10001, 10003, 10004}, (args, frame)
    assert venue.server.api.crashes == 0


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(("orderId", "orderLinkId", "qty", "price", "symbol", "category")), scalars))
def test_amendments_of_any_kind_keep_the_book_whole(values: dict[str, Any]) -> None:
    exchange = Exchange(SCENARIO, time.time_ns())
    api = Api(exchange, FaultPlane(SCENARIO.weather, 1))
    where = {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "a"}
    assert answered(api, "/v5/order/create", ORDER | {"price": "88000", "orderLinkId": "a"}) == 0
    assert answered(api, "/v5/order/amend", where | values) != SERVER_ERROR
    for one in exchange.open_orders("book"):
        assert one.leaves_contracts > 0
    book = exchange.book(exchange.listings()[1].instrument.id, 50)
    assert book.bids[0][0] < book.asks[0][0]
