"""Topics: snapshots first, deltas that rebuild the state, repeats."""

from collections.abc import Callable
from typing import Any

import pytest

from hedgebot.exchange.wire import topics
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.publish import Publisher

Make = Callable[[str], Any]


@pytest.fixture
def publisher(api: Api) -> Publisher:
    made = Publisher(api)
    api.exchange.listen(made.on_notice)
    return made


def run(api: Api, publisher: Publisher, steps: int) -> None:
    for _ in range(steps):
        api.exchange.advance(api.exchange.now_ns + 100_000_000)
        publisher.flush()


async def test_deltas_rebuild_the_ticker(api: Api, publisher: Publisher, wired: Make) -> None:
    one = wired("linear")
    assert publisher.subscribe(one.session, "tickers.BTCUSDT")
    run(api, publisher, 30)
    first, *rest = await one.drain()
    assert first["type"] == "snapshot"
    assert {message["type"] for message in rest} == {"delta"}
    state = dict(first["data"])
    for message in rest:
        state |= message["data"]
    late = wired("linear")
    publisher.subscribe(late.session, "tickers.BTCUSDT")
    publisher.flush()
    assert (await late.drain())[0]["data"] == state


@pytest.mark.parametrize("channel", ["linear", "spot"])
async def test_deltas_rebuild_the_book(api: Api, publisher: Publisher, wired: Make, channel: str) -> None:
    one = wired(channel)
    publisher.subscribe(one.session, "orderbook.50.BTCUSDT")
    run(api, publisher, 50)
    sides: dict[str, dict[str, str]] = {"b": {}, "a": {}}
    numbers = []
    for message in await one.drain():
        numbers.append(message["data"]["u"])
        for side, levels in sides.items():
            if message["type"] == "snapshot":
                levels.clear()
            for price, qty in message["data"][side]:
                if qty == "0":
                    del levels[price]
                else:
                    levels[price] = qty
    listing = api.find(channel, "BTCUSDT")
    assert listing is not None
    book = api.exchange.book(listing.instrument.id, 50)
    assert {float(price): float(qty) for price, qty in sides["b"].items()} == {float(p): float(q) for p, q in book.bids}
    assert {float(price): float(qty) for price, qty in sides["a"].items()} == {float(p): float(q) for p, q in book.asks}
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_spot_and_options_are_always_whole(api: Api, publisher: Publisher, wired: Make) -> None:
    option = api.listings("option")[0].instrument.symbol
    for channel, symbol in (("spot", "BTCUSDT"), ("option", option)):
        one = wired(channel)
        assert publisher.subscribe(one.session, f"tickers.{symbol}")
        run(api, publisher, 40)
        messages = await one.drain()
        assert len(messages) > 2
        assert {message["type"] for message in messages} == {"snapshot"}
        assert len({frozenset(message["data"]) for message in messages}) == 1


async def test_a_quiet_level_one_is_repeated_with_its_number(
    api: Api, publisher: Publisher, wired: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = wired("linear")
    publisher.subscribe(one.session, "orderbook.1.BTCUSDT")
    publisher.flush()
    publisher._looked_s = -10.0
    publisher.flush()
    assert len(await one.drain()) == 1
    monkeypatch.setattr(topics, "REPEAT_S", 0.0)
    publisher._looked_s = -10.0
    publisher.flush()
    first, repeat = await one.drain()
    assert (first["type"], repeat["type"]) == ("snapshot", "snapshot")
    assert first["data"] == repeat["data"]


async def test_trades_and_candles(api: Api, publisher: Publisher, wired: Make) -> None:
    one = wired("linear")
    for topic in ("publicTrade.BTCUSDT", "kline.1.BTCUSDT"):
        assert publisher.subscribe(one.session, topic)
    run(api, publisher, 100)
    messages = await one.drain()
    printed = [row["i"] for message in messages if message["topic"].startswith("public") for row in message["data"]]
    listing = api.find("linear", "BTCUSDT")
    assert listing is not None
    assert printed == [trade.trade_id for trade in api.exchange.trades(listing.instrument.id, 1_000)]
    candle = [message for message in messages if message["topic"].startswith("kline")][-1]["data"][0]
    assert float(candle["low"]) <= float(candle["close"]) <= float(candle["high"])
