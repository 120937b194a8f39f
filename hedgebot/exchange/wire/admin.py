"""The test plane under /admin: truth, faults, dropped sockets, trades and shocks on order. Loopback clients only.

Every answer is JSON: `{"ok": true, ...}` or `{"ok": false, "error": sentence}` with status 400. `GET /admin/help` lists
the paths, their bodies and every kind of fault and trouble, from the types themselves (`admin_help.py`). Owns no fault:
see `faults.py`.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Callable
from decimal import Decimal
from ipaddress import ip_address
from typing import Annotated

import msgspec
import orjson
from aiohttp import web

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import TimeInForce
from hedgebot.exchange.faultbook import TooManyFaults, described
from hedgebot.exchange.faults import OrderFault
from hedgebot.exchange.scenario import WeatherSpec
from hedgebot.exchange.transfers import TransferProblem, Wallet
from hedgebot.exchange.trouble import Trouble
from hedgebot.exchange.types import OrderRequest, OrderType, Refusal
from hedgebot.exchange.wire.admin_help import Entry, help_page
from hedgebot.exchange.wire.api import CRASHES, Api, KeyState
from hedgebot.exchange.wire.faults import Fault
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.sessions import Sessions
from hedgebot.exchange.wire.truth import truth

YEAR_MS = 365 * 86_400_000
log = logging.getLogger(__name__)


class _Body(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Base of request bodies: a misspelt key is an error."""


class _Drop(_Body, kw_only=True):
    channel: str = ""
    account: str = ""
    code: Annotated[int, msgspec.Meta(ge=1_000, le=4_999)] | None = None


class _Down(_Body, kw_only=True):
    seconds: Annotated[float, msgspec.Meta(gt=0, le=3_600)]


class _Ban(_Body, kw_only=True):
    seconds: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 600.0
    address: str = ""


class _Key(_Body, kw_only=True):
    account: str
    state: KeyState


class _Skew(_Body, kw_only=True):
    ms: Annotated[int, msgspec.Meta(ge=-YEAR_MS, le=YEAR_MS)]


class _Trade(_Body, kw_only=True):
    instrument: str
    side: Side
    contracts: Decimal
    account: str | None = None
    limit_price: Decimal | None = None
    client_id: str | None = None


class _Flow(_Body, kw_only=True):
    enabled: bool


class _Price(_Body, kw_only=True):
    underlying: str
    percent: float


class _Transfer(_Body, kw_only=True):
    coin: str
    qty: Decimal
    target: Wallet = Wallet.FUND
    account: str | None = None


