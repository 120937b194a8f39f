"""Figures of the paper of record that have a closed form or one fixed path. Everything else is simulated elsewhere."""

import math
import time

import numpy as np
from scipy.optimize import minimize_scalar

from hedgebot.lab.experiment import Experiment, Figures, Setting
from hedgebot.lab.rivals import zakamouline
from hedgebot.lab.worlds import short_call_step
from hedgebot.pricing.band import (
    Band,
    Conditions,
    band_with_order_cost,
    exposure_variance,
    forecast,
    loss_usd_day,
    vol_root_day,
    width_coin,
)
from hedgebot.pricing.black76 import Floats, Greeks, greeks
from hedgebot.pricing.delta import SETTLEMENT_WINDOW_NS, net_transaction_delta, settlement_share
from hedgebot.pricing.riskstats import christoffersen, kupiec

HULL_PATH = (
    *(49.0, 48.12, 47.37, 50.25, 51.75, 53.12, 53.0, 51.87, 51.38, 53.0, 49.88),
    *(48.5, 49.88, 50.37, 52.13, 51.88, 52.87, 54.87, 54.62, 55.87, 57.25),
)
"""Weekly prices of Hull, "Options, Futures, and Other Derivatives", table 19.2."""
HULL_SPOT, HULL_STRIKE, HULL_RATE, HULL_VOL, HULL_WEEKS = 49.0, 50.0, 0.05, 0.20, 20
HULL_PREMIUM = 2.4005273
_OPTIONS_TIMED = 500


def call(spot: Floats | float, strike: float, years: float, vol: float, rate: float = 0.0) -> Greeks:
    """Call on the forward of `spot`, undiscounted; delta is N(d1) with the rate in it."""
    spots = np.atleast_1d(np.asarray(spot, dtype=np.float64)) * math.exp(rate * years)
    shape = spots.shape
    return greeks(spots, np.full(shape, strike), np.full(shape, years), np.full(shape, vol), np.ones(shape, np.bool_))


def _hull_path(_: Setting) -> Figures:
    cost, delta = 0.0, 0.0
    for week, spot in enumerate(HULL_PATH):
        weeks = HULL_WEEKS - week
        found = float(call(spot, HULL_STRIKE, weeks / 52, HULL_VOL, HULL_RATE).delta[0])
        cost = cost * (1.0 + HULL_RATE / 52) + (round(found, 3) - delta) * 100_000 * spot
        delta = round(found, 3)
    return {"hull-path": cost - (HULL_STRIKE * 100_000 if HULL_PATH[-1] > HULL_STRIKE else 0.0)}


def _asymptotic(_: Setting) -> Figures:
    # Premium and vega carry the same discount, so their ratio needs none.
    found = call(HULL_SPOT, HULL_STRIKE, HULL_WEEKS / 52, HULL_VOL, HULL_RATE)
    share = math.sqrt(math.pi / 4.0) * float(found.vega[0]) * HULL_VOL / float(found.premium[0])
    return {f"asymptotic-std-{count}": share / math.sqrt(count) for count in (20, 40, 80)}


def _impulse(order_cost: float) -> Conditions:
    return Conditions(
        price_usd=3_000.0,
        vol_root_day=vol_root_day(0.6),
        cost_ratio=0.0005,
        variance_coin2_day=100.0,
        order_cost_usd=order_cost,
    )


def _impulses(_: Setting) -> Figures:
    found: dict[str, float] = {}
    for name, order_cost in (("0", 0.0), ("0.5", 0.5)):
        band = band_with_order_cost(_impulse(order_cost), 1e-4)
        found |= {f"impulse-1e-4-{name}-b": band.trigger_coin, f"impulse-1e-4-{name}-a": band.target_coin}
    conditions = _impulse(0.0)
    edge = band_with_order_cost(conditions, 1e-4)
    to_zero = minimize_scalar(
        lambda trigger: loss_usd_day(Band(trigger, 0.0), conditions, 1e-4),
        bounds=(0.1 * edge.trigger_coin, 10.0 * edge.trigger_coin),
        options={"xatol": 1e-10},
    )
    return found | {"impulse-zero-ratio": float(to_zero.fun) / loss_usd_day(edge, conditions, 1e-4)}


