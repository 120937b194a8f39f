"""Bybit's disconnection protection through the real client: armed, read back, kept by our socket, fired, armed anew."""

import asyncio
import time

import pytest

from hedgebot.domain.commands import ArmDeadMan, QueryOrder
from hedgebot.domain.deadman import DEAD_MAN_REASON, DeadManChanged, DeadManKind, DeadManStatus
from hedgebot.domain.events import OrderAccepted, OrderLookedUp, Stream
from hedgebot.domain.orders import OrderStatus, TimeInForce
from tests.support.waiting import until
from tests.unit.venues.double import BTC
from tests.wire.venue_world import ID, World, world

pytestmark = pytest.mark.wire
WINDOW_S = 3.0


async def arm(found: World, seconds: float = WINDOW_S) -> DeadManChanged:
    before = len(found.sink.events)
    found.venue.send(ArmDeadMan(account="main", seconds=seconds, instruments=(BTC,)))
    answer = await found.sink.one(DeadManChanged, after=before, seconds=20.0)
    assert isinstance(answer, DeadManChanged)
    return answer


async def rest(found: World) -> None:
    """An order of ours that stays in the book."""
    top = await found.top()
    assert top.bid is not None
    price = (top.bid * 9 / 10).quantize(top.bid)
    await found.submit(limit_price=price, time_in_force=TimeInForce.GTC)
    await found.sink.one(OrderAccepted)
    await until(lambda: bool(found.server.api.exchange.open_orders("main")))


async def test_it_is_armed_read_back_and_kept_by_our_private_socket() -> None:
    async with world(dead_man=True) as found:
        await found.until_stream(Stream.PRIVATE, up=True)
        answer = await arm(found)
        assert (answer.kind, answer.status) == (DeadManKind.WS_DISCONNECT, DeadManStatus.ARMED), answer.detail
        assert (answer.seconds, answer.read_back) == (WINDOW_S, True)
        states = {one.key: one for one in found.server.api.exchange.dead_man.states("main")}
        assert states["derivatives"].seconds == WINDOW_S
        assert len(states["derivatives"].kept_alive_by) == 1
        # Asked for again, nothing is written and nothing is subscribed twice.
        assert (await arm(found)).status is DeadManStatus.ARMED


async def test_v08_the_venue_restarts_the_switch_fires_and_is_armed_again() -> None:
    async with world(dead_man=True, keep_alive_ms=500, silence_ms_max=1_500) as found:
        await found.until_stream(Stream.PRIVATE, up=True)
        assert (await arm(found)).status is DeadManStatus.ARMED
        await rest(found)
        began_s = time.monotonic()
        mark = len(found.sink.events)
        # No dial of the private socket succeeds for longer than the window.
        await found.admin("faults", type="connect", kind="refuse", channel="private", seconds=WINDOW_S + 2)
        await found.admin("drop", channel="private")
        await found.until_stream(Stream.PRIVATE, up=False, after=mark)
        await until(lambda: not found.server.api.exchange.open_orders("main"), seconds=8.0)
        assert time.monotonic() - began_s >= WINDOW_S - 0.5
        await found.until_stream(Stream.PRIVATE, up=True, after=mark, seconds=15.0)
        found.venue.send(QueryOrder(account="main", instrument=BTC, client_id=ID))
        looked = await found.sink.one(OrderLookedUp)
        assert looked.report is not None
        assert (looked.report.status, looked.report.reason) == (OrderStatus.CANCELLED, DEAD_MAN_REASON)
        assert (await arm(found)).status is DeadManStatus.ARMED
        # The new socket counts: its loss alone starts the countdown again.
        states = {one.key: one for one in found.server.api.exchange.dead_man.states("main")}
        assert states["derivatives"].fires_at_ns is None
        assert len(states["derivatives"].kept_alive_by) == 1


async def test_a_short_break_leaves_the_order_in_the_book() -> None:
    async with world(dead_man=True, keep_alive_ms=500, silence_ms_max=1_500) as found:
        await found.until_stream(Stream.PRIVATE, up=True)
        assert (await arm(found, 6.0)).status is DeadManStatus.ARMED
        await rest(found)
        mark = len(found.sink.events)
        await found.admin("drop", channel="private")
        await found.until_stream(Stream.PRIVATE, up=True, after=mark, seconds=5.0)
        await asyncio.sleep(7.0)
        assert len(found.server.api.exchange.open_orders("main")) == 1


async def test_an_ordinary_account_is_refused_and_the_private_stream_lives() -> None:
    async with world() as found:
        await found.until_stream(Stream.PRIVATE, up=True)
        answer = await arm(found)
        assert answer.status is DeadManStatus.REFUSED
        assert "has not set it up for this account (DERIVATIVES)" in answer.detail
        assert found.server.api.exchange.dead_man.states("main") == ()
        assert (await found.snapshot()).complete


async def test_a_venue_that_does_not_answer_is_a_failure_not_a_refusal() -> None:
    async with world(dead_man=True, query_timeout_ms=500) as found:
        await found.admin("faults", type="http", kind="status", endpoint="/v5/account/query-dcp-info", status=500)
        assert (await arm(found)).status is DeadManStatus.FAILED
