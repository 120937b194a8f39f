"""Account news: who gets what, in which order."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.types import OrderRequest, OrderType
from hedgebot.exchange.wire import private
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.private import TOPICS, PrivateFeed
from hedgebot.exchange.wire.sessions import Sessions

Make = Callable[[str], Any]


class Desk:
    """A feed with sessions that are logged in."""

    def __init__(self, api: Api, wired: Make) -> None:
        self.api = api
        self.sessions = Sessions()
        self.feed = PrivateFeed(api, self.sessions)
        api.exchange.listen(self.feed.on_notice)
        self._wired = wired

    def client(self, account: str, *topics: str) -> Any:
        made = self._wired("private")
        made.session.account = account
        made.session.topics = dict.fromkeys(topics)
        self.sessions.add(made.session)
        return made

    def trade(self, instrument: str, side: Side = Side.BUY, price: str | None = None) -> None:
        self.api.exchange.place(
            OrderRequest(
                account="book",
                instrument=InstrumentId(f"bybit:{instrument}"),
                side=side,
                type=OrderType.LIMIT if price else OrderType.MARKET,
                qty_contracts=Decimal("0.2"),
                limit_price=Decimal(price) if price else None,
            )
        )
        self.feed.flush()


@pytest.fixture
def desk(api: Api, wired: Make) -> Desk:
    return Desk(api, wired)


async def test_a_trade_reaches_every_topic_of_its_account_only(desk: Desk) -> None:
    mine = desk.client("book", "order", "execution", "position", "wallet")
    other = desk.client("other", "order", "execution", "position", "wallet")
    desk.trade("linear:BTCPERP")
    topics = [message["topic"] for message in await mine.drain()]
    assert set(topics) == {"order", "execution", "position", "wallet"}
    assert topics[-1] == "wallet"
    assert await other.drain() == []


async def test_topics_by_category(desk: Desk) -> None:
    linear, spot = desk.client("book", "execution.linear"), desk.client("book", "execution.spot", "order.option")
    desk.trade("linear:BTCPERP")
    assert {message["topic"] for message in await linear.drain()} == {"execution.linear"}
    assert await spot.drain() == []


async def test_a_wallet_push_names_what_changed(desk: Desk) -> None:
    mine = desk.client("book", "wallet")
    desk.trade("spot:BTCUSDT")
    (push,) = await mine.drain()
    assert {coin["coin"] for coin in push["data"][0]["coin"]} == {"BTC", "USDT"}
    balances = {coin.coin: coin.wallet for coin in desk.api.exchange.wallet("book").coins}
    assert all(Decimal(coin["walletBalance"]) == balances[coin["coin"]] for coin in push["data"][0]["coin"])


async def test_an_order_without_a_fill_touches_the_position_topic(desk: Desk) -> None:
    mine = desk.client("book", "position", "order")
    desk.trade("linear:BTCPERP", price="88000")
    assert [message["topic"] for message in await mine.drain()] == ["order", "position"]


async def test_nothing_is_replayed_to_who_comes_late(desk: Desk) -> None:
    desk.trade("linear:BTCPERP")
    late = desk.client("book", "execution", "wallet", "position")
    desk.feed.flush()
    assert await late.drain() == []


async def test_funding_is_an_execution(desk: Desk) -> None:
    mine = desk.client("book", "execution")
    perp = desk.api.find("linear", "BTCPERP")
    assert perp is not None
    assert perp.funding_interval_ns is not None
    ticker = desk.api.exchange.ticker(perp.instrument.id)
    desk.api.exchange._world.perps[perp.instrument.id].next_funding_at_ns = desk.api.exchange.now_ns + 1
    desk.api.exchange.advance(desk.api.exchange.now_ns + 2_000_000_000)
    desk.feed.flush()
    rows = [row for message in await mine.drain() for row in message["data"]]
    assert [(row["execType"], row["symbol"], row["category"]) for row in rows] == [("Funding", "BTCPERP", "linear")]
    assert ticker.next_funding_at_ns is not None


def test_the_topics_are_the_documented_ones() -> None:
    assert {"order", "order.spot", "execution.fast", "execution.fast.linear", "position.option", "wallet"} <= TOPICS
    assert "position.spot" not in TOPICS


async def test_greeks_are_told_once_a_second_while_they_move(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asks, other = desk.client("book", "greeks"), desk.client("other", "greeks")
    desk.feed.flush()
    desk.feed.flush()  # within the second: nothing more
    (first,) = await asks.drain()
    assert first["topic"] == "greeks"
    assert [row["baseCoin"] for row in first["data"]] == ["BTC"]
    monkeypatch.setattr(private, "GREEKS_S", 0.0)
    desk.feed.flush()
    assert len(await asks.drain()) == 1  # nothing moved
    desk.api.exchange.advance(desk.api.exchange.now_ns + 5_000_000_000)
    desk.feed.flush()
    assert len(await asks.drain()) == 2
    assert await other.drain() == []
