import asyncio
import time
from typing import Any

import pytest

from hedgebot.domain.commands import CancelOrder, SubmitOrder
from hedgebot.domain.events import (
    AuthenticationFailed,
    CancelAnswered,
    ClockMeasured,
    OrderAccepted,
    OrderOutcomeUnknown,
    OrderRejected,
    Stream,
    StreamChanged,
)
from hedgebot.domain.orders import TimeInForce
from hedgebot.domain.settings import AccountRole
from tests.unit.venues.double import BTC, BybitDouble, refusal, running
from tests.unit.venues.double import approved as an_order

ID = "4b0000000100000101000000010000ff"
ANSWERS = (OrderAccepted, OrderRejected, OrderOutcomeUnknown)


async def submitted(
    double: BybitDouble, *, client_id: str = ID, intent: dict[str, Any] | None = None, **changes: Any
) -> Any:
    async with running(double, **changes) as (venue, sink):
        if changes.get("order_entry") == "ws":
            await sink.until(lambda event: isinstance(event, StreamChanged) and event.stream is Stream.TRADE)
        venue.send(SubmitOrder(approved=an_order(**(intent or {})), client_id=client_id))
        answer = await sink.until(lambda event: isinstance(event, ANSWERS))
        await asyncio.sleep(0.02)
        assert len(sink.of(*ANSWERS)) == 1
        return answer, sink


def answering(double: BybitDouble, status: int, body: Any) -> None:
    double.scripts["v5/order/create"] = lambda parameters: (status, body)


async def test_an_accepted_order_is_sent_exactly_as_approved() -> None:
    double = BybitDouble()
    async with double.serving():
        answer, _ = await submitted(double, intent={"reduce_only": True})
    assert answer == OrderAccepted(account="main", client_id=ID, order_id="order-1", definitive=False)
    assert double.asked("v5/order/create") == [
        {
            "category": "linear",
            "symbol": "BTCUSDT",
            "side": "Buy",
            "orderType": "Limit",
            "qty": "0.01",
            "price": "90000.1",
            "timeInForce": "IOC",
            "orderLinkId": ID,
            "reduceOnly": True,
        }
    ]


async def test_the_window_ends_with_the_deadline() -> None:
    double = BybitDouble()
    async with double.serving():
        await submitted(double, intent={"deadline_ns": time.time_ns() + 1_500_000_000})
    headers = next(headers for path, _, headers in double.requests if path == "v5/order/create")
    assert 1_000 < int(headers["X-BAPI-RECV-WINDOW"]) <= 1_500


async def test_an_order_past_its_deadline_is_not_sent() -> None:
    double = BybitDouble()
    async with double.serving():
        answer, _ = await submitted(double, intent={"deadline_ns": time.time_ns() - 1})
    assert (type(answer), answer.code) == (OrderRejected, "local:deadline")
    assert double.asked("v5/order/create") == []


@pytest.mark.parametrize(
    ("client_id", "intent", "changes", "code"),
    [
        ("not a venue's id", {}, {}, "local:client_id"),
        (ID, {"instrument": "bybit:linear:GONEUSDT"}, {}, "local:instrument"),
        (ID, {}, {"role": AccountRole.BOOK}, "local:role"),
    ],
)
async def test_what_must_not_be_sent_is_refused_here(client_id: str, intent: Any, changes: Any, code: str) -> None:
    double = BybitDouble()
    async with double.serving():
        answer, _ = await submitted(double, client_id=client_id, intent=intent, **changes)
    assert (type(answer), answer.code) == (OrderRejected, code)
    assert double.asked("v5/order/create") == []


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (200, refusal(110007), OrderRejected, "110007"),
        (200, refusal(110017), OrderRejected, "110017"),
        (200, refusal(10002), OrderRejected, "10002"),
        (200, refusal(10005), OrderRejected, "10005"),
        (200, refusal(110072), OrderOutcomeUnknown, "110072"),
        (200, refusal(10006), OrderOutcomeUnknown, "10006"),
        (200, refusal(20003), OrderOutcomeUnknown, "20003"),
        (200, refusal(10016), OrderOutcomeUnknown, "10016"),
        (200, refusal(424242), OrderOutcomeUnknown, "424242"),
        (502, "<html>bad gateway</html>", OrderOutcomeUnknown, "http:502"),
        (503, refusal(110007), OrderOutcomeUnknown, "110007"),
        (200, "", OrderOutcomeUnknown, "local:unreadable"),
        (200, "{broken", OrderOutcomeUnknown, "local:unreadable"),
        (200, {"retCode": 0, "retMsg": "OK", "result": {}}, OrderOutcomeUnknown, "local:unreadable"),
        (200, {"retCode": 0, "retMsg": "OK", "result": []}, OrderOutcomeUnknown, None),
        (200, [], OrderOutcomeUnknown, None),
    ],
)
async def test_outcomes_by_the_raw_answer(status: int, body: Any, kind: type, code: str | None) -> None:
    double = BybitDouble()
    answering(double, status, body)
    async with double.serving():
        answer, _ = await submitted(double)
    assert isinstance(answer, kind)
    assert code is None or getattr(answer, "code", None) == code
    assert len(double.asked("v5/order/create")) == 1


