import math
from pathlib import Path

import numpy as np
import pytest

from hedgebot.domain.errors import DataError
from hedgebot.domain.instrument import InstrumentKind
from hedgebot.exchange.calibration import Measured, book_laws, estimate
from hedgebot.exchange.calibration_frames import PROFILE_BPS, Floats, Recording, Times, read_frames
from hedgebot.exchange.liquidity import load_liquidity
from hedgebot.exchange.pricepath import stream

SECONDS = 400
FILES = {
    ("spot", "BTC"): "spot_btcusdt",
    ("spot", "ETH"): "spot_ethusdt",
    ("linear_perp", "BTC"): "usdm_btcusdt",
    ("linear_perp", "ETH"): "usdm_ethusdt",
    ("inverse_perp", "BTC"): "cm_btcusd_perp",
    ("inverse_perp", "ETH"): "cm_ethusd_perp",
}


def made(half_life_s: float = 0.2) -> Recording:
    """A market with known figures: quotes every 10 ms, a buyer a second who eats the ask, which grows back."""
    random = stream(1, "recording")
    times = np.arange(0, SECONDS * 10**9, 10**7, dtype=np.int64)
    taken: Times = np.arange(5 * 10**8, SECONDS * 10**9, 4 * 10**9, dtype=np.int64)
    since_s = (times - taken[np.clip(np.searchsorted(taken, times, side="right") - 1, 0, None)]) / 1e9
    eaten = np.where((since_s >= 0) & (times >= taken[0]), 0.5 ** (since_s / half_life_s), 0.0)
    bid = (60_000.0 + np.round(np.cumsum(random.normal(0, 0.3, len(times))), 1)).astype(np.float64)
    sizes = np.array(PROFILE_BPS)
    profile = 100_000.0 + 900_000.0 * (sizes / 10.0) ** 1.5
    return Recording(
        symbol="BTCUSDT",
        kind="linear_perp",
        tick=0.1,
        quote_ns=times,
        bid=bid,
        ask=bid + 0.1,
        bid_usd=np.full(len(times), 100_000.0),
        ask_usd=100_000.0 * (1.0 - eaten),
        taker_ns=taken,
        taker_sign=np.ones(len(taken)),
        taker_usd=random.lognormal(math.log(120_000.0), 0.1, len(taken)),
        taker_first=np.full(len(taken), 1.0),
        taker_last=np.full(len(taken), 1.0),
        prints=len(taken),
        profile=np.tile(profile, (800, 2, 1)),
        lag_ms=np.array([-1_270.0 + n for n in range(100)]),
        publish_ms=np.array([1.0, 2.0, 3.0]),
    )


def test_known_figures_are_found_again() -> None:
    found = estimate(made())
    assert found.spread_bps == pytest.approx(0.1 / 6, rel=0.01)
    assert found.spread_excess_bps == pytest.approx(0.0, abs=1e-4)
    assert found.one_tick_share == pytest.approx(1.0)
    assert found.depth_exponent == pytest.approx(1.5, abs=0.06)
    assert found.touch_usd == pytest.approx(100_000.0, rel=0.06)
    assert found.trades_per_s == pytest.approx(0.25, rel=0.01)
    assert found.trade_median_usd == pytest.approx(120_000.0, rel=0.05)
    assert found.touch_half_life_s == pytest.approx(0.2, rel=0.1)
    assert found.touch_half_life_events == 100
    assert found.lag_ms[0] == pytest.approx(49.4, abs=0.2)


def test_a_slower_touch_is_told_apart() -> None:
    assert estimate(made(0.4)).touch_half_life_s > 1.6 * estimate(made(0.2)).touch_half_life_s


def test_signs_that_follow_each_other_are_measured() -> None:
    random = stream(2, "signs")
    recording = made()
    mood = np.cumprod(np.where(random.random(100) < 0.1, -1.0, 1.0))
    fair = np.where(random.random(100) < 0.5, -1.0, 1.0)
    persistent, none = (
        estimate(with_fields(recording, taker_sign=signs)).sign_persistence
        for signs in (mood.astype(np.float64), fair.astype(np.float64))
    )
    assert persistent > 0.6
    assert abs(none) < 0.25


def with_fields(recording: Recording, **changed: Floats) -> Recording:
    fields = {name: getattr(recording, name) for name in Recording.__dataclass_fields__}
    return Recording(**{**fields, **changed})


def test_a_recording_that_is_too_short_is_refused() -> None:
    recording = made()
    with pytest.raises(DataError, match="BTCUSDT: 400 s with 50 takers are too few; give at least 60 s with 100"):
        estimate(with_fields(recording, taker_usd=recording.taker_usd[:50]))


def test_what_a_taker_moves_for_good_is_at_most_half_the_walk() -> None:
    (law,) = book_laws([estimate(made())])
    assert law.permanent_bps_per_musd <= 0.5 * 10.0 / (law.depth_10bps_usd / 1e6) + 1e-9
    assert law.half_life_s == pytest.approx(0.2, rel=0.1)


@pytest.fixture(scope="module")
def recorded(shared_data: Path) -> dict[tuple[str, str], Measured]:
    folder = shared_data / "m04_raw_frames_binance_hft_20240808"
    return {key: estimate(read_frames(folder / f"{name}_20240808.gz")) for key, name in FILES.items()}


@pytest.mark.needs_data
def test_the_shipped_laws_are_what_the_recordings_say(recorded: dict[tuple[str, str], Measured]) -> None:
    """Estimated again from m04, every figure is the one in the file, to its three places."""
    for (kind, coin), law in zip(recorded, book_laws(list(recorded.values())), strict=True):
        assert recorded[kind, coin].kind == kind
        assert load_liquidity().book(InstrumentKind(kind), coin) == law, (kind, coin)


@pytest.mark.needs_data
def test_what_the_notes_of_the_file_claim_is_measured(recorded: dict[tuple[str, str], Measured]) -> None:
    depth = [one.depth_vol_exponent.value for one in recorded.values()]
    assert min(depth) > -0.12
    assert max(depth) < 0.0
    spread = [one.spread_vol_exponent.value for one in recorded.values()]
    assert min(spread) > 1.2
    assert max(spread) < 2.2
    assert all(0.5 < one.volatility < 0.8 for one in recorded.values())
    assert recorded["linear_perp", "BTC"].lag_ms == pytest.approx((2.5, 26.7, 43.1), abs=0.1)
