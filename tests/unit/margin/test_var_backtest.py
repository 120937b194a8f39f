"""Backtests of the VaR: the reference's own counts on recorded days, and forecasts that ought to be rejected."""

import numpy as np
import pytest

from hedgebot.domain.errors import DataError
from hedgebot.margin.var_backtest import backtest
from hedgebot.pricing.black76 import Floats


def long(moves: Floats) -> Floats:
    return moves[:, 0]


def test_a_right_forecast_is_not_rejected() -> None:
    returns = np.random.default_rng(5).normal(0.0, 0.02, (1_500, 1))
    found = backtest("long", long, returns, 25)
    assert (found.days, found.expected) == (1_000, 25.0)
    assert found.passed
    assert found.es_ratio is not None
    assert 0.8 < found.es_ratio < 1.3


def test_a_market_that_breaks_is_rejected() -> None:
    """Falls that come on two days running, more often than ever before: too many, and not by themselves."""
    returns = np.random.default_rng(5).normal(0.0, 0.02, (1_500, 1))
    returns[500::25] = -0.2
    returns[501::25] = -0.3
    found = backtest("long", long, returns, 10)
    assert found.exceptions > 20
    assert not found.passed
    assert found.kupiec_p < 0.05
    assert found.christoffersen_p < 0.05


def test_the_forecast_knows_nothing_of_its_day() -> None:
    returns = np.random.default_rng(6).normal(0.0, 0.02, (520, 1))
    changed = returns.copy()
    changed[-1] = -0.9
    before, after = (backtest("long", long, one, 25) for one in (returns, changed))
    assert after.exceptions == before.exceptions + (0 if returns[-1] < -0.05 else 1)


def test_it_needs_more_days_than_the_forecast() -> None:
    with pytest.raises(DataError, match="500 days of returns"):
        backtest("long", long, np.zeros((500, 1)), 25)
