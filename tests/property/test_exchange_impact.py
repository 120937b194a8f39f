"""Nobody earns from their own impact on a still market: whatever is bought and sold again, however it is cut.

With the lowest fees that anybody pays the books move as the recordings say; without fees the permanent part is so small
that the spread alone outweighs it. A resting order that is filled by a price pushed there counts like any other trade.
"""

from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.exchange.bookshape import ladder_shape
from hedgebot.exchange.fee_tiers import FeeTier, fee_rates
from hedgebot.exchange.ladder import Ladder
from hedgebot.exchange.liquidity import load_liquidity
from hedgebot.exchange.listings import make_listings
from hedgebot.exchange.market import Market, Resting
from hedgebot.exchange.quotes import Listing
from hedgebot.exchange.scenario import Scenario

START_NS = 1_795_485_600_000_000_000
STEP_S = 0.1
FAR = {Side.BUY: 10**9, Side.SELL: 1}
# Long enough for everything that was eaten to be back.
REST_STEPS = 200


@cache
def listing(coin: str, kind: InstrumentKind) -> Listing:
    """A listing of the default world."""
    return next(
        one
        for one in make_listings(Scenario(), {"BTC": 61_800.0, "ETH": 2_680.0}, START_NS)
        if one.instrument.underlying == coin and one.instrument.kind is kind
    )


def lowest_taker_rate(kind: InstrumentKind) -> float:
    """What the best customer pays."""
    return min(float(fee_rates(tier, kind).taker) for tier in FeeTier)


class Trader:
    """One participant on a market whose crowd stands still; counts in ticks and lots."""

    def __init__(self, coin: str, kind: InstrumentKind, *, free: bool, fraction: float = 0.5, seed: int = 1) -> None:
        listed = listing(coin, kind)
        price = 61_800.0 if coin == "BTC" else 2_680.0
        self.fee = 0.0 if free else lowest_taker_rate(kind)
        shape = ladder_shape(listed.instrument, price, STEP_S, seed, load_liquidity(), self.fee)
        self.market = Market(listed, Ladder(shape), Decimal(str(price)), Decimal(0))
        self.middle = round(price / float(listed.instrument.tick_size)) + fraction
        self.step = 0
        self.lots = 0
        self.cash = 0.0
        self.wait(1)

    @property
    def touch(self) -> int:
        """Lots at the best ask."""
        return next(self.market.offers(Side.BUY)).lots

    def depth(self, bps: float) -> int:
        """Lots of the asks within a distance."""
        reach = self.middle * (1.0 + bps * 1e-4)
        return sum(lots for tick, lots in self.market.ladder.levels(Side.SELL) if tick <= reach)

    def wait(self, steps: int) -> None:
        """Let time pass; a resting order that the crowd comes through is filled."""
        for skipped in (1,) * steps if self.market.has_resting else (steps,):
            self.step += skipped
            self.market.ladder.requote(self.middle, self.step, 1.0)
            for order, lots in self.market.crossed():
                self.market.reduce(order, lots)
                self._book(order.side, order.tick, lots, 0.0)

    def trade(self, side: Side, lots: int) -> None:
        """Take lots from the book, as many as there are."""
        for match in self.market.walk(side, lots, FAR[side]):
            self.market.carry_out(match)
            self._book(side, match.tick, match.lots, self.fee)
            if match.maker is not None:
                self._book(side.opposite, match.tick, match.lots, 0.0)

    def _book(self, side: Side, tick: int, lots: int, fee: float) -> None:
        self.lots += side.sign * lots
        self.cash -= lots * tick * (side.sign + fee)

    def close(self, piece: int, rest_steps: int) -> float:
        """Trade back to nothing in pieces; what it all earned, in ticks times lots."""
        for side in (Side.BUY, Side.SELL):
            for order in tuple(self.market.resting(side)):
                self.market.remove(order.order_id)
        for _ in range(10_000):
            if self.lots == 0:
                return self.cash
            self.trade(Side.of(-self.lots), min(piece, abs(self.lots)))
            self.wait(rest_steps)
        raise AssertionError("the book is too thin to close")