def _widths(_: Setting) -> Figures:
    atm = short_call_step(np.array([100.0]), 100.0, 30 / 365, 0.6, 0.0005)
    found = {"ww-atm": float(atm.shape[0])}
    gamma = call(100.0, 100.0, 1.0, 0.3).gamma
    theirs = zakamouline(np.array([100.0]), gamma, 0.3, 1.0, 0.02, 1.0)
    found |= {
        "zakamouline-H0": float(theirs.fixed[0]),
        "zakamouline-H1": float(theirs.moving[0]),
        "zakamouline-K": float(theirs.adjustment[0]),
    }
    for name in ("-0.05", "-0.01", "0", "0.01", "0.05"):
        one = call(math.exp(float(name)), 1.0, 0.1, 0.2)
        spot = np.array([math.exp(float(name))])
        day = vol_root_day(0.2)
        width = width_coin(
            Conditions(
                price_usd=float(spot[0]),
                vol_root_day=day,
                cost_ratio=1e-5,
                variance_coin2_day=float(exposure_variance(one.gamma, spot, day)[0]),
            ),
            1.0,
        )
        delta = float(one.delta[0])
        found[f"pfhedge-ww-{name}"] = min(max(0.5, delta - width), delta + width)
    return found


def _conventions(_: Setting) -> Figures:
    atm = call(60_000.0, 60_000.0, 30 / 365, 0.6)
    left = settlement_share(np.array([float(SETTLEMENT_WINDOW_NS)]), SETTLEMENT_WINDOW_NS // 2)
    return {
        "net-delta-atm-call": float(net_transaction_delta(atm.delta, atm.premium / 60_000.0)[0]),
        "settlement-decay": float((left * net_transaction_delta(np.array([1.0]), np.array([0.3])))[0]),
        # Hedging reference section 9.2: 2 (kappa_q - kappa_p) over the difference of the daily carries.
        "breakeven-perp-quarterly": 2.0 * (0.0007 - 0.0005) / (0.0003 - 0.06 / 365),
    }


def _backtests(_: Setting) -> Figures:
    hits = np.zeros(250, dtype=np.bool_)
    hits[[10, 11, 12, 100, 200]] = True
    apart = christoffersen(hits)
    return {
        "kupiec-250-10": kupiec(250, 10, 0.01),
        "christoffersen-ind": apart,
        "christoffersen-cc": kupiec(250, 5, 0.01) + apart,
    }


def _example(_: Setting) -> Figures:
    day = vol_root_day(0.6)
    conditions = Conditions(
        price_usd=60_000.0,
        vol_root_day=day,
        cost_ratio=0.0005,
        variance_coin2_day=exposure_variance(2e-4, 60_000.0, day),
    )
    width = width_coin(conditions, 1e-5)
    seen = forecast(Band(width, width), conditions)
    return {
        "example-w": width,
        "example-turnover": seen.turnover_coin_day,
        "example-cost": seen.cost_usd_day,
        "example-te": seen.tracking_error_usd_root_day,
    }


def _speed(_: Setting) -> Figures:
    random = np.random.default_rng(5)
    columns = [np.full(_OPTIONS_TIMED, 60_000.0), 60_000.0 * np.exp(random.normal(0.0, 0.25, _OPTIONS_TIMED))]
    years, vol = random.uniform(7, 365, _OPTIONS_TIMED) / 365, random.uniform(0.4, 0.9, _OPTIONS_TIMED)
    is_call = columns[1] > columns[0]
    taken = []
    for _repeat in range(300):
        start = time.perf_counter()
        greeks(columns[0], columns[1], years, vol, is_call)
        taken.append(time.perf_counter() - start)
    return {"greeks-500-time": 1_000.0 * float(np.median(taken))}


EXPERIMENTS = (
    Experiment(ids=("hull-path",), find=_hull_path),
    Experiment(ids=("asymptotic-std-20", "asymptotic-std-40", "asymptotic-std-80"), find=_asymptotic),
    Experiment(
        ids=(
            *("impulse-1e-4-0-b", "impulse-1e-4-0-a", "impulse-1e-4-0.5-b", "impulse-1e-4-0.5-a"),
            "impulse-zero-ratio",
        ),
        find=_impulses,
    ),
    Experiment(
        ids=(
            *("ww-atm", "zakamouline-H0", "zakamouline-H1", "zakamouline-K"),
            *(f"pfhedge-ww-{name}" for name in ("-0.05", "-0.01", "0", "0.01", "0.05")),
        ),
        find=_widths,
    ),
    Experiment(ids=("net-delta-atm-call", "settlement-decay", "breakeven-perp-quarterly"), find=_conventions),
    Experiment(ids=("kupiec-250-10", "christoffersen-ind", "christoffersen-cc"), find=_backtests),
    Experiment(ids=("example-w", "example-turnover", "example-cost", "example-te"), find=_example),
    Experiment(ids=("greeks-500-time",), find=_speed, seconds=0.1),
)
