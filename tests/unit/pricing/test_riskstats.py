"""Statistics against the reference's numbers and against plain loops."""

import numpy as np
import pytest

from hedgebot.pricing.black76 import Bools
from hedgebot.pricing.riskstats import (
    christoffersen,
    ewma_hedge_ratio,
    filtered_exceptions,
    forecast_variance,
    hedging_effectiveness,
    kupiec,
)


@pytest.mark.parametrize(
    ("days", "hits", "level", "expected"),
    [(250, 7, 0.01, 5.4970), (250, 10, 0.01, 12.9555), (250, 0, 0.01, 5.0252), (250, 20, 0.05, 4.0395)],
)
def test_kupiec_of_the_reference(days: int, hits: int, level: float, expected: float) -> None:
    assert kupiec(days, hits, level) == pytest.approx(expected, abs=1e-4)
    assert kupiec(days, round(days * level * 2) // 2, level) < 1.0


def _hits(*at: int) -> Bools:
    found = np.zeros(250, dtype=np.bool_)
    found[list(at)] = True
    return found


def test_christoffersen_of_the_reference() -> None:
    assert christoffersen(_hits(10, 11, 12, 100, 200)) == pytest.approx(9.8947, abs=1e-4)
    assert christoffersen(_hits(10, 60, 120, 180, 240)) == pytest.approx(0.2049, abs=1e-4)
    assert christoffersen(_hits()) == pytest.approx(0.0, abs=1e-12)


def test_the_variance_of_a_day_is_known_before_it() -> None:
    returns = np.random.default_rng(1).normal(0, 0.02, 100)
    variance = forecast_variance(returns)
    assert variance[0] == pytest.approx(returns[:30].var())
    changed = returns.copy()
    changed[60:] *= 10.0
    assert forecast_variance(changed)[:61].tolist() == variance[:61].tolist()
    assert forecast_variance(changed)[61] > variance[61]


def test_exceptions_are_counted_as_in_a_plain_loop() -> None:
    returns = np.random.default_rng(2).standard_t(4, 900) * 0.02
    deviation = np.sqrt(forecast_variance(returns))
    standard = returns / deviation
    expected = [
        bool(returns[day] < np.quantile(standard[day - 500 : day], 0.01) * deviation[day]) for day in range(500, 900)
    ]
    found = filtered_exceptions(returns)
    assert found.tolist() == expected
    assert 0 < found.sum() < 20


def test_a_proxy_that_moves_twice_as_much_is_sold_half() -> None:
    proxy = np.random.default_rng(3).normal(0, 0.02, 400)
    ratio = ewma_hedge_ratio(0.5 * proxy, proxy)
    assert ratio[0] == 1.0
    assert ratio[1:] == pytest.approx(np.full(399, 0.5))
    assert hedging_effectiveness(0.5 * proxy, proxy, 0.5) == pytest.approx(1.0)
    assert hedging_effectiveness(proxy, proxy, 0.0) == 0.0


def test_the_ratio_does_not_know_its_own_day() -> None:
    random = np.random.default_rng(4)
    proxy, position = random.normal(0, 0.02, 50), random.normal(0, 0.02, 50)
    later = position.copy()
    later[30:] += 1.0
    assert ewma_hedge_ratio(later, proxy)[:31].tolist() == ewma_hedge_ratio(position, proxy)[:31].tolist()
