import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.instrument import Side
from hedgebot.exchange.ladder import SIZE_MAX, SIZE_MIN, Ladder, LadderShape

SHAPE = LadderShape(
    seed=5,
    touch_lots=1_000,
    near_lots=0.0,
    far_lots=2_000.0,
    far_ticks=600.0,
    growth=0.5,
    spacing_ticks=20,
    half_spread_ticks=0.5,
    half_life_steps=4.0,
    resize_steps=40,
    lots_per_tick=500.0,
    depth_power=0.5,
    spread_power=1.5,
)


def ladder(middle: float = 900_000.3, stress: float = 1.0, shape: LadderShape = SHAPE) -> Ladder:
    made = Ladder(shape)
    made.requote(middle, 1, stress)
    return made


def depth(book: Ladder, side: Side = Side.BUY) -> int:
    return sum(lots for _, lots in book.levels(side))


@given(st.floats(5, 2e6), st.floats(0.5, 8))
def test_never_crossed_and_sorted(middle: float, stress: float) -> None:
    book = ladder(middle, stress)
    bids, asks = list(book.levels(Side.BUY)), list(book.levels(Side.SELL))
    assert asks
    assert not bids or bids[0][0] < asks[0][0]
    assert [tick for tick, _ in bids] == sorted({tick for tick, _ in bids}, reverse=True)
    assert [tick for tick, _ in asks] == sorted({tick for tick, _ in asks})
    assert all(lots > 0 and tick > 0 for tick, lots in bids + asks)


def test_the_mean_spread_is_a_tick_and_twice_the_half_spread() -> None:
    book = Ladder(SHAPE)
    spreads = []
    for number in range(1_000):
        book.requote(900_000.0 + number * math.sqrt(2), 1, 1.0)
        spreads.append(book.ask_tick - book.bid_tick)
    assert sum(spreads) / 1_000 == pytest.approx(2.0, abs=0.01)


