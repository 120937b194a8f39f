"""Calls on recorded minutes: windows, the perpetual's price, its funding, and every policy over the same ones."""

from pathlib import Path

import numpy as np
import pytest

from hedgebot.domain.durations import NS_PER_MINUTE
from hedgebot.domain.errors import DataError
from hedgebot.exchange.fundingtape import FundingTape
from hedgebot.exchange.playback import Minutes
from hedgebot.exchange.recording import read_funding, read_minutes
from hedgebot.lab.minuteworld import BY_TIME, OURS, TO_EDGE, TO_ZERO, MinuteCalls, compare, world_of

DAY = 1_440
START_NS = 1_760_000_040_000_000_000


def _minutes(days: float, *, basis: float = 0.0, gap: bool = False) -> Minutes:
    rows = round(days * DAY)
    random = np.random.default_rng(5)
    index = 60_000.0 * np.exp(random.normal(0.0, 0.6 / np.sqrt(365 * DAY), rows).cumsum())
    times = START_NS + np.arange(rows, dtype=np.int64) * NS_PER_MINUTE
    kept = np.arange(rows) != 100 if gap else np.ones(rows, dtype=np.bool_)
    mark = index * (1.0 + basis)
    return Minutes(
        times_ns=times[kept],
        step_ns=NS_PER_MINUTE,
        spot=index[kept],
        perp=mark[kept],
        mark=mark[kept],
        index=index[kept],
    )


def _funding(days: float, rate: float) -> FundingTape:
    times = START_NS + np.arange(480, round(days * DAY), 480, dtype=np.int64) * NS_PER_MINUTE
    return FundingTape(times, np.full(len(times), rate))


def test_a_window_starts_each_day_and_a_missing_minute_has_the_last_price() -> None:
    world = world_of(_minutes(4.5, gap=True), _funding(4.5, 1e-4), days=2)
    assert world.starts.tolist() == [0, DAY, 2 * DAY]
    assert (world.minutes, len(world.spots)) == (2 * DAY, round(4.5 * DAY))
    assert world.spots[100] == world.spots[99]
    assert np.flatnonzero(world.rates).tolist() == list(range(480, round(4.5 * DAY), 480))


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(DataError, match=r"the minutes hold 1\.5 days; a window has 2"):
        world_of(_minutes(1.5), _funding(1.5, 1e-4), days=2)
    late = FundingTape(np.array([0], dtype=np.int64), np.array([1e-4]))
    with pytest.raises(DataError, match="no funding settlement falls into the minutes"):
        world_of(_minutes(3), late, days=2)


@pytest.mark.parametrize("check", [1, 7, 60])
def test_every_settlement_is_paid_once_however_seldom_it_is_checked(check: int) -> None:
    """Rates of 1 bp on a mark 1 % above the index; each step's sum over the window is that of all settlements."""
    world = world_of(_minutes(3, basis=0.01), _funding(3, 1e-4), days=1)._replace(check=check, minutes=840)
    (block,) = world.blocks()
    steps = list(block)
    assert steps[0].funding is None
    assert steps[0].hedge_price == pytest.approx(np.full(2, 101.0))
    paid = sum(step.funding for step in steps[1:] if step.funding is not None)
    settled = [step for step in steps[1:] if step.funding is not None and step.funding.any()]
    assert len(settled) == 1
    assert paid == pytest.approx(1e-4 * 101.0 * np.ones(2), rel=0.05)
    assert steps[-1].liability is not None


def test_the_exact_hedge_leaves_the_floor_and_ours_is_cheapest() -> None:
    found = compare(world_of(_minutes(24), _funding(24, 1e-4), days=10)._replace(check=20))
    assert list(found.lines) == [OURS, TO_EDGE, TO_ZERO, BY_TIME]
    assert found.windows == 14
    assert 0.0 < found.floor < 0.2
    assert found.lines[OURS].cost_at(0.10) < found.lines[TO_ZERO].cost_at(0.10)
    assert found.funding[OURS] == pytest.approx(found.funding[TO_EDGE], rel=0.2)
    assert found.funding[OURS] > 0.0


def test_the_volatility_is_the_windows_own() -> None:
    closes = np.exp(np.random.default_rng(1).normal(0, 0.001, 3 * DAY).cumsum())
    world = MinuteCalls(closes, closes, np.zeros(3 * DAY), np.array([0, DAY]), DAY)
    hourly = np.diff(np.log(closes[: DAY + 1 : 60]))
    assert world.vol[0] == pytest.approx(hourly.std() * 8_760**0.5)


@pytest.mark.needs_data
def test_on_the_recorded_minutes_ours_is_a_third_cheaper_than_to_zero(shared_data: Path) -> None:
    """BTC's minutes from May 2025 to February 2026, two crashes in them, real funding; checks every five minutes."""
    folder = shared_data / "m09_btc_1m_spot_perp_mark_index_20250509_20260228"
    minutes = read_minutes(folder / "BTCUSDT_1m_spot_perp_mark_index.parquet")
    found = compare(world_of(minutes, read_funding(folder / "BTCUSDT_funding_8h.parquet"))._replace(check=5))
    assert found.windows == 266
    for deviation in (0.075, 0.10, 0.15):
        ours = found.lines[OURS].cost_at(deviation)
        assert ours < 0.70 * found.lines[TO_ZERO].cost_at(deviation)
        assert ours < 0.85 * found.lines[TO_EDGE].cost_at(deviation)
