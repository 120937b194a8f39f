from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.instrument import Side
from hedgebot.exchange.ladder import Ladder, LadderShape


def ladder(middle: float = 900_000.3, stress: float = 1.0) -> Ladder:
    made = Ladder(LadderShape(seed=5, level_lots=1_000, spacing_ticks=20, half_spread_ticks=0.5))
    made.requote(middle, 1, stress)
    return made


@given(st.floats(5, 2e6), st.floats(0.5, 8))
def test_never_crossed_and_sorted(middle: float, stress: float) -> None:
    book = ladder(middle, stress)
    bids, asks = list(book.levels(Side.BUY)), list(book.levels(Side.SELL))
    assert asks
    assert not bids or bids[0][0] < asks[0][0]
    assert [tick for tick, _ in bids] == sorted({tick for tick, _ in bids}, reverse=True)
    assert [tick for tick, _ in asks] == sorted({tick for tick, _ in asks})
    assert all(lots > 0 and tick > 0 for tick, lots in bids + asks)


def test_what_is_eaten_is_gone_and_grows_back() -> None:
    book = ladder()
    tick, lots = next(book.levels(Side.SELL))
    book.take(tick, lots)
    assert next(book.levels(Side.SELL))[0] > tick
    book.requote(900_000.3, 39, 1.0)  # before sizes are drawn anew
    back = next(book.levels(Side.SELL))
    assert back[0] == tick
    assert lots * 0.5 < back[1] <= lots


def test_memory_of_what_was_eaten_is_bounded() -> None:
    book = ladder()
    for step in range(1, 2_000):
        book.requote(900_000.0 + step, step, 1.0)
        book.take(book.ask_tick, 1)
    assert len(book._eaten) <= 510


def test_stress_thins_and_widens() -> None:
    calm, wild = ladder(stress=1.0), ladder(stress=5.0)
    assert sum(lots for _, lots in wild.levels(Side.BUY)) < sum(lots for _, lots in calm.levels(Side.BUY)) / 3
    assert wild.ask_tick - wild.bid_tick > calm.ask_tick - calm.bid_tick


def test_a_price_near_zero_has_no_bids() -> None:
    assert list(ladder(0.2).levels(Side.BUY)) == []
    assert ladder(0.2).ask_tick >= 1
