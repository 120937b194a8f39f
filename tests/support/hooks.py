"""Webhook endpoints on loopback for tests: good, slow, failing with a status, or not there at all."""

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


class Hook:
    """An HTTP endpoint in threads of its own, so that a blocked event loop does not slow it; keeps what it was sent."""

    def __init__(self, *, status: int = 200, delay_s: float = 0.0) -> None:
        self.status = status
        self.delay_s = delay_s
        self.taken: list[tuple[float, dict[str, Any]]] = []
        self.asked = 0
        self.headers: dict[str, str] = {}
        hook = self
        leave = self._leave = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.asked += 1
                hook.headers = dict(self.headers)
                if hook.delay_s and leave.wait(hook.delay_s):
                    return
                if 200 <= hook.status < 300:
                    hook.taken.append((time.monotonic(), json.loads(body)))
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_words: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def states(self) -> list[str]:
        """The news it took, as `state kind subject`."""
        return [
            f"{one['state']} {one['alert']['kind']} {one['alert']['subject']}"
            for _, body in self.taken
            for one in body["alerts"]
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave.set()
        self._server.shutdown()
        self._server.server_close()


def nobody() -> str:
    """An address on loopback at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/hook"
