"""cost_aware: the budget is met at reference conditions, the width follows variance, floor and cap hold."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.core.strategy import Proposal, Strategy, UnderlyingView
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.settings import StrategySettings
from hedgebot.pricing import band
from strategies.cost_aware import STRATEGY
from tests.support.playbook import settings

# The worked example of the hedging reference, section 6.
VOL_DAY = 0.6 / math.sqrt(365.0)
VARIANCE = 2e-4**2 * (VOL_DAY * 60_000.0) ** 2
PARAMS: dict[str, float | str | bool] = {
    "tracking_error_usd": 614.26,
    "reference_price_usd": 60_000.0,
    "reference_vol": 0.6,
    "reference_variance_coin2_day": VARIANCE,
    "cap_coin": 5.0,
}
BTC = msgspec.structs.replace(settings().underlyings[0], cost_bps=5.0)


def build(**changes: float) -> Strategy:
    params = {**PARAMS, **changes}
    return STRATEGY.build(StrategySettings(name="cost_aware", enabled=True, underlyings=("BTC",), params=params))


def propose(seen: UnderlyingView, **changes: float) -> Proposal:
    found = build(**changes).propose(seen, None)
    assert found is not None
    return found


def view(gamma: float = 2e-4, flow: float | None = 0.0, price: float = 60_000.0) -> UnderlyingView:
    return UnderlyingView(
        at_ns=1,
        delta_coin=0.0,
        gamma_coin_per_usd=gamma,
        price_usd=price,
        settings=BTC,
        lot_coin=0.001,
        vol_root_day=VOL_DAY,
        flow_variance=flow,
    )


def test_the_worked_example() -> None:
    proposal = propose(view())
    assert proposal.trigger_coin == pytest.approx(0.63880, rel=1e-3)
    assert proposal.inside_coin == pytest.approx(0.47910, rel=1e-3)
    assert proposal.evidence["risk_aversion"] == proposal.risk_aversion == pytest.approx(1e-5, rel=1e-3)
    assert proposal.evidence["estimates"] == "live"


def test_the_evidence_says_which_volatility_was_used() -> None:
    """Hedging reference, section 4."""
    implied = msgspec.structs.replace(view(), vol_source="implied")
    assert propose(implied).evidence["vol_source"] == "implied"
    assert propose(msgspec.structs.replace(view(), vol_source="realised")).evidence["vol_source"] == "realised"
    assert propose(msgspec.structs.replace(implied, vol_root_day=None)).evidence["vol_source"] == "reference"


def test_a_clients_trading_widens_the_band_by_the_two_thirds_law() -> None:
    # Section 6: with s_flow = 5 the width is 3.1703.
    proposal = propose(view(flow=25.0))
    assert proposal.evidence["width_coin"] == pytest.approx(3.1703, rel=1e-3)


def test_a_measured_cost_widens_the_band_by_its_cube_root_and_aversion_is_held() -> None:
    dear, plain = propose(msgspec.structs.replace(view(), cost_bps=10.0)), propose(view())
    assert dear.trigger_coin / plain.trigger_coin == pytest.approx(2.0 ** (1.0 / 3.0), rel=1e-9)
    assert dear.evidence["risk_aversion"] == plain.evidence["risk_aversion"]
    assert (dear.evidence["cost_bps"], plain.evidence["cost_bps"]) == (10.0, 5.0)


def test_before_estimates_are_known_the_reference_is_used() -> None:
    unknown = msgspec.structs.replace(view(), vol_root_day=None, flow_variance=None)
    proposal = propose(unknown)
    assert proposal.trigger_coin == pytest.approx(0.63880, rel=1e-3)
    assert proposal.evidence["estimates"] == "reference"


@given(gamma=st.floats(-1e-2, 1e-2), flow=st.floats(0.0, 1e4), price=st.floats(1_000.0, 500_000.0))
def test_the_band_stays_between_its_floor_and_its_cap(gamma: float, flow: float, price: float) -> None:
    proposal = propose(view(gamma, flow, price))
    assert proposal.trigger_coin <= 5.0 + 1e-9
    assert proposal.trigger_coin >= 0.25 * 0.56462 - 1e-3
    assert 0.0 < proposal.inside_coin < proposal.trigger_coin


def test_the_trigger_comes_inward_by_what_fills_overshoot_and_no_further_than_a_quarter_of_the_gap() -> None:
    plain = propose(view())
    small = propose(msgspec.structs.replace(view(), overshoot_coin=0.05))
    large = propose(msgspec.structs.replace(view(), overshoot_coin=5.0))
    assert small.trigger_coin == pytest.approx(plain.trigger_coin - 0.05)
    assert small.inside_coin == plain.inside_coin
    gap = plain.trigger_coin - plain.inside_coin
    assert large.trigger_coin == pytest.approx(plain.inside_coin + 0.25 * gap)


def test_a_cost_of_each_order_moves_the_target_inward() -> None:
    free, dear = propose(view()), propose(view(), order_cost_usd=5.0)
    assert dear.trigger_coin > free.trigger_coin
    assert dear.inside_coin / dear.trigger_coin < free.inside_coin / free.trigger_coin


def late(check_s: float = 0.0, dwell_s: float = 0.0, interval_s: float = 0.0) -> UnderlyingView:
    return msgspec.structs.replace(
        view(), late=band.Lateness(check_s / 86_400.0, dwell_s / 86_400.0, interval_s / 86_400.0)
    )


def test_the_trigger_comes_inward_for_looks_that_are_far_apart_and_the_target_stays_inside() -> None:
    """Section 5.4: 0.5826 s sqrt(dt). The reference example has s = 0.3769 coin and b = 0.6388, a = 0.4791."""
    plain, minute, hours = propose(view()), propose(late(60.0)), propose(late(4.0 * 3_600.0))
    shift = 0.5826 * math.sqrt(VARIANCE * 60.0 / 86_400.0)
    assert minute.trigger_coin == pytest.approx(plain.trigger_coin - shift, rel=1e-9)
    assert minute.inside_coin == plain.inside_coin
    assert minute.evidence["late_coin"] == pytest.approx(shift)
    assert hours.trigger_coin == pytest.approx(plain.trigger_coin - shift * math.sqrt(240.0), rel=1e-9)
    gap = plain.trigger_coin - plain.inside_coin
    assert hours.inside_coin == pytest.approx(min(plain.inside_coin, hours.trigger_coin - 0.25 * gap))
    assert plain.warning == minute.warning == hours.warning == ""
    waiting = propose(late(60.0, dwell_s=600.0)).trigger_coin
    assert waiting == pytest.approx(minute.trigger_coin - math.sqrt(math.pi / 2.0 * VARIANCE * 600.0 / 86_400.0))
    # Fills and late looks overlap: whichever takes the delta farther.
    small = msgspec.structs.replace(late(60.0), overshoot_coin=0.5 * shift)
    large = msgspec.structs.replace(late(60.0), overshoot_coin=2.0 * shift)
    assert propose(small).trigger_coin == minute.trigger_coin
    assert propose(large).trigger_coin == pytest.approx(plain.trigger_coin - 2.0 * shift)


def test_below_the_floor_monitoring_is_told_to_be_too_slow() -> None:
    slow = propose(late(7 * 86_400.0))
    floor = 0.25 * 0.56462 * band.trigger_ratio(0.75)
    assert slow.trigger_coin == pytest.approx(floor, rel=1e-3)
    assert 0.0 < slow.inside_coin < slow.trigger_coin
    assert slow.warning.startswith("monitoring is too slow for this band: looks 604800 s apart, a dwell of 0 s")
    # A band that is at its floor anyway (no gamma, hardly any flow) has no trigger to move, and nothing to be told.
    quiet = msgspec.structs.replace(late(60.0), gamma_coin_per_usd=0.0, flow_variance=1e-6)
    assert propose(quiet).trigger_coin == pytest.approx(floor, rel=1e-3)
    assert propose(quiet).warning == ""


@given(st.floats(0.0, 1e6), st.floats(0.0, 1e5), st.floats(0.0, 100.0), st.floats(0.0, 0.01))
def test_however_late_the_band_keeps_its_shape(check_s: float, dwell_s: float, flow: float, gamma: float) -> None:
    seen = msgspec.structs.replace(late(check_s, dwell_s), flow_variance=flow, gamma_coin_per_usd=gamma)
    found = propose(seen)
    assert 0.0 <= found.inside_coin < found.trigger_coin <= 5.0 + 1e-9


# The example of the hedging reference, section 5.3: three thousand USD, five basis points, ten coins per root day.
DEAR = msgspec.structs.replace(view(gamma=0.0, flow=100.0, price=3_000.0), lot_coin=0.01)
AVERSION = 1e-4


def dear(order_cost_usd: float) -> Proposal:
    """The proposal there, at a risk aversion of 1e-4 and with nothing in its way."""
    risk = (VOL_DAY * 3_000.0) ** 2
    budget = math.sqrt(risk / 3.0) * (1.5 * 5e-4 * 3_000.0 * 100.0 / (AVERSION * risk)) ** (1.0 / 3.0)
    return propose(
        DEAR,
        tracking_error_usd=budget,
        reference_price_usd=3_000.0,
        reference_variance_coin2_day=100.0,
        cap_coin=1e3,
        order_cost_usd=order_cost_usd,
    )


def loss(proposal: Proposal, order_cost_usd: float) -> float:
    conditions = band.Conditions(3_000.0, VOL_DAY, 5e-4, 100.0, order_cost_usd)
    return band.loss_usd_day(band.Band(proposal.trigger_coin, proposal.inside_coin), conditions, AVERSION)


@pytest.mark.parametrize(("cost", "trigger", "target"), [(0.5, 8.3769, 4.6467), (5.0, 11.0250, 3.2264)])
def test_with_a_cost_of_each_order_the_band_is_the_closed_form(cost: float, trigger: float, target: float) -> None:
    proposal = dear(cost)
    assert proposal.trigger_coin == pytest.approx(trigger, rel=1e-4)
    assert proposal.inside_coin == pytest.approx(target, rel=1e-4)
    assert proposal.evidence["risk_aversion"] == pytest.approx(AVERSION)


def test_a_cost_that_goes_to_zero_ends_in_the_band_without_it() -> None:
    free = dear(0.0)
    for cost in (1e-2, 1e-3, 1e-6, 1e-9):
        near = dear(cost)
        assert near.inside_coin / near.trigger_coin == pytest.approx(0.75)
        assert near.trigger_coin == pytest.approx(free.trigger_coin, rel=2.0 * cost ** (2.0 / 3.0))


@given(st.floats(1e-9, 20.0))
def test_the_band_for_a_cost_is_never_worse_than_the_one_without_it(cost: float) -> None:
    assert loss(dear(cost), cost) <= loss(dear(0.0), cost) * (1.0 + 1e-9)


@given(st.floats(1e-6, 20.0))
def test_a_little_more_cost_is_a_little_another_band(cost: float) -> None:
    before, after = dear(cost), dear(cost * 1.001)
    assert after.trigger_coin == pytest.approx(before.trigger_coin, rel=2e-3)
    assert after.inside_coin == pytest.approx(before.inside_coin, rel=2e-3)


def test_a_cost_of_each_order_leaves_floor_and_cap_in_force() -> None:
    assert propose(view(), order_cost_usd=500.0, cap_coin=1.0).trigger_coin == pytest.approx(1.0)
    still = propose(view(gamma=0.0, flow=0.0), order_cost_usd=5.0)
    assert still.trigger_coin >= 0.25 * 0.56462


def test_a_budget_below_the_noise_floor_is_refused_with_its_number() -> None:
    with pytest.raises(ConfigError, match=r"tracking_error_usd: .*614\.26 cannot be had.*600"):
        build(noise_floor_usd=600.0)


@pytest.mark.parametrize(("name", "value"), [("reference_vol", 0.0), ("target_ratio", 1.0), ("cap_coin", -1.0)])
def test_a_parameter_out_of_range_is_named(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"strategies.cost_aware.params.{name} is"):
        build(**{name: value})
