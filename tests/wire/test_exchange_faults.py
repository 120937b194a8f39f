"""Weather and faults on order: what the client sees, and what the venue really did."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt
import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from hedgebot.exchange.scenario import WeatherSpec
from tests.wire.exchange_client import CALM, SCENARIO, Lab, lab, subscribed

pytestmark = pytest.mark.wire
PERP = "BTC/USDT:USDT"


@pytest.fixture
async def venue() -> AsyncIterator[Lab]:
    async with lab() as running:
        yield running


async def http_fault(venue: Lab, **values: Any) -> None:
    answer = await venue.admin("POST", "faults", {"type": "http", **values})
    assert answer["ok"], answer


async def socket_fault(venue: Lab, **values: Any) -> None:
    answer = await venue.admin("POST", "faults", {"type": "socket", **values})
    assert answer["ok"], answer


async def buy(venue: Lab, client_id: str) -> Any:
    return await venue.client.create_order(PERP, "market", "buy", 0.01, None, {"orderLinkId": client_id})


async def soon(awaitable: Any, seconds: float = 5) -> Any:
    return await asyncio.wait_for(awaitable, seconds)


async def test_an_acknowledgement_is_lost_while_the_order_executed(venue: Lab) -> None:
    await http_fault(venue, kind="ack_lost", endpoint="/v5/order/create")
    with pytest.raises(ccxt.NetworkError):
        await buy(venue, "lost-1")
    order = venue.exchange.order("book", client_id="lost-1")
    assert order is not None
    assert order.status == "filled"
    # Sent again, the duplicate is the evidence that the first one arrived; the lookup finds it.
    with pytest.raises(ccxt.InvalidOrder, match="110072"):
        await buy(venue, "lost-1")
    (row,) = await venue.client.fetch_open_orders(PERP, None, None, {"orderLinkId": "lost-1"})
    assert row["status"] == "closed"


async def test_a_request_is_lost_and_nothing_happened(venue: Lab) -> None:
    await http_fault(venue, kind="request_lost", endpoint="/v5/order/create")
    with pytest.raises(ccxt.NetworkError):
        await buy(venue, "never")
    assert venue.exchange.order("book", client_id="never") is None
    await buy(venue, "never")
    assert venue.exchange.order("book", client_id="never") is not None


async def test_the_trade_socket_loses_an_acknowledgement(venue: Lab) -> None:
    await http_fault(venue, kind="ack_lost", endpoint="/v5/order/create")
    params = {"orderLinkId": "ws-lost"}
    with pytest.raises(TimeoutError):
        await soon(venue.client.create_order_ws(PERP, "limit", "buy", 0.01, 88_000, params), 0.5)
    assert [order.client_id for order in venue.exchange.open_orders("book")] == ["ws-lost"]


async def test_the_weather_loses_acknowledgements_at_its_rate() -> None:
    weather = WeatherSpec(ack_lost_probability=0.5, ack_delay_ms=0, ack_delay_jitter_ms=0, push_delay_ms=0)
    scenario = msgspec.structs.replace(SCENARIO, weather=weather)
    lost = 0
    async with lab(scenario) as venue:
        for number in range(30):
            try:
                await buy(venue, f"w-{number}")
            except ccxt.NetworkError:
                lost += 1
        assert 5 <= lost <= 25
        truth = (await venue.admin("GET", "truth"))["accounts"]["book"]
        assert len(truth["orders"]) == 30
        # What an outside checker needs: the executions add up to the position.
        total = sum(Decimal(one["qty_contracts"]) for one in truth["executions"])
        held = {one["instrument"]: one["contracts"] for one in truth["positions"]}
        assert Decimal(held["bybit:linear:BTCUSDT"]) == total == Decimal("0.30")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (502, ccxt.ExchangeNotAvailable),
        (429, ccxt.RateLimitExceeded),
        (403, ccxt.RateLimitExceeded),
        (504, ccxt.RequestTimeout),
    ],
)
async def test_http_statuses_on_order(venue: Lab, status: int, error: type[Exception]) -> None:
    await http_fault(venue, kind="status", endpoint="/v5/order/create", status=status, count=2)
    for number in range(2):
        with pytest.raises(error):
            await buy(venue, f"status-{number}")
    assert venue.exchange.executions("book") == ()
    await buy(venue, "after")


async def test_return_codes_on_order(venue: Lab) -> None:
    await http_fault(venue, kind="ret_code", endpoint="wallet-balance", code=10016, message="Server error.")
    with pytest.raises(ccxt.ExchangeError, match="10016"):
        await venue.client.fetch_balance()
    assert (await venue.client.fetch_balance())["USDT"]["total"] == 500_000


async def test_a_delayed_request_is_carried_out_later(venue: Lab) -> None:
    await http_fault(venue, kind="delay", endpoint="/v5/order/create", delay_ms=300)
    task = asyncio.create_task(buy(venue, "slow"))
    await asyncio.sleep(0.15)
    assert venue.exchange.order("book", client_id="slow") is None
    assert (await soon(task))["clientOrderId"] == "slow"


async def test_a_garbled_reply(venue: Lab) -> None:
    await http_fault(venue, kind="garble", endpoint="market/time")
    with pytest.raises(json.JSONDecodeError):
        await venue.get("/v5/market/time")
    assert (await venue.get("/v5/market/time"))[1]["retCode"] == 0


async def test_a_shifted_clock_refuses_signed_requests(venue: Lab) -> None:
    for shift_ms in (-2_000, 6_000):
        await venue.admin("POST", "skew", {"ms": shift_ms})
        with pytest.raises(ccxt.InvalidNonce, match="10002"):
            await venue.client.fetch_balance()
        assert abs(await venue.client.fetch_time() - venue.client.milliseconds() - shift_ms) < 500
    await venue.admin("DELETE", "faults")
    await venue.client.fetch_balance()


async def test_a_dropped_private_socket_comes_back_without_the_past(venue: Lab) -> None:
    task = asyncio.create_task(venue.client.watch_my_trades())
    await subscribed(venue, "execution")
    assert (await venue.admin("POST", "drop", {"channel": "private"}))["dropped"] == 1
    with pytest.raises(ccxt.NetworkError):
        await soon(task)
    await buy(venue, "in-the-dark")
    task = asyncio.create_task(venue.client.watch_my_trades())
    await subscribed(venue, "execution")
    await buy(venue, "in-the-light")
    trades = await soon(task)
    assert {one["info"]["orderLinkId"] for one in trades} == {"in-the-light"}


async def test_public_sockets_close_with_a_code(venue: Lab) -> None:
    await soon(venue.client.watch_bids_asks([PERP]))
    (before,) = venue.server.sessions.chosen("public")
    assert (await venue.admin("POST", "drop", {"channel": "public", "code": 1001}))["dropped"] == 1
    await asyncio.sleep(0.1)
    assert venue.server.sessions.chosen("public") == []
    assert (await soon(venue.client.watch_bids_asks([PERP])))[PERP]["bid"] > 0
    (after,) = venue.server.sessions.chosen("public")
    assert after.id != before.id


async def test_a_muted_topic_is_silent_while_pongs_go_on() -> None:
    async with lab(streaming={"keepAlive": 100}) as venue:
        await soon(venue.client.watch_bids_asks([PERP]))
        await socket_fault(venue, kind="mute", channel="linear", topic="orderbook", seconds=1.0)
        await asyncio.sleep(0.2)
        ws = next(iter(venue.client.clients.values()))
        pong = ws.lastPong
        before = venue.client.bidsasks[PERP]["timestamp"]
        await asyncio.sleep(0.4)
        assert venue.client.bidsasks[PERP]["timestamp"] == before
        assert ws.lastPong > pong
        await asyncio.sleep(0.8)
        assert (await soon(venue.client.watch_bids_asks([PERP])))[PERP]["timestamp"] > before


async def test_a_frozen_socket_sends_nothing_then_everything(venue: Lab) -> None:
    task = asyncio.create_task(venue.client.watch_my_trades())
    await subscribed(venue, "execution")
    await socket_fault(venue, kind="freeze", channel="private", seconds=0.6)
    await buy(venue, "iced")
    await asyncio.sleep(0.3)
    assert not task.done()
    (trade,) = await soon(task)
    assert trade["info"]["orderLinkId"] == "iced"


async def test_a_duplicated_execution_arrives_twice(venue: Lab) -> None:
    await socket_fault(venue, kind="duplicate", channel="private", topic="execution", count=1)
    task = asyncio.create_task(venue.client.watch_my_trades())
    await subscribed(venue, "execution")
    seen: list[Any] = []
    original = venue.client.handle_my_trades

    def tap(client: Any, message: Any) -> None:
        seen.append(message)
        original(client, message)

    venue.client.handle_my_trades = tap
    await buy(venue, "twin")
    await soon(task)
    await asyncio.sleep(0.1)
    assert len(seen) == 2
    assert seen[0]["data"] == seen[1]["data"]


async def test_a_garbled_frame_stops_the_client_and_not_the_venue(venue: Lab) -> None:
    await soon(venue.client.watch_bids_asks([PERP]))
    await socket_fault(venue, kind="garble", channel="linear", topic="orderbook", count=1)
    await asyncio.sleep(0.5)
    assert venue.server.api.crashes == 0
    assert (await venue.admin("GET", "faults"))["faults"] == []


async def test_a_fill_is_told_after_its_order_by_order_of_the_test(venue: Lab) -> None:
    """The execution waits until the order's own news has gone out."""
    seen: list[str] = []
    original = venue.client.handle_message

    def tap(client: Any, message: Any) -> None:
        if message.get("topic") in {"order", "execution"}:
            seen.append(message["topic"])
        original(client, message)

    venue.client.handle_message = tap
    for name in ("watch_orders", "watch_my_trades"):
        task = asyncio.create_task(getattr(venue.client, name)())
        await subscribed(venue, {"watch_orders": "order", "watch_my_trades": "execution"}[name])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await buy(venue, "straight")
    await asyncio.sleep(0.1)
    await socket_fault(venue, kind="reorder", channel="private", topic="execution", count=1)
    await buy(venue, "crooked")
    await asyncio.sleep(0.1)
    assert len(seen) == 4
    assert seen[2:] == seen[:2][::-1]


