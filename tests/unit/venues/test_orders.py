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
from hedgebot.venues.buckets import Purpose
from hedgebot.venues.bybit import BybitVenue
from hedgebot.venues.orders import ABANDONED_MAX
from tests.support.waiting import until
from tests.unit.venues.double import BTC, BybitDouble, Sink, refusal, running
from tests.unit.venues.double import approved as an_order

ID = "4b0000000100000101000000010000ff"
ANSWERS = (OrderAccepted, OrderRejected, OrderOutcomeUnknown)


async def up(sink: Sink, stream: Stream, after: int = 0) -> None:
    await sink.until(
        lambda event: isinstance(event, StreamChanged) and event.stream is stream and event.up, after=after
    )


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
        await submitted(double, intent={"deadline_ns": time.time_ns() + 4_500_000_000})
    headers = next(headers for path, _, headers in double.requests if path == "v5/order/create")
    # Shorter than the connection's own window, and loosely bounded below: the machine may be busy.
    assert 2_000 < int(headers["X-BAPI-RECV-WINDOW"]) <= 4_500


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
        (200, refusal(110074), OrderRejected, "110074"),
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
    assert getattr(answer, "of_market", False) is (code in {"110017", "110074"})
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


async def burst(venue: BybitVenue, sink: Sink, number: int, **intent: Any) -> list[Any]:
    """Submit several orders at once and take their answers."""
    before = len(sink.of(*ANSWERS))
    for count in range(number):
        order = an_order(deadline_ns=time.time_ns() + 1_500_000_000, **intent)
        venue.send(SubmitOrder(approved=order, client_id=f"{count:032x}"))
    await until(lambda: len(sink.of(*ANSWERS)) == before + number)
    return sink.of(*ANSWERS)[before:]


async def test_a_burst_of_orders_stays_below_the_venues_limit_and_every_order_has_one_answer() -> None:
    double, sent = BybitDouble(), list[float]()

    def create(asked: dict[str, str]) -> None:
        sent.append(time.monotonic())

    double.scripts["v5/order/create"] = create
    async with double.serving(), running(double) as (venue, sink):
        answers = await burst(venue, sink, 16)
    accepted = [answer for answer in answers if isinstance(answer, OrderAccepted)]
    refused = [answer for answer in answers if isinstance(answer, OrderRejected)]
    assert len({answer.client_id for answer in answers}) == 16
    assert len(accepted) == len(sent) >= 8
    # What could not leave before its deadline was not sent, and says so.
    assert {answer.code for answer in refused} == {"local:throttled"}
    assert max(sum(1 for at in sent if start <= at < start + 1.0) for start in sent) <= 10


async def test_an_order_cancelled_while_it_waits_for_the_budget_never_leaves() -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (venue, sink):
        # So many that the last ones wait; each is cancelled before it could leave.
        for count in range(12):
            order = an_order(deadline_ns=time.time_ns() + 4_000_000_000)
            venue.send(SubmitOrder(approved=order, client_id=f"{count:032x}"))
        await until(lambda: len(double.asked("v5/order/create")) >= 4)
        left = {asked["orderLinkId"] for asked in double.asked("v5/order/create")}
        for count in range(12):
            venue.send(CancelOrder(account="main", instrument=BTC, client_id=f"{count:032x}", reason="killed: all"))
        await until(lambda: len(sink.of(*ANSWERS)) == 12)
        await until(lambda: len(sink.of(CancelAnswered)) == 12)
        sent = {asked["orderLinkId"] for asked in double.asked("v5/order/create")}
        cancels = {asked["orderLinkId"] for asked in double.asked("v5/order/cancel")}
    answers = {one.client_id: one for one in sink.of(*ANSWERS)}
    held = {name for name, one in answers.items() if isinstance(one, OrderRejected)}
    assert {answers[name].code for name in held} == {"local:withdrawn"}
    assert len(held) >= 6
    assert sent == answers.keys() - held
    assert left <= sent
    assert cancels == sent, "what never left costs no cancel"
    assert {one.client_id for one in sink.of(CancelAnswered) if one.code == "local:unsent"} == held


async def test_little_left_slows_the_next_orders() -> None:
    double, sent = BybitDouble(), list[float]()

    def create(asked: dict[str, str]) -> None:
        sent.append(time.monotonic())

    double.scripts["v5/order/create"] = create
    double.headers["v5/order/create"] = {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "1"}
    async with double.serving(), running(double) as (venue, sink):
        await burst(venue, sink, 1)
        assert isinstance((await burst(venue, sink, 1))[0], OrderAccepted)
    # One is left, two belong to others: two fifths of a second for the first of ours.
    assert sent[1] - sent[0] > 0.3


async def test_a_throttled_order_stays_unknown_and_the_next_waits_for_the_limit() -> None:
    double, sent = BybitDouble(), list[float]()

    def create(asked: dict[str, str]) -> Any:
        sent.append(time.monotonic())
        return (200, refusal(10006)) if len(sent) == 1 else None

    double.scripts["v5/order/create"] = create
    async with double.serving(), running(double) as (venue, sink):
        assert isinstance((await burst(venue, sink, 1))[0], OrderOutcomeUnknown)
        await burst(venue, sink, 1)
    assert sent[1] - sent[0] > 0.9


