from decimal import Decimal

import msgspec
import numpy as np
import pytest

from hedgebot.domain.instrument import InstrumentKind
from hedgebot.exchange.settlement import WINDOW_NS, SettlementAverage, Settlements
from tests.unit.exchange.test_account import instrument

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


def test_each_unit_of_the_index_has_its_own_average() -> None:
    option = msgspec.structs.replace(instrument(InstrumentKind.LINEAR_FUTURE), expiry_ns=EXPIRY)
    usdc, inverse = (msgspec.structs.replace(option, quote=one) for one in ("USDC", "USD"))
    settlements, start = Settlements(), EXPIRY - 10 * S
    assert settlements.open(usdc, start) is settlements.open(usdc, start)
    settlements.open(inverse, start)
    prices = {"USDC": Decimal(110), "USD": Decimal(100)}
    settlements.sample("BTC", prices.__getitem__, EXPIRY)
    assert (settlements.price(usdc), settlements.price(inverse)) == (Decimal(110), Decimal(100))
    assert settlements.price(option) is None
    assert set(settlements.chain("BTC")) == {EXPIRY}
    settlements.keep("BTC", [usdc])
    assert settlements.price(inverse) is None
    assert settlements.price(usdc) == Decimal(110)
    assert settlements.open(msgspec.structs.replace(option, expiry_ns=None), start) is None
