"""What a socket does to us, and how the stream comes back."""

import asyncio

from hedgebot.domain.commands import WatchInstruments
from hedgebot.domain.events import (
    AuthenticationFailed,
    BookTop,
    FillReceived,
    Stream,
    StreamAlive,
    StreamChanged,
    TaskFailed,
)
from hedgebot.domain.instrument import InstrumentId
from tests.support.waiting import until
from tests.unit.venues.double import BTC, BybitDouble, Sink, golden, running


async def changed(sink: Sink, stream: Stream, up: bool, after: int = 0, seconds: float = 5.0) -> StreamChanged:
    event = await sink.until(
        lambda event: isinstance(event, StreamChanged) and event.stream is stream and event.up is up,
        after=after,
        seconds=seconds,
    )
    assert isinstance(event, StreamChanged)
    return event


async def test_a_cut_socket_is_dialled_again_and_delivers() -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (_, sink):
        await changed(sink, Stream.PRIVATE, up=True)
        for _ in range(3):
            before = len(sink.events)
            await double.abort("private")
            await changed(sink, Stream.PRIVATE, up=False, after=before)
            await changed(sink, Stream.PRIVATE, up=True, after=before)
        before = len(sink.events)
        await double.push("private", golden("execution_frame"))
        await sink.one(FillReceived, after=before)
        assert sink.of(TaskFailed) == []


async def test_a_socket_that_goes_silent_is_dropped() -> None:
    double = BybitDouble()
    async with double.serving(), running(double, keep_alive_ms=60_000, silence_ms_max=300) as (_, sink):
        await changed(sink, Stream.PRIVATE, up=True)
        down = await changed(sink, Stream.PRIVATE, up=False)
        assert "silent for" in down.reason
        await changed(sink, Stream.PRIVATE, up=True, after=sink.events.index(down))


async def test_pings_keep_a_quiet_socket_alive() -> None:
    double = BybitDouble()
    async with double.serving(), running(double, keep_alive_ms=100, silence_ms_max=400) as (_, sink):
        await changed(sink, Stream.PRIVATE, up=True)
        await asyncio.sleep(1.1)
        assert [event.up for event in sink.of(StreamChanged)] == [True]
        assert len(sink.of(StreamAlive)) == 2


async def test_a_muted_topic_is_dropped_although_the_socket_answers_pings() -> None:
    double = BybitDouble()
    async with double.serving(), running(double, keep_alive_ms=100, content_ms_max=400) as (venue, sink):
        venue.send(WatchInstruments(venue="bybit", instruments=(BTC,)))
        await changed(sink, Stream.PUBLIC, up=True)
        await double.push("public/linear", golden("book_frame"))
        down = await changed(sink, Stream.PUBLIC, up=False)
        assert "is muted" in down.reason
        before = sink.events.index(down)
        await changed(sink, Stream.PUBLIC, up=True, after=before)
        await double.push("public/linear", golden("book_frame"))
        await sink.one(BookTop, after=before)


async def test_authentication_that_gets_no_answer_has_a_deadline() -> None:
    double = BybitDouble()
    double.auth_answer = None
    async with double.serving(), running(double, ready_ms_max=300) as (_, sink):
        await until(lambda: double.dials >= 2)
        assert not any(one.up for one in sink.of(StreamChanged) if one.stream is Stream.PRIVATE)
        double.auth_answer = {"success": True, "ret_msg": "", "op": "auth"}
        assert (await changed(sink, Stream.PRIVATE, up=True)).up


async def test_a_refused_key_is_told_and_not_hammered() -> None:
    double = BybitDouble()
    double.auth_answer = {"success": False, "retCode": 10003, "retMsg": "Invalid apikey", "op": "auth"}
    async with double.serving(), running(double) as (_, sink):
        refused = await sink.one(AuthenticationFailed)
        assert (refused.code, refused.message) == ("10003", "Invalid apikey")
        await asyncio.sleep(0.6)
        assert len(sink.of(AuthenticationFailed)) == 1
        assert not any(event.up for event in sink.of(StreamChanged))


async def test_instruments_that_join_late_do_not_cost_an_open_socket() -> None:
    double = BybitDouble()
    async with double.serving(), running(double, ready_ms_max=300) as (venue, sink):
        venue.send(WatchInstruments(venue="bybit", instruments=(BTC,)))
        await changed(sink, Stream.PUBLIC, up=True)
        dials = double.dials
        # The connection's own time to get ready is long over.
        await asyncio.sleep(0.5)
        venue.send(WatchInstruments(venue="bybit", instruments=(InstrumentId("bybit:linear:BTCPERP"),)))
        await until(lambda: any("tickers.BTCPERP" in frame.get("args", []) for _, frame in double.frames))
        await asyncio.sleep(0.5)
        assert double.dials == dials
        assert [event.up for event in sink.of(StreamChanged) if event.stream is Stream.PUBLIC] == [True]


async def test_a_topic_that_is_never_confirmed_has_its_own_deadline_whatever_joins() -> None:
    double = BybitDouble()
    double.silent_topics = {"tickers.BTCPERP"}
    async with double.serving(), running(double, ready_ms_max=600) as (venue, sink):
        venue.send(WatchInstruments(venue="bybit", instruments=(BTC,)))
        await changed(sink, Stream.PUBLIC, up=True)
        venue.send(WatchInstruments(venue="bybit", instruments=(InstrumentId("bybit:linear:BTCPERP"),)))
        await asyncio.sleep(0.5)
        venue.send(WatchInstruments(venue="bybit", instruments=(InstrumentId("bybit:linear:BTC-27NOV26"),)))
        down = await changed(sink, Stream.PUBLIC, up=False, seconds=0.5)
        assert "tickers.BTCPERP" in down.reason
