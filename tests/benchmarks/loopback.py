"""A venue on loopback that paces frames and stamps orders, as thin as it can be made: what it costs is not measured.

Answers of the ordinary kind come from the adapter's scripted double. Orders fill at once, whole, at their limit price.
The account is short an inverse perpetual and long as many coins of the linear one, so that each move of the price by
0.2 % moves its delta by one coin and calls for a hedge; the inverse entry is not told, for with its unrealised coins
the position would not drift. Clocks are `perf_counter_ns` of this process alone.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSMsgType, web
from aiohttp.web_protocol import RequestHandler

from tests.unit.venues.double import BybitDouble, golden, now_ms, ok

PRICE = 100_000.0
SWING = 100.0
COINS = 500.0
OPTIONS = 50
LINEAR, INVERSE = "BTCUSDT", "BTCUSD"
FRAME_S = 0.004
FRAMES_PER_BREACH = 4
"""250 frames a second; each fourth one calls for an order, 62 a second: below the largest rate one may set."""


def option_names(count: int) -> list[str]:
    """Symbols of an option chain."""
    return [f"BTC-27NOV26-{60_000 + 1_000 * number}-C-USDT" for number in range(count)]


class Stamping(RequestHandler):
    """Notes when bytes last came in, before anything looks at them."""

    __slots__ = ("arrived_ns",)

    def data_received(self, data: bytes) -> None:
        self.arrived_ns = time.perf_counter_ns()
        super().data_received(data)


class StampingServer(web.Server):
    """A server whose connections note arrivals."""

    def __call__(self) -> RequestHandler:
        return Stamping(self, loop=asyncio.get_running_loop())


class Loopback:
    """One contestant's venue."""

    def __init__(self, options: int = 0) -> None:
        """`options` of a chain are listed and held."""
        self.answers_us: list[float] = []
        self.orders = 0
        self._options = option_names(options)
        self._double = BybitDouble()
        rules = self._double.instruments["option"][0]
        self._double.instruments["option"] = [_option(rules, name) for name in self._options]
        self._sockets: dict[str, set[web.WebSocketResponse]] = {}
        self._linear = COINS
        self._side = ""
        self._breach_ns: dict[str, int] = {}
        self._up = False
        self._number = 0
        self._port = 0

    @property
    def endpoint(self) -> str:
        """Base address."""
        return f"http://127.0.0.1:{self._port}"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Loopback"]:
        """Serve, and keep books and tickers alive."""
        runner = web.ServerRunner(StampingServer(self._handle), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self._port = runner.addresses[0][1]
        alive = asyncio.create_task(self._keep_alive())
        try:
            yield self
        finally:
            alive.cancel()
            for socket in [one for several in self._sockets.values() for one in several]:
                await socket.close()
            await runner.cleanup()

    # --- a burst ------------------------------------------------------------------------------------------------------

    @property
    def is_heard(self) -> bool:
        """Whether every option and the executions are listened to."""
        heard = {topic for topics in self._double.topics.values() for topic in topics}
        return heard >= {"execution", *(f"tickers.{name}" for name in self._options)}

    def burst(self, frames: int, trade_id: str) -> int:
        """Write a burst of option frames, then one fill, each socket in one write; the clock after the fill's."""
        quotes = [self._quote(self._options[number % len(self._options)]) for number in range(frames)]
        row = {**_EXECUTION, "symbol": LINEAR, "execId": trade_id, "orderId": trade_id, "orderLinkId": ""}
        row |= {"execFee": "0", "execQty": "0.001", "execTime": str(now_ms())}
        fill = json.dumps({"topic": "execution", "id": trade_id, "creationTime": now_ms(), "data": [row]})
        self._write("public/option", quotes)
        self._write("private", [fill])
        return time.perf_counter_ns()

    def _quote(self, name: str) -> str:
        data = {**_OPTION, "symbol": name}
        return json.dumps({"topic": f"tickers.{name}", "type": "snapshot", "ts": now_ms(), "data": data})

    def _write(self, path: str, texts: list[str]) -> None:
        """Whole frames into the socket's own buffer: a sender that waits between frames would make no burst."""
        raw = b"".join(b"\x81\x7e" + len(text).to_bytes(2, "big") + text.encode() for text in texts)
        for socket in self._sockets.get(path, ()):
            request = socket._req
            if not socket.closed and request is not None and request.transport is not None:
                request.transport.write(raw)

    # --- what is measured ---------------------------------------------------------------------------------------------

    async def play(self, breaches: int) -> tuple[list[float], int]:
        """Push frames at their pace; microseconds from each breaching frame to its order, and how many had none."""
        self.answers_us.clear()
        self._breach_ns.clear()
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        for number in range(breaches * FRAMES_PER_BREACH):
            due_s += FRAME_S
            await asyncio.sleep(max(due_s - loop.time(), 0.0))
            breach = number % FRAMES_PER_BREACH == 0
            if breach:
                self._up = not self._up
            frame = self._book(number)
            if breach:
                # Each hedge answers the frame of its own direction: one that is late is not taken for the next one's.
                self._breach_ns["Sell" if self._up else "Buy"] = time.perf_counter_ns()
            self._send("public/linear", frame)
        await asyncio.sleep(0.05)
        return list(self.answers_us), breaches - len(self.answers_us)

    async def until_answering(self, seconds: float) -> None:
        """Wake a contestant: push until it answers a whole block."""
        async with asyncio.timeout(seconds):
            while True:
                found, unanswered = await self.play(10)
                if found and not unanswered:
                    return

    def _arrived(self, side: str, arrived_ns: int) -> None:
        self.orders += 1
        breach_ns = self._breach_ns.pop(side, None)
        if breach_ns is not None:
            self.answers_us.append((arrived_ns - breach_ns) / 1e3)

    # --- frames -------------------------------------------------------------------------------------------------------

    def _book(self, number: int) -> str:
        mid = PRICE + (SWING if self._up else -SWING) + number % 3 * 0.1
        data = {
            "s": LINEAR,
            "b": [[f"{mid - 0.1:.1f}", "10"]],
            "a": [[f"{mid + 0.1:.1f}", "10"]],
            "u": number,
            "seq": 1,
        }
        return json.dumps({"topic": f"orderbook.1.{LINEAR}", "type": "snapshot", "ts": now_ms(), "data": data})

    async def _keep_alive(self) -> None:
        """Tickers each second, and the inverse book: what the account holds is watched."""
        while True:
            for category, symbol in (("linear", LINEAR), ("inverse", INVERSE)):
                data = {
                    "symbol": symbol,
                    "markPrice": f"{PRICE:.1f}",
                    "indexPrice": f"{PRICE:.1f}",
                    "lastPrice": f"{PRICE:.1f}",
                    "fundingRate": "0",
                    "fundingIntervalHour": "8",
                    "nextFundingTime": str(now_ms() + 3_600_000),
                    "bid1Price": f"{PRICE - 1:.1f}",
                    "ask1Price": f"{PRICE + 1:.1f}",
                }
                head = {"type": "snapshot", "ts": now_ms()}
                self._send(f"public/{category}", json.dumps({"topic": f"tickers.{symbol}", **head, "data": data}))
                if symbol == INVERSE:
                    book = {"s": symbol, "b": [["99999.5", "1"]], "a": [["100000.5", "1"]], "u": 1, "seq": 1}
                    text = json.dumps({"topic": f"orderbook.1.{symbol}", **head, "data": book})
                    self._send(f"public/{category}", text)
            await asyncio.sleep(1.0)

    def _send(self, path: str, text: str) -> None:
        topic = text[11 : text.index('"', 11)]
        for socket in self._sockets.get(path, ()):
            if not socket.closed and (topic in self._double.topics[socket] or path == "private"):
                # The writer puts the whole frame into the socket before it first waits.
                task = asyncio.ensure_future(socket.send_str(text))
                task.add_done_callback(_retrieve)

    def _fill(self, order: dict[str, Any], order_id: str) -> None:
        """Tell the private stream of the execution and of the order's end."""
        qty, price, side = order["qty"], order["price"], order["side"]
        self._linear += float(qty) if side == "Buy" else -float(qty)
        common = {"symbol": LINEAR, "orderId": order_id, "side": side, "orderLinkId": order.get("orderLinkId", "")}
        executed = {**_EXECUTION, **common, "execId": f"e-{order_id}", "execPrice": price, "execQty": qty}
        executed |= {"execFee": "0", "execTime": str(now_ms())}
        ended = {**_ORDER, **common, "price": price, "qty": qty, "cumExecQty": qty, "avgPrice": price}
        ended |= {"updatedTime": str(now_ms())}
        for topic, row in (("execution", executed), ("order", ended)):
            frame = {"topic": topic, "id": order_id, "creationTime": now_ms(), "data": [row]}
            self._send("private", json.dumps(frame))

    # --- requests -----------------------------------------------------------------------------------------------------

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        host, path = request.path.removeprefix("/").split("/", 1)
        if host.startswith("stream."):
            return await self._socket(request, path.removeprefix("v5/"))
        parameters = dict(request.query) if request.method == "GET" else json.loads(await request.read())
        if path == "v5/order/create":
            protocol = request.protocol
            assert isinstance(protocol, Stamping)
            answer = self._create(parameters, protocol.arrived_ns)
        else:
            answer = self._answer(path, parameters)
        return web.Response(text=json.dumps(answer), content_type="application/json")

    def _create(self, order: dict[str, Any], arrived_ns: int) -> dict[str, Any]:
        self._number += 1
        self._arrived(order["side"], arrived_ns)
        order_id = f"o-{self._number}"
        asyncio.get_running_loop().call_soon(self._fill, order, order_id)
        return ok({"orderId": order_id, "orderLinkId": order.get("orderLinkId", "")})

    def _answer(self, path: str, parameters: dict[str, str]) -> dict[str, Any]:
        if path == "v5/position/list":
            held = {"linear": (LINEAR, self._linear), "inverse": (INVERSE, -COINS * PRICE)}
            symbol, size = held.get(parameters["category"], ("", 0.0))
            wanted = bool(symbol) and parameters.get("settleCoin", "USDT") == "USDT"
            rows = [_position(symbol, size)] if wanted else []
            if parameters["category"] == "option":
                rows = [_position(name, 0.1) for name in self._options]
            return ok({"category": parameters["category"], "list": rows, "nextPageCursor": ""})
        if path == "v5/account/wallet-balance":
            return ok({"list": [_WALLET]})
        return self._double._default(path, parameters)

    async def _socket(self, request: web.BaseRequest, path: str) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        self._sockets.setdefault(path, set()).add(socket)
        self._double.topics[socket] = set()
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                frame = json.loads(message.data)
                if frame["op"] == "order.create":
                    protocol = request.protocol
                    assert isinstance(protocol, Stamping)
                    answer = self._create(frame["args"][0], protocol.arrived_ns)
                    head = {"reqId": frame["reqId"], "op": "order.create", "retCode": 0, "retMsg": "OK"}
                    await socket.send_str(json.dumps({**head, "data": answer["result"]}))
                else:
                    await self._double._reply(path, socket, frame)
                    if LINEAR in str(frame.get("args")):
                        self._send(path, self._book(0))
        finally:
            self._sockets[path].discard(socket)
        return socket


_OPTION: dict[str, Any] = golden("option_ticker_frame")["data"]
_EXECUTION: dict[str, Any] = golden("execution_frame")["data"][0]
_ORDER: dict[str, Any] = golden("order_frame")["data"][0]
_WALLET: dict[str, Any] = {
    "accountType": "UNIFIED",
    "totalEquity": "100000000",
    "totalInitialMargin": "1000",
    "totalMaintenanceMargin": "500",
    "coin": [{"coin": "USDT", "equity": "100000000", "walletBalance": "100000000", "borrowAmount": "0"}],
}


def _option(rules: dict[str, Any], name: str) -> dict[str, Any]:
    """The rules of an option like the golden one, under another name."""
    return {**rules, "symbol": name}


def _position(symbol: str, size: float) -> dict[str, Any]:
    return {
        "positionIdx": 0,
        "symbol": symbol,
        "side": "Buy" if size > 0 else "Sell",
        "size": f"{abs(size):.3f}",
        "avgPrice": "0" if symbol == INVERSE else f"{PRICE:.1f}",
        "updatedTime": str(now_ms()),
        "seq": 1,
    }


def _retrieve(task: "asyncio.Future[None]") -> None:
    """A socket that went away between two frames is its contestant's affair."""
    if not task.cancelled():
        task.exception()
