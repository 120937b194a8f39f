"""The liquidation engine's own trades."""

from decimal import Decimal

import pytest

from hedgebot.domain.instrument import Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.troubles.engine import Engine
from hedgebot.exchange.types import EndReason, OrderRequest, OrderType, PositionIndex, PublicTrade
from tests.unit.exchange.troubles.conftest import BTCUSDT, Weak, trades

D = Decimal


@pytest.fixture
def world(weak: Weak) -> Exchange:
    return weak(("linear:BTCUSDT", "3"))


def engine(exchange: Exchange) -> Engine:
    return exchange.troubles._liquidations._engine


def step(exchange: Exchange, limit: str) -> bool:
    account, market = exchange._accounts["weak"], exchange._world.markets[BTCUSDT]
    return engine(exchange).step(account, market, PositionIndex.ONE_WAY, Side.SELL, D("0.5"), D(limit))


def test_a_step_fills_whole_or_not_at_all(world: Exchange) -> None:
    assert step(world, "80000")
    assert sum(one.qty_contracts for one in trades(world, "weak")) == D("0.5")
    assert not step(world, "95000")
    assert [one.end_reason for one in world.order_history("weak")][-1] is EndReason.FOK_NOT_FILLABLE
    assert [one.contracts for one in world.positions("weak")] == [D("2.5")]


def test_what_was_taken_over_is_sold_in_public_and_the_fund_has_the_difference(world: Exchange) -> None:
    told: list[PublicTrade] = []
    world.listen(lambda one: told.append(one) if isinstance(one, PublicTrade) else None)
    before, market = world.troubles.adl_alert(BTCUSDT).balance, world._world.markets[BTCUSDT]
    engine(world).unload(market, Side.SELL, D(2), D(89_000))
    assert sum(one.trade.qty_contracts for one in told) == D(2)
    gain = sum((one.trade.qty_contracts * (one.trade.price - D(89_000)) for one in told), D(0))
    assert world.troubles.adl_alert(BTCUSDT).balance - before == gain > 0


def test_a_client_in_the_way_is_filled_like_by_anyone(world: Exchange) -> None:
    bid = world.book(BTCUSDT).bids[0][0]
    request = OrderRequest(
        account="main",
        instrument=BTCUSDT,
        side=Side.BUY,
        type=OrderType.LIMIT,
        qty_contracts=D("0.4"),
        limit_price=bid,
    )
    world.place(request)
    engine(world).unload(world._world.markets[BTCUSDT], Side.SELL, D(40), D(89_000))
    (fill,) = trades(world, "main")
    assert (fill.is_maker, fill.qty_contracts, fill.price) == (True, D("0.4"), bid)
