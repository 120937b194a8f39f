"""One test on the wire for each call of the client that the adapter uses: asked, understood, and the venue moved."""

import asyncio
import time
from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain.commands import CancelOrder, QueryOrder, WatchInstruments
from hedgebot.domain.events import (
    BookTop,
    CancelAnswered,
    ClockMeasured,
    FillReceived,
    InstrumentsLoaded,
    OptionQuote,
    OrderAccepted,
    OrderLookedUp,
    OrderUpdated,
    PositionUpdated,
    Stream,
    Ticker,
    WalletUpdated,
)
from hedgebot.domain.instrument import InstrumentId, InstrumentKind
from hedgebot.domain.orders import OrderStatus, TimeInForce
from tests.support.waiting import until
from tests.unit.venues.double import BTC, SPOT
from tests.wire.venue_world import ID, USDC_PERP, World, world

pytestmark = pytest.mark.wire


async def asked(found: World, path: str) -> int:
    """How many requests of a path arrived."""
    answer = await found.admin(f"requests?path={path}", "GET")
    return len(answer["requests"])


async def resting(found: World) -> None:
    """Leave an order in the book."""
    top = await found.top()
    assert top.bid is not None
    price = (top.bid - Decimal(5_000)).quantize(Decimal("0.1"))
    await found.submit(limit_price=price, time_in_force=TimeInForce.GTC)
    await found.sink.until(lambda event: isinstance(event, OrderUpdated) and event.report.status is OrderStatus.OPEN)


async def test_load_markets() -> None:
    async with world() as found:
        loaded = (await found.sink.one(InstrumentsLoaded)).instruments
        kinds = {instrument.kind for instrument in loaded}
        assert {InstrumentKind.SPOT, InstrumentKind.LINEAR_PERP, InstrumentKind.LINEAR_OPTION} <= kinds
        by_id = {instrument.id: instrument for instrument in loaded}
        assert (by_id[BTC].settle, by_id[USDC_PERP].settle) == ("USDT", "USDC")
        assert {option.settle for option in loaded if option.kind.is_option} == {"USDT"}
        assert await asked(found, "/v5/market/instruments-info") >= 8


async def test_fetch_time() -> None:
    async with world(start=False) as found:
        await found.admin("skew", ms=400)
        await found.venue.start()
        measured = await found.sink.one(ClockMeasured)
        assert 300 < measured.offset_ms < 500


async def test_query_api_and_is_unified_enabled() -> None:
    async with world() as found:
        assert await asked(found, "/v5/user/query-api") >= 1
        assert await asked(found, "/v5/account/info") == 1


async def test_watch_bids_asks() -> None:
    async with world() as found:
        for instrument in (BTC, SPOT):
            top = await found.top(instrument)
            assert top.bid is not None
            assert top.ask is not None
            assert top.bid < top.ask
            assert abs(top.venue_at_ns - time.time_ns()) < 5_000_000_000


async def test_watch_tickers_of_a_perpetual_and_of_an_option() -> None:
    async with world() as found:
        loaded = (await found.sink.one(InstrumentsLoaded)).instruments
        option = next(instrument.id for instrument in loaded if instrument.kind.is_option)
        found.venue.send(WatchInstruments(venue="bybit", instruments=(BTC, option)))
        ticker = await found.sink.one(Ticker)
        assert ticker.mark is not None
        assert ticker.index is not None
        assert ticker.funding_rate is not None
        quote = await found.sink.one(OptionQuote)
        assert quote.instrument == option
        assert None not in {quote.mark, quote.iv, quote.forward, quote.delta, quote.gamma, quote.vega, quote.theta}
        # Deltas merge: a later ticker still has every field.
        later = await found.sink.one(Ticker, after=len(found.sink.events))
        assert later.funding_rate is not None


async def test_create_order_and_the_four_private_streams() -> None:
    async with world() as found:
        await found.until_stream(Stream.PRIVATE, up=True)
        await found.submit()
        accepted = await found.sink.one(OrderAccepted)
        fill = await found.sink.one(FillReceived)
        assert (fill.client_id, fill.order_id, fill.qty_contracts) == (ID, accepted.order_id, Decimal("0.010"))
        assert (fill.fee_coin, fill.fee > 0) == ("USDT", True)
        done = await found.sink.until(
            lambda event: isinstance(event, OrderUpdated) and event.report.status is OrderStatus.FILLED
        )
        assert done.report.client_id == ID
        moved = await found.sink.one(PositionUpdated)
        assert (moved.report.instrument, moved.report.contracts) == (BTC, Decimal("0.010"))
        assert (await found.sink.one(WalletUpdated)).report.balances["USDT"] < 500_000
        assert len(await found.orders()) == 1


