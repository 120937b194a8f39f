"""O05: a kill when all is wrong at once: it stops the book, says what it cannot prove, and can be lifted later."""

import contextlib
import json
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import checker
from tests.e2e.harness import HERE, Daemon, World
from tests.e2e.settling import settle, verify
from tests.e2e.volumes import fill

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

T_KILL_S = 10.0
COINS = {"BTC": ("bybit:linear:BTCUSDT", "1"), "ETH": ("bybit:linear:ETHUSDT", "20")}
LOOKED_UP_AT = ("/v5/order/realtime", "/v5/order/history", "/v5/execution/list")


@contextlib.contextmanager
def two_coins() -> Iterator[World]:
    """A quiet world of two coins, so that two orders can be unknown at once, on an account with a dead-man's switch."""
    with tempfile.TemporaryDirectory(prefix="hb") as name:
        folder = Path(name)
        text = (HERE / "world.toml").read_text("utf-8").partition("[weather]")[0]
        text = text.replace(
            "[[accounts]]", '[[underlyings]]\nname = "ETH"\nstart_price = 3000.0\nvol = 0.8\n\n[[accounts]]'
        )
        scenario = folder / "two.toml"
        scenario.write_text(text.replace('api_key = "demo-key"', 'dead_man = true\napi_key = "demo-key"'), "utf-8")
        with World(folder, scenario=scenario) as world:
            world.admin("flow", enabled=False)
            book = world.config.read_text("utf-8").replace('role = "shared"', 'role = "shared"\ndead_man_s = 30.0')
            _, found, section = book.partition("[underlyings.BTC]")
            section = section.partition("\n[")[0].replace("BTC", "ETH").replace("_coin = 0.25", "_coin = 2.5")
            section = section.replace("_coin = 5.0", "_coin = 100.0").replace("_max = 5.0", "_max = 100.0")
            assert found
            book = book.replace('underlyings = ["BTC"]', 'underlyings = ["BTC", "ETH"]')
            world.config.write_text(book + "\n[underlyings.ETH]" + section + "\n", "utf-8")
            yield world


def is_up(book: dict[str, Any]) -> bool:
    return any(one["up"] for one in book["accounts"][0]["streams"] if one["stream"] == "private")


def two_unknown(world: World, daemon: Daemon) -> list[dict[str, Any]]:
    """Have two hedges lost on their way, look-ups fail and the private socket stay away; the intents."""
    world.admin("faults", type="http", kind="request_lost", endpoint="/v5/order/create", silent=True, count=2)
    for instrument, contracts in COINS.values():
        world.admin("trade", instrument=instrument, side="buy", contracts=contracts)
    daemon.until("two orders under way", lambda book: len(book["orders"]) == 2)
    for endpoint in LOOKED_UP_AT:
        world.admin("faults", type="http", kind="status", endpoint=endpoint, count=None)
    world.admin("faults", type="connect", kind="refuse", channel="private", count=None)
    world.admin("drop", channel="private")
    book = daemon.until(
        "blind", lambda book: [one["status"] for one in book["orders"]] == ["unknown"] * 2 and not is_up(book)
    )
    unknown = {one["client_id"] for one in book["orders"]}
    rows = [row.payload for row in checker.read_rows(daemon.state_dir) if row.kind == "SubmitOrder"]
    return [row for row in rows if row["client_id"] in unknown]


def arrive_late(world: World, intents: list[dict[str, Any]]) -> None:
    """The lost requests get there after all, and rest: the market has gone away from them."""
    for coin in COINS:
        world.admin("price", underlying=coin, percent=-3.0)
    time.sleep(1.0)  # the books follow the index
    for one in intents:
        intent = one["approved"]["intent"]
        world.admin(
            "trade",
            instrument=intent["instrument"],
            side=intent["side"],
            contracts=intent["qty_contracts"],
            limit_price=intent["limit_price"],
            client_id=one["client_id"],
        )


def alive(world: World) -> set[str]:
    orders = checker.read_truth(world.admin("truth")).ours
    return {one["client_id"] for one in orders if one["status"] in {"open", "partial"}}


