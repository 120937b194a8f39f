"""Contract tests of the streams: the topic that was subscribed, what the client makes of its frames, how it leaves."""

import asyncio
import contextlib
from decimal import Decimal
from typing import Any

import pytest

from hedgebot.exchange.trouble import Liquidation
from tests.wire.contract.stage import Stage
from tests.wire.contract.table import contract


def _subscribed(stage: Stage, topic: str) -> None:
    """A subscription of the topic reached the venue on the product's own channel."""
    asked = stage.venue.seen(f"{stage.product.category}:subscribe")
    topics = [one for params in asked for one in params["args"]]  # type: ignore[attr-defined]
    assert topic in topics, topics


def _depth(stage: Stage) -> int:
    return 100 if stage.product.category == "option" else 50


async def _stirred(stage: Stage, watch: Any) -> Any:
    """The result of a watch that needs trades: the account trades until it comes."""
    task = asyncio.ensure_future(watch)
    for _ in range(50):
        await stage.buy()
        done, _ = await asyncio.wait({task}, timeout=0.1)
        if done:
            return task.result()
    task.cancel()
    raise AssertionError("no frame within 5 s of trading")


@contract("watchTicker")
async def watch_ticker(stage: Stage) -> None:
    found = await stage.soon(stage.client.watch_ticker(stage.symbol))
    _subscribed(stage, f"tickers.{stage.instrument.symbol}")
    assert found["symbol"] == stage.symbol
    truth = float(stage.book.bids[0][0])
    if stage.product.category == "option":
        # Bid and ask of options stand in `info` only: ccxt does not read the stream's names.
        assert float(found["info"]["bidPrice"]) == pytest.approx(truth, rel=0.2)
        assert float(found["info"]["delta"]) == pytest.approx(stage.exchange.option_ticker(stage.id).delta, abs=0.05)
    else:
        assert found["last"] == pytest.approx(truth, rel=0.05)
    if stage.product.category in {"linear", "inverse"}:
        assert found["bid"] < found["ask"]
        assert found["markPrice"] > 0


@contract("watchTickers")
async def watch_tickers(stage: Stage) -> None:
    found = await stage.soon(stage.client.watch_tickers([stage.symbol]))
    _subscribed(stage, f"tickers.{stage.instrument.symbol}")
    assert set(found) == {stage.symbol}


@contract("watchBidsAsks")
async def watch_bids_asks(stage: Stage) -> None:
    found = (await stage.soon(stage.client.watch_bids_asks([stage.symbol])))[stage.symbol]
    _subscribed(stage, f"orderbook.1.{stage.instrument.symbol}")
    assert 0 < found["bid"] < found["ask"]
    assert found["bid"] == pytest.approx(float(stage.book.bids[0][0]), rel=0.01)
    assert found["bidVolume"] > 0


@contract("watchOrderBook")
async def watch_order_book(stage: Stage) -> None:
    await stage.soon(stage.client.watch_order_book(stage.symbol))
    _subscribed(stage, f"orderbook.{_depth(stage)}.{stage.instrument.symbol}")
    # An order of ours must come out of the deltas: what the client keeps is the venue's book.
    price = stage.far_price() if stage.product.category == "option" else float(stage.book.bids[0][0])
    link = stage.link()
    await stage.client.create_order(
        stage.symbol, "limit", "buy", stage.product.amount, price, {"orderLinkId": link, "postOnly": True}
    )
    found = await stage.soon(stage.client.watch_order_book(stage.symbol))
    assert found["bids"][0][0] < found["asks"][0][0]
    prices = [row[0] for row in found["bids"]]
    assert prices == sorted(prices, reverse=True)
    assert found["symbol"] == stage.symbol


@contract("watchOrderBookForSymbols")
async def watch_order_book_for_symbols(stage: Stage) -> None:
    found = await stage.soon(stage.client.watch_order_book_for_symbols([stage.symbol]))
    _subscribed(stage, f"orderbook.{_depth(stage)}.{stage.instrument.symbol}")
    assert found["bids"][0][0] < found["asks"][0][0]


@contract("watchTrades")
async def watch_trades(stage: Stage) -> None:
    rows = await _stirred(stage, stage.client.watch_trades(stage.symbol))
    _subscribed(stage, f"publicTrade.{stage.instrument.symbol}")
    truth = {one.trade_id: one for one in stage.exchange.trades(stage.id, 1_000)}
    assert rows
    for row in rows:
        assert (row["symbol"], row["price"]) == (stage.symbol, float(truth[row["id"]].price))