async def test_a_trade_socket_closed_in_flight_leaves_the_order_unknown_at_once() -> None:
    double = BybitDouble()
    double.trade_answer = lambda frame: None
    async with double.serving(), running(double, order_entry="ws", order_timeout_ms=5_000) as (venue, sink):
        await up(sink, Stream.TRADE)
        venue.send(SubmitOrder(approved=an_order(), client_id=ID))
        await until(lambda: any(frame["op"] == "order.create" for _, frame in double.frames))
        started = time.monotonic()
        await double.abort("trade")
        answer = await sink.until(lambda event: isinstance(event, ANSWERS))
        assert type(answer) is OrderOutcomeUnknown
        assert time.monotonic() - started < 2.0
        await asyncio.sleep(0.05)
        assert len(sink.of(*ANSWERS)) == 1
        # Sent once: the new socket does not send it again.
        await up(sink, Stream.TRADE, after=sink.events.index(answer))
        assert sum(frame["op"] == "order.create" for _, frame in double.frames) == 1
    assert double.asked("v5/order/create") == []


async def test_a_refused_login_of_the_trade_socket_is_told_and_orders_go_over_http() -> None:
    double = BybitDouble()
    async with double.serving():
        double.auth_answers["trade"] = {"retCode": 10004, "retMsg": "Invalid sign", "op": "auth", "connId": "c"}
        async with running(double, order_entry="ws") as (venue, sink):
            told = await sink.one(AuthenticationFailed)
            assert (told.code, told.message) == ("10004", "Invalid sign")
            venue.send(SubmitOrder(approved=an_order(), client_id=ID))
            assert (await sink.one(OrderAccepted)).order_id == "order-1"


async def test_requests_without_an_answer_are_bounded_and_cost_the_socket() -> None:
    double = BybitDouble()
    double.trade_answer = lambda frame: None
    changes = {"order_entry": "ws", "order_timeout_ms": 20}
    async with double.serving(), running(double, **changes) as (venue, sink):
        await up(sink, Stream.TRADE)
        venue._budget.wait_s = lambda *_, **__: 0.0  # type: ignore[method-assign]
        for count in range(ABANDONED_MAX):
            venue.send(SubmitOrder(approved=an_order(), client_id=f"{count:032x}"))
        await until(lambda: len(sink.of(*ANSWERS)) == ABANDONED_MAX)
        assert len(venue._orders._abandoned) == ABANDONED_MAX
        before = len(sink.events)
        venue.send(SubmitOrder(approved=an_order(), client_id="f" * 32))
        await sink.until(
            lambda event: isinstance(event, StreamChanged) and event.stream is Stream.TRADE and not event.up,
            after=before,
        )
        await until(lambda: not venue._orders._abandoned)
        assert {type(answer) for answer in sink.of(*ANSWERS)} == {OrderOutcomeUnknown}


async def test_the_client_keeps_nothing_of_answered_requests() -> None:
    double = BybitDouble()
    async with double.serving(), running(double, order_entry="ws") as (venue, sink):
        await up(sink, Stream.TRADE)
        url = venue._stream.urls["api"]["ws"]["private"]["trade"]
        connection = venue._stream.clients[url]
        kept = (len(connection.subscriptions), len(connection.futures), len(connection.rejections))
        venue._budget.wait_s = lambda *_, **__: 0.0  # type: ignore[method-assign]
        for code in (0, 110007):
            double.trade_answer = lambda frame, code=code: {  # type: ignore[misc]
                "retCode": code,
                "retMsg": "words",
                "data": {"orderId": "o"} if code == 0 else {},
            }
            for count in range(10):
                venue.send(SubmitOrder(approved=an_order(), client_id=f"{code + count:032x}"))
            await until(lambda: len(sink.of(*ANSWERS)) % 10 == 0 and venue._tasks.busy == 0)
        assert (len(connection.subscriptions), len(connection.futures), len(connection.rejections)) == kept
        assert len(sink.of(*ANSWERS)) == 20


async def test_the_trade_socket_slows_down_by_its_own_headers() -> None:
    double = BybitDouble()
    double.trade_answer = lambda frame: {
        "retCode": 0,
        "retMsg": "OK",
        "data": {"orderId": "o"},
        "header": {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "0", "X-Bapi-Limit-Reset-Timestamp": "1"},
    }
    async with double.serving(), running(double, order_entry="ws") as (venue, sink):
        await up(sink, Stream.TRADE)
        await burst(venue, sink, 1)
        assert venue._budget.wait_s(Purpose.ORDER, "linear", http=False) > 0.3
        assert venue._budget.wait_s(Purpose.CANCEL, "linear", http=False) == 0.0


async def test_with_a_clock_too_far_off_the_trade_socket_is_not_used() -> None:
    double = BybitDouble()
    async with double.serving(), running(double, order_entry="ws") as (venue, sink):
        await up(sink, Stream.TRADE)
        venue._orders.clock_offset_ms = -700.0
        venue.send(SubmitOrder(approved=an_order(), client_id=ID))
        assert (await sink.one(OrderAccepted)).order_id == "order-1"
        assert not any(frame["op"] == "order.create" for _, frame in double.frames)
