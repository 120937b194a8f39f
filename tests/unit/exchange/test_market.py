from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.exchange.ladder import Ladder, LadderShape
from hedgebot.exchange.listings import make_listings
from hedgebot.exchange.market import Market, Match, Resting, seed_volume, side_is_empty
from hedgebot.exchange.scenario import Scenario

SHAPE = LadderShape(seed=5, level_lots=1_000, spacing_ticks=20, half_spread_ticks=0.5)


@pytest.fixture
def market(scenario: Scenario, start_ns: int) -> Market:
    listing = make_listings(scenario, {"BTC": 90_000.0, "ETH": 3_000.0}, start_ns)[1]
    made = Market(listing, Ladder(SHAPE), Decimal(90_000), Decimal(10))
    made.ladder.requote(900_000.0, 1, 1.0)
    return made


def lots(matches: list[Match]) -> int:
    return sum(match.lots for match in matches)


def test_a_walk_takes_the_best_prices_first_and_stops_at_its_limit(market: Market) -> None:
    found = market.walk(Side.BUY, 5_000, market.ladder.ask_tick + 60)
    ticks = [match.tick for match in found]
    assert ticks == sorted(ticks)
    assert ticks[0] == market.ladder.ask_tick
    assert ticks[-1] <= market.ladder.ask_tick + 60
    assert lots(found) <= 5_000
    assert lots(market.walk(Side.BUY, 100, 2_000_000)) == 100
    assert market.walk(Side.BUY, 100, market.ladder.ask_tick - 1) == []


def test_carrying_out_moves_the_book(market: Market) -> None:
    before = market.book(5, 1, 1)
    for match in market.walk(Side.SELL, 4_000, 1):
        market.carry_out(match)
    after = market.book(5, 2, 2)
    assert after.bids[0][0] < before.bids[0][0]
    assert after.asks == before.asks
    assert after.update_id > before.update_id


def test_price_then_time_decides_between_participants(market: Market) -> None:
    inside = market.ladder.bid_tick  # at the crowd's own price the crowd is first
    market.rest(Resting("late", Side.BUY, inside, 5, 9))
    market.rest(Resting("early", Side.BUY, inside, 5, 3))
    market.rest(Resting("better", Side.BUY, inside - 40, 5, 1))
    makers = [offer.maker.order_id if offer.maker else "crowd" for offer in market.offers(Side.SELL)][:3]
    assert makers == ["crowd", "early", "late"]
    assert [order.order_id for order in market.resting(Side.BUY)] == ["early", "late", "better"]


def test_a_participants_order_is_in_the_book_and_leaves_it(market: Market) -> None:
    tick = market.ladder.bid_tick - 7
    market.rest(Resting("mine", Side.BUY, tick, 250, 1))
    assert (market.price(tick), Decimal("0.250")) in market.book(50, 1, 1).bids
    market.remove("mine")
    assert market.price(tick) not in [price for price, _ in market.book(50, 1, 1).bids]
    market.remove("mine")  # twice is harmless


def test_the_crowd_trades_through_a_resting_order(market: Market) -> None:
    tick = market.ladder.bid_tick
    market.rest(Resting("mine", Side.BUY, tick, 3_000, 1))
    market.ladder.requote(900_000.0 - 100, 2, 1.0)
    ((order, filled),) = market.crossed()
    assert order.order_id == "mine"
    assert 0 < filled <= 3_000
    market.reduce(order, filled)
    book = market.book(1, 1, 1)
    assert book.bids[0][0] < book.asks[0][0]
    assert order.lots == 3_000 - filled


def test_an_empty_side_is_known(market: Market) -> None:
    market.ladder.requote(0.2, 3, 1.0)
    assert side_is_empty(market, Side.SELL)
    assert not side_is_empty(market, Side.BUY)
    assert market.best_tick(Side.BUY) is None


def test_seed_volume_is_whole_contracts(market: Market) -> None:
    assert seed_volume(market.instrument, 90_000.0, 2e9) == Decimal(22_222)
    assert seed_volume(market.instrument, 0.0, 2e9) == Decimal(0)
    inverse = msgspec.structs.replace(market.instrument, kind=InstrumentKind.INVERSE_PERP)
    assert seed_volume(inverse, 90_000.0, 2e9) == Decimal(2_000_000_000)


def test_a_match_is_divided_without_losing_a_lot() -> None:
    assert [one.lots for one in Match(5, 10, None).pieces(3)] == [4, 3, 3]
    assert [one.lots for one in Match(5, 2, None).pieces(3)] == [1, 1]
    assert Match(5, 7, None).pieces(1) == [Match(5, 7, None)]
