"""A good configuration in a folder of its own, to be spoilt by the tests."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hedgebot.config import Config, load_config
from hedgebot.domain.errors import ConfigError

Spoil = Callable[..., list[str]]


@pytest.fixture
def folder(root: Path, tmp_path: Path) -> Path:
    # The demo's bands are tuned to its market; these tests need numbers that stay.
    text = (root / "config" / "demo.toml").read_text("utf-8")
    text = re.sub(r"(?m)^band_coin = .*$", "band_coin = 4.0", text).replace("demo-limits.toml", "limits.toml")
    text = re.sub(r"(?m)^recv_window_ms = .*$", "recv_window_ms = 5000", text)
    (tmp_path / "demo.toml").write_text(text.replace("band_coin = 4.0", "band_coin = 0.25", 1), "utf-8")
    (tmp_path / "limits.toml").write_text((root / "config" / "limits.toml").read_text("utf-8"), "utf-8")
    return tmp_path


@pytest.fixture
def good(folder: Path) -> Config:
    return load_config(folder / "demo.toml")


@pytest.fixture
def spoil(folder: Path) -> Spoil:
    """Replace one text in one file, load, and give the sentences of the error, without the folder's name."""

    def replace(old: str, new: str, *, file: str = "demo.toml") -> list[str]:
        path = folder / file
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")
        with pytest.raises(ConfigError) as caught:
            load_config(folder / "demo.toml")
        assert caught.value.exit_code == 6
        return str(caught.value).replace(f"{folder}/", "").splitlines()

    return replace
