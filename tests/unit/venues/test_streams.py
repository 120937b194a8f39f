import asyncio

from hedgebot.domain.commands import WatchInstruments
from hedgebot.domain.events import (
    BookTop,
    FillReceived,
    FrameQuarantined,
    FundingPaid,
    InstrumentsLoaded,
    OptionQuote,
    OrderUpdated,
    PositionUpdated,
    Source,
    Stream,
    StreamChanged,
    Ticker,
    WalletUpdated,
)
from hedgebot.domain.instrument import InstrumentId
from tests.support.waiting import until
from tests.unit.venues.double import BTC, OPTION, SPOT, BybitDouble, Sink, golden, running


async def up(sink: Sink, stream: Stream, after: int = 0) -> None:
    await sink.until(
        lambda event: isinstance(event, StreamChanged) and event.stream is stream and event.up, after=after
    )


async def down(sink: Sink, after: int) -> None:
    await sink.until(
        lambda event: isinstance(event, StreamChanged) and event.stream is Stream.PUBLIC and not event.up, after=after
    )


async def test_private_facts_arrive_from_their_topics() -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (_, sink):
        await up(sink, Stream.PRIVATE)
        for name in ("execution_frame", "order_frame", "position_frame", "wallet_frame"):
            assert await double.push("private", golden(name)) == 1
        fill = await sink.one(FillReceived)
        assert (fill.trade_id, fill.source, fill.instrument) == ("e-1", Source.STREAM, BTC)
        assert (await sink.one(OrderUpdated)).report.order_id == "order-1"
        assert str((await sink.one(PositionUpdated)).report.contracts) == "-0.250"
        assert (await sink.one(WalletUpdated)).report.maintenance_margin_usd is None


async def test_each_fill_arrives_at_once_also_when_several_come_in_one_frame() -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (_, sink):
        await up(sink, Stream.PRIVATE)
        frame = golden("execution_frame")
        rows = [{**frame["data"][0], "execId": f"e-{number}"} for number in range(50)]
        for start in range(0, 50, 10):
            await double.push("private", {**frame, "data": rows[start : start + 10]})
        await sink.until(lambda event: isinstance(event, FillReceived) and event.trade_id == "e-49")
        assert [fill.trade_id for fill in sink.of(FillReceived)] == [f"e-{number}" for number in range(50)]


async def test_every_execution_type_passes_the_client() -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (_, sink):
        await up(sink, Stream.PRIVATE)
        frame = golden("execution_frame")
        for kind in ("Delivery", "BlockTrade", "AdlTrade", "BustTrade", "Settle", "Funding"):
            await double.push("private", {**frame, "data": [{**frame["data"][0], "execId": kind, "execType": kind}]})
        paid = await sink.one(FundingPaid)
        assert paid.trade_id == "Funding"
        assert [fill.trade_id for fill in sink.of(FillReceived)] == [
            "Delivery",
            "BlockTrade",
            "AdlTrade",
            "BustTrade",
            "Settle",
        ]


async def test_a_row_that_cannot_be_read_is_quarantined_and_those_beside_it_arrive() -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (_, sink):
        await up(sink, Stream.PRIVATE)
        frame = golden("execution_frame")
        odd = {**frame["data"][0], "execId": "odd", "execType": "Novelty"}
        await double.push("private", {**frame, "data": [odd, frame["data"][0]]})
        assert "Novelty" in (await sink.one(FrameQuarantined)).problem
        assert (await sink.one(FillReceived)).trade_id == "e-1"
        assert [event.up for event in sink.of(StreamChanged)] == [True]


async def test_market_data_of_watched_instruments_only() -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (venue, sink):
        for _ in range(2):
            venue.send(WatchInstruments(venue="bybit", instruments=(BTC, SPOT, OPTION)))
        await up(sink, Stream.PUBLIC)
        await double.push("public/linear", golden("book_frame"))
        await double.push("public/linear", golden("ticker_frame"))
        await double.push("public/spot", golden("book_frame"))
        await double.push("public/option", golden("option_ticker_frame"))
        await sink.one(Ticker)
        assert (await sink.one(OptionQuote)).instrument == OPTION
        await sink.until(lambda event: isinstance(event, BookTop) and event.instrument == SPOT)
        await sink.until(lambda event: isinstance(event, BookTop) and event.instrument == BTC)
        assert venue._stream.tickers == {}, "nobody reads what the client keeps of them"
        topics = [topic for _, frame in double.frames if frame["op"] == "subscribe" for topic in frame["args"]]
        assert sorted(topics) == [
            *("execution", "order", "orderbook.1.BTCUSDT", "orderbook.1.BTCUSDT", "position"),
            *("tickers.BTC-27NOV26-90000-C-USDT", "tickers.BTCUSDT", "wallet"),
        ]


