"""What the simulated exchange says, gathered over real sockets: one answer for each case of conformance.

A case is a page of the venue's documentation, the example on that page ("" takes the only one; None: the page shows
another product, its table counts alone) and how our answer is asked for.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec
import yarl
from websockets.asyncio.client import ClientConnection, connect

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.types import Liquidated
from hedgebot.exchange.wire.api import sign
from tests.wire.exchange_client import KEY, SCENARIO, SECRET, Lab, lab

WORLD = msgspec.structs.replace(
    SCENARIO,
    underlyings=tuple(msgspec.structs.replace(one, option_expiries_s=(40.0,)) for one in SCENARIO.underlyings),
    accounts=tuple(
        msgspec.structs.replace(
            one,
            positions=tuple(
                msgspec.structs.replace(held, instrument=held.instrument.replace("/1/", "/0/")) if number == 1 else held
                for number, held in enumerate(one.positions)
            ),
        )
        for one in SCENARIO.accounts
    ),
    funding_interval_s=60,
)
"""An option of the book expired and funding was paid a moment ago."""


@dataclass(frozen=True)
class Rest:
    """A request over HTTP. `{option}`, `{order}`, `{link}` and `{now}` stand for what the world has."""

    page: str
    words: str
    params: dict[str, Any]
    example: str | None = ""
    label: str = ""

    @property
    def name(self) -> str:
        return f"{self.page} {self.label}".strip()


@dataclass(frozen=True)
class Push:
    """A topic of a socket; `label` tells frames of one topic apart (a private frame's category, a ticker's type)."""

    page: str
    channel: str
    topic: str
    example: str | None = ""
    label: str = ""

    @property
    def name(self) -> str:
        return f"{self.page} {self.label}".strip()


@dataclass(frozen=True)
class Said:
    """An answer to something said on a socket."""

    page: str
    channel: str
    message: dict[str, Any]
    example: str | None = ""
    label: str = ""

    @property
    def name(self) -> str:
        return f"{self.page} {self.label}".strip()


Case = Rest | Push | Said


async def ask_rest(venue: Lab, http: aiohttp.ClientSession, words: str, params: dict[str, Any]) -> dict[str, Any]:
    """A signed request; the whole answer."""
    method, _, path = words.partition(" ")
    stamp = str(int(time.time() * 1_000))
    payload = urlencode(params) if method == "GET" else json.dumps(params)
    headers = {"X-BAPI-API-KEY": KEY, "X-BAPI-TIMESTAMP": stamp, "X-BAPI-RECV-WINDOW": "5000"}
    headers["X-BAPI-SIGN"] = sign(SECRET, f"{stamp}{KEY}5000{payload}")
    url = venue.server.endpoint + path + (f"?{payload}" if method == "GET" and payload else "")
    data = payload if method == "POST" else None
    async with http.request(method, yarl.URL(url, encoded=True), headers=headers, data=data) as reply:
        answer: dict[str, Any] = await reply.json()
        return answer


def filled(params: Any, words: dict[str, str]) -> Any:
    """Parameters with the world's names in place of `{...}`."""
    if isinstance(params, dict):
        return {name: filled(value, words) for name, value in params.items()}
    if isinstance(params, list):
        return [filled(one, words) for one in params]
    if not isinstance(params, str):
        return params
    for name, word in words.items():
        params = params.replace(f"{{{name}}}", word)
    return params


async def log_in(ws: ClientConnection) -> None:
    expires = int(time.time() * 1_000) + 60_000
    await ws.send(json.dumps({"op": "auth", "args": [KEY, expires, sign(SECRET, f"GET/realtime{expires}")]}))
    answer = json.loads(await asyncio.wait_for(ws.recv(), 5))
    assert answer.get("success") or answer.get("retCode") == 0, answer


async def say(venue: Lab, channel: str, message: dict[str, Any]) -> dict[str, Any]:
    """Say something on a fresh socket (logged in, unless the message is the login) and take the answer."""
    async with connect(f"ws://127.0.0.1:{venue.server.port}/v5/{channel}") as ws:
        if message["op"] == "auth":
            expires = int(time.time() * 1_000) + 60_000
            message = message | {"args": [KEY, expires, sign(SECRET, f"GET/realtime{expires}")]}
        elif "public" not in channel:
            await log_in(ws)
        if "header" in message:
            message = message | {"header": {"X-BAPI-TIMESTAMP": str(int(time.time() * 1_000))}}
        await ws.send(json.dumps(message))
        while True:
            answer: dict[str, Any] = json.loads(await asyncio.wait_for(ws.recv(), 5))
            if "topic" not in answer:
                return answer


class Listener:
    """Keeps the frames of one socket by topic, until it is closed."""

    def __init__(self, ws: ClientConnection) -> None:
        self.frames: list[dict[str, Any]] = []
        self._task = asyncio.create_task(self._take(ws))

    async def _take(self, ws: ClientConnection) -> None:
        async for text in ws:
            frame = json.loads(text)
            if "topic" in frame:
                self.frames.append(frame)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@asynccontextmanager
