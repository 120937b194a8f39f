"""Starting, ticking, stopping."""

import asyncio
import time

import aiohttp
import pytest

from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import WeatherSpec
from hedgebot.exchange.wire.server import serve
from tests.unit.exchange.wire.conftest import SCENARIO


async def test_a_server_runs_and_ends(exchange: Exchange) -> None:
    server = await serve(exchange, cadence_s=0.01)
    started_ns = exchange.now_ns
    assert server.endpoint == f"http://127.0.0.1:{server.port}"
    await asyncio.sleep(0.15)
    assert exchange.now_ns > started_ns
    await server.close()
    await server.close()
    assert server.stopped.is_set()
    stopped_ns = exchange.now_ns
    await asyncio.sleep(0.03)
    assert exchange.now_ns == stopped_ns
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientConnectorError):
            await http.get(f"{server.endpoint}/v5/market/time")


async def test_two_servers_do_not_share_a_port(exchange: Exchange) -> None:
    server = await serve(exchange)
    try:
        with pytest.raises(OSError, match=str(server.port)):
            await serve(Exchange(SCENARIO, time.time_ns()), port=server.port)
    finally:
        await server.close()


async def test_a_crashing_tick_is_followed_by_the_next(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ticks = 0

    def broken(*_: object) -> None:
        nonlocal ticks
        ticks += 1
        raise ZeroDivisionError

    monkeypatch.setattr(exchange, "advance", broken)
    server = await serve(exchange, cadence_s=0.005)
    await asyncio.sleep(0.05)
    await server.close()
    assert ticks > 2
    assert server.api.crashes == ticks
    assert "a tick of the exchange crashed" in caplog.text


async def test_the_weather_may_be_replaced(exchange: Exchange) -> None:
    weather = WeatherSpec(ack_lost_probability=0.5)
    server = await serve(exchange, seed=3, weather=weather)
    await server.close()
    assert server.api.faults.weather == weather


async def test_a_plain_get_of_a_socket_is_refused(exchange: Exchange) -> None:
    server = await serve(exchange)
    try:
        async with aiohttp.ClientSession() as http, http.get(f"{server.endpoint}/v5/private") as reply:
            assert reply.status == 400
    finally:
        await server.close()
