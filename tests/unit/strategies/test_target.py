"""target: refines an earlier band, and is nothing without one."""

from typing import cast

import msgspec
import pytest

from hedgebot.core.policy import wanted_trade_coin
from hedgebot.core.strategy import BandTerms, BindingStrategy, Proposal, Strategy, UnderlyingView
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.settings import StrategySettings
from strategies.target import STRATEGY
from tests.support.playbook import settings

BEFORE = Proposal(strategy="x", centre_coin=0.0, trigger_coin=1.0, inside_coin=0.75, reason="keep", evidence={})


def build(**params: float | str | bool) -> Strategy:
    return STRATEGY.build(StrategySettings(name="target", enabled=True, underlyings=("BTC",), params=params))


def view(delta: float, hedge: float = 0.0) -> UnderlyingView:
    return UnderlyingView(
        at_ns=1,
        delta_coin=delta,
        gamma_coin_per_usd=0.0,
        price_usd=100.0,
        settings=settings().underlyings[0],
        hedge_coin=hedge,
    )


def terms(*strategies: Strategy) -> BandTerms:
    found = BandTerms()
    for one in strategies:
        found = cast("BindingStrategy", one).terms(found)
    return found


def test_what_several_leave_open_adds_up_in_the_terms_as_in_the_centre() -> None:
    first, second = build(hedge_ratio=0.8), build(hedge_ratio=0.7)
    assert terms(first).hedge_ratio == 0.8
    assert terms(first, second).hedge_ratio == pytest.approx(0.5)
    centre = second.propose(view(10.0), first.propose(view(10.0), BEFORE))
    assert centre is not None
    assert centre.centre_coin == pytest.approx((1.0 - terms(first, second).hedge_ratio) * 10.0)


def refined(strategy: Strategy, seen: UnderlyingView) -> Proposal:
    found = strategy.propose(seen, BEFORE)
    assert found is not None
    return found


def test_the_centre_moves_to_the_target() -> None:
    found = refined(build(target_coin=3.0), view(0.0))
    assert found.centre_coin == 3.0
    assert wanted_trade_coin(0.0, found) == pytest.approx(2.25)


def test_half_a_hedge_leaves_half_the_exposure() -> None:
    # Exposure 10, hedged with -5: that is where a ratio of one half wants it.
    assert wanted_trade_coin(5.0, refined(build(hedge_ratio=0.5), view(5.0, hedge=-5.0))) == 0.0
    assert wanted_trade_coin(10.0, refined(build(hedge_ratio=0.5), view(10.0))) == pytest.approx(-4.25)


def test_sides_have_their_own_width() -> None:
    found = refined(build(up_ratio=2.0, down_ratio=0.5), view(0.0))
    assert found.edges(1.0) == (2.0, 1.5)
    assert found.edges(-1.0) == (0.5, 0.375)


def test_sides_that_are_the_same_are_no_sides_of_their_own() -> None:
    assert refined(build(up_ratio=2.0, down_ratio=2.0), view(0.0)).below is None


def test_what_stretches_a_lopsided_band_keeps_its_sides() -> None:
    first = refined(build(up_ratio=2.0, down_ratio=0.5), view(0.0))
    second = build(up_ratio=3.0, down_ratio=2.0).propose(view(0.0), first)
    assert second is not None
    assert (second.edges(1.0), second.edges(-1.0)) == ((6.0, 4.5), (1.0, 0.75))


def test_nothing_to_refine_is_nothing() -> None:
    assert build(target_coin=1.0).propose(view(0.0), None) is None


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"hedge_ratio": 2.0}, "hedge_ratio is 2, it must be 0 to 1.5"),
        ({"hedge_ratio": 1.2}, "above 1 needs over_hedge = true"),
        ({"up_ratio": 0.0}, "up_ratio is 0, it must be above zero"),
    ],
)
def test_parameters_out_of_range_are_named(params: dict[str, float], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        build(**params)


def test_over_hedging_needs_its_own_word() -> None:
    assert build(hedge_ratio=1.2, over_hedge=True).name == "target"
    with pytest.raises(msgspec.ValidationError):
        build(hedge_rato=1.0)
