"""Closes: the last price of an hour and of a UTC day, and the volatility of hours."""

import math

import pytest

from hedgebot.core.risk_state import CLOSES_KEPT, Closes
from hedgebot.domain.durations import NS_PER_HOUR

DAY = 24
MINUTE_NS = NS_PER_HOUR // 60


def test_a_day_closes_with_its_last_price() -> None:
    closes = Closes()
    for hour in range(3 * DAY + 1):
        closes.add(100.0 + hour, hour * NS_PER_HOUR)
        closes.add(100.5 + hour, hour * NS_PER_HOUR + 59 * MINUTE_NS)
    assert [(one.day, one.price) for one in closes.days] == [(0, 100.5 + 23), (1, 100.5 + 47), (2, 100.5 + 71)]


def test_days_are_bounded() -> None:
    closes = Closes()
    for day in range(CLOSES_KEPT + 20):
        closes.add(1.0, day * DAY * NS_PER_HOUR + 23 * NS_PER_HOUR)
    assert len(closes.days) == CLOSES_KEPT


def test_volatility_is_unknown_before_six_hours_and_right_afterwards() -> None:
    closes = Closes()
    for hour in range(200):
        closes.add(100.0 if hour % 2 else 101.0, hour * NS_PER_HOUR)
        if hour == 6:
            assert closes.vol_day is None
    assert closes.vol_day == pytest.approx(abs(math.log(1.01)) * math.sqrt(24.0))
    assert 0.0 < closes.weight < 1.0


def test_a_gap_of_hours_counts_once_for_its_length() -> None:
    closes = Closes()
    closes.add(100.0, 0)
    closes.add(110.0, 10 * NS_PER_HOUR)
    closes.add(110.0, 11 * NS_PER_HOUR)
    assert closes.vol_day == pytest.approx(math.log(1.1) * math.sqrt(2.4))
