from collections.abc import Callable

import msgspec
import pytest

from hedgebot.config import plugins
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.settings import StrategySettings


class Parameters(msgspec.Struct):
    ratio: float = 1.0


class Factory:
    parameters = Parameters

    @staticmethod
    def build(settings: StrategySettings) -> None:
        if settings.params.get("ratio") == 3:
            raise ConfigError("ratio is 3, it must be below")


class Module:
    STRATEGY = Factory


def test_the_strategies_that_come_with_it_are_found_by_their_files() -> None:
    assert "delta_neutral" in plugins.known_strategies()
    assert not any(name.startswith("_") for name in plugins.known_strategies())


def test_settings_that_a_strategy_does_not_take_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.import_module", lambda name: Module)
    sentences = plugins.parameter_problems("x", {"ratoi": 2.0, "ratio": "much"}, module="x", file="f.toml")
    assert sentences[0] == (
        "f.toml: strategies.x.params.ratoi = 2.0 is not a known key; did you mean strategies.x.params.ratio?"
    )
    assert sentences[1].startswith("f.toml: strategies.x.params.ratio = 'much' is wrong: ")
    assert plugins.parameter_problems("x", {"ratio": 2}, module="x", file="f.toml") == []
    (told,) = plugins.parameter_problems("x", {"ratio": 3}, module="x", file="f.toml")
    assert told == "f.toml: strategies.x.params: ratio is 3, it must be below"


def test_a_key_that_the_strategy_names_itself_is_not_told_twice() -> None:
    tight = {
        "tracking_error_usd": 600.0,
        "reference_price_usd": 100_000.0,
        "reference_vol": 0.5,
        "reference_variance_coin2_day": 1.0,
        "cap_coin": 10.0,
        "noise_floor_usd": 600.0,
    }
    (told,) = plugins.parameter_problems("mine", tight, module="cost_aware", file="f.toml")
    assert told.startswith("f.toml: strategies.mine.params.tracking_error_usd: a tracking error of 600 cannot be had")
    assert told.count("strategies.mine.params") == 1


def test_an_unknown_strategy_lists_the_known_ones(spoil: Callable[..., list[str]]) -> None:
    sentences = spoil(
        "[strategies.delta_neutral]", "[strategies.delta_netural]\nenabled = true\nunderlyings=['BTC']\n[a]"
    )
    assert any(
        "strategies.delta_netural is not a known strategy; did you mean delta_neutral? (known:" in one
        for one in sentences
    )
