"""Faults of connections, logins and frames: the unmodified client, and a raw socket where only that can see them."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import ccxt
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.wire.exchange_client import Lab, lab, subscribed

pytestmark = pytest.mark.wire
PERP = "BTC/USDT:USDT"


@pytest.fixture
async def venue() -> AsyncIterator[Lab]:
    async with lab() as running:
        yield running


async def fault(venue: Lab, kind: str, **values: Any) -> None:
    answer = await venue.admin("POST", "faults", {"type": "socket", "kind": kind, **values})
    assert answer["ok"], answer


async def door(venue: Lab, kind: str, **values: Any) -> None:
    answer = await venue.admin("POST", "faults", {"type": "connect", "kind": kind, **values})
    assert answer["ok"], answer


def address(venue: Lab, channel: str = "public/linear") -> str:
    return f"ws://127.0.0.1:{venue.server.port}/v5/{channel}"


async def frames(ws: Any, topic: str, count: int) -> list[dict[str, Any]]:
    """The next frames of a topic."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        frame = json.loads(await asyncio.wait_for(ws.recv(), 5))
        if frame.get("topic") == topic:
            found.append(frame)
    return found


# --- connections


@pytest.mark.parametrize("kind", ["freeze", "half_open"])
async def test_a_dead_connection_looks_alive(venue: Lab, kind: str) -> None:
    """TCP stands, nothing comes, not even pongs of either sort; frozen frames come later, half-open ones never."""
    async with connect(address(venue), ping_interval=None) as ws:
        await ws.send('{"op":"subscribe","args":["tickers.BTCUSDT"]}')
        await frames(ws, "tickers.BTCUSDT", 1)
        await fault(venue, kind, channel="linear", seconds=1.2)
        with contextlib.suppress(TimeoutError):
            while True:
                await asyncio.wait_for(ws.recv(), 0.3)
        await ws.send('{"op":"ping","req_id":"lost"}')
        pong = asyncio.ensure_future(await ws.ping())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ws.recv(), 0.3)
        assert not pong.done()
        await asyncio.sleep(1.0)
        await ws.send('{"op":"ping","req_id":"after"}')
        told: list[dict[str, Any]] = []
        while not any(one.get("req_id") == "after" for one in told):
            told.append(json.loads(await asyncio.wait_for(ws.recv(), 5)))
        assert any(one.get("req_id") == "lost" for one in told) is (kind == "freeze")


async def test_the_client_notices_a_half_open_socket_by_its_missing_pongs() -> None:
    async with lab(streaming={"keepAlive": 200}) as venue:
        await venue.client.watch_bids_asks([PERP])
        await fault(venue, "half_open", channel="linear")
        started = time.monotonic()
        error: Exception | None = None
        while error is None:
            try:
                await asyncio.wait_for(venue.client.watch_bids_asks([PERP]), 5)
            except ccxt.RequestTimeout as caught:
                error = caught
        assert "ping-pong" in str(error)
        assert 0.3 < time.monotonic() - started < 3


async def test_connections_are_refused_or_answered_with_a_status(venue: Lab) -> None:
    # The client's transport tries a reset connection once more by itself.
    await door(venue, "refuse", channel="public", seconds=60)
    with pytest.raises(ccxt.NetworkError):
        await venue.client.watch_bids_asks([PERP])
    await venue.admin("DELETE", "faults")
    await door(venue, "status", channel="linear", status=503, count=1)
    with pytest.raises(InvalidStatus) as caught:
        await connect(address(venue))
    assert caught.value.response.status_code == 503
    await door(venue, "refuse", channel="rest", seconds=60)
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await venue.client.fetch_time()
    await venue.admin("DELETE", "faults")
    await venue.client.fetch_time()


