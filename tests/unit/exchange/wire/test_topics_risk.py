"""Topics about limits and guards."""

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.types import Liquidated
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.publish import Publisher

Make = Callable[[str], Any]


async def test_price_limits_are_sent_whole_when_they_move(api: Api, wired: Make) -> None:
    publisher, one = Publisher(api), wired("linear")
    api.exchange.listen(publisher.on_notice)
    assert publisher.subscribe(one.session, "priceLimit.BTCUSDT")
    assert not publisher.subscribe(wired("option").session, "priceLimit.BTCUSDT")
    for _ in range(30):
        api.exchange.advance(api.exchange.now_ns + 100_000_000)
        publisher.flush()
    frames = await one.drain()
    assert len(frames) > 2
    for frame in frames:
        assert set(frame) == {"topic", "ts", "data"}
        assert Decimal(frame["data"]["sellLmt"]) < Decimal(frame["data"]["buyLmt"])
    assert all(before["data"] != after["data"] for before, after in pairwise(frames))


def made(api: Api) -> Publisher:
    publisher = Publisher(api)
    api.exchange.listen(publisher.on_notice)
    return publisher


async def test_liquidations_of_an_instrument_are_told_as_they_happen(api: Api, wired: Make) -> None:
    publisher, one = made(api), wired("linear")
    assert publisher.subscribe(one.session, "allLiquidation.BTCUSDT")
    assert not publisher.subscribe(wired("spot").session, "allLiquidation.BTCUSDT")
    publisher.flush()
    told = Liquidated(
        instrument=InstrumentId("bybit:linear:BTCUSDT"),
        position_side=Side.SELL,
        contracts=Decimal("0.5"),
        price=Decimal(99_000),
        at_ns=5_000_000,
    )
    publisher.on_notice(told)
    publisher.on_notice(msgspec.structs.replace(told, instrument=InstrumentId("bybit:linear:ETHUSDT")))
    publisher.flush()
    publisher.flush()
    (frame,) = await one.drain()
    assert frame["data"] == [{"T": 5, "s": "BTCUSDT", "S": "Sell", "v": "0.5", "p": "99000"}]


async def test_groups_have_alerts_once_a_second_and_funds_when_they_change(api: Api, wired: Make) -> None:
    publisher, one, coin = made(api), wired("linear"), wired("inverse")
    assert publisher.subscribe(one.session, "adlAlert.USDT")
    assert publisher.subscribe(one.session, "insurance.USDT")
    assert publisher.subscribe(coin.session, "insurance.inverse")
    assert not publisher.subscribe(one.session, "adlAlert.inverse")
    assert not publisher.subscribe(one.session, "kline.USDT")
    for _ in range(3):
        publisher._looked_s = -10.0
        publisher.flush()
    frames = await one.drain()
    assert [one["topic"] for one in frames].count("adlAlert.USDT") == 3
    (fund,) = [one for one in frames if one["topic"] == "insurance.USDT"]
    assert (fund["type"], [row["coin"] for row in fund["data"]]) == ("snapshot", ["USDT"])
    assert {row["c"] for row in frames[0]["data"]} == {"USDT"}
    api.exchange.troubles.insurance.set_balance("USDT", Decimal(5))
    publisher._looked_s = -10.0
    publisher.flush()
    (changed,) = [one for one in (await one.drain())[4:] if one["topic"] == "insurance.USDT"]
    assert (changed["type"], changed["data"][0]["balance"]) == ("delta", "5")
    assert len(await coin.drain()) == 1
    publisher.unsubscribe(coin.session, "insurance.inverse")
    assert ("inverse", "insurance.inverse") not in publisher._topics
