"""Frames that cannot be read, over real sockets and the real client: quarantined, told, and the stream goes on."""

import asyncio
import random
from typing import Any

import pytest

from hedgebot.domain.commands import WatchInstruments
from hedgebot.domain.events import (
    BookTop,
    Event,
    FillReceived,
    FrameQuarantined,
    Stream,
    StreamAlive,
    StreamChanged,
    TaskFailed,
)
from tests.unit.venues.double import BTC, BybitDouble, golden, running
from tests.wire.venue_world import USDC_PERP, World, world

pytestmark = pytest.mark.wire

KINDS = ("truncate", "garble", "null", "unknown_word", "wrong_type", "huge")
MARKET, PRIVATE = ("orderbook", "tickers"), ("execution", "order", "position", "wallet")


async def spoilt(found: World, channel: str, kind: str, topic: str) -> FrameQuarantined:
    """Spoil the next frame of a topic; what was told of it."""
    before = len(found.sink.events)
    await found.admin("faults", type="socket", kind=kind, channel=channel, topic=topic, count=1)
    if channel == "private":
        await found.admin("trade", instrument=USDC_PERP, side="buy", contracts="0.05", account="main")
    event = await found.sink.one(FrameQuarantined, after=before)
    assert isinstance(event, FrameQuarantined)
    return event


# Rows of market data have no word of a list.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "unknown_word"])
async def test_n11_market_frames_that_cannot_be_read(kind: str) -> None:
    async with world() as found:
        await found.top()
        for topic in MARKET:
            told = await spoilt(found, "linear", kind, topic)
            assert told.stream is Stream.PUBLIC
            assert len(told.sample) <= 1_000
            after = place(found, told)
            await found.sink.until(lambda event: isinstance(event, BookTop), after=after, seconds=10.0)
        assert found.sink.of(TaskFailed) == []


def place(found: World, wanted: Event) -> int:
    """Where an event stands; those of one content are told apart."""
    return next(number for number, event in enumerate(found.sink.events) if event is wanted)


@pytest.mark.parametrize("kind", KINDS)
async def test_n11_private_frames_that_cannot_be_read_lose_no_fill(kind: str) -> None:
    async with world() as found:
        await found.until_stream(Stream.PRIVATE, up=True)
        for topic in PRIVATE:
            if kind == "unknown_word" and topic == "wallet":
                continue
            before = len(found.sink.events)
            told = await spoilt(found, "private", kind, topic)
            assert told.stream is Stream.PRIVATE
            if kind in {"truncate", "garble", "huge"}:
                # What is no JSON costs the connection; the next one is made at once.
                down = await found.until_stream(Stream.PRIVATE, up=False, after=before)
                await found.until_stream(Stream.PRIVATE, up=True, after=place(found, down), seconds=10.0)
        await asyncio.sleep(0.5)
        await found.until_stream(Stream.PRIVATE, up=True, seconds=10.0)
        snapshot = await found.snapshot()
        assert snapshot.complete
        fills: list[FillReceived] = [one for one in found.sink.of(FillReceived) if one.instrument == USDC_PERP]
        seen = {one.trade_id: one.qty_contracts for one in fills}
        assert sum(seen.values()) == sum(row.contracts for row in snapshot.positions)
        assert found.sink.of(TaskFailed) == []


VALUES: tuple[Any, ...] = (
    None,
    "",
    "NaN",
    "-1",
    "1e999",
    0,
    -7,
    10**30,
    True,
    [],
    {},
    [None],
    {"a": []},
    "x" * 5_000,
    "\ud800",
)


def mutated(dice: random.Random, frame: Any) -> Any:
    """A frame with some of its values gone, replaced or moved."""
    if isinstance(frame, dict):
        changed = {name: mutated(dice, value) for name, value in frame.items() if dice.random() > 0.03}
        if changed and dice.random() < 0.2:
            changed[dice.choice(list(changed))] = dice.choice(VALUES)
        return changed
    if isinstance(frame, list):
        return [mutated(dice, value) for value in frame for _ in range(dice.choice((0, 1, 1, 1, 1, 2)))]
    return dice.choice(VALUES) if dice.random() < 0.03 else frame


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("private", "execution_frame"),
        ("private", "order_frame"),
        ("private", "position_frame"),
        ("private", "wallet_frame"),
        ("public/linear", "book_frame"),
        ("public/linear", "ticker_frame"),
    ],
)
async def test_n11_fuzz(path: str, name: str) -> None:
    """Two thousand spoilt frames of a kind: nothing escapes, and a sound one is read afterwards."""
    double, dice = BybitDouble(), random.Random(name)
    async with double.serving(), running(double) as (venue, sink):
        venue.send(WatchInstruments(venue="bybit", instruments=(BTC,)))
        await sink.until(lambda event: isinstance(event, StreamChanged) and event.stream is Stream.PUBLIC)
        address = f"{double.endpoint.replace('http', 'ws')}/stream.bybit.com/v5/{path}"
        connection = venue._stream.clients[address]
        dropped: list[object] = []
        # Dialling anew for each would test the dialling.
        connection.on_error = dropped.append
        for _ in range(2_000):
            connection.on_message_callback(connection, mutated(dice, golden(name)))
        assert len(sink.of(FrameQuarantined)) + len(dropped) >= 50
        assert all(len(one.sample) <= 1_000 for one in sink.of(FrameQuarantined))
        before = len(sink.events)
        connection.on_message_callback(connection, golden(name))
        facts = [one for one in sink.events[before:] if not isinstance(one, FrameQuarantined | StreamAlive)]
        assert facts, "a sound frame is read"
        await asyncio.sleep(0.05)
        assert sink.of(TaskFailed) == []