async def test_a_ticker_of_wrong_types_is_well_formed(venue: Lab) -> None:
    await socket_fault(venue, kind="wrong_type", channel="linear", topic="tickers", count=1)
    address = f"ws://127.0.0.1:{venue.server.port}/v5/public/linear"
    async with connect(address) as ws:
        await ws.send('{"op":"subscribe","args":["tickers.BTCUSDT"]}')
        frames: list[dict[str, Any]] = []
        while len(frames) < 2:
            frame = json.loads(await soon(ws.recv()))
            if frame.get("topic") == "tickers.BTCUSDT":
                frames.append(frame)
    wrong, right = frames
    assert set(wrong["data"].values()) == {0}
    assert all(isinstance(value, str) for value in right["data"].values())


async def test_a_served_exchange_ends_when_it_is_told() -> None:
    command = (sys.executable, "-m", "hedgebot.console.main", "exchange", "serve", "--port", "0")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        url = json.loads(await soon(process.stdout.readline(), 20))["url"]
        async with connect(url.replace("http", "ws") + "/v5/public/linear") as ws, aiohttp.ClientSession() as http:
            async with http.post(url + "/admin/stop") as reply:
                assert await reply.json() == {"ok": True}
            assert await soon(process.wait(), 10) == 0
            with pytest.raises(ConnectionClosed):
                await soon(ws.recv())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_refused_login(venue: Lab) -> None:
    await socket_fault(venue, kind="refuse_auth", channel="private", count=1)
    with pytest.raises(ccxt.BaseError):
        await soon(venue.client.watch_orders())
    assert venue.server.sessions.chosen("private", "book") == []


