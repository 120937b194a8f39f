from decimal import Decimal

import pytest

from hedgebot.exchange.perps import PerpState

H = 3_600_000_000_000


@pytest.mark.parametrize(
    ("premium", "interval", "rate"),
    [
        (0.0, 8 * H, 0.0001),  # interest alone
        (0.0003, 8 * H, 0.0001),  # the damper holds the rate at the interest
        (0.001, 8 * H, 0.0005),
        (-0.001, 8 * H, -0.0005),
        (0.02, 8 * H, 0.005),  # the cap
        (0.001, H, 0.0005 / 8),
    ],
)
def test_the_funding_formula(premium: float, interval: int, rate: float) -> None:
    perp = PerpState(interval, 0.005, interval, Decimal(1), premium_sum=premium * 4, premium_count=4)
    assert perp.rate() == pytest.approx(rate)
    perp.start_interval(interval + 1)
    assert perp.next_funding_at_ns == 2 * interval
    assert perp.premium_count == 0
