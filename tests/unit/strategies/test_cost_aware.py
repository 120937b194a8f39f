"""cost_aware: the budget is met at reference conditions, the width follows variance, floor and cap hold."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.core.strategy import Proposal, Strategy, UnderlyingView
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.settings import StrategySettings
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
    assert proposal.evidence["risk_aversion"] == pytest.approx(1e-5, rel=1e-3)
    assert proposal.evidence["estimates"] == "live"


def test_a_clients_trading_widens_the_band_by_the_two_thirds_law() -> None:
    # Section 6: with s_flow = 5 the width is 3.1703.
    proposal = propose(view(flow=25.0))
    assert proposal.evidence["width_coin"] == pytest.approx(3.1703, rel=1e-3)


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


def test_a_budget_below_the_noise_floor_is_refused_with_its_number() -> None:
    with pytest.raises(ConfigError, match=r"tracking_error_usd: .*614\.26 cannot be had.*600"):
        build(noise_floor_usd=600.0)


@pytest.mark.parametrize(("name", "value"), [("reference_vol", 0.0), ("target_ratio", 1.0), ("cap_coin", -1.0)])
def test_a_parameter_out_of_range_is_named(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"strategies.cost_aware.params.{name} is"):
        build(**{name: value})
