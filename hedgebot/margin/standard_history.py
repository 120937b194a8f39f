"""A history of returns that is made up by a rule, for a daemon that was given none: no recorded data ships.

Owns the rule, which is an assumption and says so: daily returns of Student's t with four degrees of freedom around a
common factor, at the volatilities below. What its operator recorded, and what the daemon itself has seen, is better.
"""

import numpy as np
from scipy.special import stdtrit

from hedgebot.margin.tail_risk import History
from hedgebot.pricing.band import vol_root_day
from hedgebot.pricing.black76 import Floats

FREEDOM = 4.0
CORRELATION = 0.8
VOLS = {"BTC": 0.6, "ETH": 0.8}
"""Per year: about what whole samples of these coins show (hedging reference sections 8 and 11)."""

DAYS = 560
FIRST_DAY = "2024-06-21"
START = 100.0
_DEVIATION = np.sqrt(FREEDOM / (FREEDOM - 2.0))


def standard_history() -> History:
    """The same at every call: quantiles in the order of low-discrepancy sequences, one base for each factor."""
    common = _standard_t(2)
    closes = {}
    for (coin, vol), base in zip(VOLS.items(), (3, 5), strict=True):
        moves = np.sqrt(CORRELATION) * common + np.sqrt(1.0 - CORRELATION) * _standard_t(base)
        returns = np.clip(vol_root_day(vol) * moves, -0.5, 0.5)
        closes[coin] = tuple((START * np.cumprod(np.concatenate(([1.0], 1.0 + returns)))).tolist())
    return History(
        id="standard-t4",
        source=f"made by rule: Student's t with {FREEDOM:g} degrees of freedom, correlation {CORRELATION:g}, {VOLS}",
        status="an assumption, no recorded data: name a history of your own where there is one",
        first_day=FIRST_DAY,
        closes=closes,
    )


def _standard_t(base: int) -> Floats:
    """Quantiles of variance one, shape (DAYS,)."""
    return np.asarray(stdtrit(FREEDOM, _corput(base)) / _DEVIATION)


def _corput(base: int) -> Floats:
    """The van der Corput sequence: evenly spread over 0 to 1 at every length, no randomness."""
    found = np.zeros(DAYS)
    for number in range(1, DAYS + 1):
        left, part = number, 1.0 / base
        while left:
            found[number - 1] += left % base * part
            left, part = left // base, part / base
    return found
