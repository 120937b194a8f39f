"""A venue on loopback that answers what it was told to: documented or recorded frames, errors, refusals of wrong keys.

It checks signatures the way the venue's pages describe, so that a client that signs wrongly is refused. It keeps every
request. Answers are raw text, as the venue would write it.
"""

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import numpy as np
from aiohttp import web

from hedgebot.domain.settings import AccountRole
from hedgebot.pricing import black76
from hedgebot.venues.connection import VenueConnection

KEY, SECRET, PASSPHRASE = "stub-key", "stub-secret", "stub-passphrase"  # the stub's own


class Request(NamedTuple):
    """What was asked: path after the host, query, body, headers."""

    method: str
    path: str
    query: dict[str, str]
    body: str
    headers: dict[str, str] = {}  # noqa: RUF012  # read only

    def echo(self) -> str:
        """All of it in one line, as a careless venue writes it into an error, and what it was signed with."""
        query = "&".join(f"{name}={value}" for name, value in self.query.items())
        signed = {one: word for one, word in self.headers.items() if one.upper().startswith(_SIGNED)}
        return f"{SECRET} {PASSPHRASE} {KEY} {query} {signed} {self.method} {self.body}"


class Answer(NamedTuple):
    """What is said: a status, the raw text, headers."""

    text: str
    status: int = 200
    headers: dict[str, str] = {}  # noqa: RUF012  # read only


_SIGNED = ("AUTHORIZATION", "OK-ACCESS", "X-MBX")

Script = Callable[[Request], Answer]

SIGNED_MS_MAX = 5_000
"""A request signed with a moment this far from the venue's own is refused."""


class StubVenue:
    """Answers by the end of the path; the newest rule for a path counts."""

    def __init__(self) -> None:
        self.address = ""
        self.ahead_ms = 0
        self.requests: list[Request] = []
        self._rules: dict[str, Script] = {}

    def say(self, path: str, said: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        """Answer a path with this: text as it is, anything else as JSON."""
        text = said if isinstance(said, str) else json.dumps(said)
        self._rules[path] = lambda _request: Answer(text, status, headers or {})

    def script(self, path: str, script: Script) -> None:
        """Answer a path with what a function makes of the request."""
        self._rules[path] = script

    def asked(self, path: str) -> list[Request]:
        """Every request of a path, oldest first."""
        return [one for one in self.requests if one.path.endswith(path)]

    async def handle(self, request: web.Request) -> web.Response:
        """One request."""
        body = await request.text()
        # The client was told `endpoint/host/path`: the venue signs the path alone.
        path = "/" + request.raw_path.lstrip("/").partition("/")[2]
        got = Request(request.method, path.partition("?")[0], dict(request.query), body, dict(request.headers))
        self.requests.append(got)
        refusal = _refusal(request, path, body, self.ahead_ms)
        rule = next((one for end, one in self._rules.items() if got.path.endswith(end)), None)
        answer = refusal or (Answer('{"error":{"code":404,"message":"no rule"}}', 404) if rule is None else rule(got))
        return web.Response(
            text=answer.text, status=answer.status, headers=answer.headers, content_type="application/json"
        )


def _refusal(request: web.Request, path: str, body: str, ahead_ms: int) -> Answer | None:
    """A signed request with a signature or a moment that is not ours; public ones are not looked at."""
    if (word := request.headers.get("Authorization", "")).startswith("deri-hmac-sha256"):
        part = dict(re.findall(r"(\w+)=([^,\s]+)", word))
        signed = f"{part['ts']}\n{part['nonce']}\n{request.method}\n{path}\n{body}\n"
        good = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha256).hexdigest()
        late_ms = _now_ms() + ahead_ms - int(part["ts"])
        if (part["id"], part["sig"]) != (KEY, good) or abs(late_ms) > SIGNED_MS_MAX:
            return Answer('{"jsonrpc":"2.0","error":{"message":"invalid_credentials","code":13004}}', 400)
    if "OK-ACCESS-SIGN" in request.headers:
        stamp = request.headers["OK-ACCESS-TIMESTAMP"]
        digest = hmac.new(SECRET.encode(), f"{stamp}{request.method}{path}{body}".encode(), hashlib.sha256).digest()
        told = (request.headers["OK-ACCESS-KEY"], request.headers["OK-ACCESS-PASSPHRASE"])
        if request.headers["OK-ACCESS-SIGN"] != base64.b64encode(digest).decode() or told != (KEY, PASSPHRASE):
            return Answer('{"code":"50113","data":[],"msg":"Invalid Sign"}', 401)
    if "X-MBX-APIKEY" in request.headers:
        query, _, signature = path.partition("?")[2].rpartition("&signature=")
        good = hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
        if (request.headers["X-MBX-APIKEY"], signature) != (KEY, good):
            return Answer('{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}', 401)
    return None


@asynccontextmanager
async def stub_venue() -> AsyncIterator[StubVenue]:
    """A stub on a free port of this machine."""
    stub = StubVenue()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", stub.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server: Any = site._server  # the port that was free
    stub.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield stub
    finally:
        await runner.cleanup()


