"""Topics about limits and guards."""

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise
from typing import Any

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