async def test_no_answer_in_time_is_unknown_and_nothing_is_sent_again() -> None:
    double = BybitDouble()
    double.scripts["v5/order/create"] = lambda parameters: (200, asyncio.sleep(0.4, "late"))
    async with double.serving():
        answer, _ = await submitted(double, order_timeout_ms=100)
        await asyncio.sleep(0.4)
    assert (type(answer), answer.code) == (OrderOutcomeUnknown, "local:timeout")
    assert len(double.asked("v5/order/create")) == 1


async def test_a_clock_refusal_measures_the_clock_and_a_key_refusal_is_told() -> None:
    double = BybitDouble()
    answering(double, 200, refusal(10002))
    async with double.serving():
        _, sink = await submitted(double)
        assert len(sink.of(ClockMeasured)) == 2
    answering(double, 200, refusal(10003, "API key is invalid."))
    async with double.serving():
        answer, sink = await submitted(double)
    assert type(answer) is OrderRejected
    assert sink.of(AuthenticationFailed)[0].code == "10003"


async def test_a_cancel_names_the_order_by_our_id() -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (venue, sink):
        venue.send(CancelOrder(account="main", instrument=BTC, client_id=ID, reason="kill"))
        answer = await sink.one(CancelAnswered)
        assert (answer.client_id, answer.accepted, answer.code) == (ID, True, "0")
        double.scripts["v5/order/cancel"] = lambda parameters: (200, refusal(110001, "Order does not exist"))
        before = len(sink.events)
        venue.send(CancelOrder(account="main", instrument=BTC, client_id=ID, reason="kill"))
        answer = await sink.one(CancelAnswered, after=before)
        assert (answer.accepted, answer.code, answer.message) == (False, "110001", "Order does not exist")
    assert double.asked("v5/order/cancel")[0] == {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": ID}


async def test_orders_over_the_trade_socket() -> None:
    double = BybitDouble()
    async with double.serving():
        answer, _ = await submitted(double, order_entry="ws", intent={"time_in_force": TimeInForce.POST_ONLY})
        assert answer == OrderAccepted(account="main", client_id=ID, order_id="order-ws", definitive=False)
        frame = next(frame for path, frame in double.frames if frame["op"] == "order.create")
        assert frame["args"][0]["orderLinkId"] == ID
        assert frame["args"][0]["timeInForce"] == "PostOnly"
        assert int(frame["header"]["X-BAPI-RECV-WINDOW"]) <= 5_000
    assert double.asked("v5/order/create") == []


@pytest.mark.parametrize(
    ("code", "kind"), [(110007, OrderRejected), (170141, OrderOutcomeUnknown), (10003, OrderOutcomeUnknown)]
)
async def test_refusals_on_the_trade_socket(code: int, kind: type) -> None:
    double = BybitDouble()
    double.trade_answer = lambda frame: {"retCode": code, "retMsg": "no", "data": {}}
    async with double.serving():
        answer, _ = await submitted(double, order_entry="ws")
    assert (type(answer), answer.code) == (kind, str(code))


async def test_a_lost_acknowledgement_on_the_trade_socket_is_unknown() -> None:
    double = BybitDouble()
    double.trade_answer = lambda frame: None
    async with double.serving():
        answer, _ = await submitted(double, order_entry="ws", order_timeout_ms=100)
    assert (type(answer), answer.code) == (OrderOutcomeUnknown, "local:timeout")


async def test_without_the_trade_socket_orders_go_over_http() -> None:
    double = BybitDouble()
    double.auth_answer = None
    async with double.serving(), running(double, order_entry="ws") as (venue, sink):
        venue.send(SubmitOrder(approved=an_order(), client_id=ID))
        assert (await sink.one(OrderAccepted)).order_id == "order-1"
