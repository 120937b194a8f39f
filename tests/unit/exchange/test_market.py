from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.exchange.ladder import Ladder, LadderShape
from hedgebot.exchange.listings import make_listings
from hedgebot.exchange.market import Market, Match, Resting, seed_volume, side_is_empty
from hedgebot.exchange.scenario import Scenario

SHAPE = LadderShape(
    seed=5,
    touch_lots=1_000,
    near_lots=1_000.0,
    far_lots=0.0,
    far_ticks=600.0,
    growth=1.0,
    spacing_ticks=20,
    half_spread_ticks=5.0,
    half_life_steps=4.0,
    resize_steps=1_000,
    lots_per_tick=500.0,
    ahead_kept=0.9,
)


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


def queue(market: Market, taker: Side = Side.SELL) -> list[tuple[str, int]]:
    """Who stands at the best price, in order."""
    offers = list(market.offers(taker))
    return [
        (offer.maker.order_id if offer.maker else "crowd", offer.lots)
        for offer in offers
        if offer.tick == offers[0].tick
    ]


def test_an_order_stands_behind_what_was_there_and_before_what_comes(market: Market) -> None:
    tick = market.ladder.bid_tick
    crowd = market.ladder.queue_at(Side.BUY, tick)
    market.rest(Resting("mine", Side.BUY, tick, 50, 1))
    assert queue(market) == [("crowd", crowd), ("mine", 50)]
    market.ladder.requote(900_000.0, 2, 1.0)  # a tenth of those ahead cancel, others come behind
    assert queue(market) == [("crowd", int(crowd * 0.9)), ("mine", 50), ("crowd", crowd - int(crowd * 0.9))]
    market.rest(Resting("later", Side.BUY, tick, 20, 2))
    assert queue(market)[-2:] == [("crowd", crowd - int(crowd * 0.9)), ("later", 20)]
    book = market.book(1, 1, 1)
    assert book.bids[0][1] == market.qty(crowd + 70), "the queue's order changes no quantity"


def test_trades_at_its_price_move_the_queue_and_then_fill_the_order(market: Market) -> None:
    tick = market.ladder.bid_tick
    crowd = market.ladder.queue_at(Side.BUY, tick)
    market.rest(Resting("mine", Side.BUY, tick, 50, 1))
    first = market.crowd_takes(Side.SELL, crowd - 10)
    assert [(match.maker, match.lots) for match in first] == [(None, crowd - 10)]
    (order,) = market.resting(Side.BUY)
    assert market.ahead_of(order) == 10
    second = market.crowd_takes(Side.SELL, 30)
    assert [(match.maker and match.maker.order_id, match.lots) for match in second] == [(None, 10), ("mine", 20)]
    assert order.lots == 30
    market.crowd_takes(Side.SELL, 30)
    assert market.resting(Side.BUY) == []


def test_a_participant_who_takes_a_queue_reaches_those_behind_it(market: Market) -> None:
    tick = market.ladder.bid_tick
    crowd = market.ladder.queue_at(Side.BUY, tick)
    market.rest(Resting("first", Side.BUY, tick, 50, 1))
    market.rest(Resting("second", Side.BUY, tick, 50, 2))
    found = market.walk(Side.SELL, crowd + 70, tick)
    assert [(match.maker and match.maker.order_id, match.lots) for match in found] == [
        (None, crowd),
        ("first", 50),
        ("second", 20),
    ]
    for match in found:
        market.carry_out(match)
    assert queue(market)[0] == ("second", 30)


def test_an_order_between_the_crowds_prices_waits_for_them_to_come(market: Market) -> None:
    """It keeps its queue of the price it chose, and gets no deeper when the touch comes to it."""
    tick = market.ladder.bid_tick - 7
    market.rest(Resting("mine", Side.BUY, tick, 50, 1))
    (order,) = market.resting(Side.BUY)
    waiting = int(market.ahead_of(order))
    assert 0 < waiting < 1_000
    market.ladder.requote(900_000.0 - 7, 1, 1.0)
    assert market.ladder.bid_tick == tick
    standing = queue(market)
    assert standing[:2] == [("crowd", waiting), ("mine", 50)]
    assert standing[2][0] == "crowd"


