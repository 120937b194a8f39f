"""Which delta is meant: the conventions beside Black-Scholes, each a named function. Owns no prices.

Black-Scholes delta (what venues' tickers publish) is coin per coin of contract and keeps quote-currency value. The
net transaction delta, also called premium-adjusted, is what a coin-settled option adds to a wallet that is counted in
coins. A number carries its convention in its name; nothing here is applied twice by the pricer.
Source: hedging reference sections 3.1 (coin-settled rule), 3.3 (settlement window) and 3.5 (smile).
"""

import numpy as np

from hedgebot.pricing.black76 import NS_PER_YEAR, Floats, bounded

SETTLEMENT_WINDOW_NS = 30 * 60 * 1_000_000_000
"""Deribit and Bybit deliver at the average index of the last 30 minutes."""

STICKINESS_DEFAULT = 1.0
"""Sticky strike: the Black-Scholes delta as it is."""

STICKINESS_RANGE = (1.0, 2.0)
"""From sticky strike to local-volatility-like. Below 1 (sticky moneyness) measured worse than no adjustment."""


def net_transaction_delta(delta: Floats, mark_coin: Floats) -> Floats:
    """Premium-adjusted delta of coin-settled options: S dv/dS of the coin value v = `mark_coin`, exactly delta - v.

    `delta` is Black-Scholes. Never for stablecoin-settled options, and never on a venue's account-wide `delta_total`,
    which has the premium in it already.
    """
    return delta - mark_coin


def smile_adjusted_delta(
    delta: Floats, vega: Floats, skew: Floats, spot: float, stickiness: float = STICKINESS_DEFAULT
) -> Floats:
    """Delta that counts how volatility moves with the price: delta + (R - 1) vega skew / S.

    `vega` per 1.00 of volatility, `skew` is d vol / d ln(K/F) at each strike, R is `stickiness`. Raises ValueError
    outside `STICKINESS_RANGE`: at R = 0 the squared one-day error was up to 36 % larger than with plain delta.
    """
    low, high = STICKINESS_RANGE
    if not low <= stickiness <= high:
        msg = f"stickiness is {stickiness:g}, it must be between {low:g} (sticky strike) and {high:g}"
        raise ValueError(msg)
    return delta + (stickiness - 1.0) / spot * vega * skew


def smile_slope(log_moneyness: Floats, vol: Floats) -> Floats:
    """Skew d vol / d ln(K/F) at each strike of one expiry: second-order differences, one-sided at the ends.

    `log_moneyness` ascends strictly and has at least two entries; raises ValueError otherwise.
    """
    if len(log_moneyness) < 2 or not np.all(np.diff(log_moneyness) > 0.0):
        msg = "a smile's slope needs at least two strikes in ascending order"
        raise ValueError(msg)
    return np.asarray(np.gradient(vol, log_moneyness))


def settlement_share(expiry_ns: Floats, now_ns: int, window_ns: int = SETTLEMENT_WINDOW_NS) -> Floats:
    """What is left of an expiring option's delta: 1 before the averaging window, then linearly down to 0 at expiry.

    The delivery price is an average; the part that was taken moves no more. Delta is multiplied by it; the gamma of an
    option on an average (`averaged_years`) by its square.
    """
    return bounded((expiry_ns - now_ns) / window_ns, 0.0, 1.0)


def settlement_share_one(expiry_ns: int, now_ns: int, window_ns: int = SETTLEMENT_WINDOW_NS) -> float:
    """`settlement_share` of one option, to the last bit."""
    return min(max((float(expiry_ns) - float(now_ns)) / window_ns, 0.0), 1.0)


def averaged_years_one(expiry_ns: int, now_ns: int, window_ns: int = SETTLEMENT_WINDOW_NS) -> float:
    """`averaged_years` of one option, to the last bit."""
    left = max(float(expiry_ns) - float(now_ns), 0.0)
    inside = min(left, float(window_ns))
    ratio = inside / window_ns
    return (left - inside + ratio * ratio * inside / 3.0) / NS_PER_YEAR


def averaged_years(expiry_ns: Floats, now_ns: int, window_ns: int = SETTLEMENT_WINDOW_NS) -> Floats:
    """Time over which the delivery price still varies, in years of the index's variance.

    An average of a Brownian path over its last stretch has the variance of a third of it; what has been averaged
    already varies no more, and the rest counts by its share, squared.
    """
    left = np.maximum(expiry_ns - now_ns, 0.0)
    inside = np.minimum(left, window_ns)
    return np.asarray((left - inside + (inside / window_ns) ** 2 * inside / 3.0) / NS_PER_YEAR)
