import http.server
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import ClassVar

import orjson
import pytest

from hedgebot.console.admin import Admin
from hedgebot.domain.errors import DataError, VenueUnreachable


class Handler(http.server.BaseHTTPRequestHandler):
    replies: ClassVar[dict[str, tuple[int, bytes]]] = {}
    asked: ClassVar[list[tuple[str, bytes]]] = []

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.append((f"{self.command} {self.path}", body))
        status, content = self.replies.get(self.path, (404, b""))
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer  # noqa: N815  (the library's names)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def admin() -> Iterator[Admin]:
    Handler.replies, Handler.asked = {}, []
    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Admin(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join(5.0)


def test_the_truth_is_read_exactly(admin: Admin) -> None:
    account = {
        "orders": [{"instrument": "i", "client_id": None, "more": 1}],
        "positions": [{"instrument": "i", "contracts": "-0.10"}],
        "wallet": {"coins": [{"coin": "BTC", "wallet": "4.00000001"}]},
    }
    Handler.replies["/admin/truth"] = (200, orjson.dumps({"ok": True, "accounts": {"main": account}}))
    found = admin.truth().accounts["main"]
    assert found.positions[0].contracts == Decimal("-0.10")
    assert found.wallet.coins[0].wallet == Decimal("4.00000001")


def test_another_shape_is_told(admin: Admin) -> None:
    Handler.replies["/admin/truth"] = (200, b'{"accounts": []}')
    with pytest.raises(DataError, match="the exchange's truth cannot be read"):
        admin.truth()
    with pytest.raises(DataError, match="answered POST /admin/flow with 404"):
        admin.client_flow(enabled=True)


def test_the_client_is_switched(admin: Admin) -> None:
    Handler.replies["/admin/flow"] = (200, b"{}")
    admin.client_flow(enabled=False)
    assert Handler.asked == [("POST /admin/flow", b'{"enabled":false}')]


def test_an_absent_exchange_is_unreachable() -> None:
    with pytest.raises(VenueUnreachable, match=r"the simulated exchange at 127\.0\.0\.1:1 does not answer"):
        Admin("http://127.0.0.1:1").truth()
