from pathlib import Path

import numpy as np
import pytest

from hedgebot.domain.errors import DataError
from hedgebot.exchange.recordfile import Rows
from hedgebot.lab.figures_history import closes
from hedgebot.lab.noisefloor import Held, NoiseFloor, Series, noise_floor

DAY_NS = 86_400_000_000_000
FIRST_NS = 1_700_000_000_000_000_000 // DAY_NS * DAY_NS
ONE_CALL = (Held(-1.0, 1.0, 10.0),)


def walk(vols: np.ndarray, *, per_day: int = 12, seed: int = 3) -> Series:
    """Prices of a driftless walk whose annual volatility is `vols[day]` on each day."""
    deviation = np.repeat(vols, per_day) / np.sqrt(365.0 * per_day)
    moves = deviation * np.random.default_rng(seed).standard_normal(len(deviation)) - deviation**2 / 2.0
    return Series(60_000.0 * np.exp(np.concatenate(([0.0], np.cumsum(moves)))), 1.0 / per_day, FIRST_NS)


def regimes(days: int, low: float, high: float, stay: int) -> np.ndarray:
    """Volatility that changes every `stay` days."""
    return np.where((np.arange(days) // stay) % 2 == 0, low, high)


def test_the_right_volatility_leaves_what_the_looks_leave() -> None:
    """Derman and Kamal: the deviation is sqrt(pi/4) vega sigma / sqrt(N)."""
    path = walk(np.full(900, 0.6))
    right = Series(np.full(len(path.values), 0.6), 1.0 / 12.0, FIRST_NS)
    found = noise_floor(path, ONE_CALL, 60_000.0, vols=right)
    vega, looks = 60_000.0 * np.sqrt(10.0 / 365.0) / np.sqrt(2.0 * np.pi), 120
    expected = np.sqrt(np.pi / 4.0) * vega * 0.6 / np.sqrt(looks)
    assert found.deviation_usd == pytest.approx(expected, rel=0.15)
    # What a window did by chance is known as well where its own volatility is.
    assert found.known_usd < 0.8 * found.floor_usd
    assert (found.days, found.check_hours, found.windows) == (10.0, 2.0, 891)


def test_a_volatility_that_changes_leaves_what_its_error_is_worth() -> None:
    """Each window is 0.4 or 0.8 and was expected to be the other: vega times 0.4 to either side."""
    days = 1_200
    path, expected = walk(regimes(days, 0.4, 0.8, 30)), np.repeat(regimes(days, 0.8, 0.4, 30), 12)
    vols = Series(np.append(expected, expected[-1]), 1.0 / 12.0, FIRST_NS)
    found = noise_floor(path, ONE_CALL, 60_000.0, vols=vols)
    vega = 60_000.0 * np.sqrt(10.0 / 365.0) / np.sqrt(2.0 * np.pi)
    # Windows across a change are in it: the error of those is smaller.
    assert 0.6 * 0.4 * vega < found.deviation_usd < 1.05 * 0.4 * vega
    assert found.floor_usd > 2.0 * found.known_usd
    assert found.floor_usd == pytest.approx(found.deviation_usd / np.sqrt(10.0))
    right = Series(np.append(np.repeat(regimes(days, 0.4, 0.8, 30), 12), 0.4), 1.0 / 12.0, FIRST_NS)
    assert noise_floor(path, ONE_CALL, 60_000.0, vols=right).deviation_usd < 0.45 * found.deviation_usd


def test_a_floor_grows_with_the_book_and_not_with_what_offsets_it() -> None:
    path = walk(regimes(400, 0.4, 0.8, 20), per_day=4)
    one = noise_floor(path, ONE_CALL, 60_000.0)
    ten = noise_floor(path, (Held(-10.0, 1.0, 10.0),), 60_000.0)
    assert ten.floor_usd == pytest.approx(10.0 * one.floor_usd)
    assert ten.premium_share == pytest.approx(one.premium_share)
    # A put at the same strike and expiry is the call less the coin: hedged, nothing of the volatility is left.
    flat = noise_floor(path, (Held(-1.0, 1.0, 10.0), Held(1.0, 1.0, 10.0, is_call=False)), 60_000.0)
    assert flat.deviation_usd < 1e-6 * one.deviation_usd
    # Two expiries: the first is settled at its own.
    two = noise_floor(path, (Held(-1.0, 1.0, 10.0), Held(-1.0, 1.1, 20.0)), 60_000.0)
    assert 10.0 < two.days < 20.0
    assert two.deviation_usd > one.deviation_usd


def test_what_has_no_floor_or_no_history_is_told() -> None:
    path = walk(np.full(50, 0.6))
    with pytest.raises(DataError, match="the book holds no options"):
        noise_floor(path, (), 60_000.0)
    with pytest.raises(DataError, match="worth nothing in any window"):
        noise_floor(walk(np.full(100, 0.6)), (Held(-1.0, 50.0, 1.0),), 60_000.0)
    with pytest.raises(DataError, match=r"the history has 50.08 days .*hold 11 windows of 10 days .* at least 30"):
        noise_floor(path, ONE_CALL, 60_000.0)
    late = Series(np.full(12, 0.6), 1.0 / 12.0, FIRST_NS + 48 * DAY_NS)
    with pytest.raises(DataError, match=r"hold 0 windows of 10 days with a volatility known before each"):
        noise_floor(path, ONE_CALL, 60_000.0, vols=late)
    weekly = Rows("w.csv", FIRST_NS + np.arange(9, dtype=np.int64) * 7 * DAY_NS, {"close": np.full(9, 1.0)})
    with pytest.raises(DataError, match=r"recording w.csv: its rows are 7 days apart"):
        Series.of(weekly, "close")


def test_rows_that_are_missing_have_the_value_before() -> None:
    hours = np.array([0, 1, 2, 5, 6], dtype=np.int64)
    rows = Rows("h.csv", FIRST_NS + hours * 3_600_000_000_000, {"close": np.array([1.0, 2.0, 3.0, 6.0, 7.0])})
    series = Series.of(rows, "close")
    assert series.values.tolist() == [1.0, 2.0, 3.0, 3.0, 3.0, 6.0, 7.0]
    sparse = Series(np.array([5.0, 9.0]), 4.0 / 24.0, FIRST_NS + 2 * 3_600_000_000_000)
    seen = sparse.at(series)
    assert np.isnan(seen[:2]).all()
    assert seen[2:].tolist() == [5.0, 5.0, 5.0, 5.0, 9.0]


@pytest.mark.needs_data
def test_the_floor_of_bitcoins_hours_is_the_references(shared_data: Path) -> None:
    """Hedging reference section 8: 27.5 % of the premium, 30-day calls at the money, the volatility of 30 days."""
    found: NoiseFloor = noise_floor(
        Series.of(closes(shared_data, "BTC_h.csv.gz"), "close"), (Held(-1.0, 1.0, 30.0),), 60_000.0
    )
    assert found.windows == 1_565
    assert found.premium_share == pytest.approx(0.275, abs=0.005)
    assert found.floor_usd == pytest.approx(0.275 * found.premium_usd / np.sqrt(30.0), rel=0.02)
