"""Policy: nothing inside the band, never across the centre, and outside always exactly to the inside target."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.core.policy import in_force, note_breach, note_move, steady_in_force, waits_for, wanted_trade_coin
from hedgebot.core.state import UnderlyingState
from hedgebot.core.strategy import Patience, Proposal, Steady
from hedgebot.core.sums import Sums
from hedgebot.domain.commands import DecisionCause

SECOND = 1_000_000_000


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


def test_each_side_may_have_its_own_edges() -> None:
    lopsided = msgspec.structs.replace(_proposal(), below=(2.0, 1.0))
    assert wanted_trade_coin(-1.5, lopsided) == 0.0
    assert wanted_trade_coin(-2.5, lopsided) == 1.5
    assert wanted_trade_coin(1.5, lopsided) == -0.75


def _state(**changes: object) -> UnderlyingState:
    found = UnderlyingState(name="BTC", price=100.0, breach_since_ns=10 * SECOND, breach_cause=DecisionCause.PRICE)
    found.drift.hedged_at_ns, found.drift.hedged_price = 5 * SECOND, 100.0
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def _waits(
    patience: Patience,
    delta: float = 1.5,
    at_s: float = 12.0,
    *,
    centre: float = 0.0,
    margin_short: bool = False,
    **changes: object,
) -> str:
    proposal = msgspec.structs.replace(_proposal(centre), patience=patience)
    at_ns = round(at_s * SECOND)
    return waits_for(_state(**changes), proposal, delta, 5.0, at_ns, margin_short=margin_short)


def test_nothing_waits_while_a_delivery_price_is_averaged() -> None:
    patience = Patience(hard_coin=3.0, dwell_ms=60_000, interval_ms=60_000, closed="outside the operator's hours")
    assert _waits(patience)
    assert _waits(patience, sums=Sums(settling=True)) == ""


def test_without_patience_nothing_waits() -> None:
    assert waits_for(_state(), _proposal(), 1.5, 5.0, 12 * SECOND) == ""


@pytest.mark.parametrize(
    ("patience", "words"),
    [
        (Patience(dwell_ms=3_000), "outside the band for 2000 ms"),
        (Patience(interval_ms=10_000), "the last hedge was 7000 ms ago"),
        (Patience(price_move_bps=10.0), "the price moved 0.0 bps"),
        (Patience(closed="closed for the night"), "closed for the night"),
    ],
)
def test_a_hedge_between_the_edges_waits_and_says_for_what(patience: Patience, words: str) -> None:
    assert words in _waits(patience)
    # Beyond the hard edge, and beyond the delta limit, nothing waits.
    assert _waits(msgspec.structs.replace(patience, hard_coin=1.2)) == ""
    assert _waits(patience, delta=5.5) == ""


def test_what_is_waited_for_comes() -> None:
    assert _waits(Patience(dwell_ms=3_000), at_s=13.0) == ""
    assert _waits(Patience(interval_ms=10_000), at_s=15.0) == ""
    assert _waits(Patience(price_move_bps=10.0), price=100.2) == ""


def test_a_price_gate_never_holds_back_what_a_fill_asks_for() -> None:
    assert _waits(Patience(price_move_bps=10.0), breach_cause=DecisionCause.FILL) == ""


def test_a_fill_outside_the_band_is_client_flow_whatever_came_before_it() -> None:
    state = _state(breach_since_ns=0)
    note_breach(state, 1, DecisionCause.PRICE, 20 * SECOND)
    note_breach(state, 1, DecisionCause.FILL, 21 * SECOND)
    note_breach(state, 1, DecisionCause.PRICE, 22 * SECOND)
    assert (state.breach_since_ns, state.breach_cause) == (20 * SECOND, DecisionCause.FILL)


def test_on_the_other_side_of_the_band_the_time_outside_begins_anew() -> None:
    state = _state(breach_since_ns=0)
    note_breach(state, 1, DecisionCause.FILL, 20 * SECOND)
    note_breach(state, -1, DecisionCause.PRICE, 29 * SECOND)
    note_breach(state, -1, DecisionCause.PRICE, 30 * SECOND)
    assert (state.breach_since_ns, state.breach_cause) == (29 * SECOND, DecisionCause.PRICE)
    # A state of before does not know its side: nothing begins anew.
    state.breach_side = 0
    note_breach(state, 1, DecisionCause.PRICE, 31 * SECOND)
    assert state.breach_since_ns == 29 * SECOND


def test_while_the_margin_buffer_is_short_only_what_adds_delta_waits() -> None:
    patience = Patience(dwell_ms=60_000, interval_ms=60_000, price_move_bps=100.0, closed="closed for the night")
    assert _waits(patience)
    assert _waits(patience, margin_short=True) == ""
    # Towards a target of 4 coins a hedge adds delta: nothing is urgent in that.
    assert _waits(patience, delta=1.5, centre=4.0, margin_short=True)


def test_a_band_is_widened_on_both_sides_wherever_it_came_from() -> None:
    lopsided = msgspec.structs.replace(_proposal(centre=0.5), below=(2.0, 1.0))
    wider = in_force(lopsided, 100.0, 1.5)
    assert (wider.centre_coin, wider.trigger_coin, wider.inside_coin) == (0.5, 1.5, 0.75 * 1.5)
    assert wider.below == (3.0, 1.5)
    assert wider.evidence["stale_band_ratio"] == 1.5
    assert wider.bounded == ""
    assert in_force(lopsided, 100.0) is lopsided
    assert in_force(_proposal(trigger=0.0, inside=0.0), 100.0, 1.5).trigger_coin == 0.0


def test_a_widened_band_hides_neither_the_hard_edge_nor_the_delta_limit() -> None:
    hard = msgspec.structs.replace(_proposal(), patience=Patience(hard_coin=1.2))
    assert in_force(hard, 100.0, 1.5).trigger_coin == pytest.approx(1.2)
    held = in_force(_proposal(centre=-0.5), 1.8, 1.5)
    assert held.trigger_coin == 1.5
    assert held.below == pytest.approx((1.3, 0.975))
    # What was beyond the hard edge before stays as it was: widening does not narrow.
    wide = msgspec.structs.replace(_proposal(), patience=Patience(hard_coin=0.4))
    assert in_force(wide, 100.0, 1.5).trigger_coin == 1.0


def test_no_edge_is_beyond_the_delta_limit_whatever_a_strategy_asks_for() -> None:
    held = in_force(_proposal(centre=0.5, trigger=50.0, inside=25.0), 1.0)
    assert (held.trigger_coin, held.inside_coin, held.below) == (0.5, 0.25, (1.5, 0.75))
    assert wanted_trade_coin(1.1, held) == pytest.approx(-0.35)
    assert wanted_trade_coin(-1.1, held) == pytest.approx(0.85)
    assert held.bounded == ("the band that x asks for is -49.5 to 50.5 around 0.5, the delta limit of 1 bounds it")
    asked = {"delta_limit_coin": 1.0, "asked_centre_coin": 0.5, "asked_above_coin": 50.0, "asked_below_coin": 50.0}
    assert held.evidence == asked


def test_nothing_is_traded_towards_a_centre_beyond_the_delta_limit() -> None:
    held = in_force(_proposal(centre=50.0, trigger=0.4, inside=0.3), 5.0)
    assert (held.centre_coin, held.trigger_coin, held.below) == (0.0, 5.0, None)
    assert held.inside_coin == pytest.approx(3.75)
    assert wanted_trade_coin(0.0, held) == wanted_trade_coin(5.0, held) == 0.0
    assert wanted_trade_coin(6.0, held) == pytest.approx(-2.25)
    assert "a centre beyond the delta limit of 5" in held.bounded
    assert in_force(_proposal(centre=-9.0, trigger=0.0, inside=0.0), 5.0).inside_coin == 0.0


limits = st.floats(0.001, 200)
lopsided_ones = st.builds(
    lambda one, trigger, ratio: msgspec.structs.replace(one, below=(trigger, trigger * ratio)),
    proposals,
    st.floats(0.001, 50),
    st.floats(0, 0.99),
)


@given(deltas, st.one_of(proposals, lopsided_ones), limits, st.floats(1, 3))
def test_beyond_the_limit_something_is_wanted_and_never_towards_it(
    delta: float, proposal: Proposal, limit: float, ratio: float
) -> None:
    held = in_force(proposal, limit, ratio)
    after = delta + wanted_trade_coin(delta, held)
    assert abs(after) <= limit * (1.0 + 1e-9) + 1e-9
    if abs(delta) <= limit and abs(proposal.centre_coin) > limit:
        assert after == delta


@given(st.one_of(proposals, lopsided_ones), limits)
def test_a_band_that_stands_still_is_bounded_as_its_proposal_is(proposal: Proposal, limit: float) -> None:
    held = in_force(proposal, limit)
    still = Steady(proposal.centre_coin, proposal.edges(1.0)[0], proposal.edges(-1.0)[0], 7)
    found = steady_in_force(still, limit)
    assert found == (held.centre_coin, held.edges(1.0)[0], held.edges(-1.0)[0], 7)


WITHIN = Patience(price_move_bps=100.0, price_move_within_ms=60_000, hard_coin=3.0)


def _drifting(patience: Patience, step: float, count: int, **changes: object) -> tuple[UnderlyingState, str]:
    """Outside the band while the price goes a step every ten seconds: what the hedge waits for at the last of them."""
    state, at_ns = _state(**changes), 10 * SECOND
    proposal = msgspec.structs.replace(_proposal(), patience=patience)
    for _ in range(count):
        at_ns += 10 * SECOND
        state.price += step
        note_move(state, proposal, at_ns)
    return state, waits_for(state, proposal, 1.5, 5.0, at_ns)


def test_a_move_must_come_within_the_span() -> None:
    # 2 % in ten minutes is 0.2 % in one: without a span it is a move since the last hedge, with one it is a drift.
    assert _drifting(msgspec.structs.replace(WITHIN, price_move_within_ms=0), 1 / 30, 60)[1] == ""
    words = _drifting(WITHIN, 1 / 30, 60)[1]
    assert words.startswith("the price moved 19.6 bps within 1 minutes and since the last hedge, hedged from 100 on")
    assert _drifting(WITHIN, 0.25, 6)[1] == ""
    # A span is no shorter wait where none was hedged before.
    fresh, words = _drifting(WITHIN, 1 / 30, 60, breach_side=1)
    fresh.drift.hedged_price = 0.0
    assert words


def test_a_span_gates_neither_the_hard_band_nor_what_a_fill_asks_for() -> None:
    state, words = _drifting(WITHIN, 0.0, 3)
    assert words
    proposal = msgspec.structs.replace(_proposal(), patience=WITHIN)
    assert waits_for(state, proposal, 3.5, 5.0, 60 * SECOND) == ""
    assert _drifting(WITHIN, 0.0, 3, breach_cause=DecisionCause.FILL)[1] == ""


def test_without_a_gate_no_price_is_kept() -> None:
    state, _ = _drifting(WITHIN, 0.1, 3)
    assert state.drift.moves.ranges
    note_move(state, _proposal(), 60 * SECOND)
    assert not state.drift.moves.ranges
    note_move(state, None, 60 * SECOND)
    assert not state.drift.moves.ranges
