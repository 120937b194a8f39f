"""One way in for HTTP: find the route, know the caller, let weather and faults happen, wrap the answer.

Owns the envelope and the order of checks (fault, key, timestamp, signature, budget, handler). A client may put the
venue's host before the path (`/api.bybit.com/v5/...`): what counts starts at `/v5/`. A crash of a handler is logged
loudly and answered with 10016 on status 500.
"""

import asyncio
import logging

import orjson
from aiohttp import web

from hedgebot.exchange.wire import entry
from hedgebot.exchange.wire.answers import false_ack, is_executed, spoilt_answer
from hedgebot.exchange.wire.api import CRASHES, Api
from hedgebot.exchange.wire.channels import limit_headers
from hedgebot.exchange.wire.codes import BAD_PARAMETER, SERVER_ERROR, TOO_MANY_VISITS, Answer, WireError
from hedgebot.exchange.wire.faults import HttpFault, HttpFaultKind
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.params import Params
from hedgebot.exchange.wire.routes import ROUTES, Route
from hedgebot.exchange.wire.words import scalar, writable

BODY_BYTES_MAX = 1_000_000
# How often a connection that is kept waiting is looked at.
LOOK_S = 0.05
# What is answered in maintenance too: its announcement.
ALWAYS_ANSWERED = frozenset({"/v5/system/status"})
log = logging.getLogger(__name__)