async def test_a_connection_is_accepted_and_never_upgraded(venue: Lab) -> None:
    await door(venue, "hang", channel="linear", seconds=1.5)
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        await connect(address(venue), open_timeout=0.5)
    assert time.monotonic() - started < 1.2
    await door(venue, "hang", channel="rest", seconds=2.0)
    venue.client.timeout = 500
    with pytest.raises(ccxt.RequestTimeout):
        await venue.client.fetch_time()
    await venue.admin("DELETE", "faults")
    async with connect(address(venue)):
        await venue.client.fetch_time()


async def test_a_connection_takes_long_to_be_made(venue: Lab) -> None:
    await door(venue, "slow", channel="private", delay_ms=700, count=1)
    started = time.monotonic()
    async with connect(address(venue, "private")):
        assert time.monotonic() - started > 0.65


async def test_a_venue_that_accepts_and_closes_again_and_again(venue: Lab) -> None:
    await door(venue, "cut", channel="linear", delay_ms=50, code=1012)
    for _ in range(3):
        async with connect(address(venue)) as ws:
            with pytest.raises(ConnectionClosed) as caught:
                await asyncio.wait_for(ws.recv(), 3)
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 1012
    (listed,) = (await venue.admin("GET", "faults"))["faults"]
    assert listed["struck"] == 3
    await venue.admin("DELETE", "faults")
    await door(venue, "cut", channel="linear", delay_ms=50, count=1)
    async with connect(address(venue)) as ws:
        with pytest.raises(ConnectionClosed) as caught:
            await asyncio.wait_for(ws.recv(), 3)
        assert caught.value.rcvd is None


async def test_the_venue_is_down_and_comes_back_at_the_same_door(venue: Lab) -> None:
    async with connect(address(venue)) as ws:
        await venue.admin("POST", "down", {"seconds": 1.0})
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(ws.recv(), 3)
    with pytest.raises(aiohttp.ClientConnectionError):
        async with aiohttp.ClientSession() as http:
            await http.get(f"{venue.server.endpoint}/v5/market/time")
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await venue.client.fetch_time()
    for _ in range(50):
        try:
            await venue.client.fetch_time()
            break
        except ccxt.ExchangeNotAvailable:
            await asyncio.sleep(0.1)
    else:
        pytest.fail("it did not come back")
    await asyncio.wait_for(venue.client.watch_bids_asks([PERP]), 5)


# --- logins


async def test_a_login_is_answered_late(venue: Lab) -> None:
    await fault(venue, "delay_auth", channel="private", delay_ms=700, count=1)
    started = time.monotonic()
    watching = asyncio.create_task(venue.client.watch_orders())
    await subscribed(venue, "order")
    assert time.monotonic() - started > 0.65
    watching.cancel()


async def test_a_login_expires(venue: Lab) -> None:
    await fault(venue, "expire_auth", channel="private", delay_ms=300, count=1)
    watching = asyncio.create_task(venue.client.watch_orders())
    await subscribed(venue, "order")
    with pytest.raises(ccxt.NetworkError):
        await asyncio.wait_for(watching, 3)
    again = asyncio.create_task(venue.client.watch_orders())
    await subscribed(venue, "order")
    await asyncio.sleep(0.5)
    assert not again.done()
    again.cancel()


# --- frames


@pytest.mark.parametrize("kind", ["garble", "truncate"])
async def test_a_frame_is_no_json(venue: Lab, kind: str) -> None:
    async with connect(address(venue)) as ws:
        await fault(venue, kind, channel="linear", topic="tickers", count=1)
        await ws.send('{"op":"subscribe","args":["tickers.BTCUSDT"]}')
        broken = 0
        for _ in range(4):
            try:
                json.loads(await asyncio.wait_for(ws.recv(), 5))
            except json.JSONDecodeError:
                broken += 1
        assert broken == 1


