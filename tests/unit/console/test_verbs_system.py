from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from hedgebot import __version__
from hedgebot.config import Config
from hedgebot.console.demo import DemoWish


@pytest.fixture
def book(root: Path, tmp_path: Path) -> Path:
    for name in ("demo.toml", "demo-limits.toml"):
        (tmp_path / name).write_text((root / "config" / name).read_text("utf-8"), "utf-8")
    return tmp_path / "demo.toml"


def test_version_names_what_matters(hedgebot: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = hedgebot("version", "--json")
    assert code == 0
    assert orjson.loads(out)["hedgebot"] == __version__
    assert {"python", "sqlite", "ccxt"} <= orjson.loads(out).keys()


def test_run_needs_a_configuration(hedgebot: Callable[..., tuple[int, str, str]]) -> None:
    code, _, err = hedgebot("run")
    assert (code, "hedgebot run --config FILE" in err) == (2, True)


def test_real_money_needs_its_own_word(hedgebot: Callable[..., tuple[int, str, str]], book: Path) -> None:
    text = book.read_text("utf-8").replace('run_mode = "paper"', 'run_mode = "live"')
    live = text.replace('endpoint = "http://127.0.0.1:8787"', 'keyring = "x"')
    assert hedgebot("run", "--config", book, "--live")[0] == 2
    book.write_text(live, "utf-8")
    code, _, err = hedgebot("run", "--config", book)
    assert code == 6
    assert "this book trades real money" in err
    assert "--live" in err


def test_run_hands_the_configuration_to_the_daemon(
    hedgebot: Callable[..., tuple[int, str, str]], book: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[Config] = []

    def run(config: Config, *, key_rights_of: frozenset[str]) -> int:
        assert key_rights_of == frozenset()
        seen.append(config)
        return 3

    monkeypatch.setattr("hedgebot.daemon.run.run", run)
    assert hedgebot("run", "--config", book, "--state-dir", tmp_path / "s")[0] == 3
    assert seen[0].state_dir == tmp_path / "s"


def test_the_demos_wishes_are_handed_on(
    hedgebot: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[DemoWish] = []

    def play(wish: DemoWish) -> int:
        seen.append(wish)
        return 0

    monkeypatch.setattr("hedgebot.console.demo.play", play)
    words = (
        "--seconds",
        0,
        "--seed",
        11,
        "--plain",
        "--json",
        "--state-dir",
        tmp_path,
        "--start",
        "2025-10-10T21:00:00",
    )
    assert hedgebot("demo", *words)[0] == 0
    (wish,) = seen
    assert (wish.seconds, wish.seed, wish.plain, wish.as_json, wish.state_dir) == (0, 11, True, True, tmp_path)
    assert wish.start == "2025-10-10T21:00:00"
    assert hedgebot("demo", "--seconds", "-1")[0] == 2


def test_a_daemon_that_failed_says_where_to_look(
    hedgebot: Callable[..., tuple[int, str, str]], book: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("hedgebot.daemon.run.run", lambda _config, **_: 1)
    code, _, err = hedgebot("run", "--config", book, "--state-dir", tmp_path / "s")
    assert code == 1
    assert err == f"hedgebot: the daemon failed; the reason is in {tmp_path / 's' / 'hedgebot.log'}\n"