async def listening(venue: Lab, channel: str, topics: list[str]) -> AsyncIterator[Listener]:
    """A socket that subscribed topics, and all that comes."""
    async with connect(f"ws://127.0.0.1:{venue.server.port}/v5/{channel}") as ws:
        if "public" not in channel:
            await log_in(ws)
        for first in range(0, len(topics), 10):
            await ws.send(json.dumps({"op": "subscribe", "args": topics[first : first + 10]}))
            answer = json.loads(await asyncio.wait_for(ws.recv(), 5))
            while "topic" in answer:
                answer = json.loads(await asyncio.wait_for(ws.recv(), 5))
            assert answer["success"], answer
        listener = Listener(ws)
        try:
            yield listener
        finally:
            await listener.close()


@asynccontextmanager
async def world() -> AsyncIterator[Lab]:
    """An exchange with something behind it: funding paid, an option delivered."""
    async with lab(WORLD, markets=False, age_s=70) as venue:
        yield venue


async def _trade(venue: Lab, http: aiohttp.ClientSession, words: dict[str, str]) -> None:
    """Orders that rest and orders that fill, in every category, so that lists and topics have rows."""
    mark = float(venue.exchange.option_ticker(InstrumentId(f"bybit:option:{words['option']}")).mark)
    plans: tuple[dict[str, Any], ...] = (
        {"category": "linear", "symbol": "BTCUSDT", "qty": "0.02"},
        {"category": "spot", "symbol": "BTCUSDT", "qty": "0.02", "marketUnit": "baseCoin"},
        {"category": "option", "symbol": words["option"], "qty": "0.1"},
        {"category": "inverse", "symbol": "BTCUSD", "qty": "300"},
    )
    closing = {"category": "linear", "symbol": "BTCPERP", "side": "Buy", "orderType": "Market", "qty": "0.1"}
    assert (await ask_rest(venue, http, "POST /v5/order/create", closing))["retCode"] == 0
    for number, plan in enumerate(plans):
        price = str(int(mark / 2) // 5 * 5) if plan["category"] == "option" else "80000"
        limit = {"side": "Buy", "orderType": "Limit", "price": price, "orderLinkId": f"rest-{number}"}
        market = {"side": "Buy", "orderType": "Market", "orderLinkId": f"fill-{number}"}
        for words_of in (limit, market):
            answer = await ask_rest(venue, http, "POST /v5/order/create", plan | words_of)
            assert answer["retCode"] == 0, (plan | words_of, answer)


async def _fresh_order(venue: Lab, http: aiohttp.ClientSession) -> str:
    order = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01"}
    answer = await ask_rest(venue, http, "POST /v5/order/create", order | {"price": "79000"})
    return str(answer["result"]["orderId"])


def _matches(case: Push, topic: str, frame: dict[str, Any]) -> bool:
    if frame["topic"] != topic:
        return False
    row = frame["data"][0] if isinstance(frame["data"], list) else {}
    if case.channel == "private" and row.get("category"):
        return case.label in {"", row["category"]}
    is_delta: bool = frame.get("type", "") == "delta"
    return is_delta == (case.label == "delta")


async def gather(cases: tuple[Case, ...]) -> dict[str, list[Any]]:
    """Every case's answers, by the case's name."""
    async with world() as venue, aiohttp.ClientSession() as http, AsyncExitStack() as sockets:
        option = next(one.instrument for one in venue.exchange.positions("book") if ":option:" in one.instrument)
        futures = [one.instrument for one in venue.server.api.listings("linear") if one.instrument.expiry_ns]
        words = {"option": option.split(":")[2], "future": futures[0].symbol}
        listeners: dict[str, Listener] = {}
        for channel in dict.fromkeys(one.channel for one in cases if isinstance(one, Push)):
            topics = [one.topic for one in cases if isinstance(one, Push) and one.channel == channel]
            wanted = [str(filled(one, words)) for one in dict.fromkeys(topics)]
            listeners[channel] = await sockets.enter_async_context(listening(venue, channel, wanted))
        await _trade(venue, http, words)
        perp = InstrumentId("bybit:linear:BTCUSDT")
        venue.exchange._tell(
            Liquidated(
                instrument=perp,
                position_side=Side.BUY,
                contracts=Decimal("0.5"),
                price=Decimal(70_000),
                at_ns=venue.exchange.now_ns,
            )
        )
        found: dict[str, list[Any]] = {}
        for case in cases:
            if isinstance(case, Rest):
                if "{order}" in str(case.params):
                    words["order"] = await _fresh_order(venue, http)
                found[case.name] = [await ask_rest(venue, http, case.words, filled(case.params, words))]
            elif isinstance(case, Said):
                found[case.name] = [await say(venue, case.channel, filled(case.message, words))]
        await asyncio.sleep(1.2)
        for case in cases:
            if isinstance(case, Push):
                topic = str(filled(case.topic, words))
                found[case.name] = [one for one in listeners[case.channel].frames if _matches(case, topic, one)]
        assert venue.server.api.crashes == 0
        return found
