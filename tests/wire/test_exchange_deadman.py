"""Disconnection protection over real sockets: a raw private socket as a careful client would hold it."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import ccxt
import pytest
from websockets.asyncio.client import ClientConnection, connect

from hedgebot.exchange.wire.api import sign
from tests.wire.exchange_client import KEY, SECRET, Lab, client_for, lab, subscribed

pytestmark = pytest.mark.wire
PERP = "BTC/USDT:USDT"


@pytest.fixture
async def venue() -> AsyncIterator[Lab]:
    async with lab() as running:
        yield running


async def private(venue: Lab, topic: str) -> ClientConnection:
    """A private socket that is logged in and has subscribed a topic."""
    ws = await connect(f"ws://127.0.0.1:{venue.server.port}/v5/private", ping_interval=None)
    expires = time.time_ns() // 1_000_000 + 10_000
    await ws.send(json.dumps({"op": "auth", "args": [KEY, expires, sign(SECRET, f"GET/realtime{expires}")]}))
    assert json.loads(await ws.recv())["success"]
    await ws.send(json.dumps({"op": "subscribe", "args": [topic]}))
    assert json.loads(await ws.recv())["success"]
    return ws


async def rest(venue: Lab, symbol: str = PERP) -> str:
    order = await venue.client.create_order(symbol, "limit", "buy", 0.01, 60_000)
    return str(order["id"])


async def gone(venue: Lab, seconds: float = 5) -> float:
    """Seconds until the account has no open order left."""
    started = time.monotonic()
    while venue.exchange.open_orders("book"):
        assert time.monotonic() - started < seconds, "the orders are still there"
        await asyncio.sleep(0.02)
    return time.monotonic() - started


async def test_orders_end_when_the_last_socket_with_the_topic_is_gone_for_the_window(venue: Lab) -> None:
    await venue.client.cancel_all_orders_after(3_000, {"product": "DERIVATIVES"})
    first, second = await private(venue, "dcp.future"), await private(venue, "dcp.future")
    other = await private(venue, "order")
    number = await rest(venue)
    await first.close()
    await asyncio.sleep(0.3)
    assert venue.exchange.dead_man.due_ns() is None
    second.transport.abort()
    took = await gone(venue)
    assert 2.5 < took < 4
    row: dict[str, Any] = (await venue.client.fetch_canceled_orders(PERP))[-1]
    assert row["id"] == number
    assert row["info"]["cancelType"] == "CancelByDCP"
    told = json.loads(await other.recv())
    while told["data"][0]["orderStatus"] != "Cancelled":
        told = json.loads(await other.recv())
    assert told["data"][0]["cancelType"] == "CancelByDCP"
    await other.close()


async def test_a_socket_that_comes_back_and_pings_saves_them(venue: Lab) -> None:
    await venue.client.cancel_all_orders_after(3_000, {"product": "DERIVATIVES"})
    ws = await private(venue, "dcp.future")
    await rest(venue)
    await ws.close()
    await asyncio.sleep(1)
    ws = await private(venue, "dcp.future")
    assert venue.exchange.dead_man.due_ns() is not None
    await ws.send('{"op":"ping"}')
    assert json.loads(await ws.recv())["op"] == "pong"
    assert venue.exchange.dead_man.due_ns() is None
    await asyncio.sleep(2.5)
    assert len(venue.exchange.open_orders("book")) == 1
    await ws.close()


async def test_the_client_alone_arms_nothing(venue: Lab) -> None:
    """ccxt sets the window but never subscribes the topic: its orders outlive its sockets."""
    await venue.client.cancel_all_orders_after(3_000, {"product": "DERIVATIVES"})
    task = asyncio.create_task(venue.client.watch_orders())
    await subscribed(venue, "order")
    await rest(venue)
    await asyncio.wait_for(task, 5)
    await venue.admin("POST", "drop", {"channel": "private"})
    await asyncio.sleep(3.5)
    assert len(venue.exchange.open_orders("book")) == 1


async def test_the_windows_read_back_and_the_retail_client_is_refused(venue: Lab) -> None:
    await venue.client.cancel_all_orders_after(40_000, {"product": "OPTIONS"})
    found = (await venue.client.privateGetV5AccountQueryDcpInfo())["result"]["dcpInfos"]
    windows = {one["product"]: (one["dcpStatus"], one["timeWindow"]) for one in found}
    assert windows == {"OPTIONS": ("ON", "40"), "DERIVATIVES": ("ON", "10"), "SPOT": ("ON", "10")}
    retail = client_for(venue.server.port, apiKey="key-2", secret="secret-2")
    try:
        assert (await retail.privateGetV5AccountQueryDcpInfo())["result"]["dcpInfos"] == []
        with pytest.raises(ccxt.PermissionDenied, match="10005"):
            await retail.cancel_all_orders_after(10_000)
    finally:
        await retail.close()
