"""Strategies by name."""

import pytest

from hedgebot.daemon.plugins import load_strategy
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.settings import StrategySettings


def settings(name: str, **params: float) -> StrategySettings:
    return StrategySettings(name=name, enabled=True, underlyings=("BTC",), params=dict(params))


def test_the_first_strategy_is_found_and_built() -> None:
    assert load_strategy(settings("delta_neutral")).name == "delta_neutral"


@pytest.mark.parametrize("name", ["delta_neutrl", "", "os", "../secrets", "__init__"])
def test_an_unknown_name_lists_the_known_ones_and_imports_nothing(name: str) -> None:
    with pytest.raises(ConfigError, match="delta_neutral"):
        load_strategy(settings(name))


def test_a_parameter_that_the_strategy_does_not_take_is_a_config_error() -> None:
    with pytest.raises(ConfigError, match="surprise"):
        load_strategy(settings("delta_neutral", surprise=1.0))
