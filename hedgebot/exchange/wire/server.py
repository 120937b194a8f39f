"""Starts and stops the wire face, takes connections, and drives the model with the wall clock.

Owns the listening socket, the tick and the fan-out of notices. One tick advances the model and flushes what moved; a
crash in it is logged loudly and the next tick follows. `serve` is the only entry point.
"""

import asyncio
import contextlib
import logging
import time

from aiohttp import WSMsgType, web

from hedgebot.exchange.faults import LineFault
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import EventSpec, WeatherSpec
from hedgebot.exchange.types import Notice, Scripted
from hedgebot.exchange.wire.admin import Admin
from hedgebot.exchange.wire.api import CRASHES, Api
from hedgebot.exchange.wire.channels import Channels
from hedgebot.exchange.wire.faults import PUBLIC, ConnectFault, ConnectFaultKind, FaultPlane, on_the_wire
from hedgebot.exchange.wire.http import BODY_BYTES_MAX, LOOK_S, HttpDoor, dropped
from hedgebot.exchange.wire.private import PrivateFeed
from hedgebot.exchange.wire.publish import Publisher
from hedgebot.exchange.wire.sessions import Session, Sessions

CADENCE_S = 0.05
# A socket from which nothing came for this long is closed (docs: cut off after 10 minutes without ping-pong).
IDLE_S_MAX = 600.0
# In maintenance trade sockets stand this much longer than the others, and refuse (docs/v5/error.mdx, 10019).
DRAIN_S = 1.0
MESSAGE_BYTES_MAX = 1_000_000
REST = "rest"

log = logging.getLogger(__name__)


