"""Faults of requests and of orders, as the unmodified client meets them over HTTP and on the trade socket."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import ccxt
import msgspec
import pytest

from tests.wire.exchange_client import SCENARIO, Lab, lab, subscribed

pytestmark = pytest.mark.wire
PERP = "BTC/USDT:USDT"
CREATE = "/v5/order/create"


@pytest.fixture
async def venue() -> AsyncIterator[Lab]:
    async with lab() as running:
        yield running


async def fault(venue: Lab, **values: Any) -> int:
    answer = await venue.admin("POST", "faults", values)
    assert answer["ok"], answer
    return int(answer["number"])


async def http(venue: Lab, **values: Any) -> int:
    return await fault(venue, type="http", **values)


async def buy(venue: Lab, client_id: str, price: float | None = None) -> Any:
    kind = "market" if price is None else "limit"
    return await venue.client.create_order(PERP, kind, "buy", 0.01, price, {"orderLinkId": client_id})


async def buy_ws(venue: Lab, client_id: str) -> Any:
    params = {"orderLinkId": client_id}
    order = venue.client.create_order_ws(PERP, "limit", "buy", 0.01, 88_000, params)
    return await asyncio.wait_for(order, 1.0)


def exists(venue: Lab, client_id: str) -> bool:
    return venue.exchange.order("book", client_id=client_id) is not None


# --- executed or not, acknowledged or not: all four, on both ways in


@pytest.mark.parametrize(("kind", "executed"), [("ack_lost", True), ("request_lost", False)])
@pytest.mark.parametrize("silent", [False, True])
async def test_no_acknowledgement_over_http(venue: Lab, kind: str, executed: bool, silent: bool) -> None:
    venue.client.timeout = 700
    await http(venue, kind=kind, endpoint=CREATE, silent=silent)
    # A cut connection is seen at once, silence only by the client's own patience.
    started, error = time.monotonic(), ccxt.RequestTimeout if silent else ccxt.ExchangeNotAvailable
    with pytest.raises(error):
        await buy(venue, "one")
    assert (time.monotonic() - started > 0.6) is silent
    assert exists(venue, "one") is executed


async def test_acknowledged_and_not_executed_over_http(venue: Lab) -> None:
    await http(venue, kind="ack_false", endpoint=CREATE)
    order = await buy(venue, "ghost", 80_000)
    assert len(order["id"]) == 36
    assert order["clientOrderId"] == "ghost"
    assert not exists(venue, "ghost")
    rows = await venue.client.fetch_open_orders(PERP, None, None, {"orderLinkId": "ghost"})
    assert rows == []
    assert (await buy(venue, "ghost", 80_000))["id"] != order["id"]


@pytest.mark.parametrize(
    ("kind", "answered", "executed"),
    [("ack_lost", False, True), ("request_lost", False, False), ("ack_false", True, False), ("delay", True, True)],
)
async def test_all_four_on_the_trade_socket(venue: Lab, kind: str, answered: bool, executed: bool) -> None:
    await http(venue, kind=kind, endpoint=CREATE, delay_ms=100)
    if answered:
        assert (await buy_ws(venue, "one"))["clientOrderId"] == "one"
    else:
        with pytest.raises(TimeoutError):
            await buy_ws(venue, "one")
    assert exists(venue, "one") is executed


@pytest.mark.parametrize("executed", [False, True])
async def test_an_error_says_nothing_about_the_order(venue: Lab, executed: bool) -> None:
    """503 after execution is the shape of "execution status unknown"."""
    await http(venue, kind="status", endpoint=CREATE, status=503, executed=executed)
    with pytest.raises(ccxt.ExchangeNotAvailable):
        await buy(venue, "one")
    assert exists(venue, "one") is executed
    await http(venue, kind="ret_code", endpoint=CREATE, code=10016, message="Server error.", executed=executed)
    with pytest.raises(ccxt.ExchangeError, match="10016"):
        await buy(venue, "two")
    assert exists(venue, "two") is executed
    await http(venue, kind="ret_code", endpoint=CREATE, code=10000, message="Server Timeout", executed=executed)
    with pytest.raises(ccxt.ExchangeError, match="10000"):
        await buy_ws(venue, "three")
    assert exists(venue, "three") is executed


async def test_any_code_with_200(venue: Lab) -> None:
    codes = {
        110007: ccxt.InsufficientFunds,
        110072: ccxt.InvalidOrder,
        10006: ccxt.RateLimitExceeded,
        10002: ccxt.InvalidNonce,
        33004: ccxt.AuthenticationError,
        30228: ccxt.ExchangeError,
    }
    for code, error in codes.items():
        await http(venue, kind="ret_code", endpoint=CREATE, code=code, message="by order")
        with pytest.raises(error, match=str(code)):
            await buy(venue, f"c-{code}")
    assert venue.exchange.executions("book") == ()


async def test_a_status_carries_retry_after_and_an_empty_body(venue: Lab) -> None:
    url = f"{venue.server.endpoint}/v5/market/time"
    await http(venue, kind="status", endpoint="market/time", status=429, retry_after_s=30, body="")
    async with venue._http.get(url) as reply:
        assert (reply.status, reply.headers["Retry-After"], await reply.text()) == (429, "30", "")
    await http(venue, kind="empty_body", endpoint=CREATE)
    # The client takes nothing for an answer: an order without an id, while the venue has it.
    assert (await buy(venue, "one"))["id"] is None
    assert exists(venue, "one")


# --- times


async def test_a_fill_is_told_before_its_order_is_acknowledged(venue: Lab) -> None:
    watching = asyncio.create_task(venue.client.watch_my_trades())
    await subscribed(venue, "execution")
    await http(venue, kind="ack_delay", endpoint=CREATE, delay_ms=600)
    placing = asyncio.create_task(buy(venue, "early"))
    (trade,) = await asyncio.wait_for(watching, 3)
    assert trade["info"]["orderLinkId"] == "early"
    assert not placing.done()
    assert (await placing)["clientOrderId"] == "early"


async def test_an_acknowledgement_comes_twice_on_the_trade_socket(venue: Lab) -> None:
    await buy_ws(venue, "warm")
    seen: list[Any] = []
    client = next(one for url, one in venue.client.clients.items() if "trade" in url)
    original = client.on_message_callback

    def tap(one: Any, message: Any) -> None:
        seen.append(message)
        original(one, message)

    client.on_message_callback = tap
    await http(venue, kind="ack_duplicate", endpoint=CREATE)
    await buy_ws(venue, "twice")
    await asyncio.sleep(0.2)
    acks = [one for one in seen if one.get("op") == "order.create"]
    assert len(acks) == 2
    assert acks[0] == acks[1]
    assert len(venue.exchange.open_orders("book")) == 2


# --- content


async def test_an_empty_position_list_is_no_flat_account(venue: Lab) -> None:
    await buy(venue, "held")
    await http(venue, kind="empty", endpoint="/v5/position/list", count=None, seconds=60)
    assert await venue.client.fetch_positions([PERP]) == []
    position = venue.exchange.position("book", next(iter(venue.exchange.executions("book"))).instrument)
    assert position is not None
    assert position.contracts == Decimal("0.01")
    await venue.admin("DELETE", "faults")
    assert (await venue.client.fetch_positions([PERP]))[0]["contracts"] == 0.01


async def test_marks_and_indices_in_tickers_are_wrong(venue: Lab) -> None:
    before = await venue.client.fetch_ticker(PERP)
    how = {"fields": ["markPrice", "indexPrice"], "factor": 0.84}
    await http(venue, kind="alter", endpoint="market/tickers", altered=how)
    wrong = (await venue.client.fetch_ticker(PERP))["info"]
    assert float(wrong["markPrice"]) == pytest.approx(0.84 * float(before["info"]["markPrice"]), rel=0.002)
    assert float(wrong["bid1Price"]) == pytest.approx(before["bid"], rel=0.002)
    right = (await venue.client.fetch_ticker(PERP))["info"]
    assert float(right["markPrice"]) == pytest.approx(float(before["info"]["markPrice"]), rel=0.002)


@pytest.mark.parametrize("kind", ["garble", "truncate", "wrong_type", "null", "unknown_word", "huge"])
async def test_spoilt_answers_leave_client_and_venue_alive(venue: Lab, kind: str) -> None:
    await http(venue, kind=kind, endpoint="wallet-balance")
    total: object = "an error"
    with contextlib.suppress(ccxt.BaseError, TypeError, AttributeError, ValueError):
        total = (await venue.client.fetch_balance()).get("USDT", {}).get("total")
    assert (total == 500_000) is (kind in {"unknown_word", "huge"})
    assert (await venue.client.fetch_balance())["USDT"]["total"] == 500_000
    assert venue.server.api.crashes == 0


# --- how often


async def test_faults_strike_an_account_and_skip_the_first(venue: Lab) -> None:
    await http(venue, kind="ret_code", endpoint="wallet-balance", code=10016, account="other", count=None)
    await venue.client.fetch_balance()
    number = await http(venue, kind="ret_code", endpoint="wallet-balance", code=10016, account="book", skip=2)
    for _ in range(2):
        await venue.client.fetch_balance()
    with pytest.raises(ccxt.ExchangeError):
        await venue.client.fetch_balance()
    await venue.client.fetch_balance()
    listed = (await venue.admin("GET", "faults"))["faults"]
    assert [(one["account"], one["met"]) for one in listed] == [("other", 0)]
    assert not (await venue.admin("DELETE", f"faults?number={number}"))["ok"]


async def test_faults_by_chance_repeat_with_the_seed() -> None:
    async def failures() -> list[bool]:
        async with lab() as venue:
            await http(venue, kind="ret_code", endpoint="market/time", code=10016, probability=0.5, count=None)
            return [(await venue.get("/v5/market/time"))[1]["retCode"] != 0 for _ in range(30)]

    first = await failures()
    assert first == await failures()
    assert 5 < sum(first) < 25


# --- keys, bans, budgets


@pytest.mark.parametrize(
    ("state", "code", "error"),
    [
        ("expired", "33004", ccxt.AuthenticationError),
        ("revoked", "10003", ccxt.AuthenticationError),
        ("wrong_address", "10010", ccxt.PermissionDenied),
    ],
)
async def test_a_key_goes_bad_in_the_middle(venue: Lab, state: str, code: str, error: type[Exception]) -> None:
    watching = asyncio.create_task(venue.client.watch_orders())
    await subscribed(venue, "order")
    assert (await venue.admin("POST", "key", {"account": "book", "state": state}))["dropped"] == 1
    with pytest.raises(ccxt.NetworkError):
        await asyncio.wait_for(watching, 3)
    with pytest.raises(error, match=code):
        await venue.client.fetch_balance()
    await venue.admin("POST", "key", {"account": "book", "state": "good"})
    await venue.client.fetch_balance()


async def test_a_key_may_only_look(venue: Lab) -> None:
    await venue.admin("POST", "key", {"account": "book", "state": "read_only"})
    await venue.client.fetch_balance()
    for attempt in (buy(venue, "one"), buy_ws(venue, "two")):
        with pytest.raises(ccxt.PermissionDenied, match="10005"):
            await attempt
    assert venue.exchange.open_orders("book") == ()


async def test_a_key_has_rights_that_it_should_not_have(venue: Lab) -> None:
    for state, wallet in (
        ("good", []),
        ("may_withdraw", ["AccountTransfer", "Withdraw"]),
        ("may_transfer", ["AccountTransfer"]),
        ("read_only", []),
    ):
        await venue.admin("POST", "key", {"account": "book", "state": state})
        found = (await venue.client.privateGetV5UserQueryApi())["result"]
        assert (found["permissions"]["Wallet"], int(found["readOnly"])) == (wallet, int(state == "read_only"))


async def test_a_banned_address_gets_403_until_it_is_over(venue: Lab) -> None:
    await venue.admin("POST", "ban", {"seconds": 1.0})
    started = time.monotonic()
    with pytest.raises(ccxt.RateLimitExceeded, match="403"):
        await venue.client.fetch_time()
    while True:
        try:
            await venue.client.fetch_time()
            break
        except ccxt.RateLimitExceeded:
            await asyncio.sleep(0.1)
    assert 0.7 < time.monotonic() - started < 2.5


async def test_asking_too_often_is_a_ban_of_ten_minutes() -> None:
    scenario = msgspec.structs.replace(SCENARIO, rate_limits=True)
    async with lab(scenario, markets=False) as venue:
        statuses: list[int] = []
        while 403 not in statuses:
            assert len(statuses) < 1_500, "600 requests in 5 s were never too many"
            async with venue._http.get(f"{venue.server.endpoint}/v5/market/time") as reply:
                statuses.append(reply.status)
        assert len(statuses) >= 601
        left_s = (venue.exchange.limits.banned_until_ns("127.0.0.1") - venue.exchange.now_ns) / 1e9
        assert 590 < left_s <= 600


# --- orders that go wrong in matching


async def test_an_order_is_rejected_after_its_acknowledgement(venue: Lab) -> None:
    watching = asyncio.create_task(venue.client.watch_orders())
    await subscribed(venue, "order")
    await fault(venue, type="order", kind="reject")
    order = await buy(venue, "late-no")
    (told,) = await asyncio.wait_for(watching, 3)
    assert (told["id"], told["info"]["orderStatus"], told["status"]) == (order["id"], "Rejected", "rejected")
    assert venue.exchange.executions("book") == ()


async def test_an_order_fills_in_part_or_in_pieces(venue: Lab) -> None:
    await fault(venue, type="order", kind="partial", share=0.4)
    await buy(venue, "part")
    order = venue.exchange.order("book", client_id="part")
    assert order is not None
    assert (order.filled_contracts, order.status.value) == (Decimal("0.004"), "cancelled")
    await fault(venue, type="order", kind="pieces", pieces=5)
    placed = await buy(venue, "pieces")
    trades = [one for one in await venue.client.fetch_my_trades(PERP) if one["order"] == placed["id"]]
    assert len(trades) >= 5
    assert sum(Decimal(str(one["amount"])) for one in trades) == Decimal("0.01")


async def test_a_fill_overtakes_an_acknowledged_cancel(venue: Lab) -> None:
    order = await buy(venue, "race", 80_000)
    await fault(venue, type="order", kind="cancel_race", share=1.0, delay_ms=100)
    await venue.client.cancel_order(order["id"], PERP)
    await asyncio.sleep(0.3)
    (trade,) = await venue.client.fetch_my_trades(PERP)
    assert (trade["order"], trade["amount"], trade["price"]) == (order["id"], 0.01, 80_000)


async def test_the_venue_cancels_and_is_overloaded(venue: Lab) -> None:
    await fault(venue, type="order", kind="venue_cancel", delay_ms=50)
    order = await buy(venue, "swept", 80_000)
    await asyncio.sleep(0.3)
    (row,) = await venue.client.fetch_canceled_orders(PERP)
    assert (row["id"], row["info"]["cancelType"]) == (order["id"], "CancelByAdmin")
    await fault(venue, type="order", kind="overloaded")
    with pytest.raises(ccxt.ExchangeError, match="429"):
        await buy(venue, "too-much")
