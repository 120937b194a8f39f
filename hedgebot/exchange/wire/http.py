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
from hedgebot.exchange.wire.api import CRASHES, Api
from hedgebot.exchange.wire.channels import limit_headers
from hedgebot.exchange.wire.codes import BAD_PARAMETER, SERVER_ERROR, TOO_MANY_VISITS, Answer, WireError
from hedgebot.exchange.wire.faults import HttpFault, HttpFaultKind
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.params import Params
from hedgebot.exchange.wire.routes import ROUTES, Route
from hedgebot.exchange.wire.words import scalar, writable

BODY_BYTES_MAX = 1_000_000
log = logging.getLogger(__name__)


class HttpDoor:
    """Answers HTTP requests under /v5/."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def answer(self, request: web.Request, path: str) -> web.StreamResponse:
        """Answer one request; `path` starts at /v5/."""
        route = ROUTES.get(path)
        if route is None:
            return self._wrap(WireError(10017, "Route not found.", status=404), {})
        if route.method != request.method:
            return self._wrap(WireError(BAD_PARAMETER, f"use {route.method}", status=400), {})
        fault = self._api.faults.for_request(path)
        early = await self._before(request, fault)
        if early is not None:
            return early
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
        lost = fault is not None and fault.kind is HttpFaultKind.ACK_LOST
        if route.is_order:
            await asyncio.sleep(self._api.faults.ack_delay_s())
            lost = lost or (reply.status == 200 and self._api.faults.loses_ack())
        if lost:
            return _dropped(request)
        if fault is not None and fault.kind is HttpFaultKind.GARBLE:
            return web.Response(body=b'{"retCode":0,"result":{', content_type="application/json")
        return reply

    async def _before(self, request: web.Request, fault: HttpFault | None) -> web.StreamResponse | None:
        """What a fault does instead of carrying the request out; None to go on."""
        if fault is None:
            return None
        match fault.kind:
            case HttpFaultKind.REQUEST_LOST:
                return _dropped(request)
            case HttpFaultKind.STATUS:
                headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
                return web.Response(status=fault.status, text=f"{fault.status} by order", headers=headers)
            case HttpFaultKind.RET_CODE:
                return self._wrap(WireError(fault.code, fault.message), {})
            case HttpFaultKind.DELAY:
                await asyncio.sleep(fault.delay_ms / 1_000)
            case _:
                pass
        return None

    def _carry_out(self, request: web.Request, path: str, route: Route, body: bytes) -> web.Response:
        api, account, values = self._api, "", dict[str, object]()
        headers: dict[str, str] = {}
        code = 0
        try:
            account = self._caller(request, body) if route.signed else ""
            values = _values(request, body)
            api.advance()
            self._charge(account, route)
            result: Fields | Answer | WireError = route.handler(api, account, Params(values))
        except WireError as error:
            result, code = error, error.code
        if account and (route.budget is not None or route.is_order):
            budget = route.budget or entry.order_endpoint(path, scalar(values.get("category")))
            headers = limit_headers(api, account, budget)
        api.note(account or None, request.method, path, values, code)
        return self._wrap(result, headers)

    def _charge(self, account: str, route: Route) -> None:
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


def _dropped(request: web.Request) -> web.Response:
    """Cut the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)
