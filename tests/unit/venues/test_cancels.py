"""Cancels in a queue: together at once, singly and in batches, each answered, none sent twice."""

import asyncio
import time
from typing import Any

import pytest

from hedgebot.domain.commands import CancelOrder
from hedgebot.domain.events import CancelAnswered, Stream
from hedgebot.venues.asking import Said
from hedgebot.venues.buckets import Budget
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.cancels import CancelQueue, Named
from hedgebot.venues.profile import Verdict
from tests.support.waiting import until
from tests.unit.venues.double import BTC, BybitDouble, ok, refusal, running
from tests.unit.venues.test_orders import up

IDS = [f"{number:032x}" for number in range(50)]
OK = Said(verdict=Verdict.ACCEPTED, code="0", message="")


class Asked:
    """When each order was asked for, by way."""

    def __init__(self, double: BybitDouble) -> None:
        self.at_s: dict[str, list[float]] = {"single": [], "batch": []}
        self.names: list[str] = []
        double.scripts["v5/order/cancel"] = self._one
        double.scripts["v5/order/cancel-batch"] = self._batch

    def _one(self, asked: dict[str, str]) -> None:
        self.at_s["single"].append(time.monotonic())
        self.names.append(asked["orderLinkId"])

    def _batch(self, asked: Any) -> None:
        self.at_s["batch"] += [time.monotonic()] * len(asked["request"])
        self.names += [one["orderLinkId"] for one in asked["request"]]


def cancels(venue: Any, ids: list[str]) -> None:
    for one in ids:
        venue.send(CancelOrder(account="main", instrument=BTC, client_id=one, reason="killed: all"))


async def test_fifty_leave_as_soon_as_the_venue_allows_and_each_is_answered_once() -> None:
    double = BybitDouble()
    asked = Asked(double)
    async with double.serving(), running(double) as (venue, sink):
        cancels(venue, IDS)
        await until(lambda: len(sink.of(CancelAnswered)) == 50, seconds=8.0)
    assert sorted(asked.names) == IDS
    assert {(one.client_id, one.accepted, one.code) for one in sink.of(CancelAnswered)} == {
        (one, True, "0") for one in IDS
    }
    for times in asked.at_s.values():
        assert max(sum(1 for at in times if start <= at < start + 1.0) for start in times) == 10
    every = sorted(asked.at_s["single"] + asked.at_s["batch"])
    # Twenty in each of two whole seconds, then the last ten: no sender can be faster within the venue's limits.
    assert 2.0 <= every[-1] - every[0] < 3.0


async def test_few_go_singly_and_the_socket_carries_them_beside_the_batch() -> None:
    double = BybitDouble()
    asked = Asked(double)
    async with double.serving(), running(double, order_entry="ws") as (venue, sink):
        await up(sink, Stream.TRADE)
        cancels(venue, IDS[:15])
        await until(lambda: len(sink.of(CancelAnswered)) == 15)
        frames = [frame["args"][0]["orderLinkId"] for _, frame in double.frames if frame["op"] == "order.cancel"]
    assert (frames, len(asked.at_s["single"]), len(asked.at_s["batch"])) == (IDS[:10], 0, 5)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((200, refusal(10016, "server error")), "10016"),
        ((200, ok({"list": []})), "0"),
        ((200, ok({"list": []}) | {"retExtInfo": {"list": [{"code": 0, "msg": "OK"}]}}), "local:unreadable"),
    ],
)
async def test_a_batch_that_fails_is_told_of_each_of_its_orders(answer: Any, code: str) -> None:
    double = BybitDouble()
    double.scripts["v5/order/cancel-batch"] = lambda _asked: answer
    async with double.serving(), running(double) as (venue, sink):
        cancels(venue, IDS[:14])
        await until(lambda: len(sink.of(CancelAnswered)) == 14)
    told = {one.client_id: one for one in sink.of(CancelAnswered)}
    assert {told[name].code for name in IDS[10:14]} == {code}
    assert not any(told[name].accepted for name in IDS[10:14])
    assert all(told[name].accepted for name in IDS[:10])


async def test_each_order_of_a_batch_has_its_own_answer() -> None:
    double = BybitDouble()
    codes = [{"code": 0, "msg": "OK"}, {"code": 110001, "msg": "gone"}, {"code": 10006, "msg": "too many"}]
    double.scripts["v5/order/cancel-batch"] = lambda _asked: (
        200,
        ok({"list": []}) | {"retExtInfo": {"list": codes}},
    )
    async with double.serving(), running(double) as (venue, sink):
        cancels(venue, IDS[:13])
        await until(lambda: len(sink.of(CancelAnswered)) == 13)
        told = {one.client_id: one.code for one in sink.of(CancelAnswered)}
        assert [told[name] for name in IDS[10:13]] == ["0", "110001", "10006"]
        # The venue had enough of batches for a second: what comes now waits for it.
        began_s = time.monotonic()
        cancels(venue, IDS[20:21])
        await until(lambda: len(sink.of(CancelAnswered)) == 14)
        assert time.monotonic() - began_s > 0.5


async def test_the_same_cancel_again_while_it_waits_costs_no_second_request() -> None:
    double = BybitDouble()
    asked = Asked(double)
    async with double.serving(), running(double) as (venue, sink):
        cancels(venue, IDS[:25] + IDS[20:25])
        await until(lambda: len(sink.of(CancelAnswered)) == 30)
    assert sorted(asked.names) == IDS[:25]
    assert sum(one.code == "local:twice" for one in sink.of(CancelAnswered)) <= 5


async def test_an_error_of_ours_reaches_whoever_waits() -> None:
    async def broken(_category: str, _orders: Any) -> list[Said]:
        raise ZeroDivisionError

    queue = CancelQueue(Budget(BYBIT, time.monotonic), lambda: False, broken)
    turns = [asyncio.create_task(queue.turn("linear", Named(symbol="BTCUSDT", client_id=one))) for one in IDS[:12]]
    done = await asyncio.gather(*turns, return_exceptions=True)
    assert done[:10] == [None] * 10
    assert [type(one) for one in done[10:]] == [ZeroDivisionError] * 2
    with pytest.raises(KeyError):
        await queue.turn("no-such-category", Named(symbol="X", client_id="a"))


async def test_one_who_gives_up_waiting_takes_no_turn() -> None:
    sent: list[str] = []

    async def batch(_category: str, orders: Any) -> list[Said]:
        sent.extend(one.client_id for one in orders)
        return [OK] * len(orders)

    queue = CancelQueue(Budget(BYBIT, time.monotonic), lambda: False, batch)
    turns = [asyncio.create_task(queue.turn("linear", Named(symbol="BTCUSDT", client_id=one))) for one in IDS[:22]]
    await asyncio.sleep(0.2)
    turns[20].cancel()
    done = await asyncio.gather(*turns, return_exceptions=True)
    assert isinstance(done[20], asyncio.CancelledError)
    assert (done[:10], done[10:20], done[21]) == ([None] * 10, [OK] * 10, None)
    assert sent == IDS[10:20]