def watched(stub: StubVenue, venue: str, **changes: Any) -> VenueConnection:
    """A connection to the stub as that venue; readings follow each other at once."""
    fields: dict[str, Any] = {
        "account": "options",
        "venue": venue,
        "role": AccountRole.WATCHED,
        "endpoint": stub.address,
        "api_key": KEY,
        "api_secret": SECRET,
        "api_passphrase": PASSPHRASE,
        "watch_interval_s": 0.02,
        "query_timeout_ms": 2_000,
    }
    return VenueConnection(**(fields | changes))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


# --- documented answers ----------------------------------------------------------------------------------------------


def deribit_summary(**fields: object) -> dict[str, object]:
    """One currency of an account, by the shape of private/get_account_summaries; margins as told."""
    return {"currency": "BTC", "margin_model": "segregated_sm", "options_value": 0.0} | fields


def deribit_account(*summaries: dict[str, object]) -> dict[str, object]:
    """The answer of private/get_account_summaries."""
    return {"jsonrpc": "2.0", "result": {"summaries": list(summaries)}, "usIn": 1, "usOut": 1_790_000_000_000_000}


def deribit_position(name: str, size: float, mark: float, **fields: object) -> dict[str, object]:
    """One row of private/get_positions."""
    row = {"instrument_name": name, "size": size, "mark_price": mark, "kind": "future", "average_price": mark}
    return row | {"initial_margin": 0.0, "maintenance_margin": 0.0} | fields


PERPETUAL: dict[str, Any] = {
    "kind": "future",
    "instrument_name": "BTC-PERPETUAL",
    "instrument_type": "reversed",
    "expiration_timestamp": 32503708800000,
    "tick_size": 0.5,
    "contract_size": 10.0,
    "min_trade_amount": 10.0,
    "settlement_currency": "BTC",
    "settlement_period": "perpetual",
    "base_currency": "BTC",
    "quote_currency": "USD",
}
"""public/get_instrument of the perpetual, the fields that are read."""


def deribit(stub: StubVenue) -> None:
    """A Deribit account in standard margin: 1,000,000 USD of the perpetual long on 2 BTC, index 100,000."""
    stub.script(
        "public/get_time", lambda _one: Answer(json.dumps({"jsonrpc": "2.0", "result": _now_ms() + stub.ahead_ms}))
    )
    # Margins by the standard model: 10 BTC need (1 % + 0.005 % x 10) of their value.
    summary = deribit_summary(equity=2.0, margin_balance=2.0, initial_margin=0.205, maintenance_margin=0.105)
    stub.say("private/get_account_summaries", deribit_account(summary))
    held = deribit_position("BTC-PERPETUAL", 1_000_000, 100_000.0, size_currency=10.0, leverage=50)
    stub.say("private/get_positions", {"jsonrpc": "2.0", "result": [held]})
    stub.say("public/get_instrument", {"jsonrpc": "2.0", "result": PERPETUAL})
    stub.say("public/get_index_price", {"jsonrpc": "2.0", "result": {"index_price": 100_000.0}})


def deribit_parameters(**pair: float) -> dict[str, Any]:
    """`model_params` of the documented answer of private/pme/simulate (17 Jun 2024); `pair` changes those of BTC."""
    btc_usd = {
        "extended_table_factor": 1,
        "m_inc": 0.00005,
        "min_volatility_for_shock_up": 0.5,
        "max_delta_shock": 0.1,
        "delta_total_liq_shock_threshold": 20_000_000,
        "volatility_range_down": 0.25,
        "volatility_range_up": 0.5,
        "long_term_vega_power": 0.13,
        "short_term_vega_power": 0.3,
        "price_range": 0.16,
    }
    both = {"max_offsetable_pnl": 0, "min_annualised_move": 0.01, "haircut": 0, "pnl_offset": 0}
    return {
        "currency_pair": {"btc_usd": btc_usd | pair},
        "currency": {
            "usd": both | {"annualised_move_risk": 0.1, "extended_dampener": 25_000},
            "btc": both | {"annualised_move_risk": 0.075, "extended_dampener": 100_000},
        },
        "general": {"mm_factor": 0.8, "buckets_count": 4, "vol_scenarios_count": 3, "timestamp": 1718619740501},
    }


CALL = PERPETUAL | {
    "kind": "option",
    "instrument_name": "BTC-27MAR48-120000-C",
    "settlement_period": "month",
    "expiration_timestamp": 2469081600000,
    "tick_size": 0.0005,
    "contract_size": 1.0,
    "min_trade_amount": 0.1,
    "quote_currency": "BTC",
    "strike": 120_000.0,
    "option_type": "call",
}
"""public/get_instrument of an option: recorded are those of 2024; this one does not expire while we live with it."""


