import pytest

from hedgebot.console import assets
from hedgebot.domain.errors import ConfigError


def test_the_demos_files_are_there() -> None:
    assert assets.config_file("demo").name == "demo.toml"
    assert assets.scenario_file("demo").parent.name == "scenarios"


def test_an_installation_without_them_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match="run hedgebot from a checkout, or name your own file"):
        assets.scenario_file("nothing")