async def test_cancel_order() -> None:
    async with world() as found:
        await resting(found)
        found.venue.send(CancelOrder(account="main", instrument=BTC, client_id=ID, reason="test"))
        assert (await found.sink.one(CancelAnswered)).accepted
        await found.sink.until(
            lambda event: isinstance(event, OrderUpdated) and event.report.status is OrderStatus.CANCELLED
        )


async def test_create_order_ws_and_cancel_order_ws() -> None:
    async with world(order_entry="ws") as found:
        await found.until_stream(Stream.TRADE, up=True)
        await resting(found)
        assert isinstance(await found.sink.one(OrderAccepted), OrderAccepted)
        found.venue.send(CancelOrder(account="main", instrument=BTC, client_id=ID, reason="test"))
        assert (await found.sink.one(CancelAnswered)).accepted
        await found.sink.until(
            lambda event: isinstance(event, OrderUpdated) and event.report.status is OrderStatus.CANCELLED
        )
        posted = (await found.admin("requests?path=/v5/order/create", "GET"))["requests"]
        assert not any(request.get("method") == "POST" for request in posted)


async def test_the_listings_of_a_snapshot() -> None:
    async with world() as found:
        await resting(found)
        await found.admin("trade", instrument=USDC_PERP, side="sell", contracts="0.2", account="main")
        snapshot = await found.snapshot()
        assert (snapshot.complete, snapshot.problem) == (True, "")
        assert [(row.instrument, row.contracts) for row in snapshot.positions] == [(USDC_PERP, Decimal("-0.2"))]
        assert [row.client_id for row in snapshot.open_orders] == [ID]
        assert snapshot.wallet is not None
        assert {"USDT", "USDC", "BTC", "ETH"} <= snapshot.wallet.balances.keys()
        fills = [fill for fill in found.sink.of(FillReceived) if fill.instrument == USDC_PERP]
        assert {fill.fee_coin for fill in fills} == {"USDC"}
        for path in ("position/list", "order/realtime", "execution/list", "account/wallet-balance"):
            assert await asked(found, f"/v5/{path}") >= 1


async def test_a_lookup_finds_an_order_wherever_it_is() -> None:
    async with world() as found:
        await found.submit()
        await found.sink.one(FillReceived)
        found.venue.send(QueryOrder(account="main", instrument=BTC, client_id=ID))
        answer = await found.sink.one(OrderLookedUp)
        assert answer.report is not None
        assert (answer.report.status, answer.complete) == (OrderStatus.FILLED, True)
        # After a restart of the venue only the history knows it.
        await found.admin("restart")
        await asyncio.sleep(0.1)
        before = len(found.sink.events)
        found.venue.send(QueryOrder(account="main", instrument=BTC, client_id=ID))
        answer = await found.sink.one(OrderLookedUp, after=before)
        assert answer.report is not None
        assert "history" in answer.searched
        missing = "4b00000001000001010000000100ffff"
        found.venue.send(QueryOrder(account="main", instrument=BTC, client_id=missing))
        answer = await found.sink.until(lambda event: isinstance(event, OrderLookedUp) and event.client_id == missing)
        assert (answer.report, answer.complete) == (None, True)


async def test_fills_of_others_carry_no_client_id_of_ours() -> None:
    async with world() as found:
        await found.until_stream(Stream.PRIVATE, up=True)
        loaded = (await found.sink.one(InstrumentsLoaded)).instruments
        option = next(instrument.id for instrument in loaded if instrument.kind.is_option)
        wanted: dict[InstrumentId, Any] = {SPOT: "0.01", USDC_PERP: "0.1", option: "0.1"}
        for instrument, contracts in wanted.items():
            await found.admin("trade", instrument=instrument, side="buy", contracts=contracts, account="main")
        await until(lambda: {fill.instrument for fill in found.sink.of(FillReceived)} == wanted.keys())
        fills = found.sink.of(FillReceived)
        assert ID not in {fill.client_id for fill in fills}
        # A spot buy pays its fee in the coin bought: it moves delta.
        assert {fill.fee_coin for fill in fills if fill.instrument == SPOT} == {"BTC"}
        assert not any(isinstance(event, BookTop) for event in found.sink.events)
