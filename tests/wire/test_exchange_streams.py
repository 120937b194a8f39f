"""The unmodified ccxt client watches: every stream that the adapter uses or may use. One test per call."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from hedgebot.domain.instrument import InstrumentId
from tests.wire.exchange_client import Lab, lab

pytestmark = pytest.mark.wire
PERP, SPOT = "BTC/USDT:USDT", "BTC/USDT"


@pytest.fixture
async def venue() -> AsyncIterator[Lab]:
    async with lab() as running:
        yield running


async def soon(awaitable: Any) -> Any:
    return await asyncio.wait_for(awaitable, 5)


async def watching(venue: Lab, name: str, topic: str) -> asyncio.Task[Any]:
    """Start a private watch and wait until the venue has its subscription."""
    task = asyncio.create_task(getattr(venue.client, name)())
    for _ in range(500):
        if any(topic in one.topics for one in venue.server.sessions.chosen("private", "book")):
            return task
        await asyncio.sleep(0.01)
    task.cancel()
    raise AssertionError(f"{name} did not subscribe {topic}")


async def buy(venue: Lab, **params: Any) -> Any:
    return await venue.client.create_order(PERP, "market", "buy", 0.01, None, params)


async def test_watch_bids_asks(venue: Lab) -> None:
    for symbol, instrument in ((PERP, "bybit:linear:BTCUSDT"), (SPOT, "bybit:spot:BTCUSDT")):
        found = (await soon(venue.client.watch_bids_asks([symbol])))[symbol]
        assert found["bid"] < found["ask"]
        assert found["bidVolume"] > 0
        book = venue.exchange.book(InstrumentId(instrument), 1)
        assert found["bid"] == pytest.approx(float(book.bids[0][0]), rel=0.01)


async def test_watch_tickers(venue: Lab) -> None:
    first = await soon(venue.client.watch_ticker(PERP))
    assert first["markPrice"] > 0
    later = await soon(venue.client.watch_ticker(PERP))
    # A delta carries only what changed; the client keeps the rest.
    assert later["info"]["fundingRate"] is not None
    assert later["info"]["nextFundingTime"] == first["info"]["nextFundingTime"]
    assert later["timestamp"] >= first["timestamp"]


async def test_spot_tickers_have_no_touch(venue: Lab) -> None:
    ticker = await soon(venue.client.watch_ticker(SPOT))
    assert ticker["symbol"] == SPOT
    assert ticker["bid"] is None
    assert ticker["last"] > 0


async def test_option_tickers_carry_greeks_in_info(venue: Lab) -> None:
    held = next(one for one in venue.exchange.positions("book") if ":option:BTC" in one.instrument)
    symbol = venue.client.safe_market(held.instrument.split(":")[2])["symbol"]
    ticker = await soon(venue.client.watch_ticker(symbol))
    info = ticker["info"]
    truth = venue.exchange.option_ticker(held.instrument)
    assert float(info["delta"]) == pytest.approx(truth.delta, abs=0.05)
    assert float(info["markPriceIv"]) == pytest.approx(truth.mark_iv, abs=0.05)
    assert float(info["bidPrice"]) < float(info["askPrice"])
    assert ticker["bid"] is None


@pytest.mark.parametrize("symbol", [PERP, SPOT])
async def test_watch_order_book_follows_deltas(venue: Lab, symbol: str) -> None:
    instrument = InstrumentId("bybit:linear:BTCUSDT" if symbol == PERP else "bybit:spot:BTCUSDT")
    await soon(venue.client.watch_order_book(symbol))
    for _ in range(15):
        book = await soon(venue.client.watch_order_book(symbol))
        assert book["bids"][0][0] < book["asks"][0][0]
        assert len(book["bids"]) == len(book["asks"]) == 50
    # Stop the world; what the client has built must be the venue's book.
    venue.server.api.advance = lambda: None  # type: ignore[method-assign]
    await asyncio.sleep(0.2)
    truth = venue.exchange.book(instrument, 50)
    mine = venue.client.orderbooks[symbol]
    assert [(row[0], row[1]) for row in mine["bids"]] == [(float(p), float(q)) for p, q in truth.bids]
    assert [(row[0], row[1]) for row in mine["asks"]] == [(float(p), float(q)) for p, q in truth.asks]


async def test_watch_public_trades_and_candles(venue: Lab) -> None:
    trades = await soon(venue.client.watch_trades(PERP))
    assert {one["symbol"] for one in trades} == {PERP}
    candles = await soon(venue.client.watch_ohlcv(PERP, "1m"))
    assert candles[-1][2] >= candles[-1][3]


async def test_watch_my_trades(venue: Lab) -> None:
    task = await watching(venue, "watch_my_trades", "execution")
    made = await buy(venue, orderLinkId="mine-1")
    (trade,) = await soon(task)
    (execution,) = venue.exchange.executions("book")
    assert (trade["id"], trade["order"], trade["symbol"]) == (execution.exec_id, made["id"], PERP)
    assert (trade["amount"], trade["takerOrMaker"]) == (0.01, "taker")
    assert trade["info"]["orderLinkId"] == "mine-1"
    assert trade["info"]["execType"] == "Trade"


async def test_foreign_trades_arrive_as_well(venue: Lab) -> None:
    task = await watching(venue, "watch_my_trades", "execution")
    done = await venue.admin("POST", "trade", {"instrument": "bybit:spot:BTCUSDT", "side": "sell", "contracts": "0.02"})
    assert done["ok"], done
    trades = await soon(task)
    assert {one["symbol"] for one in trades} == {SPOT}
    assert {one["side"] for one in trades} == {"sell"}
    assert all(one["info"]["category"] == "spot" for one in trades)


async def test_watch_orders(venue: Lab) -> None:
    task = await watching(venue, "watch_orders", "order")
    await venue.client.create_order(PERP, "limit", "buy", 0.01, 88_000, {"orderLinkId": "rest"})
    (order,) = await soon(task)
    assert (order["clientOrderId"], order["status"], order["symbol"]) == ("rest", "open", PERP)
    task = asyncio.create_task(venue.client.watch_orders())
    await venue.client.cancel_order(None, PERP, {"orderLinkId": "rest"})
    (order,) = await soon(task)
    assert (order["status"], order["info"]["cancelType"]) == ("canceled", "CancelByUser")


async def test_a_post_only_order_that_would_cross_is_taken_then_cancelled(venue: Lab) -> None:
    task = await watching(venue, "watch_orders", "order")
    made = await venue.client.create_order(PERP, "limit", "buy", 0.01, 91_500, {"postOnly": True})
    orders = await soon(task)
    assert orders[-1]["id"] == made["id"]
    assert orders[-1]["info"]["rejectReason"] == "EC_PostOnlyWillTakeLiquidity"


async def test_watch_positions(venue: Lab) -> None:
    venue.client.options["watchPositions"] = {"fetchPositionsSnapshot": False, "awaitPositionsSnapshot": False}
    task = await watching(venue, "watch_positions", "position")
    await buy(venue)
    positions = await soon(task)
    assert (positions[-1]["symbol"], positions[-1]["side"], positions[-1]["contracts"]) == (PERP, "long", 0.01)
    assert positions[-1]["entryPrice"] > 0


async def test_watch_balance(venue: Lab) -> None:
    task = await watching(venue, "watch_balance", "wallet")
    await venue.client.create_order(SPOT, "market", "buy", 0.01, None, {})
    balance = await soon(task)
    wallet = {coin.coin: coin.wallet for coin in venue.exchange.wallet("book").coins}
    assert Decimal(str(balance["BTC"]["total"])) == wallet["BTC"]
    # Only coins that moved are pushed.
    assert "USDC" not in balance


async def test_create_and_cancel_over_the_trade_socket(venue: Lab) -> None:
    made = await soon(venue.client.create_order_ws(PERP, "limit", "buy", 0.01, 88_000, {"orderLinkId": "ws-1"}))
    (order,) = venue.exchange.open_orders("book")
    assert (made["id"], made["clientOrderId"]) == (order.order_id, "ws-1")
    await soon(venue.client.cancel_order_ws(order.order_id, PERP))
    assert venue.exchange.open_orders("book") == ()
    with pytest.raises(ccxt.OrderNotFound, match="110001"):
        await soon(venue.client.cancel_order_ws(order.order_id, PERP))
    with pytest.raises(ccxt.InvalidOrder, match="110072"):
        await soon(venue.client.create_order_ws(PERP, "limit", "buy", 0.01, 88_000, {"orderLinkId": "ws-1"}))


async def test_amend_over_the_trade_socket(venue: Lab) -> None:
    made = await soon(venue.client.create_order_ws(PERP, "limit", "buy", 0.01, 88_000, {"orderLinkId": "ws-a"}))
    task = await watching(venue, "watch_orders", "order")
    edited = await soon(venue.client.edit_order_ws(made["id"], PERP, "limit", "buy", 0.02, 87_500))
    assert edited["id"] == made["id"]
    (told,) = await soon(task)
    assert (told["id"], told["amount"], told["price"], told["status"]) == (made["id"], 0.02, 87_500, "open")
    with pytest.raises(ccxt.OrderNotFound, match="110001"):
        await soon(venue.client.edit_order_ws("nobody", PERP, "limit", "buy", 0.02, 87_000))
    with pytest.raises(ccxt.BadRequest, match="remains unchanged"):
        await soon(venue.client.edit_order_ws(made["id"], PERP, "limit", "buy", 0.02, 87_500))


async def test_pings_are_answered_on_every_socket() -> None:
    async with lab(streaming={"keepAlive": 100}) as venue:
        client = venue.client
        held = next(one for one in venue.exchange.positions("book") if ":option:BTC" in one.instrument)
        option = client.safe_market(held.instrument.split(":")[2])["symbol"]
        for symbol in (PERP, SPOT, option):
            await soon(client.watch_ticker(symbol))
        await soon(client.create_order_ws(PERP, "limit", "buy", 0.01, 88_000, {}))
        task = await watching(venue, "watch_orders", "order")
        before = {url: one.lastPong for url, one in client.clients.items()}
        await asyncio.sleep(0.5)
        after = {url: one.lastPong for url, one in client.clients.items()}
        assert len(after) == 5
        assert all(after[url] is not None and after[url] != before[url] for url in after), (before, after)
        task.cancel()


async def test_a_wrong_key_does_not_get_in() -> None:
    async with lab(markets=False, secret="wrong") as venue:
        with pytest.raises(ccxt.BaseError):
            await soon(venue.client.watch_orders())
        assert venue.server.sessions.chosen("private", "book") == []
