"""Beats reach the monitor; what withholds them is respected; a dead monitor holds nothing up."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from hedgebot.daemon.heartbeat import Heartbeat


@pytest.fixture
def monitor() -> Iterator[tuple[str, list[str]]]:
    """A monitor's address and what it was told."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/ping", heard
    server.shutdown()
    server.server_close()
    thread.join()


async def test_a_beat_carries_the_state(monitor: tuple[str, list[str]]) -> None:
    url, heard = monitor
    heart = Heartbeat(url, 30.0)
    await heart.beat("hedging", "")
    await heart.beat("the book is halted", "")
    assert heard == ["hedging", "the book is halted"]
    assert heart.beats == 2


async def test_withheld_is_silent(monitor: tuple[str, list[str]]) -> None:
    url, heard = monitor
    heart = Heartbeat(url, 30.0)
    await heart.beat("hedging", "5 starts within 10 minutes")
    assert heard == []
    await heart.beat("hedging", "")
    assert heard == ["hedging"]


async def test_a_monitor_that_is_not_there_is_told_of() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told: list[str] = []
    heart = Heartbeat(f"http://127.0.0.1:{port}/secret-token", 30.0, told.append)
    await heart.beat("hedging", "")
    assert len(told) == 1
    assert "does not answer" in told[0]
    assert "secret-token" not in told[0]
    assert heart.beats == 0