class HttpDoor:
    """Answers HTTP requests under /v5/."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def answer(self, request: web.Request, path: str) -> web.StreamResponse:
        """Answer one request; `path` starts at /v5/."""
        if not self._api.exchange.limits.visit(request.remote or "", self._api.exchange.now_ns):
            # The venue's words for an address that asked too often; it is let in again by itself.
            return web.Response(status=403, text="access too frequent")
        route = ROUTES.get(path)
        if route is None:
            return self._wrap(WireError(10017, "Route not found.", status=404), {})
        if route.method != request.method:
            return self._wrap(WireError(BAD_PARAMETER, f"use {route.method}", status=400), {})
        fault = self._api.faults.for_request(path, self._api.account_of(request.headers.get("X-BAPI-API-KEY", "")))
        if fault is not None and fault.kind is HttpFaultKind.DELAY:
            await asyncio.sleep(fault.delay_ms / 1_000)
        if fault is not None and not is_executed(fault):
            return await self._instead(request, fault)
        if route.is_order and self._api.faults.loses_request():
            return dropped(request)
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return self._wrap(WireError(BAD_PARAMETER, "params error: the body is too large", status=413), {})
        try:
            reply = self._carry_out(request, path, route, body)
        except CRASHES:
            self._api.crashes += 1
            log.exception("the handler of %s crashed; answered with %d", path, SERVER_ERROR)
            return self._wrap(WireError(SERVER_ERROR, "Server error.", status=500), {})
        finally:
            self._api.after_request()
        if route.is_order:
            await asyncio.sleep(self._api.faults.ack_delay_s())
            if reply.status == 200 and self._api.faults.loses_ack():
                return dropped(request)
        return reply if fault is None else await self._answered(request, reply, fault)

    async def _instead(self, request: web.Request, fault: HttpFault) -> web.StreamResponse:
        """What a fault answers to a request that it keeps from being carried out."""
        match fault.kind:
            case HttpFaultKind.ACK_FALSE:
                values = _values(request, await request.read())
                return self._wrap(false_ack(Params(values)) if request.method == "POST" else {"list": []}, {})
            case HttpFaultKind.REQUEST_LOST:
                return await _unanswered(request) if fault.silent else dropped(request)
            case _:
                return self._failed(fault)

    async def _answered(self, request: web.Request, reply: web.Response, fault: HttpFault) -> web.StreamResponse:
        """What a fault makes of the answer to a request that was carried out."""
        match fault.kind:
            case HttpFaultKind.ACK_LOST:
                return await _unanswered(request) if fault.silent else dropped(request)
            case HttpFaultKind.STATUS | HttpFaultKind.RET_CODE:
                return self._failed(fault)
            case HttpFaultKind.ACK_DELAY:
                await asyncio.sleep(fault.delay_ms / 1_000)
                return reply
            case _:
                body = reply.body if isinstance(reply.body, bytes) else b""
                reply.body = spoilt_answer(body, fault)
                return reply

    def _failed(self, fault: HttpFault) -> web.Response:
        """An HTTP status with whatever body was ordered, or a return code on 200."""
        if fault.kind is HttpFaultKind.RET_CODE:
            return self._wrap(WireError(fault.code, fault.message), {})
        headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
        text = f"{fault.status} by order" if fault.body is None else fault.body
        return web.Response(status=fault.status, text=text, headers=headers)

    def _carry_out(self, request: web.Request, path: str, route: Route, body: bytes) -> web.Response:
        api, account, values = self._api, "", dict[str, object]()
        headers: dict[str, str] = {}
        code = 0
        try:
            account = self._caller(request, body) if route.signed else ""
            if request.method == "POST":
                api.check_may_trade(account)
            values = _values(request, body)
            api.advance()
            self._charge(account, path, route)
            result: Fields | Answer | WireError = route.handler(api, account, Params(values))
        except WireError as error:
            result, code = error, error.code
        budget = route.budget or route.counted
        if route.is_order:
            budget = entry.order_endpoint(path, scalar(values.get("category")))
        if account and budget is not None:
            headers = limit_headers(api, account, budget)
        api.note(account or None, request.method, path, values, code)
        return self._wrap(result, headers)

    def _charge(self, account: str, path: str, route: Route) -> None:
        if self._api.exchange.troubles.is_down and path not in ALWAYS_ANSWERED:
            raise WireError(SERVER_ERROR, "Server error. The service is restarting.")
        if route.budget is not None and not self._api.exchange.charge(account, route.budget).allowed:
            raise WireError(TOO_MANY_VISITS, "Too many visits. Exceeded the API Rate Limit.")

    def _caller(self, request: web.Request, body: bytes) -> str:
        """The account that signed the request; raises WireError."""
        headers = request.headers
        key, signature = headers.get("X-BAPI-API-KEY", ""), headers.get("X-BAPI-SIGN", "")
        timestamp, window = headers.get("X-BAPI-TIMESTAMP", ""), headers.get("X-BAPI-RECV-WINDOW", "")
        if not (key and signature and timestamp):
            raise WireError(10003, "API key, timestamp and signature headers are required", status=401)
        spec = self._api.key_owner(key)
        self._api.check_timestamp(timestamp, window)
        payload = body.decode("utf-8", "replace") if request.method == "POST" else request.raw_path.partition("?")[2]
        self._api.check_signature(spec, f"{timestamp}{key}{window}{payload}", signature)
        return spec.name

    def _wrap(self, result: Fields | Answer | WireError, headers: dict[str, str]) -> web.Response:
        now_ms = self._api.venue_ms
        failed = isinstance(result, WireError)
        if isinstance(result, dict):
            result = Answer(result)
        content: Fields = {
            "retCode": result.code if isinstance(result, WireError) else 0,
            "retMsg": result.message,
            **({} if isinstance(result, WireError) else result.beside),
            "result": result.result,
            "retExtInfo": result.ext,
            "time": now_ms,
        }
        status = result.status if isinstance(result, WireError) else 200
        return web.Response(
            status=status,
            body=orjson.dumps(content),
            content_type="application/json",
            headers={**headers, "Timenow": str(now_ms), "Ret_Code": str(content["retCode"]) if failed else "0"},
        )


def _values(request: web.Request, body: bytes) -> dict[str, object]:
    if request.method == "GET":
        return {writable(name): writable(value) for name, value in request.query.items()}
    try:
        values = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        raise WireError(BAD_PARAMETER, "params error: the body is no JSON") from None
    if not isinstance(values, dict):
        raise WireError(BAD_PARAMETER, "params error: the body is no JSON object")
    return values


async def _unanswered(request: web.Request) -> web.Response:
    """Answer nothing and keep the connection, until the client has had enough."""
    while True:
        await asyncio.sleep(LOOK_S)
        if request.transport is None or request.transport.is_closing():
            return web.Response(status=500)


def dropped(request: web.Request) -> web.Response:
    """Cut the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