async def test_a_frame_has_nulls_or_unknown_words_or_two_megabytes(venue: Lab) -> None:
    async with connect(address(venue), max_size=10_000_000) as ws:
        await fault(venue, "null", channel="linear", topic="publicTrade", count=1)
        await fault(venue, "unknown_word", channel="linear", topic="publicTrade", count=1)
        await fault(venue, "huge", channel="linear", topic="publicTrade", count=1)
        await ws.send('{"op":"subscribe","args":["publicTrade.BTCUSDT"]}')
        nulls, words, huge, right = await frames(ws, "publicTrade.BTCUSDT", 4)
    assert set(nulls["data"][0].values()) == {None}
    assert words["data"][0]["S"] == "Zorp"
    assert len(huge["padding"]) == 2_000_000
    assert right["data"][0]["S"] in {"Buy", "Sell"}


async def test_a_ticker_has_a_wrong_mark_and_index(venue: Lab) -> None:
    async with connect(address(venue)) as ws:
        how = {"fields": ["markPrice", "indexPrice"], "factor": 0.84}
        await fault(venue, "alter", channel="linear", topic="tickers.BTCUSDT", count=1, altered=how)
        await ws.send('{"op":"subscribe","args":["tickers.BTCUSDT"]}')
        (first,) = await frames(ws, "tickers.BTCUSDT", 1)
    index = venue.exchange.index_price("BTC")
    assert float(first["data"]["indexPrice"]) == pytest.approx(0.84 * index, rel=0.005)
    assert float(first["data"]["bid1Price"]) == pytest.approx(index, rel=0.005)


async def test_greeks_stop_while_prices_go_on(venue: Lab) -> None:
    symbol = next(one.instrument.symbol for one in venue.server.api.listings("option"))
    async with connect(address(venue, "public/option")) as ws:
        how = {"fields": ["delta", "gamma", "vega", "theta"], "missing": True}
        await fault(venue, "alter", channel="option", topic="tickers", altered=how)
        await ws.send(json.dumps({"op": "subscribe", "args": [f"tickers.{symbol}"]}))
        (first,) = await frames(ws, f"tickers.{symbol}", 1)
    assert first["data"]["delta"] == ""
    assert float(first["data"]["markPrice"]) > 0


async def test_one_socket_of_two_is_struck(venue: Lab) -> None:
    async with connect(address(venue)) as one, connect(address(venue)) as two:
        for ws in (one, two):
            await ws.send('{"op":"subscribe","args":["tickers.BTCUSDT"]}')
            await frames(ws, "tickers.BTCUSDT", 1)
        first = (await venue.admin("GET", "sessions"))["sessions"][0]["id"]
        await fault(venue, "mute", session=first)
        with contextlib.suppress(TimeoutError):
            while True:
                await asyncio.wait_for(one.recv(), 0.4)
        await frames(two, "tickers.BTCUSDT", 2)
        await one.send('{"op":"ping"}')
        assert json.loads(await asyncio.wait_for(one.recv(), 2))["ret_msg"] == "pong"


async def test_private_frames_come_one_to_three_times_and_late(venue: Lab) -> None:
    seen: list[Any] = []
    original = venue.client.handle_my_trades

    def tap(client: Any, message: Any) -> None:
        seen.append(message)
        original(client, message)

    venue.client.handle_my_trades = tap
    task = asyncio.create_task(venue.client.watch_my_trades())
    await subscribed(venue, "execution")
    await fault(venue, "duplicate", channel="private", topic="execution", probability=0.5)
    await fault(venue, "delay", channel="private", topic="execution", probability=0.5, delay_ms=50)
    for number in range(10):
        await venue.client.create_order(PERP, "market", "buy", 0.001, None, {"orderLinkId": f"n{number}"})
    await asyncio.sleep(1.0)
    await asyncio.gather(task, return_exceptions=True)
    ids = [row["execId"] for message in seen for row in message["data"]]
    assert len(set(ids)) == len(venue.exchange.executions("book"))
    assert len(ids) > len(set(ids))
    # The client itself keeps each once.
    assert len(venue.client.myTrades) == len(set(ids))
