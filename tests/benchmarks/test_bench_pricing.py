"""pricing: a chain of 500 marked anew, premium and six greeks in one pass, and its implied volatilities.

The reference in the same run is the shortest honest delta of the same 500: one line of numpy with everything prepared
that can be. Times are CPU time of the thread: a neighbour's work does not count.
"""

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import QuantLib
from scipy.special import ndtr

from hedgebot.pricing.black76 import Bools, Floats, greeks, price
from hedgebot.pricing.implied import implied_vol
from tests.benchmarks.measure import Goal, interleave, medians, missed, no_collector, paired_ratio, percentile, report

REMARK_US_MAX = 60.0
"""Owner: issue 5, \"Speed and memory\"."""

Columns = tuple[Floats, Floats, Floats, Floats, Bools]


def chain(size: int) -> Columns:
    """Calls and puts around the money, a week to a year, volatilities of a smile."""
    random = np.random.default_rng(5)
    log_moneyness = random.normal(0.0, 0.25, size)
    forward = np.full(size, 60_000.0)
    vol = 0.55 - 0.1 * log_moneyness + 0.4 * log_moneyness**2
    return forward, forward * np.exp(log_moneyness), random.uniform(7, 365, size) / 365, vol, log_moneyness > 0.0


def us_each(work: Callable[[], object], repeats: int) -> float:
    """Microseconds of CPU of one call, median of `repeats`."""
    found = []
    with no_collector():
        for _ in range(repeats):
            start = time.thread_time_ns()
            work()
            found.append((time.thread_time_ns() - start) / 1e3)
    return percentile(found, 0.5)


def delta_line(columns: Columns) -> Callable[[], object]:
    """The reference: net delta alone, prepared."""
    forward, strike, years, vol, is_call = columns
    log_strike, deviation, put = np.log(strike), vol * np.sqrt(years), np.where(is_call, 0.0, 1.0)
    half, inverse, held = deviation / 2, 1 / deviation, np.ones(len(forward))
    return lambda: float(held @ (ndtr((np.log(60_000.0) - log_strike) * inverse + half) - put))


def quantlib_us(columns: Columns, size: int) -> float:
    """Microseconds of QuantLib for the same numbers, one option after the other."""
    rows = list(zip(*(column[:size].tolist() for column in columns), strict=True))
    start = time.thread_time_ns()
    for forward, strike, years, vol, is_call in rows:
        kind = QuantLib.Option.Call if is_call else QuantLib.Option.Put
        payoff = QuantLib.PlainVanillaPayoff(kind, strike)
        found = QuantLib.BlackCalculator(payoff, forward, vol * years**0.5, 1.0)
        _ = found.value(), found.deltaForward(), found.gammaForward(), found.vega(years), found.theta(forward, years)
    return (time.thread_time_ns() - start) / 1e3 * len(columns[0]) / len(rows)


def test_smoke_the_workload_is_a_chain_with_volatilities() -> None:
    columns = chain(20)
    found = greeks(*columns)
    back = implied_vol(price(*columns), *columns[:3], columns[4])
    assert np.abs(back.vol - columns[3]).max() < 1e-9
    assert delta_line(columns)() == pytest.approx(float(found.delta.sum()))
    assert quantlib_us(columns, 5) > 0.0


@pytest.mark.bench
def test_bench_pricing() -> None:
    columns = chain(500)
    premium = price(*columns)
    samples = interleave(
        {
            "premium and six greeks": partial(us_each, partial(greeks, *columns), 300),
            "premium": partial(us_each, partial(price, *columns), 300),
            "delta line": partial(us_each, delta_line(columns), 300),
            "implied volatility": partial(us_each, partial(implied_vol, premium, *columns[:3], columns[4]), 30),
            "QuantLib, five numbers": partial(quantlib_us, columns, 100),
        }
    )
    marks = samples["premium and six greeks"]
    goals = [Goal(name="500 options marked anew, us", value=percentile(marks, 0.5), limit=REMARK_US_MAX)]
    report(
        "pricing",
        goals=goals,
        options=500,
        us=medians(samples),
        remark_over_delta_line=round(paired_ratio(marks, samples["delta line"]), 2),
        quantlib_over_remark=round(paired_ratio(samples["QuantLib, five numbers"], marks), 1),
        clock="thread CPU time, medians of 300 calls, medians of 7 interleaved rounds",
    )
    assert not missed(goals), missed(goals)
