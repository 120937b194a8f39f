"""What a scenario has written down happens on the wire: connections go and come back, the weather turns."""

import asyncio
import time

import aiohttp
import msgspec
import pytest

from hedgebot.exchange.faults import LineFault, LineFaultKind
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import EventSpec, WeatherSpec
from hedgebot.exchange.wire.server import serve
from tests.wire.exchange_client import SCENARIO

pytestmark = pytest.mark.wire


async def test_a_written_outage_refuses_and_ends() -> None:
    refuse = LineFault(kind=LineFaultKind.REFUSE, seconds=1.5)
    world = msgspec.structs.replace(
        SCENARIO,
        events=(
            EventSpec(at_s=0.5, faults=(refuse,)),
            EventSpec(at_s=0.6, weather=WeatherSpec(ack_delay_ms=77.0)),
        ),
    )
    server = await serve(Exchange(world, time.time_ns()))
    try:
        async with aiohttp.ClientSession() as session:

            async def reached() -> bool:
                try:
                    async with session.get(f"{server.endpoint}/v5/market/time") as reply:
                        return reply.status == 200
                except aiohttp.ClientError:
                    return False

            assert await reached()
            until = time.monotonic() + 10
            while await reached():
                assert time.monotonic() < until, "the outage never began"
                await asyncio.sleep(0.05)
            while not await reached():
                assert time.monotonic() < until, "the outage never ended"
                await asyncio.sleep(0.05)
            assert server.api.faults.weather.ack_delay_ms == 77.0
    finally:
        await server.close()
