"""Policy: nothing inside the band, never across the centre, and outside always exactly to the inside target."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.core.policy import wanted_trade_coin
from hedgebot.core.strategy import Proposal


def _proposal(centre: float = 0.0, trigger: float = 1.0, inside: float = 0.75) -> Proposal:
    return Proposal(
        strategy="x", centre_coin=centre, trigger_coin=trigger, inside_coin=inside, reason="keep", evidence={}
    )


deltas = st.floats(-1_000, 1_000)
proposals = st.builds(
    lambda centre, trigger, ratio: _proposal(centre, trigger, trigger * ratio),
    st.floats(-100, 100),
    st.floats(0.001, 50),
    st.floats(0, 0.99),
)


@pytest.mark.parametrize(
    ("delta", "trade"), [(0.0, 0.0), (1.0, 0.0), (-1.0, 0.0), (1.5, -0.75), (-1.5, 0.75), (1.01, -0.26)]
)
def test_a_trade_goes_back_to_the_inside_target(delta: float, trade: float) -> None:
    assert wanted_trade_coin(delta, _proposal()) == pytest.approx(trade)


@given(deltas, proposals)
def test_inside_the_band_nothing_outside_exactly_to_the_target(delta: float, proposal: Proposal) -> None:
    trade = wanted_trade_coin(delta, proposal)
    distance = abs(delta - proposal.centre_coin)
    if distance <= proposal.trigger_coin:
        assert trade == 0.0
    else:
        assert abs(delta + trade - proposal.centre_coin) == pytest.approx(proposal.inside_coin, abs=1e-9)


@given(deltas, proposals)
def test_a_trade_never_crosses_the_centre_nor_adds_distance(delta: float, proposal: Proposal) -> None:
    before = delta - proposal.centre_coin
    after = before + wanted_trade_coin(delta, proposal)
    assert after * before >= -1e-9
    assert abs(after) <= abs(before)


@given(deltas, proposals)
def test_what_is_left_needs_no_further_trade(delta: float, proposal: Proposal) -> None:
    assert wanted_trade_coin(delta + wanted_trade_coin(delta, proposal), proposal) == 0.0


def test_a_band_without_width_holds_the_centre() -> None:
    assert wanted_trade_coin(0.2, _proposal(trigger=0.0, inside=0.0)) == -0.2
    assert wanted_trade_coin(0.0, _proposal(trigger=0.0, inside=0.0)) == 0.0
