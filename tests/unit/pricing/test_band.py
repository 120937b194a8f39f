"""The band's formulas against the reference's examples, brute force, and a random walk that is hedged."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.pricing.band import (
    Band,
    Conditions,
    Lateness,
    band_budget,
    band_of_width,
    band_with_order_cost,
    bounded_width,
    checked_trigger,
    efficiency,
    efficiency_of,
    exposure_variance,
    flow_variance_after,
    forecast,
    forecast_row,
    half_width,
    late_shift,
    loss_usd_day,
    risk_aversion_for,
    vol_root_day,
    width_coin,
)
from hedgebot.pricing.black76 import greeks

SIGMA_DAY = vol_root_day(0.6)


def _example(flow: float = 0.0) -> Conditions:
    """Hedging reference section 6."""
    return Conditions(
        price_usd=60_000.0,
        vol_root_day=SIGMA_DAY,
        cost_ratio=0.0005,
        variance_coin2_day=exposure_variance(2e-4, 60_000.0, SIGMA_DAY, flow),
    )


def _impulse(order_cost_usd: float) -> Conditions:
    """Hedging reference section 5.3."""
    return Conditions(
        price_usd=3_000.0,
        vol_root_day=SIGMA_DAY,
        cost_ratio=0.0005,
        variance_coin2_day=100.0,
        order_cost_usd=order_cost_usd,
    )


def test_reproduces_the_reference_example() -> None:
    conditions = _example()
    width = width_coin(conditions, 1e-5)
    assert conditions.variance_coin2_day == pytest.approx(0.14203, abs=1e-5)
    assert width == pytest.approx(0.56462, abs=1e-5)
    edge = forecast(Band(width, width), conditions)
    assert edge[:3] == pytest.approx((614.26, 0.12577, 3.773), rel=1e-4)
    assert edge.orders_day == math.inf
    inside = band_of_width(width)
    assert inside == pytest.approx((0.63880, 0.47910), abs=1e-5)
    assert forecast(inside, conditions) == pytest.approx((614.26, 0.12705, 3.8115, 0.79555), rel=1e-4)
    assert width_coin(_example(25.0), 1e-5) == pytest.approx(3.1703, abs=1e-4)


def test_without_flow_it_is_whalley_and_wilmott() -> None:
    spot = np.array([100.0])
    found = greeks(spot, spot, np.array([30 / 365]), np.array([0.6]), np.array([True]))
    variance = exposure_variance(found.gamma, spot, SIGMA_DAY)
    width = half_width(0.0005, spot, variance, SIGMA_DAY, 1.0)
    assert width[0] == pytest.approx((1.5 * 0.0005 * 100.0 * found.gamma[0] ** 2) ** (1 / 3), rel=1e-12)
    assert width[0] == pytest.approx(0.034212, abs=1e-6)


@pytest.mark.parametrize(
    ("risk_aversion", "order_cost", "trigger", "target", "loss"),
    [
        (1e-4, 0.0, 6.3286, 6.3286, 17.7763),
        (1e-4, 0.5, 8.3769, 4.6467, 19.3348),
        (1e-4, 5.0, 11.0250, 3.2264, 24.7855),
        (1e-5, 0.0, 13.6346, 13.6346, 8.2510),
        (1e-5, 0.5, 16.9958, 10.7503, 8.6863),
    ],
)
def test_reproduces_the_table_with_a_cost_per_order(
    risk_aversion: float, order_cost: float, trigger: float, target: float, loss: float
) -> None:
    conditions = _impulse(order_cost)
    band = band_with_order_cost(conditions, risk_aversion)
    assert band == pytest.approx((trigger, target), abs=1e-4)
    assert loss_usd_day(band, conditions, risk_aversion) == pytest.approx(loss, abs=1e-4)


@given(order_cost=st.floats(0.01, 50.0), power=st.floats(-6.0, -3.0), up=st.floats(0.8, 1.25), down=st.floats(0.5, 2.0))
def test_no_other_band_is_cheaper(order_cost: float, power: float, up: float, down: float) -> None:
    conditions, risk_aversion = _impulse(order_cost), 10.0**power
    best = band_with_order_cost(conditions, risk_aversion)
    other = Band(best.trigger_coin * up, min(best.target_coin * down, 0.999 * best.trigger_coin * up))
    least = loss_usd_day(best, conditions, risk_aversion)
    assert least <= loss_usd_day(other, conditions, risk_aversion) * (1.0 + 1e-9)
    assert 0.0 <= best.target_coin < best.trigger_coin


def test_only_orders_cost_then_the_target_is_the_centre() -> None:
    conditions = Conditions(
        price_usd=3_000.0, vol_root_day=SIGMA_DAY, cost_ratio=1e-12, variance_coin2_day=100.0, order_cost_usd=5.0
    )
    band = band_with_order_cost(conditions, 1e-4)
    assert band.target_coin == pytest.approx(0.0, abs=1e-3 * band.trigger_coin)
    assert band.trigger_coin**4 == pytest.approx(12 * 100.0 * 5.0 / (1e-4 * conditions.risk_usd2_day), rel=1e-2)


@given(budget=st.floats(1.0, 1e5), flow=st.floats(0.0, 100.0), ratio=st.floats(0.0, 1.0))
def test_the_budget_is_the_tracking_error_that_the_band_then_predicts(budget: float, flow: float, ratio: float) -> None:
    conditions = _example(flow)
    band = band_of_width(width_coin(conditions, risk_aversion_for(budget, conditions)), ratio)
    assert forecast(band, conditions).tracking_error_usd_root_day == pytest.approx(budget, rel=1e-9)


def test_held_risk_aversion_lets_the_width_follow_the_exposure() -> None:
    """Eight times the standard deviation of the exposure: four times the width."""
    calm, wild = (
        _example(),
        Conditions(price_usd=60_000.0, vol_root_day=SIGMA_DAY, cost_ratio=0.0005, variance_coin2_day=64 * 0.14203),
    )
    risk_aversion = risk_aversion_for(600.0, calm)
    assert width_coin(wild, risk_aversion) / width_coin(calm, risk_aversion) == pytest.approx(4.0, rel=1e-4)


def test_client_flow_is_its_rate_of_squares() -> None:
    flow = 0.0
    for _ in range(4_000):
        flow = flow_variance_after(flow, 0.01, 2.0, 0.5)
    assert flow == pytest.approx(0.5**2 / 0.01, rel=0.01)
    assert flow_variance_after(flow, 2.0, 2.0) == pytest.approx(flow / 2.0)


def test_floor_and_cap_hold_the_width() -> None:
    assert bounded_width(0.5, 0.6, 0.001) == 0.5
    assert bounded_width(0.0, 0.6, 0.001) == pytest.approx(0.15)
    assert bounded_width(0.0, 0.0, 0.001) == pytest.approx(0.002)
    assert bounded_width(9.0, 0.6, 0.001, cap_coin=1.0) == 1.0
    assert bounded_width(9.0, 0.6, 1.0, cap_coin=1.0) == 2.0


def hedged_walk(up: tuple[int, int], down: tuple[int, int], step: float) -> tuple[float, float, float]:
    """Mean of x^2, turnover and orders (per coin^2 of variance) of a walk in a band: exact, by its stationary chain.

    Trigger and target of each side in steps. The walk moves a step either way, and at an edge goes to its target.
    """
    low, high = -down[0], up[0]
    places = np.arange(low + 1, high)
    chain = np.zeros((len(places), len(places)))
    for row, place in enumerate(places):
        for move in (-1, 1):
            then = {low: -down[1], high: up[1]}.get(int(place + move), int(place + move))
            chain[row, then - places[0]] += 0.5
    stays = np.vstack([chain.T - np.eye(len(places)), np.ones(len(places))])
    share = np.linalg.lstsq(stays, np.append(np.zeros(len(places)), 1.0), rcond=None)[0]
    hits = share[-1] / 2.0, share[0] / 2.0
    traded = hits[0] * (up[0] - up[1]) + hits[1] * (down[0] - down[1])
    # A step of h takes h^2 of variance.
    return float((share * places**2).sum()) * step**2, traded * step / step**2, sum(hits) / step**2


@pytest.mark.parametrize(("up", "down"), [((60, 45), (60, 45)), ((40, 30), (120, 90)), ((100, 20), (30, 29))])
def test_a_band_with_sides_of_its_own_is_forecast_exactly(up: tuple[int, int], down: tuple[int, int]) -> None:
    step, variance = 0.005, 0.4
    conditions = Conditions(price_usd=100.0, vol_root_day=0.03, cost_ratio=0.001, variance_coin2_day=variance)
    found = forecast(Band(up[0] * step, up[1] * step), conditions, below=Band(down[0] * step, down[1] * step))
    square, turnover, orders = hedged_walk(up, down, step)
    assert found.tracking_error_usd_root_day == pytest.approx(3.0 * math.sqrt(square), rel=1e-3)
    assert found.turnover_coin_day == pytest.approx(variance * turnover, rel=1e-6)
    assert found.orders_day == pytest.approx(variance * orders, rel=1e-6)
    assert found.cost_usd_day == pytest.approx(0.1 * found.turnover_coin_day)


def test_sides_that_are_the_same_are_the_plain_band() -> None:
    band, conditions = Band(0.4, 0.3), _example(2.0)
    for one, other in zip(forecast(band, conditions), forecast(band, conditions, below=band), strict=True):
        assert one == pytest.approx(other, rel=1e-12)


def test_rows_of_sides_of_their_own_are_each_forecast_to_the_last_bit() -> None:
    random = np.random.default_rng(5)
    triggers, prices, variance = (
        random.uniform(0.1, 1.0, 50),
        random.uniform(1e4, 1e5, 50),
        random.uniform(0.0, 2.0, 50),
    )
    lower = triggers * 3.0
    row = forecast_row(triggers, 0.07, prices, variance, 0.0313, 0.00055, below=(lower, 0.2))
    for number in range(50):
        conditions = Conditions(prices.item(number), 0.0313, 0.00055, variance.item(number))
        one = forecast(Band(triggers.item(number), 0.07), conditions, below=Band(lower.item(number), 0.2))
        assert one.tracking_error_usd_root_day == row.tracking_error_usd_root_day[number]
        assert one.cost_usd_day == np.asarray(row.cost_usd_day)[number]
        assert one.turnover_coin_day == np.asarray(row.turnover_coin_day)[number]
        assert one.orders_day == np.asarray(row.orders_day)[number]


def test_slow_checks_move_the_trigger_inward_and_never_leave_the_target_outside() -> None:
    band = Band(1.0, 0.75)
    shifts = [late_shift(band, variance, Lateness(check_days=0.25)) for variance in (0.04, 4.0, 400.0)]
    assert shifts == pytest.approx([0.5826 * 0.1, 0.5826, 5.826])
    assert checked_trigger(band, shifts[0]) == pytest.approx((1.0 - 0.5826 * 0.1, 0.75))
    assert checked_trigger(band, shifts[1]) == pytest.approx((1.0 - 0.5826, 1.0 - 0.5826))
    assert checked_trigger(band, shifts[2]) == Band(0.0, 0.0)
    assert checked_trigger(band, shifts[2], floor_coin=0.3, gap_share=0.25) == pytest.approx((0.3, 0.3 - 0.25 * 0.25))
    assert checked_trigger(Band(0.2, 0.15), 0.0, floor_coin=0.3) == Band(0.2, 0.15)


def test_a_budget_below_the_noise_floor_is_refused_with_the_floors_number() -> None:
    assert band_budget(0.5, 0.3) == pytest.approx(0.4)
    with pytest.raises(ValueError, match=r"volatility error alone leaves 0\.275, and below 0\.3027"):
        band_budget(0.28, 0.275)
    with pytest.raises(ValueError, match="cannot be had"):
        band_budget(math.nan, 0.275)


@pytest.mark.parametrize(
    ("ratio", "expected"), [(1.0, 0.2887), (0.9, 0.2891), (0.75, 0.2916), (0.5, 0.3043), (0.0, 0.4082)]
)
def test_efficiency_is_the_closed_form_and_what_the_forecast_says(ratio: float, expected: float) -> None:
    assert efficiency_of(ratio) == pytest.approx(expected, abs=5e-5)
    conditions = _example()
    band = band_of_width(1.3, ratio)
    seen = forecast(band, conditions)
    deviation = seen.tracking_error_usd_root_day / (conditions.vol_root_day * conditions.price_usd)
    found = efficiency(deviation**2, seen.turnover_coin_day, conditions.variance_coin2_day)
    assert found == pytest.approx(efficiency_of(ratio), rel=1e-12)


def test_a_hedged_random_walk_does_what_was_forecast() -> None:
    """Small steps, counted once the walks forgot their start; overshoot moves the barrier by the known shift."""
    steps, settled, step_days = 8_000, 2_000, 1e-3
    random = np.random.default_rng(3)
    conditions = Conditions(price_usd=100.0, vol_root_day=0.03, cost_ratio=0.0005, variance_coin2_day=1.0)
    wanted = band_of_width(1.0)
    band = checked_trigger(wanted, late_shift(wanted, 1.0, Lateness(check_days=step_days)))
    at, squares, traded, orders = np.zeros(400), 0.0, 0.0, 0
    for step in range(steps):
        at += random.normal(0.0, math.sqrt(step_days), 400)
        out = np.abs(at) > band.trigger_coin
        if step >= settled:
            traded += float(np.abs(at[out]).sum() - band.target_coin * out.sum())
            orders += int(out.sum())
        at[out] = np.sign(at[out]) * band.target_coin
        squares += float(np.mean(at * at)) if step >= settled else 0.0
    days = (steps - settled) * step_days * 400
    seen = forecast(wanted, conditions)
    assert 100.0 * 0.03 * math.sqrt(squares / (steps - settled)) == pytest.approx(
        seen.tracking_error_usd_root_day, rel=0.05
    )
    assert traded / days == pytest.approx(seen.turnover_coin_day, rel=0.06)
    assert orders / days == pytest.approx(seen.orders_day, rel=0.08)


@pytest.mark.parametrize(("dwell", "interval"), [(5, 0), (20, 0), (0, 20), (0, 100)])
def test_a_walk_whose_hedges_wait_goes_as_far_beyond_as_the_closed_form(dwell: int, interval: int) -> None:
    """In steps of a thousandth of a day. Without the shift as many as 1.8 times the orders would be forecast."""
    steps, settled, step_days, count = 8_000, 2_000, 1e-3, 400
    random = np.random.default_rng(5)
    band = Band(1.0, 0.75)
    late = Lateness(step_days, dwell * step_days, interval * step_days)
    at, outside = np.zeros(count), np.zeros(count)
    hedged = np.full(count, -1_000_000)
    squares = traded = orders = 0.0
    for step in range(steps):
        before = np.sign(at)
        at += random.normal(0.0, math.sqrt(step_days), count)
        out = np.abs(at) > band.trigger_coin
        outside = np.where(out & (np.sign(at) == before), outside + 1, np.where(out, 1, 0))
        go = out & (outside > dwell) & (step - hedged >= interval)
        if step >= settled:
            traded += float(np.abs(at[go]).sum() - band.target_coin * go.sum())
            orders += float(go.sum())
            squares += float(np.mean(at * at))
        at[go], outside[go], hedged[go] = np.sign(at[go]) * band.target_coin, 0, step
    days = (steps - settled) * step_days * count
    conditions = Conditions(price_usd=100.0, vol_root_day=0.03, cost_ratio=0.0005, variance_coin2_day=1.0)
    reached = Band(band.trigger_coin + late_shift(band, 1.0, late), band.target_coin)
    seen = forecast(reached, conditions)
    assert math.sqrt(squares / (steps - settled)) * 3.0 == pytest.approx(seen.tracking_error_usd_root_day, rel=0.06)
    assert traded / days == pytest.approx(seen.turnover_coin_day, rel=0.06)
    assert orders / days == pytest.approx(seen.orders_day, rel=0.1)


def test_what_does_not_move_is_not_late() -> None:
    assert late_shift(Band(1.0, 0.75), 0.0, Lateness(1.0, 1.0, 1.0)) == 0.0


def test_what_does_not_move_is_not_traded() -> None:
    still = Conditions(
        price_usd=100.0, vol_root_day=0.03, cost_ratio=0.0005, variance_coin2_day=0.0, order_cost_usd=1.0
    )
    assert width_coin(still, 1.0) == 0.0
    assert band_with_order_cost(still, 1.0) == Band(0.0, 0.0)
    assert forecast(Band(0.0, 0.0), still) == (0.0, 0.0, 0.0, 0.0)
    assert forecast(Band(0.0, 0.0), _example()).turnover_coin_day == math.inf
    assert math.isnan(efficiency(1.0, 1.0, 0.0))


def test_a_row_of_forecasts_is_each_of_them_to_the_last_bit() -> None:
    random = np.random.default_rng(4)
    prices, triggers = random.uniform(1e3, 1e5, 200), random.uniform(0.0, 2.0, 200)
    variance = np.where(random.random(200) < 0.2, 0.0, random.uniform(0.0, 1.0, 200))
    triggers[:3], variance[:3] = 0.0, (0.0, 1.0, 0.5)
    row = forecast_row(triggers, np.zeros(200), prices, variance, 0.0313, 0.00055)
    for number in range(200):
        now = Conditions(
            price_usd=float(prices[number]),
            vol_root_day=0.0313,
            cost_ratio=0.00055,
            variance_coin2_day=float(variance[number]),
        )
        expected = forecast(Band(float(triggers[number]), 0.0), now)
        assert tuple(float(np.asarray(one)[number]) for one in row) == expected


@pytest.mark.parametrize("variance", [0.0, 0.4])
def test_a_row_of_forecasts_takes_one_number_for_all(variance: float) -> None:
    prices = np.random.default_rng(4).uniform(1e3, 1e5, 20)
    row = forecast_row(0.3, 0.2, prices, variance, 0.0313, 0.00055)
    full = forecast_row(np.full(20, 0.3), np.full(20, 0.2), prices, np.full(20, variance), 0.0313, 0.00055)
    for one, other in zip(row, full, strict=True):
        assert (np.broadcast_to(one, 20) == other).all()


def test_numbers_that_no_band_can_be_made_of_are_named() -> None:
    with pytest.raises(ValueError, match="risk_aversion is 0, it must be above zero"):
        width_coin(_example(), 0.0)
    with pytest.raises(ValueError, match="tracking_error_usd_root_day is -5"):
        risk_aversion_for(-5.0, _example())
    with pytest.raises(ValueError, match=r"target ratio is 1\.5"):
        band_of_width(1.0, 1.5)
