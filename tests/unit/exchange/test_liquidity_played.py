"""The simulated books have the statistics of their laws: what is measured on them is what the file says.

Two hundred seconds in steps of 20 ms at normal stress, so that trades are told one by one. Tolerances: sampling errors
of heavy tails (sizes), and what the model leaves out (the touch that trades themselves keep eaten).
"""

from collections import defaultdict
from decimal import Decimal
from functools import cache

import msgspec
import numpy as np
import pytest

from hedgebot.domain.instrument import InstrumentId, InstrumentKind, Side
from hedgebot.exchange.liquidity import BookLaw, load_liquidity
from hedgebot.exchange.market import Market
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.pricepath import STEPS_PER_BLOCK, PathBlock, stream
from hedgebot.exchange.scenario import Scenario, UnderlyingSpec
from hedgebot.exchange.types import Notice, PublicTrade

# 2026-11-24 02:00:00 UTC.
START_NS = 1_795_485_600_000_000_000
STEP_NS, SECONDS = 20_000_000, 200
# What the tests look at: each book has its own random stream, so what else is listed changes nothing.
PRODUCTS = (InstrumentKind.SPOT, InstrumentKind.LINEAR_PERP)
NAMES = ("bybit:spot:BTCUSDT", "bybit:linear:BTCUSDT", "bybit:linear:ETHUSDT")


class Wandering:
    """A path without regimes: normal stress throughout."""

    def __init__(self, name: str, price: float) -> None:
        self.start_price = price
        self._name = name
        self._random = stream(5, name)
        self._log = 0.0

    def next_block(self) -> PathBlock:
        logs = self._log + np.cumsum(1.3e-5 * self._random.standard_normal(STEPS_PER_BLOCK))
        self._log = float(logs[-1])
        prices = self.start_price * np.exp(logs)
        return PathBlock(
            index=prices,
            spot=prices,
            perp=prices,
            mark=np.full(STEPS_PER_BLOCK, np.nan),
            stress=np.ones(STEPS_PER_BLOCK),
            live=np.ones(STEPS_PER_BLOCK, dtype=np.bool_),
        )

    def afresh(self) -> "Wandering":
        return Wandering(self._name, self.start_price)


class Sample:
    """What is seen of one book."""

    def __init__(self) -> None:
        self.spread_bps: list[float] = []
        self.touch_usd: list[float] = []
        self.depth_usd: list[float] = []
        self.trades: list[tuple[float, int, int]] = []

    def look(self, market: Market, deep: bool) -> None:
        book = market.book(1, 1, 1)
        bid, ask = (float(levels[0][0]) for levels in (book.bids, book.asks))
        lots = sum(next(market.offers(side)).lots for side in Side) / 2
        each = float(market.instrument.notional_quote(market.lot_size, Decimal(str(bid))))
        self.spread_bps.append((ask - bid) / bid * 1e4)
        self.touch_usd.append(lots * each)
        if deep:
            reach = (bid + ask) / 2 * 1e-3 / float(market.tick_size)
            middle = (bid + ask) / 2 / float(market.tick_size)
            near = [one.lots for side in Side for one in market.offers(side) if abs(one.tick - middle) <= reach]
            self.depth_usd.append(sum(near) / 2 * each)


