"""The watchdogs around the real process: a blocked loop, and the monitor outside during a crash loop."""

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.e2e import checker
from tests.e2e.harness import World

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
BLOCK_S = 10.0


@contextmanager
def service_manager(path: Path) -> Iterator[list[tuple[float, str]]]:
    """A systemd that notes what it is told, and when (wall clock)."""
    heard: list[tuple[float, str]] = []
    link = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    link.bind(str(path))
    link.settimeout(0.1)
    over = threading.Event()

    def listen() -> None:
        while not over.is_set():
            try:
                heard.append((time.time(), link.recv(4_096).decode()))
            except TimeoutError:
                continue

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield heard
    finally:
        over.set()
        thread.join()
        link.close()


@contextmanager
def monitor() -> Iterator[tuple[str, list[float]]]:
    """A monitor outside: its address, and when it was asked."""
    beats: list[float] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            beats.append(time.monotonic())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/ping", beats
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def loop_alerts(state_dir: Path) -> list[int]:
    """When the block was told, in nanoseconds of the wall clock."""
    lines = [json.loads(line) for line in (state_dir / "alerts.jsonl").read_text("utf-8").splitlines()]
    return [
        one["at_ns"]
        for one in lines
        if (one["state"], one["alert"]["kind"], one["alert"]["subject"]) == ("raised", "LoopLag", "event loop")
    ]


def test_p04_a_blocked_loop_is_told_while_it_is_blocked(world: World) -> None:
    block = world.folder / "block"
    with service_manager(world.folder / "n.sock") as heard:
        daemon = world.daemon(
            module="tests.e2e.blocker",
            BLOCK_FILE=str(block),
            NOTIFY_SOCKET=str(world.folder / "n.sock"),
            WATCHDOG_USEC="1000000",
        )
        daemon.until("hedging", lambda book: bool(book["hedges"] >= 1), 40)
        before = len(loop_alerts(world.state_dir)) if (world.state_dir / "alerts.jsonl").exists() else 0
        block.write_text(str(BLOCK_S), "ascii")
        time.sleep(BLOCK_S + 1.0)
        daemon.until_active(40)
        daemon.until("hedging on", lambda book: bool(book["hedges"] >= 2), 40)
        assert daemon.stop() == 0, daemon.words()
    began_ns = int(block.with_suffix(".began").read_text("ascii"))
    ended_ns = began_ns + round(BLOCK_S * 1e9)
    told = loop_alerts(world.state_dir)[before:]
    assert told, daemon.words()
    assert told[0] - began_ns <= 5_000_000_000
    assert len([one for one in told if one < ended_ns + 1_000_000_000]) == 1, "once"
    assert "CRIT LoopLag event loop: the event loop has been blocked for" in daemon.process.log.read_text("utf-8")
    pings = [at_s for at_s, words in heard if words == "WATCHDOG=1"]
    assert [one for one in pings if one * 1e9 < began_ns], "it pinged before"
    # One that was sent as the block began may be read a moment later.
    assert [one for one in pings if began_ns + 3e8 < one * 1e9 < ended_ns] == []
    # Nothing is sent on what was known before: the venue is asked, and answers, before the next order.
    rows = checker.read_rows(world.state_dir)
    paused = next(
        number
        for number, row in enumerate(rows)
        if row.kind == "RaiseAlert" and (row.payload["kind"], row.payload["subject"]) == ("LoopLag", "engine")
    )
    after = [row.kind for row in rows[paused:]]
    assert after.index("SnapshotTaken") < after.index("SubmitOrder")
    assert checker.order_problems(rows, checker.read_truth(world.admin("truth"))) == []


def test_p10_a_crash_loop_is_latched_and_the_monitor_outside_rings(world: World) -> None:
    with monitor() as (url, beats):
        world.environment["HEDGEBOT_DAEMON__HEARTBEAT_URL"] = url
        world.environment["HEDGEBOT_DAEMON__HEARTBEAT_INTERVAL_S"] = "1"
        for _ in range(5):
            heard = len(beats)
            daemon = world.daemon(guarded=True)
            daemon.until_active()
            daemon.until("beating", lambda _book, heard=heard: len(beats) > heard, 10)  # type: ignore[misc]
            daemon.process.signal(signal.SIGKILL)
            daemon.until_killed(5.0)
        daemon = world.daemon(guarded=True)
        book = daemon.until("halted", lambda book: bool(book["mode"] == "halted"))
        assert "crash-loop guard: 5 starts within 10 minutes" in book["mode_reason"]
        assert book["latched"]
        # The engine is told first; the file follows from a thread.
        daemon.until("latched on disk", lambda _book: (world.state_dir / "KILL").exists(), 5)
        halted_s = time.monotonic()
        orders = len(checker.read_truth(world.admin("truth")).ours)
        time.sleep(4.0)
        assert [one for one in beats if one > halted_s] == [], "the beat that keeps the monitor quiet is withheld"
        assert len(checker.read_truth(world.admin("truth")).ours) == orders
        # Restarted once more it stays latched, and silent.
        assert daemon.stop() == 0
        daemon = world.daemon(guarded=True)
        daemon.until("halted", lambda book: bool(book["mode"] == "halted"))
        time.sleep(2.5)
        assert [one for one in beats if one > halted_s] == []
        answer = {"ok": False}
        for _ in range(40):
            answer = daemon.ask("unkill", operator="ada", reason="found and mended", reviewed=["crash_loop"])
            if answer["ok"]:
                break
            time.sleep(0.5)
        assert answer["ok"], answer
        daemon.until_active()
        again_s = time.monotonic()
        time.sleep(2.5)
        assert [one for one in beats if one > again_s], "it beats again"
        assert daemon.stop() == 0
