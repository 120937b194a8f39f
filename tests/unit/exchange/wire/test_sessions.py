"""Outboxes: order, delay, bound, faults."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from hedgebot.exchange.wire import mangle
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.faults import SocketFault, SocketFaultKind
from hedgebot.exchange.wire.sessions import OUTBOX_MAX, Sessions, spoilt

Make = Callable[[str], Any]


async def test_frames_leave_in_order(wired: Make) -> None:
    one = wired("linear")
    one.session.reply({"n": 1}, delay_s=0.02)
    one.session.push("t", b'{"n":2}')
    assert [message["n"] for message in await one.drain()] == [1, 2]
    assert one.session.sent == 2


async def test_frames_of_topics_are_counted_when_they_leave(api: Api, wired: Make) -> None:
    public, private = wired("linear"), wired("private")
    private.session.account = "book"
    public.session.reply({"pong": 1})
    for topic in ("tickers.X", "tickers.X", "kline.1.X"):
        public.session.push(topic, b"{}")
    private.session.push("order", b"{}")
    assert api.delivered == {}
    await public.drain()
    await private.drain()
    counted = {("linear", "", "tickers.X"): 2, ("linear", "", "kline.1.X"): 1, ("private", "book", "order"): 1}
    assert api.delivered == counted


async def test_a_slow_public_reader_loses_market_frames_only(wired: Make) -> None:
    one = wired("linear")
    one.session.reply({"pong": 1})
    for _ in range(OUTBOX_MAX + 5):
        one.session.push("tickers.X", b"{}")
    assert one.session.lagging
    assert one.session.dropped == OUTBOX_MAX - 1
    assert one.session.waiting < 20
    assert (await one.drain())[0] == {"pong": 1}


async def test_a_slow_private_reader_is_cut(wired: Make, caplog: pytest.LogCaptureFixture) -> None:
    one = wired("private")
    for _ in range(OUTBOX_MAX + 1):
        one.session.push("order", b"{}")
    assert one.request.aborted
    assert "does not read" in caplog.text


@pytest.mark.parametrize(
    ("kind", "frames"),
    [
        (SocketFaultKind.MUTE, []),
        (SocketFaultKind.DUPLICATE, [b"{}", b"{}"]),
        (SocketFaultKind.GARBLE, [mangle.GARBAGE]),
        (SocketFaultKind.DELAY, [b"{}"]),
        (SocketFaultKind.REORDER, [b"{}"]),
        (SocketFaultKind.WRONG_TYPE, [b"{}"]),
    ],
)
async def test_faults_shape_frames(api: Api, wired: Make, kind: SocketFaultKind, frames: list[bytes]) -> None:
    one = wired("linear")
    api.faults.add(SocketFault(kind=kind, count=1, delay_ms=5))
    one.session.push("t", b"{}")
    pump = asyncio.create_task(one.session.pump())
    await asyncio.sleep(0.03)
    pump.cancel()
    assert one.socket.frames == frames


async def test_a_frozen_socket_keeps_its_frames(api: Api, wired: Make) -> None:
    one = wired("private")
    api.faults.add(SocketFault(kind=SocketFaultKind.FREEZE, channel="private", seconds=0.05))
    one.session.reply({"pong": 1})
    pump = asyncio.create_task(one.session.pump())
    await asyncio.sleep(0.02)
    assert one.socket.frames == []
    await asyncio.sleep(0.15)
    pump.cancel()
    assert one.socket.messages == [{"pong": 1}]


async def test_sessions_are_chosen_by_channel_and_account(wired: Make) -> None:
    sessions = Sessions()
    spot, private = wired("spot").session, wired("private").session
    private.account = "book"
    for one in (spot, private):
        sessions.add(one)
    assert sessions.chosen("public") == [spot]
    assert sessions.chosen("private", "book") == [private]
    assert sessions.chosen("private", "other") == []
    assert (sessions.next_number(), sessions.next_number()) == (1, 2)
    sessions.remove(spot)
    sessions.remove(spot)
    assert sessions.chosen() == [private]


async def test_closing_with_a_code(wired: Make) -> None:
    one = wired("spot")
    await one.session.close(1012)
    assert one.socket.closed_with == 1012


async def test_reordered_frames_change_places_in_pairs(api: Api, wired: Make) -> None:
    one = wired("private")
    api.faults.add(SocketFault(kind=SocketFaultKind.REORDER, channel="private", topic="order", count=3))
    for topic, number in (("order", 1), ("execution", 2), ("order", 3), ("order", 4), ("order", 5)):
        one.session.push(topic, b'{"n":%d}' % number)
    # 1 waits for 2; 3 waits for 4, which met the fault as well and is the next one; 5 met none.
    assert [message["n"] for message in await one.drain()] == [2, 1, 4, 3, 5]


async def test_a_frame_without_a_successor_leaves_after_its_delay(api: Api, wired: Make) -> None:
    one = wired("private")
    api.faults.add(SocketFault(kind=SocketFaultKind.REORDER, delay_ms=40, count=2))
    one.session.push("order", b'{"n":1}')
    one.session.push("order", b'{"n":2}')
    await asyncio.sleep(0.02)
    api.faults.add(SocketFault(kind=SocketFaultKind.REORDER, delay_ms=60, count=1))
    one.session.push("order", b'{"n":3}')
    assert [message["n"] for message in await one.drain()] == [2, 1]
    await asyncio.sleep(0.035)
    assert one.session.waiting == 0, "the first frame's timer does not release the third"
    await asyncio.sleep(0.05)
    assert [message["n"] for message in await one.drain()] == [2, 1, 3]


async def test_a_half_open_socket_loses_what_it_would_send(api: Api, wired: Make) -> None:
    one = wired("private")
    assert not one.session.is_silent
    api.faults.add(SocketFault(kind=SocketFaultKind.HALF_OPEN, channel="private", seconds=0.05))
    assert one.session.is_half_open
    assert one.session.is_silent
    one.session.reply({"pong": 1})
    one.session.push("order", b"{}")
    await asyncio.sleep(0.06)
    one.session.reply({"pong": 2})
    assert await one.drain() == [{"pong": 2}]


@pytest.mark.parametrize("kind", SocketFaultKind)
def test_content_is_spoilt_by_faults_of_content_only(kind: SocketFaultKind) -> None:
    payload = b'{"topic":"order","data":[{"side":"Buy"}]}'
    content = {"garble", "truncate", "wrong_type", "null", "unknown_word", "huge"}
    assert (spoilt(payload, SocketFault(kind=kind)) != payload) is (kind.value in content)
