import os
import signal
import stat
from pathlib import Path
from typing import Any

import pytest

from hedgebot.config import load_config
from hedgebot.console import demo
from hedgebot.console.demo import DemoWish, PlainLines, exchange_words, prepare, stoppable, write_config
from hedgebot.console.errors import WrongUse
from hedgebot.console.snapshot import read_snapshot
from hedgebot.domain.errors import HedgebotError


def test_each_demo_has_a_new_private_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", os.fspath(tmp_path))
    folder = prepare(DemoWish())
    assert folder.parent == tmp_path / "hedgebot" / "demo"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    (folder / "journal.db").write_text("")
    with pytest.raises(WrongUse, match="holds the journal of another run; a demo needs a new --state-dir"):
        prepare(DemoWish(state_dir=folder))


def test_the_configuration_gets_the_exchanges_address_and_nothing_else(tmp_path: Path, root: Path) -> None:
    written = load_config(write_config(tmp_path, "http://127.0.0.1:4321"))
    assert written.file.accounts["main"].endpoint == "http://127.0.0.1:4321"
    original = load_config(root / "config" / "demo.toml")
    assert written.file.underlyings == original.file.underlyings
    assert written.limits == original.limits


def test_the_exchange_is_started_with_the_wished_world(tmp_path: Path) -> None:
    words = exchange_words(DemoWish(seed=11))
    assert words[:6] == ["exchange", "serve", "--port", "0", "--seed", "11"]
    assert "--speed" not in words
    wish = DemoWish(data=(tmp_path / "BTC.csv",), speed=60.0, start="2025-10-10T21:00:00")
    assert exchange_words(wish)[8:] == [
        *("--data", str(tmp_path / "BTC.csv"), "--speed", "60.0", "--start", "2025-10-10T21:00:00")
    ]


def test_plain_lines_tell_each_decision_once_and_the_status_every_two_seconds(
    answer: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    lines = PlainLines(lambda: now[0])
    snapshot = read_snapshot(answer)
    lines.show(snapshot, 0.0)
    first = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("  HEDGE ") for line in first) == 12
    assert "net delta 0.2812 BTC is beyond the band" in first[1]
    assert first[-1].startswith("16:01:40 ACTIVE | BTC +0.1834 BTC of ±0.25")
    now[0] = 101.0
    lines.show(snapshot, 0.0)
    assert capsys.readouterr().out == ""
    now[0] = 102.5
    lines.show(snapshot, 0.0)
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_signals_become_an_orderly_end() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(HedgebotError, match="stopped before there was anything to sum up"), stoppable():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_children_are_ended_when_one_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    class Child:
        exit_code = None

        def __init__(self, name: str, words: list[str], log: Path) -> None:
            self.name = name

        def first_line(self, timeout_s: float) -> str:
            raise HedgebotError("it did not start")

        def stop(self) -> int:
            ended.append(self.name)
            return 0

    monkeypatch.setattr(demo, "Child", Child)
    with pytest.raises(HedgebotError, match="it did not start"):
        demo.run_demo(DemoWish(), tmp_path, lambda _snapshot, _left_s: None)
    assert ended == ["the simulated exchange"]
