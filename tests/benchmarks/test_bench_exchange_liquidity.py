"""exchange_liquidity: what behaving books cost in process, against the same world without its crowd of takers.

Six instruments on two coins on the grid of 100 ms, at the recorded pace of trades. A book's levels are computed only
when somebody asks: the third case asks every book for fifty levels at each step. Time is CPU time of the thread.
"""

import time
from decimal import Decimal

import pytest

from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import Scenario, UnderlyingSpec
from tests.benchmarks.measure import Goal, interleave, medians, missed, paired_ratio, report

START_NS = 1_795_485_600_000_000_000
STEP_NS = 100_000_000
STEPS = 1_000


def make() -> Exchange:
    """Two coins with one small chain each, nobody trading."""
    return Exchange(
        Scenario(
            seed=5,
            rate_limits=False,
            underlyings=tuple(
                UnderlyingSpec(name=name, start_price=price, option_strikes=1, option_expiries_days=(45.0,))
                for name, price in (("BTC", 61_800.0), ("ETH", 2_680.0))
            ),
        ),
        START_NS,
    )


def step_s(*, crowd: bool = True, levels: int = 0, steps: int = STEPS) -> float:
    """CPU seconds of so many steps."""
    exchange = make()
    names = [one.instrument.id for one in exchange.listings() if not one.instrument.kind.is_option]
    if not crowd:
        exchange._world.prints = lambda market: ()  # type: ignore[method-assign]
    began = time.thread_time()
    for number in range(1, steps + 1):
        exchange.advance(START_NS + number * STEP_NS)
        if levels:
            for name in names:
                exchange.book(name, levels)
    return time.thread_time() - began


def test_smoke_the_crowd_trades_only_where_it_is() -> None:
    assert step_s(steps=20) > 0.0
    exchange = make()
    exchange.advance(START_NS + 20 * STEP_NS)
    assert sum(len(exchange.trades(one.instrument.id)) for one in exchange.listings()) > 20
    name = next(one.instrument.id for one in exchange.listings())
    assert len(exchange.book(name, 50).bids) == 50
    assert exchange.book(name, 50).bids[0][1] > Decimal(0)


@pytest.mark.bench
def test_bench_exchange_liquidity() -> None:
    samples = interleave(
        {
            "step": step_s,
            "without crowd": lambda: step_s(crowd=False),
            "fifty levels asked": lambda: step_s(levels=50, steps=STEPS // 10) * 10,
        },
        rounds=5,
    )
    goals = [
        Goal(
            name="step over the same without crowd",
            value=paired_ratio(samples["step"], samples["without crowd"]),
            limit=5.0,
        ),
        Goal(
            name="step over one that asks for levels",
            value=paired_ratio(samples["step"], samples["fifty levels asked"]),
            limit=0.33,
        ),
    ]
    report("exchange_liquidity", goals=goals, steps=STEPS, cpu_s=medians(samples))
    assert not missed(goals), missed(goals)
