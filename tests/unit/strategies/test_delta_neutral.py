"""delta_neutral: a symmetric band around zero, and parameters that are refused when unknown."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.core.strategy import Proposal, UnderlyingView
from hedgebot.domain.settings import StrategySettings, UnderlyingSettings
from strategies.delta_neutral import STRATEGY
from tests.support.playbook import settings

BTC = settings().underlyings[0]


def _view(delta_coin: float = 0.0, underlying: UnderlyingSettings = BTC) -> UnderlyingView:
    return UnderlyingView(
        at_ns=1, delta_coin=delta_coin, gamma_coin_per_usd=0.0, price_usd=100_000.0, settings=underlying
    )


def _settings(**params: float) -> StrategySettings:
    return StrategySettings(name="delta_neutral", enabled=True, underlyings=("BTC",), params=dict(params))


@given(delta=st.floats(-100, 100), band=st.floats(0.001, 10), ratio=st.floats(0, 0.99))
def test_the_band_is_the_operators_whatever_the_delta(delta: float, band: float, ratio: float) -> None:
    underlying = msgspec.structs.replace(BTC, band_coin=band, target_ratio=ratio)
    proposal = STRATEGY.build(_settings()).propose(_view(delta, underlying), None)
    assert proposal is not None
    assert (proposal.centre_coin, proposal.trigger_coin) == (0.0, band)
    assert 0.0 <= proposal.inside_coin < proposal.trigger_coin
    assert proposal.evidence["band_coin"] == band


def test_the_centre_of_an_earlier_strategy_is_kept() -> None:
    earlier = Proposal(strategy="x", centre_coin=-2.0, trigger_coin=9.0, inside_coin=1.0, reason="", evidence={})
    proposal = STRATEGY.build(_settings()).propose(_view(), earlier)
    assert proposal is not None
    assert (proposal.centre_coin, proposal.trigger_coin) == (-2.0, BTC.band_coin)


def test_it_is_pure() -> None:
    strategy = STRATEGY.build(_settings())
    assert strategy.propose(_view(1.0), None) == strategy.propose(_view(1.0), None)


def test_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="width"):
        STRATEGY.build(_settings(width=1.0))


def test_the_plug_in_bears_its_modules_name() -> None:
    assert STRATEGY.name == STRATEGY.build(_settings()).name == "delta_neutral"
    assert issubclass(STRATEGY.parameters, msgspec.Struct)
