"""Finds the files that come with the program: the demo's configuration and the scenarios."""

from pathlib import Path

import hedgebot
from hedgebot.domain.errors import ConfigError

# Beside the package: a checkout, or an editable install of one.
FOLDER = Path(hedgebot.__file__).resolve().parents[1] / "config"


def config_file(name: str) -> Path:
    """A configuration by name; raises ConfigError where this installation does not have it."""
    return _found(FOLDER / f"{name}.toml")


def scenario_file(name: str) -> Path:
    """A scenario by name; raises ConfigError where this installation does not have it."""
    return _found(FOLDER / "scenarios" / f"{name}.toml")


def _found(path: Path) -> Path:
    if not path.is_file():
        raise ConfigError(f"{path} is not there; run hedgebot from a checkout, or name your own file")
    return path