BOOKS = [
    ("BTC", InstrumentKind.LINEAR_PERP),
    ("ETH", InstrumentKind.LINEAR_PERP),
    ("BTC", InstrumentKind.SPOT),
    ("ETH", InstrumentKind.SPOT),
]
books = pytest.mark.parametrize(("coin", "kind"), BOOKS)
fees = pytest.mark.parametrize("free", [False, True])


@books
@fees
@given(
    trades=st.lists(
        st.tuples(st.sampled_from(Side), st.floats(0.01, 60.0), st.integers(0, 40)), min_size=1, max_size=12
    ),
    piece=st.floats(0.2, 60.0),
    fraction=st.floats(0.01, 0.99),
    seed=st.integers(0, 1_000),
)
def test_no_round_trip_earns(
    coin: str,
    kind: InstrumentKind,
    free: bool,
    trades: list[tuple[Side, float, int]],
    piece: float,
    fraction: float,
    seed: int,
) -> None:
    trader = Trader(coin, kind, free=free, fraction=fraction, seed=seed)
    touch = trader.touch
    for side, touches, steps in trades:
        trader.trade(side, max(int(touches * touch), 1))
        trader.wait(steps)
    assert trader.close(max(int(piece * touch), 1), 20) <= 1e-6


@books
@fees
@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("sizes", [(1.0, 1.0), (1.0, 400.0), (400.0, 1.0), (60.0, 1.0), (0.3, 5.0)])
def test_a_patient_push_does_not_pay(
    coin: str, kind: InstrumentKind, free: bool, side: Side, sizes: tuple[float, float]
) -> None:
    """Up in one size, down in another, waiting each time until the book is whole: the way to use a concave impact."""
    for fraction in (0.02, 0.5, 0.98):
        trader = Trader(coin, kind, free=free, fraction=fraction)
        touch = trader.touch
        for _ in range(max(int(400 / sizes[0]) // 8, 1)):
            trader.trade(side, int(sizes[0] * touch))
            trader.wait(REST_STEPS)
        assert trader.close(int(sizes[1] * touch), REST_STEPS) <= 1e-6


@books
@fees
@pytest.mark.parametrize("ticks", [1, 3])
@pytest.mark.parametrize("size", [0.5, 1.0, 10.0])
def test_a_price_pushed_through_ones_own_order_does_not_pay(
    coin: str, kind: InstrumentKind, free: bool, ticks: int, size: float
) -> None:
    """A sell rests some ticks above the market, as large as what it takes to push the price there, or another size.

    Then the price is bought up to it, and what is held is traded back.
    """
    trader = Trader(coin, kind, free=free)
    market = trader.market
    tick = market.ladder.ask_tick + ticks
    pushing = int((ticks + 2) * market.ladder.shape.lots_per_tick)
    market.rest(Resting("mine", Side.SELL, tick, max(int(size * pushing), 1), 1))
    bought = 0
    while market.resting(Side.SELL) and bought < 2 * pushing:
        offer = next(market.offers(Side.BUY))
        if offer.maker is not None:
            break  # the best offer is its own
        trader.trade(Side.BUY, offer.lots)
        bought += offer.lots
        trader.wait(REST_STEPS)
    assert bought
    assert trader.close(trader.touch, REST_STEPS) <= 1e-6


def test_a_push_is_seen_and_stays_for_its_permanent_part() -> None:
    """The test's own measure works: a large buy moves the middle at once, less of it stays, none is undone unsold."""
    trader = Trader("BTC", InstrumentKind.LINEAR_PERP, free=False)
    ladder = trader.market.ladder
    lots = trader.depth(5.0)
    trader.trade(Side.BUY, lots)
    at_once = next(trader.market.offers(Side.BUY)).tick - trader.middle
    trader.wait(1)
    bid = ladder.bid_tick
    trader.wait(REST_STEPS)
    stays = next(trader.market.offers(Side.BUY)).tick - trader.middle
    assert at_once == pytest.approx(5e-4 * trader.middle, rel=0.1)
    assert ladder.bid_tick == bid > trader.middle
    assert stays == pytest.approx(lots / ladder.shape.lots_per_tick, abs=2)
    assert 0.1 < stays / at_once < 0.7