def asked(world: World, path: str, since_ms: int) -> list[dict[str, Any]]:
    return [
        one["params"] for one in world.admin("requests")["requests"] if path in one["path"] and one["at_ms"] >= since_ms
    ]


def unkilled(daemon: Daemon) -> None:
    """Lift the kill, having reviewed every cause; the checklist says until when it does not go."""
    answer: dict[str, Any] = {}
    until_s = time.monotonic() + 60.0
    while time.monotonic() < until_s:
        latches = daemon.ask("status")["data"]["book"]["latches"]
        causes = [one for latch in latches for one in latch["review"]]
        answer = daemon.ask("unkill", operator="ada", reason="everything is well again", reviewed=causes)
        if answer["ok"]:
            return
        time.sleep(0.5)
    raise AssertionError(f"not unkilled: {json.dumps(answer)}\n{daemon.words()}")


def test_o05_a_kill_with_two_unknown_orders_no_private_socket_and_a_full_disk(volume: Path) -> None:
    with two_coins() as world:
        world.state_dir = volume / "state"
        daemon = world.daemon(state_dir=world.state_dir)
        daemon.until_active()
        daemon.until("armed", lambda book: str(book["accounts"][0]["dead_man"]).startswith("armed"))
        intents = two_unknown(world, daemon)
        unknown = {one["client_id"] for one in intents}
        assert len(unknown) == 2
        arrive_late(world, intents)
        assert alive(world) == unknown
        orders = len(checker.read_truth(world.admin("truth")).ours)
        fill(volume, leave_bytes=0)

        began_s, began_ms = time.monotonic(), time.time_ns() // 1_000_000
        code, answer = world.verb("kill", "--state-dir", str(world.state_dir), "--reason", "all is wrong")
        assert code == 0, answer
        # Latched in memory, and in a file, or else it is said that a restart may forget it.
        book = daemon.book()
        assert (book["mode"], book["latched"]) == ("halted", True)
        assert [one["scope"] for one in book["latches"]] == ["all"]
        file = world.state_dir / "KILL"
        assert file.exists() or "a restart may forget this kill" in answer["warning"], answer
        # What is not proven is told, order by order, with what stands behind them.
        told = "\n".join(answer["unproven"])
        for client_id in unknown:
            assert f"order {client_id} is unknown: its cancel is asked for, its end is not proven" in told
        assert "the private stream of main is down" in told
        assert "dead man's switch of main: " in told
        # Both are cancelled at the venue, by the kill: its own dead-man's switch takes thirty seconds.
        while alive(world) and time.monotonic() < began_s + T_KILL_S:
            time.sleep(0.05)
        assert alive(world) == set(), "an order of ours is alive after the kill"
        assert {one.get("orderLinkId") for one in asked(world, "/v5/order/cancel", began_ms)} >= unknown
        # The switch stays as it was, and nothing is sent any more.
        assert asked(world, "disconnected-cancel-all", began_ms) == []
        time.sleep(2.0)
        assert len(checker.read_truth(world.admin("truth")).ours) == orders
        still = {one["client_id"] for one in daemon.book()["orders"]}
        assert still == unknown, "nobody could be asked: an end was made up"

        # Room again, and the daemon dies: the latch is there after the restart.
        (volume / "ballast").unlink()
        daemon.process.signal(signal.SIGKILL)
        daemon.process.wait()
        daemon = world.daemon(state_dir=world.state_dir)
        daemon.until("halted", lambda book: bool(book["mode"] == "halted" and book["latched"]), 40.0)
        refused = daemon.ask("unkill", operator="ada", reason="hope")
        assert not refused["ok"]
        assert "wait for its end" in refused["error"]
        world.clear_faults()
        unkilled(daemon)
        assert not file.exists()
        daemon.until_active(40.0)
        settle(world, daemon)
        verify(world)
        assert len(checker.read_truth(world.admin("truth")).ours) >= orders + 2, "both coins are hedged again"
