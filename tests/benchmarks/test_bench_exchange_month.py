"""exchange_month: the simulated exchange in process on one-minute bars: a day's time, a month's memory.

31 instruments on three coins (spot, linear perpetuals, options), bars made beforehand, a client who trades once
a minute in an account, and somebody who places and cancels a limit order every minute. Time is CPU time of the
thread. The reference of the same run is a bare loop over the same bars that does one exact multiplication per
instrument and bar.
"""

import gc
import os
import sys
import time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from hedgebot.domain.instrument import InstrumentId, InstrumentKind, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.playback import Bars, RecordedPath
from hedgebot.exchange.pricepath import PricePath, stream
from hedgebot.exchange.scenario import AccountSpec, ClientFlowSpec, Scenario, UnderlyingSpec
from hedgebot.exchange.types import Ack, OrderRequest, OrderType
from tests.benchmarks.measure import Goal, interleave, medians, missed, paired_ratio, report

S = 1_000_000_000
MINUTE = 60 * S
DAY_BARS = 1_440
START_NS = 1_795_485_600_000_000_000
PERP = InstrumentId("bybit:linear:BTCUSDT")
STARTS = {"BTC": 90_000.0, "ETH": 3_000.0, "SOL": 150.0}
INSTRUMENTS = 30


def scenario() -> Scenario:
    """Three coins with a small chain each."""
    chains = {"BTC": 5, "ETH": 3, "SOL": 3}
    products = (InstrumentKind.SPOT, InstrumentKind.LINEAR_PERP, InstrumentKind.LINEAR_OPTION)
    return Scenario(
        name="month",
        seed=11,
        step_ms=60_000,
        rate_limits=False,
        underlyings=tuple(
            UnderlyingSpec(
                name=name,
                start_price=price,
                option_strikes=chains[name],
                option_expiries_days=(45.0,),
                products=products,
            )
            for name, price in STARTS.items()
        ),
        accounts=(
            AccountSpec(
                name="main",
                api_key="k",
                api_secret="s",
                coins={"USDT": Decimal(10**9), "USDC": Decimal(10**9), "BTC": Decimal(10**5), "ETH": Decimal(10**6)},
            ),
        ),
        client_flow=ClientFlowSpec(account="main", trades_per_minute=1.0),
    )


def bars(name: str, days: int) -> Bars:
    """A random walk of one-minute candles."""
    draws = stream(5, "bars", name)
    closes = STARTS[name] * np.exp(np.cumsum(0.0005 * draws.standard_normal(days * DAY_BARS)))
    opens = np.concatenate(([STARTS[name]], closes[:-1]))
    reach = 1.0 + 0.0003 * draws.random((2, len(closes)))
    return Bars(
        times_ns=np.arange(len(closes), dtype=np.int64) * MINUTE,
        step_ns=MINUTE,
        opens=opens,
        highs=np.maximum(opens, closes) * reach[0],
        lows=np.minimum(opens, closes) / reach[1],
        closes=closes,
    )


def make(days: int) -> Exchange:
    """The exchange on bars of so many days."""
    world = scenario()
    paths: dict[str, PricePath] = {
        one.name: RecordedPath(
            perp=bars(one.name, days), spot=None, minutes=None, underlying=one, speed=1.0, step_s=60.0
        )
        for one in world.underlyings
    }
    return Exchange(world, START_NS, paths)


def run(exchange: Exchange, first_bar: int, count: int) -> None:
    """Go on bar by bar; each bar somebody replaces a limit order one thousandth below the book."""
    resting: str | None = None
    for number in range(first_bar, first_bar + count):
        exchange.advance(START_NS + (number + 1) * MINUTE)
        if resting is not None:
            exchange.cancel("main", PERP, order_id=resting)
        best = exchange.book(PERP, 1).bids[0][0]
        answer = exchange.place(
            OrderRequest(
                account="main",
                instrument=PERP,
                side=Side.BUY,
                type=OrderType.LIMIT,
                qty_contracts=Decimal("0.01"),
                limit_price=(best * Decimal("0.999")).quantize(Decimal("0.1")),
            )
        )
        resting = answer.order_id if isinstance(answer, Ack) else None


def day_s() -> float:
    """CPU seconds of one day."""
    exchange = make(1)
    began = time.thread_time()
    run(exchange, 0, DAY_BARS)
    return time.thread_time() - began


def market_s() -> float:
    """CPU seconds of one day in which nobody but the crowd trades."""
    exchange = make(1)
    exchange.set_client_flow(enabled=False)
    began = time.thread_time()
    exchange.advance(START_NS + DAY_BARS * MINUTE)
    return time.thread_time() - began


def bare_loop_s() -> float:
    """CPU seconds of the reference."""
    closes = [Decimal(str(round(one, 2))) for one in bars("BTC", 1).closes.tolist()]
    qty, total = Decimal("0.01"), Decimal(0)
    began = time.thread_time()
    for close in closes:
        for _ in range(INSTRUMENTS):
            total += close * qty
    return time.thread_time() - began


def month(days: int) -> list[tuple[int, float]]:
    """At the end of each day of one run: blocks that Python holds more than before it, and the process's MB.

    Tracing every allocation would cost three times the run itself.
    """
    gc.collect()
    before, page = sys.getallocatedblocks(), os.sysconf("SC_PAGE_SIZE")
    exchange, found = make(days), []
    for day in range(days):
        run(exchange, day * DAY_BARS, DAY_BARS)
        gc.collect()
        resident_mb = int(Path("/proc/self/statm").read_text().split()[1]) * page / 1e6
        found.append((sys.getallocatedblocks() - before, resident_mb))
    return found


def test_smoke_there_are_thirty_instruments_and_they_trade() -> None:
    exchange = make(1)
    assert len(exchange.listings()) >= INSTRUMENTS
    run(exchange, 0, 60)
    assert len(exchange.executions("main")) > 10
    assert bare_loop_s() > 0.0


@pytest.mark.bench
def test_bench_exchange_day() -> None:
    samples = interleave({"market": market_s, "day": day_s, "bare loop": bare_loop_s}, rounds=5)
    goals = [
        Goal(name="CPU seconds of a day of one-minute bars", value=medians(samples)["market"], limit=2.0),
        Goal(name="the same with two orders a bar into a book of options", value=medians(samples)["day"], limit=2.0),
    ]
    report(
        "exchange_day",
        goals=goals,
        instruments=len(make(1).listings()),
        cpu_s=medians(samples),
        day_over_bare_loop=round(paired_ratio(samples["day"], samples["bare loop"]), 1),
    )
    assert not missed(goals), missed(goals)


@pytest.mark.bench
@pytest.mark.timeout(600)
def test_bench_exchange_month_memory() -> None:
    found = month(30)
    # Ledgers hold 22,000 rows (`history.py`), a thousand a day: full after 22 days. Then what is kept only sways.
    early, late = found[21:25], found[25:]
    blocks = max(one for one, _ in late) / max(one for one, _ in early)
    goals = [
        Goal(name="Python's blocks in days 26 to 30 over days 22 to 25", value=blocks, limit=1.03),
        Goal(name="resident MB on day 30 over day 25", value=found[-1][1] / found[24][1], limit=1.03),
    ]
    report("exchange_month", goals=goals, blocks_and_mb_by_day=[(count, round(mb, 1)) for count, mb in found])
    assert not missed(goals), missed(goals)