@contract("watchTradesForSymbols")
async def watch_trades_for_symbols(stage: Stage) -> None:
    rows = await _stirred(stage, stage.client.watch_trades_for_symbols([stage.symbol]))
    _subscribed(stage, f"publicTrade.{stage.instrument.symbol}")
    assert {row["symbol"] for row in rows} == {stage.symbol}


@contract("watchOHLCV")
async def watch_ohlcv(stage: Stage) -> None:
    rows = await _stirred(stage, stage.client.watch_ohlcv(stage.symbol, "1m"))
    _subscribed(stage, f"kline.1.{stage.instrument.symbol}")
    at_ms, _, high, low, closed, volume = rows[-1]
    assert at_ms % 60_000 == 0
    assert low <= closed <= high
    assert volume > 0


@contract("watchOHLCVForSymbols")
async def watch_ohlcv_for_symbols(stage: Stage) -> None:
    found = await _stirred(stage, stage.client.watch_ohlcv_for_symbols([[stage.symbol, "1m"]]))
    _subscribed(stage, f"kline.1.{stage.instrument.symbol}")
    assert found[stage.symbol]["1m"]


@contract("watchLiquidations")
async def watch_liquidations(stage: Stage) -> None:
    await stage.buy()
    task = asyncio.ensure_future(stage.client.watch_liquidations(stage.symbol))
    topic = f"allLiquidation.{stage.instrument.symbol}"
    sessions = stage.venue.server.sessions
    await stage.until(lambda: any(topic in one.topics for one in sessions.chosen(stage.product.category)), topic)
    stage.exchange.strike(Liquidation(account="book"))
    rows = await stage.soon(task)
    assert rows
    assert {row["symbol"] for row in rows} == {stage.symbol}
    assert all(row["contracts"] > 0 and row["price"] > 0 for row in rows)


# --- private ----------------------------------------------------------------------------------------------------


@contract("watchOrders")
async def watch_orders(stage: Stage) -> None:
    task = await stage.watching("order", stage.client.watch_orders(stage.symbol))
    link = await stage.rest()
    (row,) = [row for row in await stage.soon(task) if row["clientOrderId"] == link]
    assert (row["symbol"], row["status"], row["amount"]) == (stage.symbol, "open", stage.product.amount)
    assert row["id"] == stage.order(link).order_id
    task = asyncio.ensure_future(stage.client.watch_orders(stage.symbol))
    await asyncio.sleep(0)
    await stage.client.cancel_order(None, stage.symbol, {"orderLinkId": link})
    found = {row["clientOrderId"]: row["status"] for row in await stage.soon(task)}
    assert found[link] == "canceled"


@contract("watchMyTrades")
async def watch_my_trades(stage: Stage) -> None:
    task = await stage.watching("execution", stage.client.watch_my_trades(stage.symbol))
    link = await stage.buy()
    await stage.soon(task)
    executions = [one for one in stage.exchange.executions("book") if getattr(one, "order", None)]
    ids = {one.exec_id for one in executions}
    await stage.until(lambda: ids <= {row["id"] for row in stage.client.myTrades}, "every execution in the cache")
    rows = [row for row in stage.client.myTrades if row["info"]["orderLinkId"] == link]
    assert {row["symbol"] for row in rows} == {stage.symbol}
    assert sum(Decimal(row["info"]["execQty"]) for row in rows) == Decimal(str(stage.product.amount))
    assert sum(Decimal(row["info"]["execFee"]) for row in rows) == stage.order(link).fee


@contract("watchPositions")
async def watch_positions(stage: Stage) -> None:
    # The first answer is a snapshot over HTTP of linear USDT and inverse positions only; the stream is asked for here.
    stage.client.options["watchPositions"] = {"fetchPositionsSnapshot": False}
    task = await stage.watching("position", stage.client.watch_positions([stage.symbol]))
    await stage.buy()
    (row,) = [row for row in await stage.soon(task) if row["symbol"] == stage.symbol]
    held = stage.held()
    assert (row["side"], Decimal(str(row["contracts"]))) == ("long" if held > 0 else "short", abs(held))