async def test_the_client_trades_and_the_price_moves_on_order(venue: Lab) -> None:
    body = {"instrument": "bybit:linear:BTCPERP", "side": "buy", "contracts": "0.3"}
    done = await venue.admin("POST", "trade", body)
    assert done["order"]["status"] == "filled"
    before = venue.exchange.index_price("BTC")
    await venue.admin("POST", "price", {"underlying": "BTC", "percent": -10})
    await asyncio.sleep(0.3)
    assert venue.exchange.index_price("BTC") / before == pytest.approx(0.9, abs=0.01)
    assert (await venue.client.fetch_ticker(PERP))["last"] is not None
    assert (await venue.client.fetch_order_book(PERP))["bids"][0][0] == pytest.approx(before * 0.9, rel=0.01)


async def test_the_flow_is_switched(venue: Lab) -> None:
    assert (await venue.admin("POST", "flow", {"enabled": True}))["enabled"] is True
    assert (await venue.admin("GET", "truth"))["client_flow"] is True
    assert (await venue.admin("POST", "flow", {"enabled": False}))["enabled"] is False


@pytest.mark.parametrize(
    ("method", "path", "body", "word"),
    [
        ("POST", "faults", {"type": "http", "kind": "melt"}, "melt"),
        ("POST", "faults", {"type": "http", "kind": "status", "statsu": 1}, "statsu"),
        ("POST", "trade", {"instrument": "bybit:linear:NOPE", "side": "buy", "contracts": "1"}, "unknown_instrument"),
        ("POST", "price", {"underlying": "DOGE", "percent": 1}, "DOGE"),
        ("POST", "price", {"underlying": "BTC", "percent": -100}, "-100"),
        ("GET", "nothing", None, "nothing"),
    ],
)
async def test_the_admin_plane_says_what_is_wrong(
    venue: Lab, method: str, path: str, body: dict[str, Any] | None, word: str
) -> None:
    answer = await venue.admin(method, path, body)
    assert answer["ok"] is False
    assert word in answer["error"]


async def test_a_crash_in_a_handler_is_a_server_error_and_no_more(
    venue: Lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(type(venue.exchange), "place", broken)
    with pytest.raises(ccxt.ExchangeError, match="10016"):
        await buy(venue, "boom")
    params = {"orderLinkId": "boom-2"}
    with pytest.raises(ccxt.ExchangeError, match="10016"):
        await soon(venue.client.create_order_ws(PERP, "limit", "buy", 0.01, 88_000, params))
    monkeypatch.undo()
    assert "crashed" in caplog.text
    assert venue.server.api.crashes == 2
    assert (await buy(venue, "well"))["clientOrderId"] == "well"


async def test_stop_is_told_to_whoever_runs_the_server(venue: Lab) -> None:
    assert not venue.server.stopped.is_set()
    await venue.admin("POST", "stop")
    assert venue.server.stopped.is_set()


async def test_calm_weather_has_no_faults(venue: Lab) -> None:
    assert venue.server.api.faults.weather == CALM
    assert (await venue.admin("GET", "faults")) == {"ok": True, "faults": [], "skew_ms": 0}
    sessions = (await venue.admin("GET", "sessions"))["sessions"]
    assert sessions == []
    paths = [one["path"] for one in (await venue.admin("GET", "requests?path=instruments-info"))["requests"]]
    assert paths
