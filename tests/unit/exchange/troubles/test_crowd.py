"""The anonymous holders: seeded, and in profit when the market moved their way."""

import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.market import Market
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.troubles.crowd import Crowd, score

HOUR = 3_600_000_000_000


@pytest.fixture
def btc(exchange: Exchange) -> Market:
    return exchange._world.markets[InstrumentId("bybit:linear:BTCUSDT")]


def scores(crowd: Crowd, market: Market, side: Side, mark: float, now_ns: int = 0) -> list[float]:
    return [points for points, _ in crowd.scored(market, side, mark, now_ns)]


def test_the_same_seed_draws_the_same_crowd(btc: Market) -> None:
    first, second, third = (scores(Crowd(seed, 10), btc, Side.BUY, 90_000.0) for seed in (1, 1, 2))
    assert first == second != third
    assert len(first) == 10


def test_a_fall_puts_shorts_into_profit_until_entries_follow(btc: Market) -> None:
    crowd = Crowd(1, 50)
    calm = scores(crowd, btc, Side.SELL, 90_000.0)
    fallen = scores(crowd, btc, Side.SELL, 80_000.0)
    assert all(after > before for before, after in zip(calm, fallen, strict=True))
    assert max(scores(crowd, btc, Side.BUY, 80_000.0)) < max(fallen)
    later = scores(crowd, btc, Side.SELL, 80_000.0, 48 * HOUR)
    assert sum(later) < sum(fallen)


def test_who_has_nothing_left_is_out_of_the_queue(btc: Market) -> None:
    crowd = Crowd(1, 3)
    for _, other in crowd.scored(btc, Side.BUY, 90_000.0, 0)[:2]:
        other.contracts = 0.0
    assert len(crowd.scored(btc, Side.BUY, 90_000.0, 0)) == 1


@pytest.mark.parametrize(("ratio", "leverage", "points"), [(0.1, 10.0, 1.0), (-0.1, 10.0, -0.01), (0.0, 5.0, 0.0)])
def test_leverage_lifts_profits_and_softens_losses(ratio: float, leverage: float, points: float) -> None:
    assert score(ratio, leverage) == pytest.approx(points)


def test_of_what_is_gone_there_are_no_holders(btc: Market) -> None:
    crowd = Crowd(1, 3)
    assert len(scores(crowd, btc, Side.BUY, 90_000.0)) == 3
    crowd.keep([btc.id])
    assert btc.id in crowd._holders
    crowd.keep([])
    assert not crowd._holders
