"""S02 and the page in a real browser: the dashboard's own process before a real daemon that hedges.

The criterion of the fault's row: all refused (401, 403, 421), nothing mutated, the attempt journaled.
"""

import http.client
import json
import time
import urllib.parse
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from jsonschema import Draft202012Validator

from tests.e2e import checker
from tests.e2e.harness import Daemon, World
from tests.support import browser

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

ACTION = {"Content-Type": "application/json"}


class Site(NamedTuple):
    """A dashboard process and the daemon behind it."""

    world: World
    daemon: Daemon
    netloc: str
    token: str

    def ask(self, path: str, method: str = "GET", *, body: str = "", **headers: str) -> tuple[int, str, dict[str, str]]:
        """One request, byte for byte as told: the path is not made good, and the Host is the one given."""
        link = http.client.HTTPConnection(self.netloc, timeout=10)
        try:
            link._validate_path = lambda _path: None  # type: ignore[attr-defined]  # what attackers do not obey
            link.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            sent = {"Host": self.netloc, "Content-Length": str(len(body))} | {
                name.replace("_", "-"): value for name, value in headers.items()
            }
            for name, value in sent.items():
                link.putheader(name, value)
            link.endheaders(body.encode())
            answer = link.getresponse()
            return answer.status, answer.read(1 << 20).decode(), {k.lower(): v for k, v in answer.getheaders()}
        finally:
            link.close()

    @property
    def origin(self) -> str:
        return f"http://{self.netloc}"

    def login(self) -> dict[str, str]:
        """Headers of a session's page."""
        body = json.dumps({"token": self.token, "operator": "ada"})
        status, _, headers = self.ask("/login", "POST", body=body, Origin=self.origin, **ACTION)
        assert status == 200
        cookie = headers["set-cookie"].split(";")[0]
        _, text, _ = self.ask("/api/v1/session", Cookie=cookie)
        return ACTION | {"Cookie": cookie, "Origin": self.origin, "X-CSRF-Token": json.loads(text)["csrf"]}


@pytest.fixture
def site(world: World) -> Site:
    daemon = world.daemon()
    daemon.until_active()
    words = ["dashboard", "--state-dir", str(world.state_dir), "--port", "0", "--json"]
    told = world.start(words, "dashboard.log").line()
    assert told, "the dashboard did not start"
    first = json.loads(told)
    token = Path(first["token_file"]).read_text("ascii").strip()
    return Site(world, daemon, urllib.parse.urlsplit(first["url"]).netloc, token)


def switches(book: dict[str, Any]) -> dict[str, Any]:
    """What an attack would want to change."""
    return {key: book[key] for key in ("mode", "latched", "strategies", "config_hash")}


def attacks(site: Site) -> dict[str, tuple[int, ...]]:
    """What strangers try, and what they are answered."""
    good = site.login()
    tries: dict[str, tuple[int, ...]] = {}

    def attack(name: str, path: str, method: str = "GET", **headers: str) -> None:
        body = json.dumps({"strategy": "delta_neutral"}) if method == "POST" else ""
        status, text, _ = site.ask(path, method, body=body, **headers)
        tries[name] = (*tries.get(name, ()), status)
        assert "delta_coin" not in text, f"{name} was shown the book"
        assert site.token not in text

    for path in ("/api/v1/snapshot", "/api/v1/stream", "/metrics", "/health"):
        attack("missing token", path)
        attack("wrong token", path, Authorization="Bearer " + "x" * 43)
        attack("foreign Host", path, **(good | {"Host": "evil.example"}))
    for path in ("/api/v1/kill", "/api/v1/disable"):
        attack("missing token", path, "POST", **ACTION)
        for change in ({"X-CSRF-Token": ""}, {"X-CSRF-Token": "guess"}, {"Origin": "https://evil.example"}):
            attack("CSRF POST", path, "POST", **(good | change))
        form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": "null", "Cookie": good["Cookie"]}
        attack("CSRF POST", path, "POST", **form)
        attack("foreign Host", path, "POST", **(good | {"Host": f"evil.example:{site.netloc.split(':')[1]}"}))
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
        attack("foreign Origin on SSE", "/api/v1/stream", Cookie=good["Cookie"], Origin=origin)
    attack("foreign Origin on SSE", "/api/v1/stream", **{"Cookie": good["Cookie"], "Sec-Fetch-Site": "cross-site"})
    for path in (
        "/../dashboard.token",
        "/%2e%2e/dashboard.token",
        "/dashboard.css/..%2f..%2fdashboard.token",
        "/..\\x",
    ):
        attack("path traversal", path, Cookie=good["Cookie"])
        attack("path traversal", path)
    return tries


WANTED = {
    "missing token": {401},
    "wrong token": {401},
    "foreign Host": {421},
    "CSRF POST": {403},
    "foreign Origin on SSE": {403},
    "path traversal": {403},
}


