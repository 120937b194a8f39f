import math
from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentKind
from hedgebot.exchange.bookshape import crowd_shape, ladder_shape, lots_of
from hedgebot.exchange.ladder import DEPTH_MAX, SIZE_MAX
from hedgebot.exchange.liquidity import load_liquidity
from hedgebot.exchange.listings import make_listings
from hedgebot.exchange.quotes import Listing
from hedgebot.exchange.scenario import Scenario

PRICE = 90_000.0


@pytest.fixture
def perp(scenario: Scenario, start_ns: int) -> Listing:
    listings = make_listings(scenario, {"BTC": PRICE, "ETH": 3_000.0}, start_ns)
    return next(one for one in listings if one.instrument.kind is InstrumentKind.LINEAR_PERP)


def test_dollars_become_lots_and_basis_points_ticks(perp: Listing) -> None:
    law = load_liquidity().book(InstrumentKind.LINEAR_PERP, "BTC")
    shape = ladder_shape(perp.instrument, PRICE, 0.1, 1, load_liquidity())
    ticks_per_bps = PRICE * 1e-4 / float(perp.instrument.tick_size)
    assert shape.touch_lots == pytest.approx(law.touch_usd / (PRICE * 0.001), rel=0.001)
    assert 2 * shape.half_spread_ticks / ticks_per_bps == pytest.approx(law.spread_excess_bps)
    assert shape.spacing_ticks == round(0.25 * ticks_per_bps)
    assert shape.half_life_steps == pytest.approx(law.half_life_s / 0.1)
    assert shape.ahead_kept == pytest.approx(math.exp(-law.cancel_ahead_per_s * 0.1))
    assert shape.resize_steps == 40
    levels = (shape.far_lots * (n * shape.spacing_ticks / shape.far_ticks) ** shape.growth for n in range(1, 41))
    assert sum(levels) == pytest.approx(lots_of(perp.instrument, PRICE, law.depth_10bps_usd - law.touch_usd), rel=0.03)


def test_an_inverse_contract_is_worth_its_dollars(perp: Listing) -> None:
    inverse = msgspec.structs.replace(
        perp.instrument, kind=InstrumentKind.INVERSE_PERP, contract_size=Decimal(1), lot_size=Decimal(1)
    )
    assert lots_of(inverse, PRICE, 5_000.0) == pytest.approx(5_000)
    assert lots_of(inverse, 2 * PRICE, 5_000.0) == pytest.approx(5_000)


def test_a_million_moves_the_middle_by_the_law(perp: Listing) -> None:
    law = load_liquidity().book(InstrumentKind.LINEAR_PERP, "BTC")
    shape = ladder_shape(perp.instrument, PRICE, 0.1, 1, load_liquidity())
    moved_bps = lots_of(perp.instrument, PRICE, 1e6) / shape.lots_per_tick / (PRICE * 1e-4 / 0.1)
    assert moved_bps == pytest.approx(law.permanent_bps_per_musd)


def test_without_fees_two_touches_move_it_at_most_a_tick(perp: Listing) -> None:
    shape = ladder_shape(perp.instrument, PRICE, 0.1, 1, load_liquidity(), taker_rate=0.0)
    assert shape.lots_per_tick > 2 * SIZE_MAX * DEPTH_MAX * shape.touch_lots


def test_options_and_takers(perp: Listing, scenario: Scenario, start_ns: int) -> None:
    listings = make_listings(scenario, {"BTC": PRICE, "ETH": 3_000.0}, start_ns)
    option = next(one for one in listings if one.instrument.kind.is_option)
    shape = ladder_shape(option.instrument, PRICE, 1.0, 1, load_liquidity())
    assert shape.lots_per_tick == math.inf
    assert shape.touch_lots == int(600_000 / (PRICE * float(option.instrument.lot_size)))
    law = load_liquidity().book(InstrumentKind.LINEAR_PERP, "BTC")
    takers = crowd_shape(perp.instrument, PRICE, 0.1, load_liquidity())
    assert takers.trades_per_step == pytest.approx(0.1 * law.trades_per_s)
    assert takers.mean_lots == pytest.approx(law.trade_mean_usd / (PRICE * 0.001))