def test_two_orders_at_one_price_never_overtake(market: Market) -> None:
    tick = market.ladder.bid_tick
    market.rest(Resting("early", Side.BUY, tick, 50, 1))
    market.ladder.take(Side.BUY, tick, market.ladder.queue_at(Side.BUY, tick))  # the crowd leaves
    market.rest(Resting("late", Side.BUY, tick, 50, 2))
    early, late = market.resting(Side.BUY)
    assert market.ahead_of(late) >= market.ahead_of(early)
    assert queue(market) == [("early", 50), ("late", 50)]


def market_of(scenario: Scenario, start_ns: int, half_life_steps: float) -> Market:
    listing = make_listings(scenario, {"BTC": 90_000.0, "ETH": 3_000.0}, start_ns)[1]
    fields = {name: getattr(SHAPE, name) for name in LadderShape.__dataclass_fields__}
    shape = LadderShape(**{**fields, "half_life_steps": half_life_steps})
    made = Market(listing, Ladder(shape), Decimal(90_000), Decimal(10))
    made.ladder.requote(900_000.0, 1, 1.0)
    return made


def test_in_a_long_step_more_trades_than_is_shown(start_ns: int, scenario: Scenario) -> None:
    coarse = market_of(scenario, start_ns, 0.004)
    tick = coarse.ladder.bid_tick
    shown = coarse.ladder.queue_at(Side.BUY, tick)
    (match,) = coarse.crowd_takes(Side.SELL, 40 * shown)
    assert match.lots == 40 * shown
    assert coarse.ladder.queue_at(Side.BUY, tick) > 0.7 * shown, "and it has grown back at its end"
    coarse.rest(Resting("mine", Side.BUY, tick, 50, 1))
    ahead = coarse.ladder.queue_at(Side.BUY, tick)
    filled = coarse.crowd_takes(Side.SELL, 40 * shown)
    assert [(one.maker and one.maker.order_id, one.lots) for one in filled][:2] == [(None, ahead), ("mine", 50)]


@pytest.mark.parametrize("side", list(Side))
def test_the_crowds_taking_leaves_something_at_the_touch(start_ns: int, scenario: Scenario, side: Side) -> None:
    fine = market_of(scenario, start_ns, 400.0)
    fine.rest(Resting("elsewhere", Side.BUY, fine.ladder.bid_tick - 500, 1, 1))
    tick = fine.ladder.touch(side)
    shown = fine.ladder.queue_at(side, tick)
    found = fine.crowd_takes(side.opposite, 10 * shown)
    assert len(found) > 1
    assert fine.ladder.queue_at(side, tick) == pytest.approx(0.05 * shown, abs=1)


def test_participants_move_the_middle_and_the_crowd_does_not(market: Market) -> None:
    middle = market.ladder.bid_tick
    market.crowd_takes(Side.BUY, 3_000)
    market.ladder.requote(900_000.0, 2, 1.0)
    assert market.ladder.bid_tick == middle
    for match in market.walk(Side.BUY, 2_000, 2_000_000):
        market.carry_out(match)
    market.ladder.requote(900_000.0, 3, 1.0)
    assert market.ladder.bid_tick == middle + 4
    market.rest(Resting("mine", Side.SELL, middle + 1, 2_000, 1))  # through the crowd's bid: filled by it
    market.crossed()
    market.ladder.requote(900_000.0, 4, 1.0)
    assert market.ladder.bid_tick < middle + 4


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


@pytest.mark.parametrize("side", list(Side))
def test_the_top_is_the_books_first_level(market: Market, side: Side) -> None:
    assert market.top(side) == market.depth(side, 5)[0]
    market.rest(Resting("a", Side.BUY, 899_999, 3, 1))
    assert market.top(side) == market.depth(side, 5)[0]
    market.ladder.bid_tick = 0
    market.remove("a")
    assert (market.top(side) is None) is (side is Side.BUY)