@contract("watchBalance")
async def watch_balance(stage: Stage) -> None:
    task = await stage.watching("wallet", stage.client.watch_balance())
    await stage.buy()
    found = await stage.soon(task)
    truth = {coin.coin: coin.wallet for coin in stage.exchange.wallet("book").coins}
    (told,) = [row for row in found["info"][0]["coin"] if row["coin"] == "USDT"]
    assert Decimal(told["walletBalance"]) == truth["USDT"]
    # ccxt's total is the equity: the wallet with what positions are worth.
    assert Decimal(str(found["USDT"]["total"])) == Decimal(told["equity"])


# --- leaving -------------------------------------------------------------------------------------------------------


async def _left(stage: Stage, topic: str, watch: Any, leave: Any) -> None:
    """After `watch` the venue serves the topic, after `leave` it does not."""
    task = asyncio.ensure_future(watch)

    def served() -> bool:
        return any(topic in one.topics for one in stage.venue.server.sessions.chosen(stage.product.category))

    await stage.until(served, f"{topic} served")
    # While it waits the client must not be told of its own leaving as an error of the watch.
    await asyncio.wait({task}, timeout=0.5)
    await stage.soon(leave())
    await stage.until(lambda: not served(), f"{topic} left")
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await task


@contract("unWatchTicker")
async def un_watch_ticker(stage: Stage) -> None:
    client, symbol = stage.client, stage.symbol
    topic = f"tickers.{stage.instrument.symbol}"
    await _left(stage, topic, client.watch_ticker(symbol), lambda: client.un_watch_ticker(symbol))


@contract("unWatchTickers")
async def un_watch_tickers(stage: Stage) -> None:
    client, symbols = stage.client, [stage.symbol]
    topic = f"tickers.{stage.instrument.symbol}"
    await _left(stage, topic, client.watch_tickers(symbols), lambda: client.un_watch_tickers(symbols))


@contract("unWatchOrderBook")
async def un_watch_order_book(stage: Stage) -> None:
    client, symbol, limit = stage.client, stage.symbol, _depth(stage)
    topic = f"orderbook.{limit}.{stage.instrument.symbol}"
    leave = lambda: client.un_watch_order_book(symbol, {"limit": limit})  # noqa: E731
    await _left(stage, topic, client.watch_order_book(symbol), leave)


@contract("unWatchOrderBookForSymbols")
async def un_watch_order_book_for_symbols(stage: Stage) -> None:
    client, symbols, limit = stage.client, [stage.symbol], _depth(stage)
    topic = f"orderbook.{limit}.{stage.instrument.symbol}"
    leave = lambda: client.un_watch_order_book_for_symbols(symbols, {"limit": limit})  # noqa: E731
    await _left(stage, topic, client.watch_order_book_for_symbols(symbols), leave)


@contract("unWatchTrades")
async def un_watch_trades(stage: Stage) -> None:
    client, symbol = stage.client, stage.symbol
    topic = f"publicTrade.{stage.instrument.symbol}"
    await _left(stage, topic, client.watch_trades(symbol), lambda: client.un_watch_trades(symbol))


@contract("unWatchTradesForSymbols")
async def un_watch_trades_for_symbols(stage: Stage) -> None:
    client, symbols = stage.client, [stage.symbol]
    topic = f"publicTrade.{stage.instrument.symbol}"
    leave = lambda: client.un_watch_trades_for_symbols(symbols)  # noqa: E731
    await _left(stage, topic, client.watch_trades_for_symbols(symbols), leave)


@contract("unWatchOHLCV")
async def un_watch_ohlcv(stage: Stage) -> None:
    client, symbol = stage.client, stage.symbol
    topic = f"kline.1.{stage.instrument.symbol}"
    await _left(stage, topic, client.watch_ohlcv(symbol, "1m"), lambda: client.un_watch_ohlcv(symbol, "1m"))


@contract("unWatchOHLCVForSymbols")
async def un_watch_ohlcv_for_symbols(stage: Stage) -> None:
    client, wanted = stage.client, [[stage.symbol, "1m"]]
    topic = f"kline.1.{stage.instrument.symbol}"
    leave = lambda: client.un_watch_ohlcv_for_symbols(wanted)  # noqa: E731
    await _left(stage, topic, client.watch_ohlcv_for_symbols(wanted), leave)
