"""Starts and stops the wire face, takes connections, and drives the model with the wall clock.

Owns the listening socket, the tick and the fan-out of notices. One tick advances the model and flushes what moved; a
crash in it is logged loudly and the next tick follows. `serve` is the only entry point.
"""

import asyncio
import contextlib
import logging
import time

from aiohttp import WSMsgType, web

from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import WeatherSpec
from hedgebot.exchange.types import Notice, Scripted
from hedgebot.exchange.wire.admin import Admin
from hedgebot.exchange.wire.api import CRASHES, Api
from hedgebot.exchange.wire.channels import Channels
from hedgebot.exchange.wire.faults import PUBLIC, FaultPlane
from hedgebot.exchange.wire.http import BODY_BYTES_MAX, HttpDoor
from hedgebot.exchange.wire.private import PrivateFeed
from hedgebot.exchange.wire.publish import Publisher
from hedgebot.exchange.wire.sessions import Session, Sessions

CADENCE_S = 0.05
# A socket from which nothing came for this long is closed (docs: cut off after 10 minutes without ping-pong).
IDLE_S_MAX = 600.0
MESSAGE_BYTES_MAX = 1_000_000

log = logging.getLogger(__name__)


class Server:
    """A running exchange on the wire."""

    def __init__(self, exchange: Exchange, faults: FaultPlane, cadence_s: float) -> None:
        self.api = Api(exchange, faults)
        self.sessions = Sessions()
        self.port = 0
        self.endpoint = ""
        self._cadence_s = cadence_s
        self._publisher = Publisher(self.api)
        self._private = PrivateFeed(self.api, self.sessions)
        self._channels = Channels(self.api, self._publisher)
        self._http = HttpDoor(self.api)
        self.stopped = asyncio.Event()
        self._admin = Admin(self.api, self.sessions, self.stopped)
        self._runner: web.AppRunner | None = None
        self._driver: asyncio.Task[None] | None = None
        self._unlisten = exchange.listen(self._on_notice)
        self.api.after_request = self._private.flush

    def _on_notice(self, notice: Notice) -> None:
        if isinstance(notice, Scripted) and notice.event.weather is not None:
            self.api.faults.weather = notice.event.weather
        self._publisher.on_notice(notice)
        self._private.on_notice(notice)

    async def start(self, host: str, port: int) -> None:
        """Listen and run; port 0 takes a free one. OSError when the port is taken."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.endpoint = f"http://{host}:{self.port}"
        self._driver = asyncio.create_task(self._drive(), name="exchange tick")

    async def close(self) -> None:
        """Stop the world, close every socket, release the port. Repeats are harmless."""
        self.stopped.set()
        if self._driver is not None:
            self._driver.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._driver
            self._driver = None
            self._unlisten()
        for session in self.sessions.chosen():
            session.abort()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _drive(self) -> None:
        while True:
            started_s = time.monotonic()
            try:
                self.api.advance()
                self._private.flush()
                self._publisher.flush()
            except CRASHES:
                self.api.crashes += 1
                log.exception("a tick of the exchange crashed; the next one follows")
            await asyncio.sleep(max(self._cadence_s - (time.monotonic() - started_s), 0.001))

    # --- connections

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path.startswith("/admin/"):
            return await self._admin.answer(request, path.removeprefix("/admin/"))
        start = path.find("/v5/")
        path = path[start:] if start >= 0 else path
        kind, _, product = path.removeprefix("/v5/").partition("/")
        if kind == "public" and product in PUBLIC:
            return await self._socket(request, product)
        if path in {"/v5/private", "/v5/trade"}:
            return await self._socket(request, kind)
        return await self._http.answer(request, path)

    async def _socket(self, request: web.Request, channel: str) -> web.StreamResponse:
        ws = web.WebSocketResponse(compress=False, max_msg_size=MESSAGE_BYTES_MAX)
        if not ws.can_prepare(request):
            return web.Response(status=400, text="a websocket handshake is expected here")
        await ws.prepare(request)
        session = Session(self.sessions.next_number(), channel, ws, request, self.api)
        self.sessions.add(session)
        pump = asyncio.create_task(_pump(session), name=f"pump {session.id}")
        try:
            await self._receive(session, ws)
        finally:
            self.sessions.remove(session)
            if session.account is not None:
                self.api.advance()
                self.api.exchange.dead_man.disconnected(session.account, session.id)
            for topic in tuple(session.topics):
                self._publisher.unsubscribe(session, topic)
            pump.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await pump
        return ws

    async def _receive(self, session: Session, ws: web.WebSocketResponse) -> None:
        while True:
            try:
                message = await ws.receive(timeout=IDLE_S_MAX)
            except TimeoutError:
                return
            if message.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
                return
            await self._channels.take(session, message.data)


async def _pump(session: Session) -> None:
    """Run a session's pump; a connection that is gone ends it quietly, its reader tells."""
    with contextlib.suppress(ConnectionError):
        await session.pump()


async def serve(
    exchange: Exchange,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    seed: int | None = None,
    weather: WeatherSpec | None = None,
    cadence_s: float = CADENCE_S,
) -> Server:
    """Put an exchange on the wire and let it run; `Server.port` and `.endpoint` say where, `.close()` ends it.

    `seed` (default: the scenario's) draws the weather (default: the scenario's); `cadence_s` is the tick.
    """
    scenario = exchange.scenario
    faults = FaultPlane(weather or scenario.weather, scenario.seed if seed is None else seed)
    server = Server(exchange, faults, cadence_s)
    await server.start(host, port)
    return server
