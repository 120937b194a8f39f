"""The dashboard's HTTP server: routes, headers, the stream of snapshots, and the actions of the safe direction.

Owns how things travel. What may come in is `access`, what is shown is `view`; an action is the daemon's control verb of
the same name, and only those that take risk away exist here: arming and unkill are words at the machine itself.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from aiohttp import hdrs, web

from hedgebot.console.dashboard.access import Access, Asked, Refused, Session
from hedgebot.console.dashboard.feed import Feed, ended
from hedgebot.console.dashboard.metrics import CONTENT_TYPE, exposition
from hedgebot.console.dashboard.record import Record
from hedgebot.console.dashboard.view import View, build_view
from hedgebot.daemon.latch import kill_file_problem
from hedgebot.domain.kill import KillAction, KillScope

COOKIE = "hedgebot_session"
# Those that send orders of their own (hedge-to-flat, flatten) are words at the machine.
ACTIONS = {one.value: one for one in (KillAction.FREEZE, KillAction.REDUCE)}
BODY_BYTES_MAX = 4_096
STREAMS_MAX = 8
# Whoever does not read for so long is left.
WRITE_S_MAX = 5.0
STREAM_S_MAX = 3_600.0
# Refusals that wait to be journaled; one task tells them one after another, and what does not fit is in the file.
NOTES_MAX = 100
REASON_CHARS_MAX = 200
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# The whole list: nothing is looked up in a folder by a name that a stranger gives.
FILES = {
    "/dashboard.css": ("dashboard.css", "text/css"),
    "/dashboard.js": ("dashboard.js", "text/javascript"),
    "/login.js": ("login.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
OPEN_PATHS = frozenset({*FILES, "/login", "/health/live", "/health/ready"})


class Caller(NamedTuple):
    """Who asks: somebody with a session, or a program with the token (None)."""

    session: Session | None


CALLER = web.RequestKey("caller", Caller)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Dashboard:
    """Serves one book."""

    def __init__(self, state_dir: Path, access: Access, *, secure: bool = False, feed: Feed | None = None) -> None:
        """`secure` says that a proxy with TLS stands before it: cookies are then marked for TLS only."""
        self._state_dir = state_dir
        self._access = access
        self._secure = secure
        self._feed = feed or Feed(state_dir)
        self._record = Record(state_dir)
        self._streams = 0
        self._notes: asyncio.Queue[dict[str, str]] = asyncio.Queue(NOTES_MAX)

    def application(self) -> web.Application:
        """The routes behind the checks."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._guard(request, handler)

        app = web.Application(middlewares=[guard], client_max_size=BODY_BYTES_MAX)
        app.router.add_get("/", self._page)
        app.router.add_post("/login", self._login)
        app.router.add_post("/logout", self._logout)
        app.router.add_get("/api/v1/session", self._session)
        app.router.add_get("/api/v1/snapshot", self._snapshot)
        app.router.add_get("/api/v1/schema", self._schema)
        app.router.add_get("/api/v1/stream", self._stream)
        app.router.add_post("/api/v1/kill", self._kill)
        app.router.add_post("/api/v1/disable", self._disable)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/health", partial(self._health, "", reasons=True))
        app.router.add_get("/health/live", partial(self._health, "live"))
        app.router.add_get("/health/ready", partial(self._health, "ready"))
        for path, (name, content_type) in FILES.items():
            app.router.add_get(path, partial(self._file, name, content_type))
        app.cleanup_ctx.append(self._life)
        return app

    async def _life(self, _app: web.Application) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(self._feed.run(), name="feed"), loop.create_task(self._tell_journal(), name="notes")]
        yield
        for one in tasks:
            await ended(one)
        self._feed.close()

    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every request comes through here before any work is done for it."""
        asked = _asked(request)
        try:
            self._access.check_address(asked)
            session = None
            if request.path not in OPEN_PATHS:
                session = self._access.who(asked)
                if request.method != hdrs.METH_GET:
                    self._access.check_action(asked, session)
            request[CALLER] = Caller(session)
            answer = await handler(request)
        except Refused as refused:
            answer = self._refuse(request, refused)
        except web.HTTPException as error:
            answer = _plain(error.status, error.reason)
        if not answer.prepared:
            answer.headers.update(HEADERS)
        return answer

    def _refuse(self, request: web.Request, refused: Refused) -> web.Response:
        what = f"{request.method} {request.raw_path}"
        # A browser that comes to the page without a session is no attempt at anything.
        innocent = request.method == hdrs.METH_GET and request.path == "/" and refused.status == 401
        if innocent:
            return self._static("login.html", "text/html", status=401)
        kept = self._record.keep(status=refused.status, what=what, why=refused.why, peer=request.remote or "")
        if kept is not None:
            self._journal(f"{what} from {kept.peer}", f"{refused.status}: {refused.why}", kept.left_out)
        answer = _plain(refused.status, "refused")
        if refused.status == 401:
            answer.headers["WWW-Authenticate"] = 'Bearer realm="hedgebot"'
        return answer

    def _journal(self, what: str, why: str, left_out: int) -> None:
        """Have the daemon journal a refusal, without waiting for it: nobody is kept, nobody is helped by the time."""
        more = f"; {left_out} more were left out" if left_out else ""
        with contextlib.suppress(asyncio.QueueFull):
            self._notes.put_nowait({"operator": "dashboard", "action": what, "reason": why + more})

    async def _tell_journal(self) -> None:
        while True:
            await self._feed.say("refused", **await self._notes.get())

    # Looking

    async def _page(self, _request: web.Request) -> web.Response:
        return self._static("dashboard.html", "text/html")

    async def _file(self, name: str, content_type: str, _request: web.Request) -> web.Response:
        return self._static(name, content_type)

    def _static(self, name: str, content_type: str, status: int = 200) -> web.Response:
        body = resources.files("hedgebot.console.dashboard").joinpath("static", name).read_bytes()
        return web.Response(body=body, status=status, content_type=content_type, charset="utf-8")

    async def _session(self, request: web.Request) -> web.Response:
        session: Session | None = request[CALLER].session
        who = {"operator": session.operator, "csrf": session.csrf} if session else {"operator": "token", "csrf": ""}
        return _json(who)

    async def _view(self) -> View:
        snapshot = await self._feed.fresh()
        return build_view(snapshot, self._feed.problem, self._feed.age_s)

    async def _snapshot(self, _request: web.Request) -> web.Response:
        view = await self._view()
        return _json(view, 200 if view.reachable else 503)

    async def _schema(self, _request: web.Request) -> web.Response:
        return _json(msgspec.json.schema(View))

    async def _metrics(self, _request: web.Request) -> web.Response:
        text = exposition(await self._feed.fresh())
        return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})

    async def _health(self, which: str, _request: web.Request, *, reasons: bool = False) -> web.Response:
        """The daemon's word; without a session or a token no reasons, which tell of the book."""
        data, problem = await self._feed.health()
        if data is None:
            return _json({"live": False, "ready": False} | ({"problem": problem} if reasons else {}), 503)
        short = {name: bool(data.get(name)) for name in ("live", "ready")}
        good = short[which] if which else all(short.values())
        return _json(data if reasons else short, 200 if good else 503)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        """Snapshots as server-sent events, the newest each time; a slow reader misses some and holds up nobody."""
        if self._streams >= STREAMS_MAX:
            raise Refused(429, f"more than {STREAMS_MAX} streams are open")
        self._streams += 1
        answer = web.StreamResponse(headers={**HEADERS, "Content-Type": "text/event-stream; charset=utf-8"})
        try:
            # Whoever went away, or does not read, gets nothing more.
            with contextlib.suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(STREAM_S_MAX):
                    await answer.prepare(request)
                    await self._tell(answer, request[CALLER].session)
        finally:
            self._streams -= 1
        return answer

    async def _tell(self, answer: web.StreamResponse, session: Session | None) -> None:
        await self._feed.fresh()
        number = 0
        while self._access.is_open(session):
            number = await self._feed.after(number)
            view = build_view(self._feed.snapshot, self._feed.problem, self._feed.age_s)
            async with asyncio.timeout(WRITE_S_MAX):
                await answer.write(b"event: view\ndata: " + msgspec.json.encode(view) + b"\n\n")

    # Acting

    async def _login(self, request: web.Request) -> web.Response:
        if request.headers.get(hdrs.ORIGIN) is None:
            raise Refused(403, "the login has no Origin")
        fields = await _fields(request)
        session = self._access.open_session(str(fields.get("token", "")), str(fields.get("operator", "")))
        self._note(request, 200, "logged in", session)
        answer = _json({"operator": session.operator})
        answer.set_cookie(
            COOKIE, session.key, path="/", httponly=True, samesite="Strict", secure=self._secure, max_age=12 * 3_600
        )
        return answer

    async def _logout(self, request: web.Request) -> web.Response:
        session: Session | None = request[CALLER].session
        if session is not None:
            self._access.close_session(session)
        answer = _json({})
        answer.del_cookie(COOKIE, path="/")
        return answer

    async def _kill(self, request: web.Request) -> web.Response:
        """The kill file first, as the verb does, so that a daemon that does not answer is halted at its next start."""
        fields = await _fields(request)
        action = ACTIONS.get(str(fields.get("action", KillAction.FREEZE.value)))
        if action is None:
            raise Refused(400, f"a kill from the page can {' or '.join(ACTIONS)}")
        reason, operator = _reason(fields), _operator(request)
        problem = await self._feed.urgently(
            partial(kill_file_problem, self._state_dir, operator, reason, KillScope.ALL, "", action)
        )
        data, refused = await self._feed.act(
            "kill", scope=KillScope.ALL.value, name="", action=action.value, operator=operator, reason=reason
        )
        said = str((data or {}).get("explanation") or refused)
        killed = data is not None or problem is None
        if data is None and problem is None:
            said = f"the kill file is written and halts the next start, but the daemon did not confirm: {refused}"
        elif problem is not None:
            said = f"{said}. {problem}"
        self._note(request, 200 if data is not None else 502, f"kill: {reason}: {said}", request[CALLER].session)
        return _json(
            {"killed": killed, "confirmed": data is not None, "explanation": said}, 200 if data is not None else 502
        )

    async def _disable(self, request: web.Request) -> web.Response:
        fields = await _fields(request)
        name = str(fields.get("strategy", ""))[:64]
        data, refused = await self._feed.act(
            "disable", strategy=name, operator=_operator(request), reason=_reason(fields)
        )
        said = str((data or {}).get("explanation") or refused)
        self._note(request, 200 if data is not None else 409, f"disable {name}: {said}", request[CALLER].session)
        return _json({"disabled": data is not None, "explanation": said}, 200 if data is not None else 409)

    def _note(self, request: web.Request, status: int, why: str, session: Session | None) -> None:
        what = f"{request.method} {request.path}"
        operator = session.operator if session else "token"
        self._record.keep(status=status, what=what, why=why, peer=request.remote or "", operator=operator)


