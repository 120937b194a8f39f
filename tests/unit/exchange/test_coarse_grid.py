"""Steps as long as a bar: what happens inside them is not lost, and nothing is filled that did not trade."""

from decimal import Decimal

import msgspec
import numpy as np
import pytest

from hedgebot.domain.instrument import InstrumentId, InstrumentKind, Side
from hedgebot.domain.orders import OrderStatus
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.playback import Bars, RecordedPath
from hedgebot.exchange.pricepath import SeededPath
from hedgebot.exchange.scenario import Scenario, UnderlyingSpec
from hedgebot.exchange.types import Ack, OrderRequest, OrderType
from tests.unit.exchange.conftest import START_NS

MINUTE = 60_000_000_000
PERP = InstrumentId("bybit:linear:BTCUSDT")
ROWS = ((100, 100, 100, 100), (100, 104, 90, 101), (101, 101, 101, 101), (101, 102, 100, 101), (101, 101, 101, 101))


def bars(scale: float) -> Bars:
    columns = np.array(ROWS, dtype=np.float64).T * scale
    times = np.arange(len(ROWS), dtype=np.int64) * MINUTE
    return Bars(times_ns=times, step_ns=MINUTE, opens=columns[0], highs=columns[1], lows=columns[2], closes=columns[3])


def minute_world(scenario: Scenario) -> Exchange:
    world = msgspec.structs.replace(scenario, step_ms=60_000)
    path = RecordedPath(
        perp=bars(1_000.0), spot=None, minutes=None, underlying=world.underlyings[0], speed=1.0, step_s=60.0
    )
    return Exchange(world, START_NS, {"BTC": path})


def rest(exchange: Exchange, side: Side, price: str) -> str:
    request = OrderRequest(
        account="main",
        instrument=PERP,
        side=side,
        type=OrderType.LIMIT,
        qty_contracts=Decimal("0.01"),
        limit_price=Decimal(price),
    )
    answer = exchange.place(request)
    assert isinstance(answer, Ack), answer
    return answer.order_id


def test_a_bar_of_one_step_has_its_extremes_and_its_own_prices() -> None:
    path = RecordedPath(
        perp=bars(1.0),
        spot=None,
        minutes=None,
        underlying=UnderlyingSpec(name="BTC", start_price=1.0, basis_bps=0.0),
        speed=1.0,
        step_s=60.0,
    )
    block = path.next_block()
    assert block.inside is not None
    assert block.perp[:5].tolist() == pytest.approx([100, 100, 101, 101, 101])
    # The second bar happens between its open (point 1) and the next one's (point 2).
    assert (block.inside.perp_low * block.perp)[1:5].tolist() == pytest.approx([100, 90, 101, 100])
    assert (block.inside.perp_high * block.perp)[1:5].tolist() == pytest.approx([100, 104, 101, 102])


def test_resting_orders_fill_inside_the_bar_at_their_own_price(scenario: Scenario) -> None:
    exchange = minute_world(scenario)
    low, high = rest(exchange, Side.BUY, "96000"), rest(exchange, Side.SELL, "103500")
    never = rest(exchange, Side.SELL, "104500")
    exchange.advance(START_NS + MINUTE)
    assert exchange.executions("main") == ()
    exchange.advance(START_NS + 2 * MINUTE)
    bought, sold = exchange.order("main", order_id=low), exchange.order("main", order_id=high)
    assert bought is not None
    assert (bought.status, bought.average_price) == (OrderStatus.FILLED, Decimal(96_000))
    assert sold is not None
    assert (sold.status, sold.average_price) == (OrderStatus.FILLED, Decimal(103_500))
    left = exchange.order("main", order_id=never)
    assert left is not None
    assert left.status is OrderStatus.OPEN
    assert float(exchange.book(PERP).asks[0][0]) == pytest.approx(101_000, rel=1e-4)


def test_an_extreme_that_only_touches_fills_nobody(scenario: Scenario) -> None:
    """The low is a trade at 90,000: a bid there stands behind others, and the crowd's ask never came to it."""
    exchange = minute_world(scenario)
    order_id = rest(exchange, Side.BUY, "90000")
    exchange.advance(START_NS + 5 * MINUTE)
    order = exchange.order("main", order_id=order_id)
    assert order is not None
    assert order.status is OrderStatus.OPEN


def test_the_extremes_of_a_generated_path_have_the_law_of_its_fine_one() -> None:
    spec = UnderlyingSpec(name="BTC", start_price=100.0, vol=0.5, jumps_per_day=0.0)
    coarse = SeededPath(spec, 5, 60.0)
    ratios: list[float] = []
    for _ in range(8):
        block = coarse.next_block()
        assert block.inside is not None
        assert (block.inside.perp_low <= 1.0).all()
        assert (block.inside.perp_high >= 1.0).all()
        deviation = spec.vol * block.stress * np.sqrt(60.0 / (365 * 86_400))
        ratios += (np.log(block.inside.spot_high / block.inside.spot_low) / deviation).tolist()
    # Mean range of a Brownian path is sqrt(8 / pi) deviations (Parkinson 1980).
    assert np.mean(ratios) == pytest.approx(np.sqrt(8 / np.pi), rel=0.04)
    assert SeededPath(spec, 5, 0.1).next_block().inside is None


def test_a_coarse_day_moves_volatility_and_time_as_a_fine_one_does(scenario: Scenario) -> None:
    coin = msgspec.structs.replace(
        scenario.underlyings[0], products=(InstrumentKind.LINEAR_PERP, InstrumentKind.LINEAR_OPTION)
    )
    exchange = Exchange(msgspec.structs.replace(scenario, step_ms=60_000, underlyings=(coin,)), START_NS)
    option = next(one.instrument.id for one in exchange.listings() if one.instrument.kind.is_option)
    before = exchange.option_ticker(option)
    exchange.advance(START_NS + 24 * 60 * MINUTE)
    after = exchange.option_ticker(option)
    assert after.mark_iv != before.mark_iv
    assert 0.15 < after.mark_iv < 2.5
    assert exchange.funding_rates(PERP)[-1][0] <= exchange.now_ns
    assert len(exchange.funding_rates(PERP)) == 3
