"""The server whole, over a real socket against a stub of the daemon: doors, pages, stream, actions."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from jsonschema import Draft202012Validator

from hedgebot.console.dashboard import server as module
from hedgebot.console.dashboard.access import Access
from hedgebot.console.dashboard.feed import Feed
from hedgebot.console.dashboard.record import FILE
from hedgebot.console.dashboard.server import COOKIE, FILES, Dashboard
from hedgebot.console.dashboard.view import View
from tests.support.waiting import until
from tests.unit.console.conftest import StubDaemon

TOKEN = "t" * 43
BEARER = {"Authorization": f"Bearer {TOKEN}"}


class Site:
    """A dashboard on loopback and a client of it."""

    def __init__(self, folder: Path, url: str, client: aiohttp.ClientSession) -> None:
        self.folder = folder
        self.url = url
        self.client = client

    async def ask(self, path: str, method: str = "GET", **more: Any) -> tuple[int, str, dict[str, str]]:
        async with self.client.request(method, self.url + path, allow_redirects=False, **more) as answer:
            return answer.status, await answer.text(), dict(answer.headers)

    async def login(self, operator: str = "ada") -> dict[str, str]:
        """Headers with which the page of a session acts."""
        body = {"token": TOKEN, "operator": operator}
        status, _, headers = await self.ask("/login", "POST", json=body, headers={"Origin": self.url})
        assert status == 200
        cookie = headers["Set-Cookie"].split(";")[0]
        _, text, _ = await self.ask("/api/v1/session", headers={"Cookie": cookie})
        return {"Cookie": cookie, "Origin": self.url, "X-CSRF-Token": json.loads(text)["csrf"]}

    def record(self) -> list[dict[str, Any]]:
        path = self.folder / FILE
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@contextlib.asynccontextmanager
async def serving(folder: Path, *, secure: bool = False) -> AsyncIterator[Site]:
    access = Access(TOKEN, names=[])
    dashboard = Dashboard(folder, access, secure=secure, feed=Feed(folder, interval_s=0.05))
    runner = web.AppRunner(dashboard.application(), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    # The port is known only now.
    access.__init__(TOKEN, names=[f"127.0.0.1:{port}"])  # type: ignore[misc]
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
            yield Site(folder, f"http://127.0.0.1:{port}", client)
    finally:
        await runner.cleanup()


@pytest.fixture
async def site(daemon: StubDaemon) -> AsyncIterator[Site]:
    daemon.answers["refused"] = {"data": {}}
    daemon.answers["kill"] = {"data": {"explanation": "halted: drill; positions are kept"}}
    daemon.answers["disable"] = {"data": {"explanation": "delta_neutral proposes nothing any more"}}
    daemon.answers["health"] = {"data": {"live": True, "ready": False, "not_live": [], "not_ready": ["x is down"]}}
    async with serving(daemon.state_dir) as made:
        yield made


async def test_the_snapshot_is_the_view_and_keeps_its_schema(site: Site) -> None:
    status, text, headers = await site.ask("/api/v1/snapshot", headers=BEARER)
    assert (status, headers["Content-Type"]) == (200, "application/json")
    view = msgspec.json.decode(text, type=View)
    assert view.reachable
    assert view.snapshot.book.underlyings[0].underlying == "BTC"
    status, schema, _ = await site.ask("/api/v1/schema", headers=BEARER)
    validator = Draft202012Validator(json.loads(schema))
    Draft202012Validator.check_schema(validator.schema)
    assert list(validator.iter_errors(json.loads(text))) == []
    wrong = json.loads(text)
    wrong["snapshot"]["book"]["underlyings"][0]["delta_coin"] = "much"
    del wrong["reds"]
    assert len(list(validator.iter_errors(wrong))) == 2, "the schema says something"


async def test_every_answer_is_shut_against_other_sites(site: Site) -> None:
    session = await site.login()
    for path in ("/", "/dashboard.js", "/api/v1/snapshot", "/metrics", "/nowhere"):
        _, _, headers = await site.ask(path, headers=session)
        assert headers["Content-Security-Policy"].startswith("default-src 'self';")
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in headers


async def test_the_cookie_is_for_this_server_and_no_script(site: Site, daemon: StubDaemon) -> None:
    body = {"token": TOKEN, "operator": "ada"}
    _, _, headers = await site.ask("/login", "POST", json=body, headers={"Origin": site.url})
    cookie = headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Secure" not in cookie
    assert TOKEN not in cookie
    async with serving(daemon.state_dir, secure=True) as other:
        _, _, headers = await other.ask("/login", "POST", json=body, headers={"Origin": other.url})
        assert "Secure" in headers["Set-Cookie"]


async def test_the_page_without_a_session_is_the_door(site: Site) -> None:
    status, text, _ = await site.ask("/")
    assert (status, 'id="door"' in text) == (401, True)
    assert site.record() == [], "to come without a session is no attempt at anything"
    session = await site.login()
    status, text, _ = await site.ask("/", headers=session)
    assert (status, 'id="underlyings"' in text) == (200, True)
    status, _, _ = await site.ask("/logout", "POST", headers=session)
    assert status == 200
    assert (await site.ask("/api/v1/snapshot", headers=session))[0] == 401


@pytest.mark.parametrize("path", sorted(FILES))
async def test_every_file_of_the_page_is_there_and_has_nothing_inline(site: Site, path: str) -> None:
    status, text, _ = await site.ask(path)
    assert (status, bool(text)) == (200, True)
    for page in ("dashboard.html", "login.html"):
        html = (Path(module.__file__).parent / "static" / page).read_text()
        assert "<script>" not in html
        assert "style=" not in html
        assert "http" not in html
    if path.endswith(".js"):
        assert "innerHTML" not in text
        assert "eval(" not in text


async def test_what_a_stranger_says_is_recorded_and_told_to_the_journal(site: Site, daemon: StubDaemon) -> None:
    assert (await site.ask("/api/v1/kill", "POST", json={}))[0] == 401
    assert (await site.ask("/api/v1/snapshot", headers={"Host": "evil.example"}))[0] == 421
    assert [(line["status"], line["what"]) for line in site.record()] == [
        (401, "POST /api/v1/kill"),
        (421, "GET /api/v1/snapshot"),
    ]
    await until(lambda: len(daemon.asked) == 2)
    assert {one["verb"] for one in daemon.asked} == {"refused"}
    assert daemon.asked[0]["action"] == "POST /api/v1/kill from 127.0.0.1"
    assert not (daemon.state_dir / "KILL").exists()


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"X-CSRF-Token": None}, 403),
        ({"X-CSRF-Token": "guessed"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": None}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Cookie": None}, 401),
        ({"Host": "evil.example"}, 421),
    ],
)
async def test_a_kill_that_the_page_did_not_send_kills_nothing(
    site: Site, daemon: StubDaemon, change: dict[str, str | None], status: int
) -> None:
    headers = {name: value for name, value in ((await site.login()) | change).items() if value is not None}
    for path in ("/api/v1/kill", "/api/v1/disable"):
        assert (await site.ask(path, "POST", json={"strategy": "delta_neutral"}, headers=headers))[0] == status
    assert not (daemon.state_dir / "KILL").exists()
    assert {one["verb"] for one in daemon.asked} <= {"refused"}


async def test_a_kill_from_the_page_is_the_verb_with_its_operator(site: Site, daemon: StubDaemon) -> None:
    session = await site.login("ada")
    status, text, _ = await site.ask("/api/v1/kill", "POST", json={"reason": "a\n drill"}, headers=session)
    assert status == 200
    assert json.loads(text) == {"killed": True, "confirmed": True, "explanation": "halted: drill; positions are kept"}
    (asked,) = [one for one in daemon.asked if one["verb"] == "kill"]
    assert (asked["operator"], asked["reason"]) == ("dashboard ada", "a drill")
    assert "dashboard ada" in (daemon.state_dir / "KILL").read_text()
    assert site.record()[-1]["operator"] == "ada"


async def test_the_page_may_reduce_and_send_no_order_of_its_own(site: Site, daemon: StubDaemon) -> None:
    session = await site.login()
    for action in ("flatten", "hedge-to-flat", "nonsense"):
        assert (await site.ask("/api/v1/kill", "POST", json={"action": action}, headers=session))[0] == 400
    assert {one["verb"] for one in daemon.asked} <= {"refused"}
    assert (await site.ask("/api/v1/kill", "POST", json={"action": "reduce"}, headers=session))[0] == 200
    (asked,) = [one for one in daemon.asked if one["verb"] == "kill"]
    assert (asked["scope"], asked["action"]) == ("all", "reduce")


async def test_a_kill_without_a_daemon_leaves_the_kill_file_and_says_so(short_dir: Path) -> None:
    async with serving(short_dir) as site:
        session = await site.login()
        status, text, _ = await site.ask("/api/v1/kill", "POST", json={}, headers=session)
        assert status == 502
        assert json.loads(text)["killed"] is True
        assert json.loads(text)["confirmed"] is False
        assert "did not confirm" in text
        assert (short_dir / "KILL").exists()
        status, text, _ = await site.ask("/api/v1/snapshot", headers=session)
        assert status == 503
        assert "no daemon runs" in text


async def test_strangers_and_a_hung_daemon_hold_no_kill_up(short_dir: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as hung:
        hung.bind(str(short_dir / "control.sock"))
        hung.listen(64)  # it takes every question and answers none
        async with serving(short_dir) as site:
            session = await site.login()
            for _ in range(40):
                assert (await site.ask("/api/v1/snapshot"))[0] == 401
            looks = [asyncio.ensure_future(site.ask("/health/live")) for _ in range(20)]
            began_s = time.monotonic()
            kill = asyncio.ensure_future(site.ask("/api/v1/kill", "POST", json={}, headers=session))
            await until((short_dir / "KILL").exists, 2.0)
            assert time.monotonic() - began_s < 2.0
            for one in (kill, *looks):
                one.cancel()
            await asyncio.gather(kill, *looks, return_exceptions=True)


async def test_strangers_who_ask_for_health_cost_one_question(site: Site, daemon: StubDaemon) -> None:
    await asyncio.gather(*(site.ask("/health/live") for _ in range(30)))
    assert len([one for one in daemon.asked if one["verb"] == "health"]) <= 10


async def test_a_strategy_is_disabled_and_a_refusal_is_passed_on(site: Site, daemon: StubDaemon) -> None:
    session = await site.login()
    body = {"strategy": "delta_neutral"}
    assert (await site.ask("/api/v1/disable", "POST", json=body, headers=session))[0] == 200
    daemon.answers["disable"] = {"ok": False, "code": 6, "error": "strategy 'x' is not configured"}
    status, text, _ = await site.ask("/api/v1/disable", "POST", json={"strategy": "x"}, headers=session)
    assert (status, json.loads(text)["explanation"]) == (409, "strategy 'x' is not configured")


async def test_nothing_here_adds_risk(site: Site) -> None:
    for verb in ("unkill", "enable", "arm", "apply", "stop"):
        status, _, _ = await site.ask(f"/api/v1/{verb}", "POST", json={}, headers=BEARER)
        assert status == 404


async def test_bodies_are_small_json_objects(site: Site) -> None:
    session = await site.login()
    for body, status in ((b"[]", 400), (b"{", 400), (b" " * 9_000, 413)):
        headers = session | {"Content-Type": "application/json"}
        assert (await site.ask("/api/v1/disable", "POST", data=body, headers=headers))[0] == status
    headers = session | {"Content-Type": "text/plain"}
    assert (await site.ask("/api/v1/kill", "POST", data=b"{}", headers=headers))[0] == 415


async def test_the_stream_brings_snapshots_and_is_capped(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STREAMS_MAX", 1)
    session = await site.login()
    async with site.client.get(site.url + "/api/v1/stream", headers=session) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        for _ in range(3):
            async with asyncio.timeout(5):
                assert await stream.content.readline() == b"event: view\n"
                view = msgspec.json.decode((await stream.content.readline()).removeprefix(b"data: "), type=View)
                assert await stream.content.readline() == b"\n"
            assert view.reachable
        assert (await site.ask("/api/v1/stream", headers=session))[0] == 429
        await site.ask("/logout", "POST", headers=session)
        async with asyncio.timeout(5):
            await stream.content.read()  # the end of the session is the end of its stream
    for change, status in (({"Origin": "https://evil.example"}, 403), ({"Cookie": "x=y"}, 401)):
        assert (await site.ask("/api/v1/stream", headers=session | change))[0] == status


async def test_health_tells_strangers_two_words_and_friends_the_reasons(site: Site, daemon: StubDaemon) -> None:
    assert (await site.ask("/health/live"))[:2] == (200, '{"live":true,"ready":false}')
    assert (await site.ask("/health/ready"))[0] == 503
    assert (await site.ask("/health"))[0] == 401
    status, text, _ = await site.ask("/health", headers=BEARER)
    assert (status, "x is down" in text) == (503, True)
    daemon.answers["health"] = {"data": {"live": True, "ready": True}}
    await asyncio.sleep(0.1)
    assert (await site.ask("/health/ready"))[0] == 200


async def test_metrics_want_the_token(site: Site) -> None:
    assert (await site.ask("/metrics"))[0] == 401
    status, text, headers = await site.ask("/metrics", headers=BEARER)
    assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert 'hedgebot_net_delta_coin{underlying="BTC"}' in text
