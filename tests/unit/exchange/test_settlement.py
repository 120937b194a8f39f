from decimal import Decimal

import numpy as np
import pytest

from hedgebot.exchange.settlement import WINDOW_NS, SettlementAverage

S = 1_000_000_000
EXPIRY = 10_000 * S


def test_the_average_is_of_the_last_half_hour() -> None:
    average = SettlementAverage.of(EXPIRY, 0)
    assert average.from_ns == EXPIRY - WINDOW_NS
    for second in range(8_000, 10_003):
        average.sample(Decimal(second), second * S)
    assert average.count == 1_800
    assert average.price == Decimal("9100.5") + Decimal(0).quantize(Decimal("1e-8"))


def test_a_near_expiry_has_the_time_since_the_start() -> None:
    average = SettlementAverage.of(EXPIRY, EXPIRY - 4 * S)
    for second in range(9_990, 10_001):
        average.sample(Decimal(1), second * S)
    assert average.count == 4
    past = SettlementAverage.of(EXPIRY, EXPIRY + S)
    assert past.done(EXPIRY) == 1.0


def test_what_is_expected_goes_over_to_the_average() -> None:
    average = SettlementAverage.of(EXPIRY, EXPIRY - 100 * S)
    assert average.expected(50.0, EXPIRY - 100 * S) == 50.0
    for second in range(9_901, 9_951):
        average.sample(Decimal(40), second * S)
    assert average.done(9_950 * S) == 0.5
    assert average.expected(50.0, 9_950 * S) == pytest.approx(45.0)
    assert average.expected(50.0, EXPIRY) == pytest.approx(40.0)


def test_variance_of_the_average_against_simulation() -> None:
    """Deviation of the mean of a random walk over its window, seen from before, from within and at the end."""
    average = SettlementAverage.of(EXPIRY, EXPIRY - 1_000 * S)
    random = np.random.default_rng(5)
    for left in (1_000, 400):
        steps = random.standard_normal((4_000, left)).cumsum(axis=1)
        simulated = (steps.sum(axis=1) / 1_000).var()
        assert average.variance_years(EXPIRY - left * S, 1e9) == pytest.approx(simulated, rel=0.06)
    assert average.variance_years(EXPIRY - 1_500 * S, 1e9) == pytest.approx(500 + 1_000 / 3)
    assert average.variance_years(EXPIRY, 1e9) == 0.0
