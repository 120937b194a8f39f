import math

import pytest

from hedgebot.core.drift import (
    FLOW_HALF_LIFE_DAYS,
    KNOWN_AFTER_DAYS,
    LOOK_GAP_NS,
    Drift,
    Tracking,
    TrackingSums,
    conditions,
    implied_vol_root_day,
    predicted,
    realised,
)
from hedgebot.core.strategy import BandTerms
from hedgebot.domain.durations import NS_PER_DAY
from hedgebot.pricing.band import Band, Conditions

START = 1_790_000_000 * 1_000_000_000
MINUTE = 60 * 1_000_000_000
DAYS = MINUTE / NS_PER_DAY


def test_a_steady_flow_is_known_after_an_hour_without_a_slow_start() -> None:
    drift = Drift()
    drift.add_price(100.0, START)
    assert drift.flow_at(START + MINUTE) is None
    gap = NS_PER_DAY // 100
    at_ns = START
    for _ in range(30):
        at_ns += gap
        drift.add_flow(0.5, at_ns)
    found = drift.flow_at(at_ns)
    assert found == pytest.approx(0.25 * 100, rel=0.05)


def test_equal_fills_overshoot_by_half_their_size_and_gamma_shares_in_it() -> None:
    drift = Drift()
    drift.add_price(100.0, START)
    for number in range(1, 40):
        drift.add_flow(0.5 if number % 2 else -0.5, START + number * NS_PER_DAY // 100)
    at_ns = START + 40 * NS_PER_DAY // 100
    flow = drift.flow_at(at_ns)
    assert flow is not None
    assert drift.overshoot_coin(flow, at_ns) == pytest.approx(0.25)
    assert drift.overshoot_coin(2.0 * flow, at_ns) == pytest.approx(0.125)
    assert Drift().overshoot_coin(1.0, at_ns) == 0.0


def test_of_the_flow_a_band_sees_its_share_of_the_exposure_and_all_in_the_hedge_itself() -> None:
    drift = Drift(terms=BandTerms(hedge_ratio=0.5))
    drift.add_price(100.0, START)
    at_ns = START + NS_PER_DAY
    drift.add_flow(0.4, at_ns)
    alone = drift.flow_at(at_ns)
    drift.add_flow(0.2, at_ns, direct=True)
    both = drift.flow_at(at_ns)
    assert alone is not None
    assert both is not None
    assert both == pytest.approx(2.0 * alone), "0.4 of the exposure are 0.2 to the band"
    assert drift.overshoot_coin(both, at_ns) == pytest.approx(0.1), "two fills of 0.2 reach beyond by half of it"
    drift.terms = BandTerms()
    assert drift.flow_at(at_ns) == pytest.approx(5.0 * alone)


def test_a_quiet_book_forgets_its_flow() -> None:
    drift = Drift()
    drift.add_price(100.0, START)
    drift.add_flow(1.0, START + NS_PER_DAY)
    early = drift.flow_at(START + NS_PER_DAY)
    late = drift.flow_at(START + round((1 + 4 * FLOW_HALF_LIFE_DAYS) * NS_PER_DAY))
    assert early is not None
    assert late is not None
    assert late < early / 4


def test_realised_volatility_is_that_of_the_path_and_a_gap_says_nothing() -> None:
    drift = Drift()
    at_ns, price = START, 100.0
    for number in range(120):
        drift.add_price(price, at_ns)
        price *= math.exp(0.001 if number % 2 else -0.001)
        at_ns += MINUTE
    vol = drift.realised_vol_root_day()
    assert vol == pytest.approx(0.001 * math.sqrt(1_440), rel=1e-6)
    drift.add_price(price * 2.0, at_ns + 3_600 * 1_000_000_000)
    assert drift.realised_vol_root_day() == vol


def test_volatility_is_unknown_at_first() -> None:
    drift = Drift()
    drift.add_price(100.0, START)
    drift.add_price(101.0, START + 2 * MINUTE)
    assert drift.realised_vol_root_day() is None
    assert KNOWN_AFTER_DAYS > 0


def test_sums_by_hand() -> None:
    kept = Tracking()
    assert kept.look(off_coin=0.5, delta_coin=0.5, price=100.0, at_ns=START) == 0.0
    kept.hedged(-0.3, 2.0)
    kept.sums.orders += 1
    assert kept.look(off_coin=0.2, delta_coin=0.2, price=110.0, at_ns=START + MINUTE) == DAYS
    kept.look(off_coin=0.4, delta_coin=0.4, price=110.0, at_ns=START + 2 * MINUTE)
    found = realised(kept.sums)
    assert found.tracking_error_usd_root_day == pytest.approx(math.sqrt(25.0 / (2 * DAYS)))
    assert found.turnover_coin_day == pytest.approx(0.3 / (2 * DAYS))
    assert found.cost_usd_day == pytest.approx(2.0 / (2 * DAYS))
    # Without hedges the exposure was 0.5, 0.5, 0.7.
    assert found.variance_coin2_day == pytest.approx(0.04 / (2 * DAYS))
    assert found.efficiency == pytest.approx(math.sqrt((0.25 + 0.04) / 2) * 0.3 / 0.04)


def test_what_nobody_saw_is_not_added_up() -> None:
    """A process that was down for an hour did not keep an exposure for an hour."""
    kept = Tracking()
    kept.look(off_coin=0.5, delta_coin=0.5, price=100.0, at_ns=START)
    assert kept.look(off_coin=0.1, delta_coin=0.1, price=200.0, at_ns=START + LOOK_GAP_NS + 1) == 0.0
    assert kept.sums == TrackingSums()
    assert kept.look(off_coin=0.1, delta_coin=0.1, price=200.0, at_ns=START + LOOK_GAP_NS + 1 + MINUTE) == DAYS


def test_a_window_is_what_came_after_it_began() -> None:
    kept = Tracking()
    kept.hedged(1.0, 5.0)
    kept.look(off_coin=0.0, delta_coin=1.0, price=100.0, at_ns=START)
    kept.begin_window()
    kept.hedged(-0.5, 2.0)
    assert (kept.window.volume_coin, kept.window.cost_usd) == (0.5, 2.0)
    assert (kept.sums.volume_coin, kept.sums.cost_usd, kept.hedged_coin) == (1.5, 7.0, 0.5)
    assert kept.since_ns == START


def test_the_reference_example_is_predicted() -> None:
    # Hedging reference section 6: b .63880, a .47910, .12705 coin a day, 3.811 USD, .796 orders, 614.26 USD.
    now = conditions(price=60_000.0, vol_day=0.6 / math.sqrt(365), cost_bps=5.0, gamma=2e-4, flow=0.0)
    assert now is not None
    kept = Tracking()
    kept.predict(Band(0.63880, 0.47910), now, 2.0)
    found = predicted(kept.sums)
    assert found.tracking_error_usd_root_day == pytest.approx(614.26, rel=1e-3)
    assert found.turnover_coin_day == pytest.approx(0.12705, rel=1e-3)
    assert found.cost_usd_day == pytest.approx(3.811, rel=1e-3)
    assert found.orders_day == pytest.approx(0.796, rel=2e-3)
    assert found.efficiency == pytest.approx(0.2916, rel=1e-3)


def test_nothing_is_predicted_of_what_is_not_known() -> None:
    assert conditions(price=1.0, vol_day=None, cost_bps=5.0, gamma=0.0, flow=1.0) is None
    assert conditions(price=1.0, vol_day=0.1, cost_bps=5.0, gamma=0.0, flow=None) is None
    assert implied_vol_root_day(0.0) is None
    assert predicted(TrackingSums()).cost_usd_day is None
    assert realised(TrackingSums()).efficiency is None
    assert isinstance(conditions(price=1.0, vol_day=0.1, cost_bps=5.0, gamma=0.0, flow=1.0), Conditions)