class Admin:
    """Answers /admin requests."""

    def __init__(
        self, api: Api, sessions: Sessions, stopped: asyncio.Event, go_down: Callable[[float], None] | None = None
    ) -> None:
        self._go_down = go_down or (lambda _seconds: None)
        self._api = api
        self._sessions = sessions
        self._stopped = stopped
        self._ids = 0
        self._routes: dict[tuple[str, str], Entry] = {
            ("GET", "help"): Entry(self._help, "what can be asked and ordered here"),
            ("GET", "truth"): Entry(self._truth, "every account's orders, executions, positions and wallet"),
            ("GET", "requests"): Entry(self._requests, "the last 2,000 requests, oldest first; ?path= picks by path"),
            ("GET", "sessions"): Entry(self._list_sessions, "connected sockets with their topics and outboxes"),
            ("GET", "faults"): Entry(
                self._list_faults, "active faults, what is left of them and how often they struck"
            ),
            ("POST", "faults"): Entry(self._add_fault, "start a fault; the answer is its number", Fault),
            ("DELETE", "faults"): Entry(self._clear_faults, "end all faults and the skew, or one: ?number="),
            ("POST", "drop"): Entry(self._drop, "cut sockets, or close them with a code", _Drop),
            ("POST", "down"): Entry(self._down, "refuse every connection for a while, all sockets are cut", _Down),
            ("POST", "ban"): Entry(self._ban, "answer an address (all of them without one) with 403 for a while", _Ban),
            ("POST", "key"): Entry(self._key, "say what has become of an account's API key", _Key),
            ("POST", "skew"): Entry(self._skew, "shift the venue's clock", _Skew),
            ("POST", "weather"): Entry(self._weather, "replace the weather as a whole", WeatherSpec),
            ("POST", "trade"): Entry(self._trade, "the client trades now", _Trade),
            ("POST", "transfer"): Entry(
                self._transfer, "somebody moves coins out of the trading wallet, or into it", _Transfer
            ),
            ("POST", "flow"): Entry(self._flow, "client trading on or off", _Flow),
            ("POST", "price"): Entry(self._price, "move an underlying at once", _Price),
            ("POST", "trouble"): Entry(self._trouble, "have a trouble happen to the world", Trouble),
            ("POST", "restart"): Entry(self._restart, "ended orders leave order/realtime, all sockets are cut"),
            ("POST", "stop"): Entry(self._stop, "ask the process to end"),
        }

    async def answer(self, request: web.Request, path: str) -> web.Response:
        """Answer one request."""
        if not _is_loopback(request.remote):
            return _reply({"ok": False, "error": "the admin plane answers loopback clients only"}, 403)
        route = self._routes.get((request.method, path))
        if route is None:
            return _reply({"ok": False, "error": f"no {request.method} /admin/{path}"}, 404)
        try:
            content = await route.handle(request, await request.read() or b"{}")
        except (msgspec.DecodeError, TooManyFaults, KeyError) as error:
            return _reply({"ok": False, "error": str(error)}, 400)
        except CRASHES:
            self._api.crashes += 1
            log.exception("%s /admin/%s crashed", request.method, path)
            return _reply({"ok": False, "error": "server error; the server's log has the traceback"}, 500)
        self._api.after_request()
        return _reply({"ok": True, **content}, 200)

    # --- looking

    async def _truth(self, request: web.Request, body: bytes) -> Fields:
        self._api.advance()
        return truth(self._api)

    async def _requests(self, request: web.Request, body: bytes) -> Fields:
        wanted = request.query.get("path", "")
        return {"requests": [dataclasses.asdict(one) for one in self._api.seen if wanted in one.path]}

    async def _list_sessions(self, request: web.Request, body: bytes) -> Fields:
        return {
            "sessions": [
                {
                    "id": one.id,
                    "channel": one.channel,
                    "account": one.account,
                    "topics": list(one.topics),
                    "sent": one.sent,
                    "waiting": one.waiting,
                    "dropped": one.dropped,
                }
                for one in self._sessions.chosen()
            ],
            # Of all sockets that ever were, so that it can be asked after they are gone.
            "delivered": [
                {"channel": channel, "account": account, "topic": topic, "frames": frames}
                for (channel, account, topic), frames in self._api.delivered.items()
            ],
        }

    async def _list_faults(self, request: web.Request, body: bytes) -> Fields:
        faults = (*self._api.faults.active, *self._of_orders())
        return {"faults": list(faults), "skew_ms": self._api.faults.skew_ms}

    def _of_orders(self) -> tuple[Fields, ...]:
        exchange = self._api.exchange
        return described(exchange.order_faults.book, exchange.now_ns)

    async def _help(self, request: web.Request, body: bytes) -> Fields:
        return help_page(self._routes)

    # --- breaking

    async def _add_fault(self, request: web.Request, body: bytes) -> Fields:
        fault = msgspec.json.decode(body, type=Fault)
        if isinstance(fault, OrderFault):
            self._api.advance()
            return {"number": self._api.exchange.order_faults.add(fault)}
        return {"number": self._api.faults.add(fault)}

    async def _clear_faults(self, request: web.Request, body: bytes) -> Fields:
        number = request.query.get("number")
        book = self._api.exchange.order_faults.book
        if number is None:
            self._api.faults.clear()
            book.clear()
        elif not number.isdecimal() or not (self._api.faults.end(int(number)) or book.end(int(number))):
            raise KeyError(f"no active fault has the number {number}")
        return {}

    async def _ban(self, request: web.Request, body: bytes) -> Fields:
        wanted = msgspec.json.decode(body, type=_Ban)
        self._api.advance()
        exchange = self._api.exchange
        until_ns = exchange.now_ns + round(wanted.seconds * 1e9)
        exchange.limits.ban(until_ns, wanted.address or None, exchange.now_ns)
        return {"until_ns": until_ns}

    async def _key(self, request: web.Request, body: bytes) -> Fields:
        wanted = msgspec.json.decode(body, type=_Key)
        self._api.keys[self._account(wanted.account)] = wanted.state
        chosen = (
            []
            if wanted.state in {KeyState.GOOD, KeyState.READ_ONLY, KeyState.MAY_WITHDRAW, KeyState.MAY_TRANSFER}
            else self._sessions.chosen("", wanted.account)
        )
        for session in chosen:
            session.abort()
        return {"dropped": len(chosen)}

    async def _down(self, request: web.Request, body: bytes) -> Fields:
        wanted = msgspec.json.decode(body, type=_Down)
        self._go_down(wanted.seconds)
        return {}

    async def _drop(self, request: web.Request, body: bytes) -> Fields:
        wanted = msgspec.json.decode(body, type=_Drop)
        chosen = self._sessions.chosen(wanted.channel, wanted.account)
        for session in chosen:
            if wanted.code is None:
                session.abort()
            else:
                await session.close(wanted.code)
        return {"dropped": len(chosen)}

    async def _skew(self, request: web.Request, body: bytes) -> Fields:
        self._api.faults.skew_ms = msgspec.json.decode(body, type=_Skew).ms
        return {}

    async def _weather(self, request: web.Request, body: bytes) -> Fields:
        self._api.faults.weather = msgspec.json.decode(body, type=WeatherSpec)
        return {}

    async def _restart(self, request: web.Request, body: bytes) -> Fields:
        self._api.advance()
        self._api.closed_since_ns = self._api.exchange.now_ns
        chosen = self._sessions.chosen()
        for session in chosen:
            session.abort()
        return {"dropped": len(chosen)}

    async def _stop(self, request: web.Request, body: bytes) -> Fields:
        self._stopped.set()
        return {}

    # --- the market and the client

    async def _trade(self, request: web.Request, body: bytes) -> Fields:
        wanted = msgspec.json.decode(body, type=_Trade)
        self._api.advance()
        account = self._account(wanted.account)
        client_id = wanted.client_id or self._next_id()
        answer = self._api.exchange.place(
            OrderRequest(
                account=account,
                instrument=InstrumentId(wanted.instrument),
                side=wanted.side,
                type=OrderType.MARKET if wanted.limit_price is None else OrderType.LIMIT,
                qty_contracts=wanted.contracts,
                limit_price=wanted.limit_price,
                time_in_force=TimeInForce.GTC,
                client_id=client_id,
            )
        )
        if isinstance(answer, Refusal):
            raise KeyError(f"{answer.reason.value}: {answer.detail}")
        order = self._api.exchange.order(account, order_id=answer.order_id)
        return {"order": msgspec.to_builtins(order)}

    async def _transfer(self, request: web.Request, body: bytes) -> Fields:
        wanted = msgspec.json.decode(body, type=_Transfer)
        self._api.advance()
        source = Wallet.UNIFIED if wanted.target is Wallet.FUND else Wallet.FUND
        made = self._api.exchange.transfers.move(
            self._account(wanted.account), self._next_id(), wanted.coin, wanted.qty, source, wanted.target
        )
        if isinstance(made, TransferProblem):
            raise KeyError(f"{made.value}: {wanted.qty} {wanted.coin} from {source.value} to {wanted.target.value}")
        return {"transfer": msgspec.to_builtins(made)}

    def _account(self, named: str | None) -> str:
        """The account that is named, else the client's, else the first."""
        exchange = self._api.exchange
        flow, accounts = exchange.scenario.client_flow, exchange.accounts()
        account = named if named is not None else flow.account if flow else accounts[0]
        if account not in accounts:
            raise KeyError(f"no account {account!r}; there are {list(accounts)}")
        return account

    def _next_id(self) -> str:
        """An id that no other client chooses, of at most 36 characters."""
        self._ids += 1
        return f"client-admin-{self._api.exchange.now_ns:x}-{self._ids:x}"

    async def _flow(self, request: web.Request, body: bytes) -> Fields:
        self._api.exchange.set_client_flow(enabled=msgspec.json.decode(body, type=_Flow).enabled)
        return {"enabled": self._api.exchange.client_flow_enabled}

    async def _price(self, request: web.Request, body: bytes) -> Fields:
        wanted = msgspec.json.decode(body, type=_Price)
        self._api.advance()
        if not -99.0 <= wanted.percent <= 1_000.0:
            raise msgspec.ValidationError(f"percent is {wanted.percent}, it must be -99 to 1000")
        try:
            self._api.exchange.shock(wanted.underlying, 1.0 + wanted.percent / 100.0)
        except ValueError as error:
            raise msgspec.ValidationError(str(error)) from None
        return {"index": self._api.exchange.index_price(wanted.underlying)}

    async def _trouble(self, request: web.Request, body: bytes) -> Fields:
        wanted = msgspec.json.decode(body, type=Trouble)
        self._api.advance()
        try:
            self._api.exchange.strike(wanted)
        except ValueError as error:
            raise msgspec.ValidationError(str(error)) from None
        return {"at_ns": self._api.exchange.now_ns}


def _reply(content: Fields, status: int) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(content), content_type="application/json")


def _is_loopback(remote: str | None) -> bool:
    try:
        return remote is not None and ip_address(remote).is_loopback
    except ValueError:
        return False