def test_s02_strangers_are_refused_and_written_down_and_move_nothing(site: Site) -> None:
    before = switches(site.daemon.book())
    tries = attacks(site)
    assert {name: set(answers) for name, answers in tries.items()} == WANTED
    assert switches(site.daemon.book()) == before
    assert not (site.world.state_dir / "KILL").exists()
    hedges = site.daemon.book()["hedges"]
    site.daemon.until("hedging on", lambda book: bool(book["hedges"] > hedges), 20)
    # A real book keeps the schema that is published with it.
    bearer = {"Authorization": f"Bearer {site.token}"}
    schema, shown = (json.loads(site.ask(path, **bearer)[1]) for path in ("/api/v1/schema", "/api/v1/snapshot"))
    assert list(Draft202012Validator(schema).iter_errors(shown)) == []
    # The page itself may kill, and only the machine can undo it.
    good = site.login()
    began_s = time.monotonic()
    status, text, _ = site.ask("/api/v1/kill", "POST", body=json.dumps({"reason": "drill"}), **good)
    assert (status, json.loads(text)["confirmed"]) == (200, True)
    assert time.monotonic() - began_s < 5.0
    book = site.daemon.until("halted", lambda book: bool(book["mode"] == "halted"))
    assert "dashboard ada" in book["mode_reason"]
    assert site.ask("/api/v1/unkill", "POST", body="{}", **good)[0] == 404
    assert (site.ask("/health/ready")[0], site.ask("/health/live")[0]) == (503, 200)
    lines = [json.loads(line) for line in (site.world.state_dir / "dashboard.jsonl").read_text("utf-8").splitlines()]
    refused = [one for one in lines if one["status"] in {401, 403, 421}]
    told = sum(map(len, tries.values()))
    assert {one["status"] for one in refused} == {401, 403, 421}
    assert len(refused) == told
    assert all(one["peer"] == "127.0.0.1" for one in refused)
    assert site.daemon.stop() == 0
    journaled = [row for row in checker.read_rows(site.world.state_dir) if row.kind == "AccessRefused"]
    assert len(journaled) == told, "each attempt is in the journal"
    assert {row.payload["reason"][:3] for row in journaled} == {"401", "403", "421"}
    everything = json.dumps([row.payload for row in journaled]) + json.dumps(lines)
    assert site.token not in everything


PROGRAM = browser.find()


@pytest.mark.skipif(PROGRAM is None, reason="no Chromium is installed on this machine (Debian package chromium)")
async def test_the_page_in_a_browser(site: Site, tmp_path: Path) -> None:
    assert PROGRAM is not None
    async with browser.browser(PROGRAM, tmp_path) as tab:
        await tab.resize(390, 844, mobile=True)
        await tab.go(f"{site.origin}/#token={site.token}")
        await tab.until("document.getElementById('mode')?.textContent === 'ACTIVE'")
        assert site.token not in str(await tab.run("location.href")), "the token does not stay in the address"
        assert await tab.run("document.cookie") == "", "no script can read the session"
        # One screen: exposure, margin, costs, decisions; each number with its unit; nothing wider than the telephone.
        for words in ("BTC net delta", "Worst case", "Next hedge", "Book age", "Equity", "Funding forecast", "per 1 %"):
            assert words in await tab.run("document.body.innerText"), words
        for width in (390, 1280):
            await tab.resize(width, 900, mobile=width == 390)
            assert await tab.run("document.documentElement.scrollWidth") <= width
            assert await tab.run("document.querySelectorAll('svg.band rect').length") >= 3
        # Live, without a click.
        first = await tab.run("document.getElementById('footer').textContent")
        await tab.until(f"document.getElementById('footer').textContent !== {json.dumps(first)}", 5)
        await tab.until("document.getElementById('pulse').textContent.startsWith('live')", 5)
        # What a venue says is text.
        await tab.run("show({...view, reds: [{key: 'x', what: '<img src=x onerror=window.struck=1>', action: '<b>'}]})")
        assert await tab.run("document.querySelectorAll('#reds img').length") == 0
        assert await tab.run("window.struck") is None
        # Two keystrokes.
        await tab.press("k", "KeyK", "k")
        await tab.until("document.getElementById('ask').open")
        await tab.press("Enter", "Enter", "\r")
        await tab.until("document.getElementById('mode').textContent.startsWith('HALTED')")
        assert "hedgebot unkill" in await tab.run("document.getElementById('reds').innerText")
        site.daemon.until("halted", lambda book: bool(book["mode"] == "halted"))
        # A daemon that is gone is shown as unknown, never as the last good numbers.
        site.daemon.stop()
        await tab.until("document.getElementById('mode').textContent === 'UNKNOWN'", 15)
        assert "kill --direct" in await tab.run("document.getElementById('reds').innerText")
        assert not [one for one in tab.complaints if "401" not in one], tab.complaints