@cache
def played() -> dict[InstrumentId, Sample]:
    scenario = Scenario(
        seed=3,
        step_ms=STEP_NS // 1_000_000,
        rate_limits=False,
        underlyings=tuple(
            UnderlyingSpec(name=name, start_price=price, products=PRODUCTS)
            for name, price in (("BTC", 61_800.0), ("ETH", 2_680.0))
        ),
    )
    paths = {"BTC": Wandering("BTC", 61_800.0), "ETH": Wandering("ETH", 2_680.0)}
    exchange = Exchange(scenario, START_NS, paths)
    samples: dict[InstrumentId, Sample] = defaultdict(Sample)

    def hear(notice: Notice) -> None:
        if isinstance(notice, PublicTrade):
            trade = notice.trade
            usd = float(trade.price * trade.qty_contracts)
            samples[trade.instrument].trades.append((usd, trade.side.sign, trade.at_ns))

    exchange.listen(hear)
    for number in range(1, SECONDS * 1_000_000_000 // STEP_NS + 1):
        exchange.advance(START_NS + number * STEP_NS)
        if number % 5 == 0:
            for name in NAMES:
                samples[InstrumentId(name)].look(exchange._world.markets[InstrumentId(name)], number % 100 == 0)
    return samples


@pytest.fixture(params=NAMES)
def one(request: pytest.FixtureRequest) -> tuple[Sample, BookLaw, float]:
    name = InstrumentId(request.param)
    market = Exchange(msgspec.structs.replace(Scenario()), START_NS)._world.markets[name].instrument
    price = 61_800.0 if market.underlying == "BTC" else 2_680.0
    law = load_liquidity().book(market.kind, market.underlying)
    return played()[name], law, float(market.tick_size) / price * 1e4


def test_the_mean_spread(one: tuple[Sample, BookLaw, float]) -> None:
    sample, law, tick_bps = one
    assert np.mean(sample.spread_bps) == pytest.approx(tick_bps + law.spread_excess_bps, rel=0.15)


def test_the_depth_at_the_touch_and_within_ten_bps(one: tuple[Sample, BookLaw, float]) -> None:
    sample, law, _ = one
    assert np.mean(sample.touch_usd) == pytest.approx(law.touch_usd, rel=0.2)
    assert np.mean(sample.depth_usd) == pytest.approx(law.depth_10bps_usd, rel=0.05)


def test_the_trades(one: tuple[Sample, BookLaw, float]) -> None:
    """Prints of one order that walks several prices count once: same moment, same side."""
    sample, law, _ = one
    orders: list[list[float]] = []
    last = None
    for usd, sign, at_ns in sample.trades:
        if (sign, at_ns) == last:
            orders[-1][0] += usd
        else:
            orders.append([usd, sign])
        last = (sign, at_ns)
    sizes, signs = np.array([size for size, _ in orders]), np.array([sign for _, sign in orders])
    assert len(orders) / SECONDS == pytest.approx(law.trades_per_s, rel=0.15)
    assert np.median(sizes) == pytest.approx(law.trade_median_usd, rel=0.25)
    assert sizes.sum() / SECONDS == pytest.approx(law.trades_per_s * law.trade_mean_usd, rel=0.4)
    assert np.corrcoef(signs[:-1], signs[1:])[0, 1] == pytest.approx(law.sign_persistence, abs=0.12)


def test_an_eaten_touch_is_half_back_after_the_half_life() -> None:
    """A participant buys all of the best price once a second; its mean size over the next half second."""
    name = InstrumentId("bybit:linear:ETHUSDT")
    scenario = Scenario(
        seed=4, step_ms=20, underlyings=(UnderlyingSpec(name="ETH", start_price=2_680.0, products=PRODUCTS),)
    )
    exchange = Exchange(scenario, START_NS, {"ETH": Wandering("ETH", 2_680.0)})
    market = exchange._world.markets[name]
    sizes = np.zeros((150, 25))
    for event in range(150):
        for match in market.walk(Side.BUY, next(market.offers(Side.BUY)).lots, 10**9):
            market.carry_out(match)
        for step in range(50):
            exchange.advance(exchange.now_ns + STEP_NS)
            if step < 25:
                sizes[event, step] = market.ladder.queue_at(Side.SELL, market.ladder.ask_tick)
    law = load_liquidity().book(market.instrument.kind, "ETH")
    shares = sizes.mean(axis=0) / market.ladder.shape.touch_lots
    half_steps = float(np.interp(0.5, np.maximum.accumulate(shares), np.arange(1, 26)))
    # The crowd's own takers keep part of it eaten: it comes back a little later than alone.
    assert half_steps * STEP_NS / 1e9 == pytest.approx(law.half_life_s, rel=0.25)
