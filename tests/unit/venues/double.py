"""A scripted venue for the adapter's own tests: Bybit's addresses on loopback, answers from its documentation.

It matches nothing and has no rules: a test says what it answers, what it pushes and how it misbehaves. Field names are
those of the venue's documentation, written here for the second time.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from hedgebot.domain.events import Event
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import Approved, OrderIntent, TimeInForce
from hedgebot.domain.settings import AccountRole
from hedgebot.venues.bybit import BybitVenue
from hedgebot.venues.connection import VenueConnection

GOLDEN = Path(__file__).parent / "golden"
BTC = InstrumentId("bybit:linear:BTCUSDT")
SPOT = InstrumentId("bybit:spot:BTCUSDT")
OPTION = InstrumentId("bybit:option:BTC-27NOV26-90000-C-USDT")
Answer = tuple[int, Any] | None
Script = Callable[[dict[str, str]], Answer]


def golden(name: str) -> Any:
    """A golden input, as the venue would send it."""
    return json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Sink:
    """Collects events; a test waits for the one it expects."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._more = asyncio.Event()

    def put(self, event: Event) -> None:
        self.events.append(event)
        self._more.set()

    def of(self, *kinds: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kinds)]

    async def until(self, wanted: Callable[[Event], bool], *, after: int = 0, seconds: float = 5.0) -> Any:
        """The first event from number `after` on that is wanted; a wait in vain tells what came instead."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    self._more.clear()
                    for event in self.events[after:]:
                        if wanted(event):
                            return event
                    await self._more.wait()
        except TimeoutError:
            msg = f"not within {seconds} s; the last that came: {self.events[after:][-5:]}"
            raise AssertionError(msg) from None

    async def one(self, kind: type, *, after: int = 0, seconds: float = 5.0) -> Any:
        return await self.until(lambda event: isinstance(event, kind), after=after, seconds=seconds)


class BybitDouble:
    """The venue. `scripts[path]` may answer a request (status, body) or None for the default answer."""

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.requests: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.sockets: dict[str, list[web.WebSocketResponse]] = {}
        self.topics: dict[web.WebSocketResponse, set[str]] = {}
        self.frames: list[tuple[str, dict[str, Any]]] = []
        self.auth_answer: dict[str, Any] | None = {"success": True, "ret_msg": "", "op": "auth"}
        # By path, where one socket's answer differs.
        self.auth_answers: dict[str, dict[str, Any]] = {}
        self.trade_answer: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda frame: {
            "retCode": 0,
            "retMsg": "OK",
            "data": {"orderId": "order-ws", "orderLinkId": frame["args"][0]["orderLinkId"]},
        }
        self.dials = 0
        # By path: seconds that the next handshakes take, one after the other; HTTP statuses that refuse the next ones.
        self.slow_dials: dict[str, list[float]] = {}
        self.refused_dials: dict[str, list[int]] = {}
        self.refused_topics: set[str] = set()
        self.silent_topics: set[str] = set()
        self.port = 0
        self.instruments = golden("instruments")

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["BybitDouble"]:
        application = web.Application()
        application.router.add_route("*", "/api.bybit.com/{path:.*}", self._http)
        application.router.add_get("/stream.bybit.com/v5/{path:.*}", self._socket)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            for sockets in self.sockets.values():
                for socket in sockets:
                    await socket.close()
            await runner.cleanup()

    def asked(self, path: str) -> list[dict[str, str]]:
        """Parameters of every request of a path."""
        return [parameters for asked, parameters, _ in self.requests if asked == path]

    async def push(self, path: str, frame: Any) -> int:
        """Send a frame to the sockets of a path that subscribed its topic; text goes out as it is, to all of them."""
        sent = 0
        for socket in self.sockets.get(path, []):
            if socket.closed:
                continue
            if isinstance(frame, str):
                await socket.send_str(frame)
            elif frame["topic"] in self.topics[socket]:
                await socket.send_str(json.dumps(frame))
            else:
                continue
            sent += 1
        return sent

    async def abort(self, path: str) -> None:
        """Cut the sockets of a path without a word."""
        for socket in self.sockets.pop(path, []):
            if not socket.closed and socket._req is not None and socket._req.transport is not None:
                socket._req.transport.abort()

    # --- HTTP -------------------------------------------------------------------------------------------------------

    async def _http(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        parameters = dict(request.query) if request.method == "GET" else await request.json()
        self.requests.append((path, parameters, dict(request.headers)))
        script = self.scripts.get(path)
        answer = script(parameters) if script is not None else None
        if answer is None:
            answer = (200, self._default(path, parameters))
        status, body = answer
        if asyncio.iscoroutine(body):
            body = await body
        text = body if isinstance(body, str) else json.dumps(body)
        return web.Response(
            status=status, text=text, content_type="application/json", headers=self.headers.get(path, {})
        )

    def _default(self, path: str, parameters: dict[str, str]) -> dict[str, Any]:
        match path.removeprefix("v5/"):
            case "market/time":
                return ok({"timeSecond": str(now_ms() // 1000), "timeNano": str(now_ms() * 1_000_000)})
            case "market/instruments-info":
                rows = self.instruments.get(parameters["category"], []) if "status" not in parameters else []
                coin = parameters.get("baseCoin")
                listed = [row for row in rows if coin in {None, row["baseCoin"]}]
                return ok({"category": parameters["category"], "list": listed, "nextPageCursor": ""})
            case "asset/coin/query-info":
                return ok({"rows": []})
            case "user/query-api":
                return ok(golden("query_api"))
            case "account/info":
                return ok({"marginMode": "REGULAR_MARGIN", "unifiedMarginStatus": 6, "updatedTime": "1"})
            case "order/create" | "order/cancel":
                return ok({"orderId": "order-1", "orderLinkId": parameters["orderLinkId"]})
            case "order/cancel-batch":
                orders: list[Any] = list(parameters["request"])
                return ok({"list": orders}) | {"retExtInfo": {"list": [{"code": 0, "msg": "OK"}] * len(orders)}}
            case "account/wallet-balance":
                return ok(golden("wallet_balance"))
            case _:
                return ok({"category": parameters.get("category", ""), "list": [], "nextPageCursor": ""})

    # --- sockets ----------------------------------------------------------------------------------------------------

    def live(self, path: str) -> int:
        """How many sockets of a path are open."""
        return sum(not socket.closed for socket in self.sockets.get(path, []))

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        self.dials += 1
        if self.refused_dials.get(path):
            return web.Response(status=self.refused_dials[path].pop(0), text="no")
        if self.slow_dials.get(path):
            await asyncio.sleep(self.slow_dials[path].pop(0))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.setdefault(path, []).append(socket)
        self.topics[socket] = set()
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            frame = json.loads(message.data)
            self.frames.append((path, frame))
            await self._reply(path, socket, frame)
        return socket

    async def _reply(self, path: str, socket: web.WebSocketResponse, frame: dict[str, Any]) -> None:
        number = frame.get("req_id")
        match frame["op"]:
            case "ping":
                await socket.send_json({"req_id": str(number), "op": "pong", "args": [str(now_ms())]})
            case "auth":
                answer = self.auth_answers.get(path, self.auth_answer)
                if answer is not None:
                    await socket.send_json(answer)
            case "subscribe" if self.refused_topics & set(frame["args"]):
                words = "error:handler not found"
                await socket.send_json(
                    {"success": False, "ret_msg": words, "conn_id": "c", "req_id": str(number), "op": "subscribe"}
                )
            case "subscribe" if self.silent_topics & set(frame["args"]):
                return
            case "subscribe":
                self.topics[socket] |= set(frame["args"])
                if path == "public/option":
                    outcome = {"failTopics": [], "successTopics": frame["args"]}
                    await socket.send_json({"success": True, "data": outcome, "type": "COMMAND_RESP"})
                else:
                    await socket.send_json({"success": True, "ret_msg": "", "req_id": str(number), "op": "subscribe"})
            case operation:
                answer = self.trade_answer(frame)
                if answer is not None:
                    await socket.send_json({**answer, "reqId": frame["reqId"], "op": operation})


def ok(result: Any) -> dict[str, Any]:
    """A positive answer of the venue."""
    return {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": now_ms()}


def refusal(code: int, message: str = "refused") -> dict[str, Any]:
    """A negative answer of the venue."""
    return {"retCode": code, "retMsg": message, "result": {}, "retExtInfo": {}, "time": now_ms()}


def connection(address: str, /, **changes: Any) -> VenueConnection:
    """A connection to the double."""
    settings: dict[str, Any] = {
        "account": "main",
        "venue": "bybit",
        "role": AccountRole.SHARED,
        "endpoint": address,
        "api_key": "key-of-the-test",
        "api_secret": "secret-of-the-test",
        # Long enough for a busy machine: whoever wants an order without an answer asks for less.
        "order_timeout_ms": 2_000,
        **changes,
    }
    return VenueConnection(**settings)


def approved(**changes: Any) -> Approved:
    """An order as the gate would have approved it."""
    settings: dict[str, Any] = {
        "account": "main",
        "instrument": BTC,
        "underlying": "BTC",
        "strategy": "delta_neutral",
        "side": Side.BUY,
        "qty_contracts": Decimal("0.010"),
        "limit_price": Decimal("90000.10"),
        "time_in_force": TimeInForce.IOC,
        "reduce_only": False,
        "delta_effect_coin": 0.01,
        "notional_usd": 900.0,
        "deadline_ns": time.time_ns() + 5_000_000_000,
        "reason": "test",
        **changes,
    }
    return Approved(intent=OrderIntent(**settings), checks=(), risk_reducing=False)


@asynccontextmanager
async def running(double: BybitDouble, **changes: Any) -> AsyncIterator[tuple[BybitVenue, Sink]]:
    """A started venue against the double, stopped in the end."""
    sink = Sink()
    venue = BybitVenue(connection(double.endpoint, **changes), sink, time.time_ns)
    await venue.start()
    try:
        yield venue, sink
    finally:
        await venue.stop()