class Server:
    """A running exchange on the wire."""

    def __init__(self, exchange: Exchange, faults: FaultPlane, cadence_s: float) -> None:
        self.api = Api(exchange, faults)
        self.sessions = Sessions()
        self.port = 0
        self.endpoint = self._host = ""
        self._cadence_s = cadence_s
        self._publisher = Publisher(self.api)
        self._private = PrivateFeed(self.api, self.sessions)
        self._channels = Channels(self.api, self._publisher)
        self._http = HttpDoor(self.api)
        self.stopped = asyncio.Event()
        self._admin = Admin(self.api, self.sessions, self.stopped, self._go_down)
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._absence: asyncio.Task[None] | None = None
        self._driver: asyncio.Task[None] | None = None
        # When the maintenance under way was first seen; None in between.
        self._maintained_s: float | None = None
        self._unlisten = exchange.listen(self._on_notice)
        self.api.after_request = self._private.flush

    def _on_notice(self, notice: Notice) -> None:
        if isinstance(notice, Scripted):
            self._play(notice.event)
        self._publisher.on_notice(notice)
        self._private.on_notice(notice)

    def _play(self, event: EventSpec) -> None:
        """Take from a scripted event what concerns the wire."""
        if event.weather is not None:
            self.api.faults.weather = event.weather
        for fault in event.faults:
            # Those of orders happen in the model.
            if isinstance(fault, LineFault):
                self.api.faults.add(on_the_wire(fault))

    async def start(self, host: str, port: int) -> None:
        """Listen and run; port 0 takes a free one. OSError when the port is taken."""
        app = web.Application(client_max_size=BODY_BYTES_MAX)
        app.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, host, port)
        await self._site.start()
        self.port = self._runner.addresses[0][1]
        self._host = host
        self.endpoint = f"http://{host}:{self.port}"
        self._driver = asyncio.create_task(self._drive(), name="exchange tick")

    def _go_down(self, seconds: float) -> None:
        """Close the door and cut every socket, and open again at the same port after a while."""
        if not self._is_down:
            self._absence = asyncio.create_task(self._stay_down(seconds), name="exchange down")

    @property
    def _is_down(self) -> bool:
        return self._absence is not None and not self._absence.done()

    async def _stay_down(self, seconds: float) -> None:
        runner, site = self._runner, self._site
        if runner is None or site is None:
            return
        # The answer to whoever ordered it goes out first.
        await asyncio.sleep(LOOK_S)
        await site.stop()
        for session in self.sessions.chosen():
            session.abort()
        await asyncio.sleep(seconds)
        self._site = web.TCPSite(runner, self._host, self.port)
        await self._site.start()

    async def close(self) -> None:
        """Stop the world, close every socket, release the port. Repeats are harmless."""
        self.stopped.set()
        if self._absence is not None:
            self._absence.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._absence
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
                self._cut_for_maintenance(started_s)
            except CRASHES:
                self.api.crashes += 1
                log.exception("a tick of the exchange crashed; the next one follows")
            await asyncio.sleep(max(self._cadence_s - (time.monotonic() - started_s), 0.001))

    def _cut_for_maintenance(self, now_s: float) -> None:
        """Cut the sockets when a maintenance begins; those for trading drain a moment."""
        if not self.api.exchange.troubles.is_down:
            self._maintained_s = None
            return
        if self._maintained_s is None:
            self._maintained_s = now_s
        drained = now_s - self._maintained_s >= DRAIN_S
        for session in self.sessions.chosen():
            if drained or session.channel != "trade":
                session.abort()

    # --- connections

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path.startswith("/admin/"):
            return await self._admin.answer(request, path.removeprefix("/admin/"))
        if self._is_down:
            return dropped(request)
        start = path.find("/v5/")
        path = path[start:] if start >= 0 else path
        kind, _, product = path.removeprefix("/v5/").partition("/")
        channel = product if kind == "public" else kind if path in {"/v5/private", "/v5/trade"} else REST
        fault = self.api.faults.for_connection(channel)
        if fault is not None:
            early = await self._at_the_door(request, fault, channel)
            if early is not None:
                return early
        # A cut is for when the socket stands.
        cut = fault if fault is not None and fault.kind is ConnectFaultKind.CUT else None
        if kind == "public" and product in PUBLIC:
            return await self._socket(request, product, cut)
        if path in {"/v5/private", "/v5/trade"}:
            return await self._socket(request, kind, cut)
        return await self._http.answer(request, path)

    async def _at_the_door(self, request: web.Request, fault: ConnectFault, channel: str) -> web.StreamResponse | None:
        """What a fault answers to a connection before anything of it is read; None to go on."""
        match fault.kind:
            case ConnectFaultKind.REFUSE:
                return dropped(request)
            case ConnectFaultKind.STATUS:
                return web.Response(status=fault.status, text=f"{fault.status} by order")
            case ConnectFaultKind.SLOW:
                await asyncio.sleep(fault.delay_ms / 1_000)
            case ConnectFaultKind.HANG:
                await self._hang(request, channel)
            case ConnectFaultKind.CUT:
                pass
        return None

    async def _hang(self, request: web.Request, channel: str) -> None:
        """Keep a connection waiting until the fault is over or the client has had enough."""
        while True:
            await asyncio.sleep(LOOK_S)
            gone = request.transport is None or request.transport.is_closing()
            if gone or not self.api.faults.hangs(channel):
                return

    async def _socket(self, request: web.Request, channel: str, cut: ConnectFault | None) -> web.StreamResponse:
        # Pings of the protocol are answered by hand: a frozen or half-open socket must not even do that.
        ws = web.WebSocketResponse(compress=False, max_msg_size=MESSAGE_BYTES_MAX, autoping=False)
        if not ws.can_prepare(request):
            return web.Response(status=400, text="a websocket handshake is expected here")
        if self.api.exchange.troubles.is_down:
            return web.Response(status=503, text="Service Unavailable")
        await ws.prepare(request)
        session = Session(self.sessions.next_number(), channel, ws, request, self.api)
        self.sessions.add(session)
        pump = asyncio.create_task(_pump(session), name=f"pump {session.id}")
        cutter = None if cut is None else asyncio.create_task(_cut(session, cut), name=f"cut {session.id}")
        try:
            await self._receive(session, ws)
        finally:
            self.sessions.remove(session)
            if session.account is not None:
                self.api.advance()
                self.api.exchange.dead_man.disconnected(session.account, session.id)
            for topic in tuple(session.topics):
                self._publisher.unsubscribe(session, topic)
            for task in (pump, cutter):
                if task is not None:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task
        return ws

    async def _receive(self, session: Session, ws: web.WebSocketResponse) -> None:
        while True:
            try:
                message = await ws.receive(timeout=IDLE_S_MAX)
            except TimeoutError:
                return
            if message.type is WSMsgType.PING:
                if not session.is_silent:
                    await ws.pong(message.data)
            elif message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                if not session.is_half_open:
                    await self._channels.take(session, message.data)
            elif message.type is not WSMsgType.PONG:
                return


async def _pump(session: Session) -> None:
    """Run a session's pump; a connection that is gone ends it quietly, its reader tells."""
    with contextlib.suppress(ConnectionError):
        await session.pump()


async def _cut(session: Session, fault: ConnectFault) -> None:
    """Cut a socket a while after it was made, or close it with a code."""
    await asyncio.sleep(fault.delay_ms / 1_000)
    if fault.code is None:
        session.abort()
    else:
        await session.close(fault.code)


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
