"""Who subscribed what, and what a socket that lost frames is owed."""

from collections.abc import Callable
from typing import Any

import pytest

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


@pytest.mark.parametrize(
    "topic",
    ["tickers", "tickers.NOPE", "orderbook.7.BTCUSDT", "orderbook.x.BTCUSDT", "kline.2.BTCUSDT", "secrets.BTCUSDT", ""],
)
async def test_unknown_topics_are_refused(publisher: Publisher, wired: Make, topic: str) -> None:
    one = wired("linear")
    assert not publisher.subscribe(one.session, topic)
    assert one.session.topics == {}


async def test_the_last_subscriber_takes_the_topic_along(api: Api, publisher: Publisher, wired: Make) -> None:
    one = wired("linear")
    publisher.subscribe(one.session, "tickers.BTCUSDT")
    publisher.unsubscribe(one.session, "tickers.BTCUSDT")
    publisher.unsubscribe(one.session, "tickers.BTCUSDT")
    run(api, publisher, 5)
    assert one.session.waiting == 0
    assert publisher._topics == {}


async def test_a_lagging_socket_gets_a_snapshot_when_it_caught_up(api: Api, publisher: Publisher, wired: Make) -> None:
    one = wired("linear")
    publisher.subscribe(one.session, "orderbook.50.BTCUSDT")
    run(api, publisher, 3)
    await one.drain()
    one.session.lagging = True
    publisher._looked_s = -10.0
    run(api, publisher, 1)
    assert (await one.drain())[-1]["type"] == "snapshot"
    assert not one.session.lagging
