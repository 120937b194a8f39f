"""Frames that are not what they should be, over a real socket."""

import asyncio

import pytest

from hedgebot.domain.commands import WatchInstruments
from hedgebot.domain.events import BookTop, FillReceived, FrameQuarantined, Stream, StreamChanged, TaskFailed
from hedgebot.domain.instrument import InstrumentId
from hedgebot.venues.bybit import BybitVenue
from tests.support.waiting import until
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


async def test_a_dial_that_was_given_up_does_not_come_alive_beside_its_successor() -> None:
    double = BybitDouble()
    async with double.serving(), running(double, ready_ms_max=300) as (venue, sink):
        double.slow_dials["public/linear"] = [1.0]
        venue.send(WatchInstruments(venue="bybit", instruments=(BTC,)))
        await public_up(sink)
        await until(lambda: len(double.sockets.get("public/linear", [])) == 2)
        await until(lambda: double.live("public/linear") == 1)
        await asyncio.sleep(0.1)
        before = len(sink.events)
        await double.push("public/linear", golden("book_frame"))
        await sink.one(BookTop, after=before)
        assert len([event for event in sink.events[before:] if isinstance(event, BookTop)]) == 1
        assert [event.up for event in sink.of(StreamChanged) if event.stream is Stream.PUBLIC] == [True]


async def test_after_a_reconnect_no_book_is_told_before_its_own_snapshot() -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (venue, sink):
        venue.send(WatchInstruments(venue="bybit", instruments=(BTC,)))
        await public_up(sink)
        frame = golden("book_frame")
        await double.push("public/linear", frame)
        await sink.one(BookTop)
        before = len(sink.events)
        await double.abort("public/linear")
        await public_up(sink, before)
        delta = {**frame, "type": "delta", "data": {**frame["data"], "b": [["89000.00", "3"]], "a": []}}
        await double.push("public/linear", delta)
        spoiled = await sink.one(FrameQuarantined, after=before)
        assert "before its snapshot" in spoiled.problem
        assert not any(isinstance(event, BookTop) for event in sink.events[before:])
        await double.push("public/linear", frame)
        await sink.one(BookTop, after=before)


async def test_what_a_dying_connection_still_holds_is_no_market_data() -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (venue, sink):
        venue.send(WatchInstruments(venue="bybit", instruments=(BTC,)))
        await public_up(sink)
        before = len(sink.events)
        link = venue._streams._states.at(venue._stream.implode_hostname(double_url(venue)))
        assert link is not None
        connection = link.connection
        venue._streams._guard.drop(link, "test")
        # Buffered frames reach the hook after the drop and after the next dial alike.
        connection.on_message_callback(connection, golden("book_frame"))
        await public_up(sink, before)
        connection.on_message_callback(connection, golden("book_frame"))
        connection.on_error(OSError("the old one ends again"))
        await asyncio.sleep(0.05)
        assert not any(isinstance(event, BookTop) for event in sink.events[before:])
        changes = [event for event in sink.events[before:] if isinstance(event, StreamChanged)]
        public = [event.up for event in changes if event.stream is Stream.PUBLIC]
        assert public == [False, True]


async def test_a_fill_of_a_dying_connection_is_still_told() -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (venue, sink):
        await sink.one(StreamChanged)
        link = venue._streams._states.at(venue._stream.urls["api"]["ws"]["private"]["contract"])
        assert link is not None
        connection = link.connection
        venue._streams._guard.drop(link, "test")
        connection.on_message_callback(connection, golden("execution_frame"))
        assert len(sink.of(FillReceived)) == 1


def double_url(venue: BybitVenue) -> str:
    return str(venue._stream.urls["api"]["ws"]["public"]["linear"])