def deribit_with_options(stub: StubVenue, *, raised: float = 0.0, told: bool = True) -> None:
    """The account of `deribit`, and 2 calls sold; the venue asks `raised` of the index more for each than it did.

    The ticker of the call is marked at its volatility; `told` False: it names none.
    """
    deribit(stub)
    rows = {str(one["instrument_name"]): one for one in (PERPETUAL, CALL)}
    stub.script("public/get_instrument", lambda one: Answer(json.dumps({"result": rows[one.query["instrument_name"]]})))
    mark = call_mark()
    each = 2.0 * (0.075 + raised + mark)
    initial = 0.205 + 2.0 * (0.15 + mark)
    summary = deribit_summary(
        equity=9.0 - 2.0 * mark,
        options_value=-2.0 * mark,
        margin_balance=9.0,
        initial_margin=initial,
        maintenance_margin=0.105 + each,
    )
    stub.say("private/get_account_summaries", deribit_account(summary))
    future = deribit_position("BTC-PERPETUAL", 1_000_000, 100_000.0, size_currency=10.0, maintenance_margin=0.105)
    sold = deribit_position("BTC-27MAR48-120000-C", -2.0, mark, kind="option", maintenance_margin=each)
    stub.say("private/get_positions", {"result": [future | {"leverage": 50}, sold]})
    ticker = {"mark_price": mark, "index_price": 100_000.0, "underlying_price": 130_000.0}
    stub.say("public/ticker", {"result": ticker | ({"mark_iv": 40.0} if told else {})})


def call_mark() -> float:
    """The call's value at 40 % on a forward of 130,000, in coins, to the digits that the venue prints."""
    years = (int(CALL["expiration_timestamp"]) / 1_000 - time.time()) / (365 * 86_400)
    at, struck, left, sigma = (np.array([one]) for one in (130_000.0, 120_000.0, years, 0.4))
    return round(float(black76.price(at, struck, left, sigma, np.array([True]))[0]) / 130_000.0, 4)


OKX_SWAP = {
    "instType": "SWAP",
    "instId": "BTC-USDT-SWAP",
    "ctVal": "0.01",
    "ctMult": "1",
    "ctType": "linear",
    "settleCcy": "USDT",
    "tickSz": "0.1",
    "lotSz": "0.01",
    "minSz": "0.01",
    "expTime": "",
}


def okx(stub: StubVenue) -> None:
    """An OKX account in portfolio margin: 10 contracts short, the margins of case OKX-1 of the margin reference."""
    stub.script(
        "public/time", lambda _one: Answer(json.dumps({"code": "0", "data": [{"ts": str(_now_ms())}], "msg": ""}))
    )
    detail = {"ccy": "USDT", "eq": "10000", "eqUsd": "9995.4", "imr": "", "mmr": "", "mgnRatio": "", "uTime": "1"}
    account = {
        "adjEq": "9995.4",
        "imr": "1538.9669514070802",
        "mmr": "1183.8207318516002",
        "mgnRatio": "8.4098",
        "totalEq": "9995.4",
        "uTime": "1736936801642",
        "details": [detail],
    }
    stub.say("account/balance", {"code": "0", "data": [account], "msg": ""})
    position = {
        "instId": "BTC-USDT-SWAP",
        "instType": "SWAP",
        "mgnMode": "cross",
        "posId": "1",
        "posSide": "net",
        "pos": "-10",
        "ccy": "USDT",
        "lever": "3",
        "markPx": "97093.7",
        "avgPx": "97093.7",
        "mmr": "",
        "imr": "",
        "notionalUsd": "9704.9",
        "upl": "0",
        "mgnRatio": "8.4098",
        "uTime": "1736936801642",
    }
    stub.say("account/positions", {"code": "0", "data": [position], "msg": ""})
    stub.say("public/instruments", {"code": "0", "data": [OKX_SWAP], "msg": ""})


def binance_asset(coin: str, balance: str, **fields: str) -> dict[str, object]:
    """One row of assets of /fapi/v2/account; without margins and profit unless they are told."""
    row: dict[str, object] = {"asset": coin, "marginBalance": balance, "walletBalance": balance, "crossUnPnl": "0"}
    row |= {"crossWalletBalance": balance, "maintMargin": "0.00000000", "initialMargin": "0.00000000"}
    return row | fields


def binance(stub: StubVenue, **fields: object) -> None:
    """A Binance USD-M account: one BTC long worth 100,000 USDT, maintenance margin by the first three brackets."""
    stub.script("api/v3/time", lambda _one: Answer(json.dumps({"serverTime": _now_ms()})))
    position = {
        "symbol": "BTCUSDT",
        "positionAmt": "1.000",
        "entryPrice": "100000.0",
        "notional": "100000.00000000",
        "leverage": "20",
        "initialMargin": "5000.00000000",
        "positionInitialMargin": "5000.00000000",
        "maintMargin": "450.00000000",
        "unrealizedProfit": "0.00000000",
        "isolated": False,
    }
    account = {
        "totalInitialMargin": "5000.00000000",
        "totalMaintMargin": "450.00000000",
        "totalWalletBalance": "20000.00000000",
        "totalUnrealizedProfit": "0.00000000",
        "totalMarginBalance": "20000.00000000",
        "totalPositionInitialMargin": "5000.00000000",
        "totalOpenOrderInitialMargin": "0.00000000",
        "multiAssetsMargin": False,
        "assets": [binance_asset("USDT", "20000", maintMargin="450", initialMargin="5000")],
        "positions": [position],
    }
    stub.say("fapi/v2/account", account | fields)
