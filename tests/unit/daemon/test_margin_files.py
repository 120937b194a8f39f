"""Margin parameters are looked at before anything runs on them: unreadable is an error, old or undated is said."""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from hedgebot.config import load_config
from hedgebot.config.loader import Config
from hedgebot.config.shipped import FILES
from hedgebot.daemon.margin_files import check_margin
from hedgebot.domain.errors import ConfigError

DAY_NS = 86_400 * 10**9
NOW_NS = 20_783 * DAY_NS  # 2026-11-26


def book(root: Path, folder: Path, content: str | None) -> Config:
    text = (root / "config" / "demo.toml").read_text("utf-8").replace("demo-limits.toml", "limits.toml")
    if content is not None:
        text = re.sub(r"(?m)^# margin_parameters = .*$", 'margin_parameters = "mine.json"', text)
        (folder / "mine.json").write_text(content, "utf-8")
    (folder / "demo.toml").write_text(text, "utf-8")
    (folder / "limits.toml").write_text((root / "config" / "limits.toml").read_text("utf-8"), "utf-8")
    return load_config(folder / "demo.toml")


def shipped(**changes: object) -> str:
    record: dict[str, Any] = json.loads(files("hedgebot.margin").joinpath(FILES["bybit"]).read_text("utf-8"))
    return json.dumps(record | changes)


def test_the_shipped_parameters_are_good(root: Path, tmp_path: Path) -> None:
    assert check_margin(book(root, tmp_path, None), NOW_NS) == []


def test_a_file_that_is_not_there_is_named(root: Path, tmp_path: Path) -> None:
    config = book(root, tmp_path, "{}")
    (tmp_path / "mine.json").unlink()
    with pytest.raises(ConfigError, match=r"margin_parameters of accounts\.main: .*mine\.json cannot be read"):
        check_margin(config, NOW_NS)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("junk", "mine.json"),
        ("{}", "mine.json: Object missing required field `id`"),
        (shipped(linear={}), "linear needs an entry '*' for every coin that it does not name"),
        (shipped(linear={"*": {"tiers": []}}), "a risk-limit ladder needs at least one tier"),
        (files("hedgebot.margin").joinpath(FILES["okx"]).read_text("utf-8"), "mine.json"),
    ],
)
def test_what_is_no_record_of_the_venue_is_an_error_that_names_the_file(
    root: Path, tmp_path: Path, content: str, part: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        check_margin(book(root, tmp_path, content), NOW_NS)
    assert str(raised.value).startswith("margin_parameters of accounts.main: ")
    assert part in str(raised.value)


@pytest.mark.parametrize(
    ("as_of", "words"),
    [
        ("2020-01-01", "2521 days old, limit 90: MarginModelDiverged will rise"),
        ("yesterday", "undated: MarginModelDiverged will rise"),
        ("2030-01-01", "dated 1132 days ahead: they will never be called old"),
    ],
)
def test_old_undated_and_future_figures_are_doubtful(root: Path, tmp_path: Path, as_of: str, words: str) -> None:
    (doubt,) = check_margin(book(root, tmp_path, shipped(as_of=as_of)), NOW_NS)
    assert doubt.endswith(f"of accounts.main are {words}")


def test_a_coin_without_tiers_of_its_own_is_named(root: Path, tmp_path: Path) -> None:
    record = json.loads(shipped())
    del record["linear"]["BTC"]
    (doubt,) = check_margin(book(root, tmp_path, json.dumps(record)), NOW_NS)
    assert doubt.endswith("have no tiers of BTC: those of every other coin ('*') stand in")