def test_levels_have_the_sizes_of_their_distance() -> None:
    """Averages over many seeds: the draw of each size has mean one."""
    sums = dict.fromkeys((0, 60, 600, 2_000), 0.0)
    for seed in range(300):
        book = ladder(900_000.5, shape=changed_shape(SHAPE, seed=seed, half_spread_ticks=0.0))
        sizes = dict(book.levels(Side.SELL))
        for distance in sums:
            tick = book.ask_tick + distance
            sums[distance] += sizes[tick if distance == 0 else tick // 20 * 20] / 300
    assert sums[0] == pytest.approx(1_000, rel=0.06)
    assert sums[60] == pytest.approx(2_000 * (60 / 600) ** 0.5, rel=0.1)
    assert sums[600] == pytest.approx(2_000, rel=0.06)
    assert sums[2_000] == pytest.approx(2_000, rel=0.06), "no thicker beyond far_ticks"


def changed_shape(shape: LadderShape, **changed: float) -> LadderShape:
    return LadderShape(**{**{name: getattr(shape, name) for name in LadderShape.__dataclass_fields__}, **changed})


def test_what_is_eaten_is_gone_and_grows_back_by_its_half_life() -> None:
    book = ladder()
    tick, lots = next(book.levels(Side.SELL))
    book.take(Side.SELL, tick, lots)
    assert next(book.levels(Side.SELL))[0] > tick
    shares = []
    for step in (5, 9, 39):  # one and two half-lives, then long; before sizes are drawn anew
        book.requote(900_000.3, step, 1.0)
        back = next(book.levels(Side.SELL))
        assert back[0] == tick
        shares.append(back[1] / lots)
    assert shares[0] == pytest.approx(0.5, abs=0.002)
    assert shares[1] == pytest.approx(0.75, abs=0.002)
    assert shares[2] > 0.99


def test_an_eaten_touch_is_eaten_wherever_the_touch_moves() -> None:
    book = ladder()
    tick, lots = next(book.levels(Side.SELL))
    book.take(Side.SELL, tick, lots)
    book.requote(900_003.3, 2, 1.0)
    size = SIZE_MAX * SHAPE.touch_lots
    moved, left = next(book.levels(Side.SELL))
    assert moved == book.ask_tick == tick + 3
    assert left <= size * (1 - 0.5 ** (1 / 4)) + 1
    assert next(book.levels(Side.BUY))[1] >= SIZE_MIN * SHAPE.touch_lots * 0.99, "the other side is not"


@given(st.lists(st.integers(1, 400), min_size=1, max_size=20))
def test_takes_at_one_step_add_up_exactly(sizes: list[int]) -> None:
    book = ladder()
    book.take(Side.SELL, book.ask_tick, 137)
    book.requote(900_000.3, 3, 1.0)
    for size in sizes:
        tick, lots = next(book.levels(Side.SELL))
        taken = min(size, lots)
        before = depth(book, Side.SELL)
        book.take(Side.SELL, tick, taken)
        assert depth(book, Side.SELL) == before - taken


def test_memory_of_what_was_eaten_is_bounded() -> None:
    book = ladder()
    for step in range(1, 2_000):
        book.requote(900_000.0 + step, step, 1.0)
        book.take(Side.SELL, book.ask_tick + step % 50 * 20, 1)
    assert len(book._eaten) <= 4 * 20 + 2


def test_stress_thins_and_widens_by_its_powers() -> None:
    calm, wild = ladder(stress=1.0), ladder(stress=4.0)
    assert depth(wild) == pytest.approx(depth(calm) / 2, rel=0.01)
    assert wild.ask_tick - wild.bid_tick == 9  # half a tick each side times 4^1.5, and rounding outward
    assert depth(ladder(stress=0.1)) == pytest.approx(1.5 * depth(calm), rel=0.01), "calm is not endlessly deep"


def test_liquidity_multiplies_depth_and_divides_the_spread() -> None:
    plain, thin = ladder(), ladder()
    thin.liquidity = 0.25
    assert depth(thin) == depth(plain), "from the next quote on"
    thin.requote(900_000.3, 1, 1.0)
    assert depth(thin) == pytest.approx(depth(plain) / 4, rel=0.01)
    assert thin.ask_tick - thin.bid_tick > plain.ask_tick - plain.bid_tick


def test_net_taking_moves_the_middle_for_good_and_back() -> None:
    book = ladder()
    bid = book.bid_tick
    book.press(Side.BUY, 5_000)
    assert book.bid_tick == bid, "from the next quote on"
    for step in (2, 10_000):
        book.requote(900_000.3, step, 1.0)
        assert book.bid_tick == bid + 10
    book.press(Side.SELL, 2_500)
    book.press(Side.SELL, 2_500)
    book.requote(900_000.3, 10_001, 1.0)
    assert book.bid_tick == bid


def test_the_queue_at_a_price() -> None:
    book = ladder()
    touch, lots = next(book.levels(Side.BUY))
    assert book.queue_at(Side.BUY, touch) == lots
    assert book.queue_at(Side.BUY, touch + 1) == 0, "a new best price has nobody before it"
    grid = dict(book.levels(Side.BUY))
    behind = touch // 20 * 20 - 40
    assert book.queue_at(Side.BUY, behind) == grid[behind]
    between = book.queue_at(Side.BUY, behind + 3)
    assert 0 < between < grid[behind]
    assert book.queue_at(Side.BUY, 0) == 0


def test_a_price_near_zero_has_no_bids() -> None:
    assert list(ladder(0.2).levels(Side.BUY)) == []
    assert ladder(0.2).ask_tick >= 1


def test_a_recorded_touch_stands_where_it_was_whatever_is_taken_and_however_wild_it_is() -> None:
    book = ladder()
    book.press(Side.BUY, 50_000)
    book.stand(899_990.0, 900_010.0, 2, 4.0, (7, 9))
    assert (book.bid_tick, book.ask_tick) == (899_990, 900_010)
    assert [next(book.levels(side)) for side in (Side.BUY, Side.SELL)] == [(899_990, 7), (900_010, 9)]
    # What floating point makes of a tick is that tick; between two of them it is the one outside.
    book.stand(899_990.0 - 1e-8, 900_010.0 + 1e-8, 3, 1.0, (7, 9))
    assert (book.bid_tick, book.ask_tick) == (899_990, 900_010)
    book.stand(899_990.6, 900_009.4, 4, 1.0, (7, 9))
    assert (book.bid_tick, book.ask_tick) == (899_990, 900_010)
    book.stand(900_000.0, 900_000.0, 5, 1.0, (7, 9))
    assert (book.bid_tick, book.ask_tick) == (900_000, 900_001)


def test_the_crowds_own_takers_leave_a_recorded_touch_alone_and_participants_do_not() -> None:
    book = ladder()
    book.stand(899_990.0, 900_010.0, 2, 1.0, (7, None))
    book.graze(Side.BUY, 899_990, 5)
    assert next(book.levels(Side.BUY)) == (899_990, 7)
    behind, lots = list(book.levels(Side.BUY))[1]
    book.graze(Side.BUY, behind, lots // 2)
    assert list(book.levels(Side.BUY))[1][1] < lots
    ask, asked = next(book.levels(Side.SELL))
    book.graze(Side.SELL, ask, asked // 2)
    assert next(book.levels(Side.SELL))[1] < asked, "its size is the model's"
    book.take(Side.BUY, 899_990, 5)
    assert next(book.levels(Side.BUY)) == (899_990, 2)


def test_a_quote_of_another_size_is_news_and_the_models_book_comes_back() -> None:
    book = ladder()
    before = book.bid_tick, book.ask_tick, next(book.levels(Side.BUY))
    assert book.stand(899_990.0, 900_010.0, 1, 1.0, (7, 9))
    assert not book.stand(899_990.0, 900_010.0, 1, 1.0, (7, 9))
    assert book.stand(899_990.0, 900_010.0, 1, 1.0, (8, 9))
    assert book.requote(900_000.3, 1, 1.0)
    assert (book.bid_tick, book.ask_tick, next(book.levels(Side.BUY))) == before
