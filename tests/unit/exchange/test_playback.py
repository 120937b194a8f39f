from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.exchange.playback import Bars, Minutes, Quotes, RecordedPath, bar_curve, minute_curve
from hedgebot.exchange.scenario import UnderlyingSpec

MINUTE = 60_000_000_000
SPEC = UnderlyingSpec(name="BTC", start_price=1.0, basis_bps=-10.0)


def bars(*rows: tuple[int, float, float, float, float]) -> Bars:
    columns = np.array([row[1:] for row in rows], dtype=np.float64).T
    return Bars(
        times_ns=np.array([row[0] * 5 * MINUTE for row in rows], dtype=np.int64),
        step_ns=5 * MINUTE,
        opens=columns[0],
        highs=columns[1],
        lows=columns[2],
        closes=columns[3],
    )


def test_a_rising_bar_goes_low_first_and_a_falling_one_high_first() -> None:
    curve = bar_curve(bars((0, 100, 110, 95, 105), (1, 105, 106, 80, 90)))
    assert curve.prices.tolist() == [100, 95, 110, 105, 105, 106, 80, 90]
    assert (np.diff(curve.times_ns) > 0).all()


@given(st.floats(1.0, 500.0), st.integers(0, 10))
def test_true_extremes_are_touched_at_any_speed(speed: float, shift: int) -> None:
    recorded = bars((shift, 100, 110, 95, 105), (shift + 1, 105, 106, 80.25, 90), (shift + 2, 90, 99, 89, 98))
    path = RecordedPath(perp=recorded, spot=None, minutes=None, underlying=SPEC, speed=speed, step_s=0.1)
    blocks = [path.next_block() for _ in range(int(path.seconds / 60) + 1)]
    perp = np.concatenate([block.perp for block in blocks])
    assert perp.min() == 80.25
    assert perp.max() == 110
    live = np.concatenate([block.live for block in blocks])
    assert live.sum() == pytest.approx(path.seconds * 10, abs=1)


def test_nothing_is_live_in_a_gap_and_after_the_end() -> None:
    recorded = bars((0, 100, 110, 95, 105), (1, 105, 106, 104, 105), (4, 90, 99, 89, 98), (5, 98, 99, 97, 98))
    path = RecordedPath(perp=recorded, spot=None, minutes=None, underlying=SPEC, speed=60.0, step_s=0.1)
    assert path.gaps == ((10 * MINUTE, 20 * MINUTE),)
    assert path.quiet_s == 600.0 / path.speed
    live = path.next_block().live  # six seconds of recording a step: ten steps a minute
    assert live[:100].all()
    assert not live[100:200].any()
    assert live[200:300].all()
    assert not live[300:].any()


def test_a_middle_stands_at_half_its_minute() -> None:
    """The middle of a minute is known only at its end; put at the minute's start it would look ahead."""
    curve = minute_curve(np.array([0, MINUTE]), np.array([10.0, 20.0]), None)
    assert curve.sample(np.array([30e9, 60e9, 90e9])).tolist() == [10.0, 15.0, 20.0]


def test_extremes_of_bars_go_where_the_minutes_peak() -> None:
    middles = np.array([100.0, 99.0, 101.0, 98.0, 100.0])
    curve = minute_curve(np.arange(5) * MINUTE, middles, bars((0, 100, 104, 90, 100)))
    assert curve.prices.tolist() == [100.0, 99.0, 104.0, 90.0, 100.0]
    assert curve.pinned.tolist() == [False, False, True, True, False]
    flat = minute_curve(np.arange(5) * MINUTE, np.full(5, 100.0), bars((0, 100, 104, 90, 100)))
    assert {90.0, 104.0} <= set(flat.prices.tolist())


def test_what_was_not_recorded_stands_at_the_mean_basis() -> None:
    recorded = bars((0, 100, 110, 95, 105), (1, 105, 106, 80, 90))
    spot_only = RecordedPath(perp=None, spot=recorded, minutes=None, underlying=SPEC, speed=1.0, step_s=0.1)
    block = spot_only.next_block()
    assert block.perp == pytest.approx(block.spot * 0.999)
    assert np.isnan(block.mark).all()
    assert np.array_equal(block.index, block.spot)


def test_marks_and_index_come_from_the_minutes() -> None:
    rows = Minutes(
        times_ns=np.arange(3, dtype=np.int64) * MINUTE,
        step_ns=MINUTE,
        spot=np.array([100.0, 101.0, 102.0]),
        perp=np.array([99.0, 100.0, 101.0]),
        mark=np.array([99.5, 100.5, 101.5]),
        index=np.array([100.2, 101.2, 102.2]),
    )
    block = RecordedPath(perp=None, spot=None, minutes=rows, underlying=SPEC, speed=10.0, step_s=0.1).next_block()
    assert block.mark[60] == pytest.approx(100.5)
    assert block.index[0] == pytest.approx(100.2)
    assert block.perp[30] == pytest.approx(99.0)


