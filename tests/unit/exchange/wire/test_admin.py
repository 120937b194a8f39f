"""The test plane: who may use it, and what its answers say."""

import asyncio
from decimal import Decimal
from typing import Any

import orjson
import pytest

from hedgebot.exchange.wire.admin import Admin
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.codes import WireError
from hedgebot.exchange.wire.sessions import Sessions


class Request:
    """As much of a request as the admin plane looks at."""

    def __init__(self, method: str, body: bytes = b"", remote: str | None = "127.0.0.1", **query: str) -> None:
        self.method = method
        self.remote = remote
        self.query = query
        self._body = body

    async def read(self) -> bytes:
        return self._body


@pytest.fixture
def admin(api: Api) -> Admin:
    return Admin(api, Sessions(), asyncio.Event())


async def ask(admin: Admin, method: str, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
    reply = await admin.answer(Request(method, orjson.dumps(body)), path)  # type: ignore[arg-type]
    content = reply.body
    assert isinstance(content, bytes)
    return reply.status, orjson.loads(content)


@pytest.mark.parametrize("remote", ["10.0.0.5", None, "unix", "2001:db8::1"])
async def test_only_loopback_gets_in(admin: Admin, remote: str | None) -> None:
    reply = await admin.answer(Request("POST", remote=remote), "stop")  # type: ignore[arg-type]
    assert reply.status == 403


async def test_faults_come_and_go(admin: Admin) -> None:
    assert await ask(admin, "POST", "faults", type="http", kind="status", endpoint="x", count=3) == (
        200,
        {"ok": True, "number": 1},
    )
    (fault,) = (await ask(admin, "GET", "faults"))[1]["faults"]
    assert (fault["kind"], fault["count"]) == ("status", 3)
    await ask(admin, "POST", "skew", ms=-700)
    assert (await ask(admin, "GET", "faults"))[1]["skew_ms"] == -700
    await ask(admin, "DELETE", "faults")
    assert (await ask(admin, "GET", "faults"))[1] == {"ok": True, "faults": [], "skew_ms": 0}


async def test_a_fault_is_ended_by_its_number(admin: Admin) -> None:
    await ask(admin, "POST", "faults", type="http", kind="status")
    number = (await ask(admin, "POST", "faults", type="order", kind="reject", client_id="x"))[1]["number"]
    listed = (await ask(admin, "GET", "faults"))[1]["faults"]
    assert [(one["type"], one["kind"], one["struck"]) for one in listed] == [
        ("http", "status", 0),
        ("order", "reject", 0),
    ]
    for status in (200, 400):
        reply = await admin.answer(Request("DELETE", number=str(number)), "faults")  # type: ignore[arg-type]
        assert reply.status == status
    assert [one["number"] for one in (await ask(admin, "GET", "faults"))[1]["faults"]] == [1]


async def test_everything_that_can_be_ordered_is_in_the_help(admin: Admin) -> None:
    page = (await ask(admin, "GET", "help"))[1]
    paths = {(one["method"], one["path"]): one for one in page["paths"]}
    assert set(paths) == {(method, f"/admin/{path}") for method, path in admin._routes}
    assert all(len(one["does"]) > 10 for one in page["paths"])
    assert paths["POST", "/admin/faults"]["body"] == ["http", "socket", "connect", "order"]
    fields = page["bodies"]["http"]["fields"]
    assert fields["kind"] == {"is": "HttpFaultKind", "required": True}
    assert fields["count"]["default"] == 1
    assert "<= 599" in fields["status"]["is"]
    assert page["bodies"]["drop"]["fields"]["channel"] == {"is": "str", "required": False, "default": ""}
    for word in ("HttpFaultKind", "SocketFaultKind", "ConnectFaultKind", "OrderFaultKind", "KeyState"):
        assert all(meaning for meaning in page["words"][word].values()), word
    assert {"price_shock"} <= set(page["bodies"])


async def test_a_key_goes_bad(admin: Admin, api: Api) -> None:
    assert (await ask(admin, "POST", "key", account="book", state="expired"))[0] == 200
    with pytest.raises(WireError) as caught:
        api.key_owner("key")
    assert caught.value.code == 33004
    await ask(admin, "POST", "key", account="book", state="read_only")
    assert api.key_owner("key").name == "book"
    with pytest.raises(WireError) as caught:
        api.check_may_trade("book")
    assert caught.value.code == 10005
    await ask(admin, "POST", "key", account="book", state="good")
    api.check_may_trade("book")
    status, answer = await ask(admin, "POST", "key", account="nobody", state="good")
    assert (status, "nobody" in answer["error"]) == (400, True)


async def test_an_address_is_banned_and_let_in_again(admin: Admin, api: Api) -> None:
    await ask(admin, "POST", "ban", seconds=30, address="10.1.1.1")
    now_ns = api.exchange.now_ns
    assert not api.exchange.limits.visit("10.1.1.1", now_ns)
    assert api.exchange.limits.visit("10.1.1.2", now_ns)
    await ask(admin, "POST", "ban", seconds=0, address="10.1.1.1")
    assert api.exchange.limits.visit("10.1.1.1", api.exchange.now_ns)


async def test_the_weather_is_replaced_whole(admin: Admin, api: Api) -> None:
    await ask(admin, "POST", "weather", ack_lost_probability=0.25)
    assert api.faults.weather.ack_lost_probability == 0.25
    status, answer = await ask(admin, "POST", "weather", rain=1)
    assert (status, answer["ok"]) == (400, False)


async def test_a_trade_of_the_client(admin: Admin, api: Api) -> None:
    _, done = await ask(admin, "POST", "trade", instrument="bybit:spot:BTCUSDT", side="sell", contracts="0.1")
    assert done["order"]["account"] == "book"
    assert done["order"]["client_id"].startswith("client-admin-")
    # The venue's ids have at most 36 characters, also after thousands of trades.
    assert len(done["order"]["client_id"]) < 32
    assert len(api.exchange.executions("book")) >= 1
    status, refused = await ask(
        admin, "POST", "trade", instrument="bybit:spot:BTCUSDT", side="sell", contracts="0.1", account="nobody"
    )
    assert (status, refused["ok"]) == (400, False)
    assert "no account 'nobody'; there are ['book', 'other']" in refused["error"]


async def test_a_resting_order_of_the_client(admin: Admin, api: Api) -> None:
    body = {"instrument": "bybit:linear:BTCPERP", "side": "buy", "contracts": "0.1", "limit_price": "88000"}
    _, done = await ask(admin, "POST", "trade", **body)
    assert [one.order_id for one in api.exchange.open_orders("book")] == [done["order"]["order_id"]]


async def test_coins_are_moved_out_of_the_trading_wallet_and_back(admin: Admin, api: Api) -> None:
    def held() -> Decimal:
        return next(one.wallet for one in api.exchange.wallet("book").coins if one.coin == "USDT")

    before = held()
    status, answer = await ask(admin, "POST", "transfer", coin="USDT", qty="250.5")
    assert (status, answer["transfer"]["target"], held()) == (200, "FUND", before - Decimal("250.5"))
    status, _ = await ask(admin, "POST", "transfer", coin="USDT", qty="50.5", target="UNIFIED")
    assert (status, held()) == (200, before - 200)
    for body, said in (
        ({"qty": "201", "target": "UNIFIED"}, "too_little: 201 USDT from FUND to UNIFIED"),
        ({"qty": "-1"}, "bad_amount: -1 USDT from UNIFIED to FUND"),
        ({"qty": "1", "account": "nobody"}, "no account 'nobody'"),
    ):
        status, answer = await ask(admin, "POST", "transfer", coin="USDT", **body)
        assert status == 400
        assert said in answer["error"]
    assert held() == before - 200


async def test_prices_are_shocked_within_reason(admin: Admin, api: Api) -> None:
    before = api.exchange.index_price("ETH")
    assert (await ask(admin, "POST", "price", underlying="ETH", percent=10))[0] == 200
    api.exchange.advance(api.exchange.now_ns + 300_000_000)
    assert api.exchange.index_price("ETH") / before == pytest.approx(1.1, abs=0.01)
    assert (await ask(admin, "POST", "price", underlying="ETH", percent=-100))[0] == 400


async def test_a_trouble_strikes(admin: Admin, api: Api) -> None:
    before = api.exchange.index_price("ETH")
    status, answer = await ask(admin, "POST", "trouble", type="price_shock", underlying="ETH", ratio=0.5)
    assert (status, answer["at_ns"]) == (200, api.exchange.now_ns)
    api.exchange.advance(api.exchange.now_ns + 300_000_000)
    assert api.exchange.index_price("ETH") / before == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"type": "price_shock", "underlying": "DOGE", "ratio": 0.5}, "'DOGE'"),
        ({"type": "price_shock", "underlying": "ETH", "ratio": 0.0}, "`$.ratio`"),
        ({"type": "price_shock", "underlying": "ETH", "ratio": 0.5, "rate": 1}, "`rate`"),
        ({"type": "plague"}, "plague"),
    ],
)
async def test_a_trouble_that_cannot_be_says_why(admin: Admin, body: dict[str, Any], said: str) -> None:
    status, answer = await ask(admin, "POST", "trouble", **body)
    assert (status, answer["ok"]) == (400, False)
    assert said in answer["error"]


async def test_requests_are_shown_by_path(admin: Admin, api: Api) -> None:
    api.note("book", "GET", "/v5/order/realtime", {"symbol": "X"}, 0)
    api.note(None, "GET", "/v5/market/time", {}, 0)
    reply = await admin.answer(Request("GET", path="order"), "requests")  # type: ignore[arg-type]
    assert isinstance(reply.body, bytes)
    assert [one["params"] for one in orjson.loads(reply.body)["requests"]] == [{"symbol": "X"}]


async def test_stop_sets_the_event(api: Api) -> None:
    stopped = asyncio.Event()
    await ask(Admin(api, Sessions(), stopped), "POST", "stop")
    assert stopped.is_set()
