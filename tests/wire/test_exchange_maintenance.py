"""Maintenance over the real wire: sockets go, dials and requests are refused, it is announced, and it ends."""

import asyncio
import time

import aiohttp
import orjson
import pytest

from hedgebot.domain.events import Stream
from hedgebot.exchange.wire.api import sign
from tests.wire.exchange_client import KEY, SECRET, Lab, lab
from tests.wire.venue_world import world

pytestmark = pytest.mark.wire


async def status_of_a_dial(venue: Lab, http: aiohttp.ClientSession, path: str) -> int:
    """101 for a socket that came up, else what the handshake was answered with."""
    try:
        async with http.ws_connect(venue.server.endpoint + path):
            return 101
    except aiohttp.WSServerHandshakeError as error:
        return error.status


async def trade_socket(venue: Lab, http: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
    socket = await http.ws_connect(venue.server.endpoint + "/v5/trade")
    expires = int(time.time() * 1_000) + 5_000
    await socket.send_json({"op": "auth", "args": [KEY, expires, sign(SECRET, f"GET/realtime{expires}")]})
    assert (await socket.receive_json())["retCode"] == 0
    return socket


def an_order() -> dict[str, object]:
    order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "0.01"}
    stamp = str(int(time.time() * 1_000))
    return {"op": "order.create", "header": {"X-BAPI-TIMESTAMP": stamp}, "args": [order]}


async def test_sockets_go_requests_are_refused_and_it_ends() -> None:
    async with lab() as venue, aiohttp.ClientSession() as http:
        public = await http.ws_connect(venue.server.endpoint + "/v5/public/linear")
        private = await http.ws_connect(venue.server.endpoint + "/v5/private")
        trading = await trade_socket(venue, http)
        answer = await venue.admin("POST", "trouble", {"type": "maintenance", "duration_s": 60})
        assert answer["ok"]
        await trading.send_json(an_order())
        refused = await trading.receive_json()
        assert (refused["retCode"], refused["op"]) == (10019, "order.create")
        for socket in (public, private, trading):
            async with asyncio.timeout(3):
                message = await socket.receive()
            assert message.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR}
        assert {await status_of_a_dial(venue, http, path) for path in ("/v5/public/spot", "/v5/private")} == {503}
        for path in ("/v5/market/time", "/v5/market/tickers?category=linear"):
            code, content = await venue.get(path)
            assert (code, content["retCode"]) == (200, 10016)
        _, content = await venue.get("/v5/system/status?state=ongoing")
        (row,) = content["result"]["list"]
        assert int(row["begin"]) <= time.time() * 1_000 < int(row["end"])
        assert venue.exchange.executions("book") == ()

        assert (await venue.admin("POST", "trouble", {"type": "maintenance", "duration_s": 0.5}))["ok"]
        until = time.monotonic() + 5
        while (await venue.get("/v5/market/time"))[1]["retCode"] != 0:
            assert time.monotonic() < until, "it never ended"
            await asyncio.sleep(0.05)
        assert {await status_of_a_dial(venue, http, path) for path in ("/v5/public/spot", "/v5/private")} == {101}
        trading = await trade_socket(venue, http)
        await trading.send_json(an_order())
        assert (await trading.receive_json())["retCode"] == 0
        _, content = await venue.get("/v5/system/status")
        assert [one["state"] for one in content["result"]["list"]] == ["completed"]
        assert orjson.dumps(content["result"]["list"][0]["serviceTypes"]) == b"[1,2,3,4,5]"


async def test_our_adapter_sees_its_streams_go_and_come_back() -> None:
    async with world() as found:
        await found.top()
        await found.until_stream(Stream.PRIVATE, up=True)
        before = len(found.sink.events)
        await found.admin("trouble", type="maintenance", duration_s=1.5, pauses_market=True)
        await found.until_stream(Stream.PRIVATE, up=False, after=before)
        await found.until_stream(Stream.PRIVATE, up=True, after=before, seconds=15.0)
        assert (await found.snapshot()).complete
