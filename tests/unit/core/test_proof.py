"""Proofs that an order lowers risk: the bounds hold at every price, volatility and holding, and so does the verdict."""

import math
from decimal import Decimal

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.core.candidate import Candidate
from hedgebot.core.ledger import set_position
from hedgebot.core.proof import delta_bounds_coin, lowers_everywhere, unproven, unproven_shrinking
from hedgebot.core.state import Mismatch
from hedgebot.domain.holdings import HoldingSettings
from hedgebot.domain.settings import DeltaConvention
from hedgebot.pricing.black76 import greeks
from tests.support.playbook import ACCOUNT, BTC_CALL, BTC_PERP, PRICE, START_NS
from tests.unit.core.test_gate import _candidate

VAULT = HoldingSettings(name="vault", underlying="BTC", age_s_max=60.0, jump_coin_max=1.0, ratio=1.0)


def _with(one: Candidate, contracts: int, valued_coin: float, *, holding: bool) -> Candidate:
    """A candidate with an option position that was valued somehow, and perhaps a holding that was never read."""
    set_position(one.state, ACCOUNT, BTC_CALL, Decimal(contracts), PRICE, START_NS)
    one.underlying.option_count = 1 if contracts else 0
    one.underlying.option_delta, one.underlying.option_gamma = valued_coin, 0.0
    held = (VAULT,) if holding else ()
    one.state.settings = msgspec.structs.replace(one.state.settings, holdings=held)
    return msgspec.structs.replace(one, delta_coin=one.delta_coin + (valued_coin if contracts else 0.0))


@given(
    linear=st.floats(-3.0, 3.0),
    contracts=st.integers(-150, 150),
    valued=st.floats(-2.0, 2.0),
    times=st.floats(-1.0, 2.5),
    holding=st.booleans(),
    outside=st.floats(0.0, 50.0),
    forward=st.floats(1.0, 1e7),
    vol=st.floats(0.001, 20.0),
    years=st.floats(1e-6, 3.0),
    share=st.floats(0.0, 1.0),
    filled=st.floats(0.001, 1.0),
)
def test_what_is_proven_never_adds_risk(  # every doubt there is
    linear: float,
    contracts: int,
    valued: float,
    times: float,
    holding: bool,
    outside: float,
    forward: float,
    vol: float,
    years: float,
    share: float,
    filled: float,
) -> None:
    """Whatever the option is worth, however large the holding is, however much of the order fills.

    The order is so many times the delta that is surely there; up to twice of it lowers risk.
    """
    surely = min(delta_bounds_coin(_with(_candidate(linear), contracts, valued, holding=holding)), key=abs)
    effect = -times * surely or 0.001
    one = _with(_candidate(linear, effect), contracts, valued, holding=holding)
    found = greeks(np.array([forward]), np.array([1e5]), np.array([years]), np.array([vol]), np.array([True]))
    per_coin = float(found.delta[0]) * share
    rules = one.state.instruments[BTC_CALL]
    true_coin = linear + contracts * float(rules.contract_size) * per_coin + (outside if holding else 0.0)
    low, high = delta_bounds_coin(one)
    assert low - 1e-9 <= true_coin <= high + 1e-9
    if not unproven(one):
        # An order below the last bit of the delta changes nothing.
        assert true_coin + filled * effect == true_coin or abs(true_coin + filled * effect) < abs(true_coin)
    elif one.reduces_risk and low * high > 0.0:
        assert not 1e-6 < times < 2.0 - 1e-6


@pytest.mark.parametrize(
    ("low", "high", "effect", "lowers"),
    [
        (0.2, 0.4, -0.3, True),
        (0.2, 0.4, -0.4, False),
        (0.2, math.inf, -0.3, True),
        (-0.1, 0.4, -0.1, False),
        (-0.4, -0.2, 0.3, True),
        (-0.4, -0.2, 0.4, False),
        (-0.4, math.inf, 0.1, False),
        (0.2, 0.4, 0.1, False),
        (0.2, 0.4, 0.0, False),
        (math.nan, math.nan, -0.1, False),
        (0.2, 0.4, math.nan, False),
    ],
)
def test_bounds(low: float, high: float, effect: float, *, lowers: bool) -> None:
    assert lowers_everywhere(low, high, effect) is lowers


def test_without_a_doubt_there_is_nothing_to_prove_anew() -> None:
    one = _candidate()
    assert delta_bounds_coin(one) == (0.2, 0.2)
    assert not unproven(one)
    assert unproven(msgspec.structs.replace(one, delta_coin=0.04)) == "it is not known to lower risk"


def test_the_reason_names_the_numbers() -> None:
    one = _with(_candidate(), -1, 0.0, holding=False)
    assert unproven(one) == "an order of -0.1 BTC does not lower every delta from -0.8 to 0.2"


@pytest.mark.parametrize("changes", [{"delta_convention": DeltaConvention.COIN_NEUTRAL}, {"skew_stickiness": 1.5}])
def test_a_delta_that_has_no_bounds_is_never_proven(changes: dict[str, object]) -> None:
    one = _candidate()
    one = msgspec.structs.replace(one, settings=msgspec.structs.replace(one.settings, **changes))
    assert "has no bounds" in unproven(one)


def test_shrinking_needs_a_position_that_the_venue_agrees_on() -> None:
    one = _candidate(reduce_only=True)
    assert not unproven_shrinking(one)
    assert "only shrink" in unproven_shrinking(_candidate())
    larger = msgspec.structs.replace(one, intent=msgspec.structs.replace(one.intent, qty_contracts=Decimal(9)))
    assert "only shrink our position of 0.5" in unproven_shrinking(larger)
    one.account.mismatches[BTC_PERP] = Mismatch(
        venue_value=Decimal(0), ledger_value=Decimal("0.5"), venue_price=Decimal(0), first_seen_ns=1, count=1
    )
    assert unproven_shrinking(one)