def test_a_crash_is_stress() -> None:
    calm = [(number, 100.0, 100.05, 99.95, 100.0) for number in range(5)]
    crash = [*calm, (5, 100.0, 100.0, 90.0, 91.0), (6, 91.0, 91.05, 90.95, 91.0)]
    path = RecordedPath(perp=bars(*crash), spot=None, minutes=None, underlying=SPEC, speed=500.0, step_s=0.1)
    stress = path.next_block().stress[:42]
    assert stress.max() == 8.0
    assert stress.min() < 1.0


def test_a_recording_that_was_played_begins_again_and_the_first_player_goes_on() -> None:
    recorded = bars((0, 100, 110, 95, 105), (1, 105, 106, 80, 90), (2, 90, 99, 89, 98))
    path = RecordedPath(perp=recorded, spot=None, minutes=None, underlying=SPEC, speed=1.0, step_s=1.0)
    first = path.next_block()
    assert np.array_equal(path.afresh().next_block().perp, first.perp)
    assert not np.array_equal(path.next_block().perp, first.perp)


def quotes(*rows: tuple[float, float, float]) -> Bars:
    """One candle over quotes: seconds, middle, half the spread over it."""
    seconds, middles, halves = (np.array(column) for column in zip(*rows, strict=True))
    sizes = np.arange(len(rows), dtype=np.float64) + 1.0
    found = Quotes(
        times_ns=np.rint(seconds * 1e9).astype(np.int64),
        half_ratio=halves,
        bid_coin=sizes,
        ask_coin=10.0 * sizes,
        middle=middles,
    )
    whole = bars((0, middles[0], middles.max(), middles.min(), middles[-1]))
    return replace(whole, quotes=found)


def test_each_point_has_the_quote_that_stood_then_and_nothing_between_two() -> None:
    recorded = quotes((0.0, 100.0, 1e-4), (1.05, 110.0, 1e-3), (2.0, 90.0, 1e-4))
    path = RecordedPath(perp=recorded, spot=None, minutes=None, underlying=SPEC, speed=1.0, step_s=0.1)
    block = path.next_block()
    assert block.perp[[0, 10, 11, 19, 20, 599]].tolist() == [100.0, 100.0, 110.0, 110.0, 90.0, 90.0]
    assert block.perp_quoted is not None
    assert block.perp_quoted.half_ratio[[10, 11, 20]].tolist() == [1e-4, 1e-3, 1e-4]
    assert block.perp_quoted.bid_coin[[10, 11, 20]].tolist() == [1.0, 2.0, 3.0]
    assert block.perp_quoted.ask_coin[11] == 20.0
    assert block.spot_quoted is None
    assert block.inside is None


def test_a_coarse_grid_knows_the_quotes_that_it_does_not_show() -> None:
    recorded = quotes((0.0, 100.0, 1e-4), (3.0, 110.0, 1e-4), (4.0, 80.0, 1e-4), (9.0, 105.0, 1e-4))
    path = RecordedPath(perp=recorded, spot=None, minutes=None, underlying=SPEC, speed=1.0, step_s=10.0)
    block = path.next_block()
    assert block.inside is not None
    assert block.perp[:3].tolist() == [100.0, 105.0, 105.0]
    assert block.inside.perp_low[1] * 105.0 == pytest.approx(80.0)
    assert block.inside.perp_high[1] * 105.0 == pytest.approx(110.0)
    assert (block.inside.perp_low[2], block.inside.perp_high[2]) == (1.0, 1.0)


def test_quotes_beside_minutes_are_the_finer_truth_of_their_market() -> None:
    count = 3
    rows = Minutes(
        times_ns=np.arange(count, dtype=np.int64) * MINUTE,
        step_ns=MINUTE,
        spot=np.full(count, 200.0),
        perp=np.full(count, 201.0),
        mark=np.full(count, 202.0),
        index=np.full(count, 203.0),
    )
    path = RecordedPath(
        perp=quotes((0.0, 100.0, 1e-4), (30.0, 101.0, 1e-4)),
        spot=None,
        minutes=rows,
        underlying=SPEC,
        speed=1.0,
        step_s=1.0,
    )
    block = path.next_block()
    assert block.perp[[0, 29, 30]].tolist() == [100.0, 100.0, 101.0]
    assert (block.spot[40], block.mark[40], block.index[40]) == (200.0, 202.0, 203.0)