async def test_an_instrument_listed_later_is_watched_after_a_reload() -> None:
    double = BybitDouble()
    late = InstrumentId("bybit:linear:ETHUSDT")
    async with double.serving(), running(double) as (venue, sink):
        await sink.one(InstrumentsLoaded)
        row = double.instruments["linear"][0]
        double.instruments["linear"].append({**row, "symbol": "ETHUSDT", "baseCoin": "ETH"})
        before = len(sink.events)
        venue.send(WatchInstruments(venue="bybit", instruments=(late,)))
        loaded = await sink.one(InstrumentsLoaded, after=before)
        assert late in {instrument.id for instrument in loaded.instruments}
        await up(sink, Stream.PUBLIC)
        assert any("orderbook.1.ETHUSDT" in frame.get("args", []) for _, frame in double.frames)


async def test_more_instruments_join_an_open_socket() -> None:
    double = BybitDouble()
    async with double.serving(), running(double) as (venue, sink):
        venue.send(WatchInstruments(venue="bybit", instruments=(BTC,)))
        await up(sink, Stream.PUBLIC)
        dials = double.dials
        venue.send(WatchInstruments(venue="bybit", instruments=(InstrumentId("bybit:linear:BTCPERP"),)))
        await until(lambda: any("tickers.BTCPERP" in frame.get("args", []) for _, frame in double.frames))
        assert double.dials == dials


async def test_one_refused_instrument_does_not_take_the_others_data() -> None:
    double = BybitDouble()
    double.refused_topics = {"orderbook.1.BTCPERP", "tickers.BTCPERP"}
    wanted = (BTC, InstrumentId("bybit:linear:BTCPERP"), SPOT)
    async with double.serving(), running(double) as (venue, sink):
        venue.send(WatchInstruments(venue="bybit", instruments=wanted))
        await up(sink, Stream.PUBLIC)
        assert any(event.topic == "subscribe" for event in sink.of(FrameQuarantined))
        await double.push("public/linear", golden("book_frame"))
        await sink.one(BookTop)
        assert [event.up for event in sink.of(StreamChanged) if event.stream is Stream.PUBLIC] == [True]
        assert double.dials == 3


async def test_an_expired_instrument_is_neither_missed_nor_asked_for_again() -> None:
    """As it was, its silent topic counted as a muted stream and took the others' connection with it, for ever."""
    double = BybitDouble()
    async with double.serving(), running(double, content_ms_max=700) as (venue, sink):
        rules = venue._table.instruments
        venue.send(WatchInstruments(venue="bybit", instruments=(OPTION, SPOT)))
        await up(sink, Stream.PUBLIC)
        venue._streams.forget_ended((rules[OPTION].expiry_ns or 0) - 1)
        assert OPTION in venue._streams._watched
        venue._streams.forget_ended((rules[OPTION].expiry_ns or 0) + 1)
        assert venue._streams._watched == {SPOT}
        before, frames = len(sink.events), len(double.frames)
        for _ in range(8):
            await double.push("public/spot", golden("book_frame"))
            await asyncio.sleep(0.15)
        seen = [one for one in sink.events[before:] if isinstance(one, StreamChanged) and one.stream is Stream.PUBLIC]
        assert seen == []
        await double.abort("public/option")
        await double.abort("public/spot")
        await down(sink, before)
        await up(sink, Stream.PUBLIC, after=before)
        asked = [topic for _, frame in double.frames[frames:] for topic in frame.get("args", ())]
        assert "orderbook.1.BTCUSDT" in asked
        assert not [topic for topic in asked if "27NOV26" in topic]


async def test_those_that_live_are_asked_for_again_when_one_of_their_request_has_expired() -> None:
    double = BybitDouble()
    dated = InstrumentId("bybit:linear:BTC-27NOV26")
    async with double.serving(), running(double) as (venue, sink):
        venue.send(WatchInstruments(venue="bybit", instruments=(BTC, dated)))
        await up(sink, Stream.PUBLIC)
        frames = len(double.frames)
        venue._streams.forget_ended(10**19)
        before = len(sink.events)
        await double.abort("public/linear")
        await down(sink, before)
        await up(sink, Stream.PUBLIC, after=before)
        asked = [topic for _, frame in double.frames[frames:] for topic in frame.get("args", ())]
        assert sorted(one for one in asked if "BTC" in one) == ["orderbook.1.BTCUSDT", "tickers.BTCUSDT"]