def _asked(request: web.Request) -> Asked:
    headers = request.headers
    return Asked(
        method=request.method,
        raw_path=request.raw_path,
        hosts=headers.getall(hdrs.HOST, []),
        origin=headers.get(hdrs.ORIGIN),
        fetch_site=headers.get("Sec-Fetch-Site"),
        authorization=headers.get(hdrs.AUTHORIZATION),
        cookie=request.cookies.get(COOKIE),
        csrf=headers.get("X-CSRF-Token"),
    )


async def _fields(request: web.Request) -> Mapping[str, Any]:
    if request.content_type != "application/json":
        raise Refused(415, "the body is not JSON")
    try:
        return msgspec.json.decode(await request.read(), type=dict[str, Any])
    except msgspec.DecodeError:
        raise Refused(400, "the body is no JSON object") from None


def _operator(request: web.Request) -> str:
    session: Session | None = request[CALLER].session
    return f"dashboard {session.operator}" if session else "dashboard token"


def _reason(fields: Mapping[str, Any]) -> str:
    return " ".join(str(fields.get("reason") or "from the dashboard").split())[:REASON_CHARS_MAX]


def _json(data: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(data), status=status, content_type="application/json")


def _plain(status: int, text: str) -> web.Response:
    return web.Response(text=f"{status} {text}\n", status=status)
