"""Frames that are not what they should be, over a real socket."""

import pytest

from hedgebot.domain.commands import WatchInstruments
from hedgebot.domain.events import BookTop, FrameQuarantined, Stream, StreamChanged, TaskFailed
from hedgebot.domain.instrument import InstrumentId
from tests.unit.venues.double import BTC, BybitDouble, Sink, golden, running


async def public_up(sink: Sink, after: int = 0) -> None:
    await sink.until(
        lambda event: isinstance(event, StreamChanged) and event.stream is Stream.PUBLIC and event.up, after=after
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"topic": "orderbook.1.BTCUSDT", "ts": 17950',
        "garbage",
        '["a", "list"]',
        '{"topic": 7, "data": {}, "op": []}',
        '{"topic": "tickers.BTCUSDT", "type": "delta", "data": {"symbol": 5}, "ts": "x"}',
    ],
)
async def test_garbage_is_quarantined_and_the_stream_recovers(text: str) -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (venue, sink):
        venue.send(WatchInstruments(venue="bybit", instruments=(BTC,)))
        await public_up(sink)
        before = len(sink.events)
        await double.push("public/linear", text)
        spoiled = await sink.one(FrameQuarantined, after=before)
        assert spoiled.stream is Stream.PUBLIC
        if any(isinstance(event, StreamChanged) and not event.up for event in sink.events[before:]):
            await public_up(sink, before)
        await double.push("public/linear", golden("book_frame"))
        await sink.until(lambda event: isinstance(event, BookTop), after=before)
        assert sink.of(TaskFailed) == []


async def test_broken_json_is_noticed_at_once() -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (_, sink):
        await sink.one(StreamChanged)
        await double.push("private", '{"topic":')
        await sink.until(lambda event: isinstance(event, StreamChanged) and not event.up, seconds=1.0)
        spoiled = sink.of(FrameQuarantined)[0]
        assert spoiled.problem.startswith("no JSON")


async def test_a_wrong_field_is_quarantined_without_dropping_the_socket() -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (venue, sink):
        venue.send(WatchInstruments(venue="bybit", instruments=(BTC, InstrumentId("bybit:linear:BTCPERP"))))
        await public_up(sink)
        frame = golden("book_frame")
        await double.push("public/linear", {**frame, "ts": 0})
        spoiled = await sink.one(FrameQuarantined)
        assert (spoiled.topic, spoiled.account) == ("orderbook.1.BTCUSDT", "main")
        await double.push("public/linear", frame)
        await sink.one(BookTop)


async def test_a_sample_never_carries_more_than_a_line() -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (_, sink):
        await sink.one(StreamChanged)
        await double.push("private", "\x1b[31m" + "x" * 100_000)
        spoiled = await sink.one(FrameQuarantined)
        assert len(spoiled.sample) <= 200
        assert "\x1b" not in spoiled.sample
