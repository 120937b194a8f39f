"""A simulated exchange on the wire and the Bybit adapter against it, for the adapter's wire tests."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import aiohttp
import msgspec

from hedgebot.domain.commands import RequestSnapshot, SubmitOrder, WatchInstruments
from hedgebot.domain.events import BookTop, Event, SnapshotTaken, Stream, StreamChanged
from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import AccountSpec, ClientFlowSpec, Scenario, WeatherSpec
from hedgebot.exchange.wire.server import Server, serve
from hedgebot.venues.bybit import BybitVenue
from tests.unit.venues.double import BTC, Sink, approved, connection

ID = "4b0000000100000101000000010000ff"
USDC_PERP = InstrumentId("bybit:linear:BTCPERP")


class World:
    """Both sides, and the plane behind the venue's back."""

    def __init__(self, server: Server, venue: BybitVenue, sink: Sink, session: aiohttp.ClientSession) -> None:
        self.server = server
        self.venue = venue
        self.sink = sink
        self._session = session

    async def admin(self, path: str, method: str = "POST", **body: Any) -> dict[str, Any]:
        """Ask the test plane."""
        data = msgspec.json.encode(body) if method == "POST" else None
        async with self._session.request(method, f"{self.server.endpoint}/admin/{path}", data=data) as response:
            answer: dict[str, Any] = await response.json()
        assert answer["ok"], answer
        return answer

    async def until_stream(self, stream: Stream, *, up: bool, after: int = 0, seconds: float = 5.0) -> StreamChanged:
        """Wait for a stream to come up or go down."""

        def wanted(event: Event) -> bool:
            return isinstance(event, StreamChanged) and event.stream is stream and event.up is up

        event = await self.sink.until(wanted, after=after, seconds=seconds)
        assert isinstance(event, StreamChanged)
        return event

    async def top(self, instrument: InstrumentId = BTC) -> BookTop:
        """Watch an instrument and take its first two-sided top."""
        self.venue.send(WatchInstruments(venue="bybit", instruments=(instrument,)))
        event = await self.sink.until(
            lambda event: isinstance(event, BookTop) and event.instrument == instrument and event.ask is not None
        )
        assert isinstance(event, BookTop)
        return event

    async def submit(self, client_id: str = ID, **changes: Any) -> None:
        """Send a buy that crosses the book."""
        top = await self.top()
        assert top.ask is not None
        settings: dict[str, Any] = {"limit_price": top.ask + Decimal("200.0"), **changes}
        self.venue.send(SubmitOrder(approved=approved(**settings), client_id=client_id))

    async def snapshot(self, since_ns: int | None = None) -> SnapshotTaken:
        """Pull everything."""
        before = len(self.sink.events)
        since = time.time_ns() - 60_000_000_000 if since_ns is None else since_ns
        self.venue.send(RequestSnapshot(account="main", request=before, executions_since_ns=since, reason="test"))
        event = await self.sink.one(SnapshotTaken, after=before)
        assert isinstance(event, SnapshotTaken)
        return event

    async def orders(self) -> list[dict[str, Any]]:
        """Every order with our client id that the exchange knows."""
        truth = await self.admin("truth", "GET")
        return [order for order in truth["accounts"]["main"]["orders"] if order["client_id"] == ID]


@asynccontextmanager
async def world(*, start: bool = True, dead_man: bool = False, **changes: Any) -> AsyncIterator[World]:
    """A quiet world: no client flow until a test asks for it, no weather. `dead_man`: the venue grants the switch."""
    scenario = Scenario(
        accounts=(
            AccountSpec(
                name="main",
                api_key="key-of-the-test",
                api_secret="secret-of-the-test",
                coins={"USDT": Decimal(500_000), "USDC": Decimal(500_000), "BTC": Decimal(2), "ETH": Decimal(10)},
                dead_man=dead_man,
            ),
        ),
        client_flow=ClientFlowSpec(account="main", enabled=False),
        weather=WeatherSpec(ack_delay_ms=0.0, ack_delay_jitter_ms=0.0, push_delay_ms=0.0),
    )
    server = await serve(Exchange(scenario, time.time_ns()))
    sink = Sink()
    venue = BybitVenue(connection(server.endpoint, **changes), sink, time.time_ns)
    try:
        async with aiohttp.ClientSession() as session:
            if start:
                await venue.start()
            try:
                yield World(server, venue, sink, session)
            finally:
                await venue.stop()
    finally:
        await server.close()
