"""A small exchange on loopback and an unmodified ccxt.pro client pointed at it, for the contract tests."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt.pro

from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import (
    AccountSpec,
    ClientFlowSpec,
    HoldingSpec,
    Scenario,
    UnderlyingSpec,
    WeatherSpec,
)
from hedgebot.exchange.wire.server import Server, serve

KEY, SECRET = "test-key", "test-secret"
CALM = WeatherSpec(ack_lost_probability=0.0, ack_delay_ms=0.0, ack_delay_jitter_ms=0.0, push_delay_ms=0.0)
SCENARIO = Scenario(
    name="wire tests",
    underlyings=(
        UnderlyingSpec(name="BTC", start_price=90_000.0),
        UnderlyingSpec(name="ETH", start_price=3_000.0, vol=0.65, option_vol=0.65),
    ),
    accounts=(
        AccountSpec(
            name="book",
            api_key=KEY,
            api_secret=SECRET,
            coins={"USDT": Decimal(500_000), "USDC": Decimal(200_000), "BTC": Decimal(2)},
            dead_man=True,
            positions=(
                HoldingSpec(instrument="linear:BTCPERP", contracts=Decimal("-0.5")),
                HoldingSpec(instrument="option:BTC/1/0/C", contracts=Decimal(1)),
                HoldingSpec(instrument="option:ETH/1/0/P", contracts=Decimal(2)),
            ),
        ),
        AccountSpec(name="other", api_key="key-2", api_secret="secret-2", coins={"USDT": Decimal(1_000)}),
    ),
    client_flow=ClientFlowSpec(account="book", enabled=False),
    weather=CALM,
    rate_limits=False,
)


def loopback_urls(tree: dict[str, Any], port: int) -> dict[str, Any]:
    """Point every address at the loopback server; the venue's host becomes the first part of the path."""
    mapped: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            mapped[key] = loopback_urls(value, port)
        else:
            scheme, _, rest = value.replace("{hostname}", "bybit.com").partition("://")
            mapped[key] = f"{'ws' if scheme.startswith('ws') else 'http'}://127.0.0.1:{port}/{rest}"
    return mapped


def client_for(port: int, **settings: Any) -> Any:
    """An unmodified ccxt.pro client with the first account's keys."""
    plain = {"apiKey": KEY, "secret": SECRET, "enableRateLimit": False, "timeout": 3_000}
    options = {"fetchMarkets": {"loadAllOptions": True, "options": ["BTC", "ETH"]}, "ws": {"cost": 0}}
    urls = {"api": loopback_urls(ccxt.pro.bybit().urls["api"], port)}
    return ccxt.pro.bybit({**plain, "urls": urls, "options": options, **settings})


class Lab:
    """A running server, a client with its markets loaded, and the admin plane."""

    def __init__(self, server: Server, client: Any, http: aiohttp.ClientSession) -> None:
        self.server = server
        self.exchange = server.api.exchange
        self.client = client
        self._http = http

    def seen(self, path: str) -> list[dict[str, object]]:
        """Parameters of the requests that reached a path, oldest first."""
        return [one.params for one in self.server.api.seen if one.path.endswith(path)]

    async def admin(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask the admin plane; its answer whatever it is."""
        async with self._http.request(method, f"{self.server.endpoint}/admin/{path}", json=body) as reply:
            content: dict[str, Any] = await reply.json()
            return content

    async def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """A plain GET with status and JSON."""
        async with self._http.get(self.server.endpoint + path) as reply:
            return reply.status, await reply.json()


@contextlib.asynccontextmanager
async def lab(
    scenario: Scenario = SCENARIO, *, markets: bool = True, age_s: int = 0, **settings: Any
) -> AsyncIterator[Lab]:
    """Run an exchange (that opened `age_s` ago) and a client; both are closed whatever happens."""
    exchange = Exchange(scenario, time.time_ns() - age_s * 1_000_000_000)
    exchange.advance(time.time_ns())
    server = await serve(exchange, cadence_s=0.02)
    client = client_for(server.port, **settings)
    async with aiohttp.ClientSession() as http:
        try:
            if markets:
                await client.load_markets()
            yield Lab(server, client, http)
        finally:
            await client.close()
            await server.close()


async def subscribed(venue: Lab, topic: str, channel: str = "private") -> None:
    """Wait until a socket of the channel has subscribed a topic."""
    for _ in range(500):
        if any(topic in one.topics for one in venue.server.sessions.chosen(channel)):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"nobody subscribed {topic}")
