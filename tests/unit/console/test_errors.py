import os
import stat
from pathlib import Path

import orjson
import pytest

from hedgebot.console.errors import NotConfirmed, crash_hook, crash_path, tell, tell_error, with_last_word


def test_a_sentence_goes_to_people_and_an_object_to_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell("it is so", 3) == 3
    assert capsys.readouterr() == ("", "hedgebot: it is so\n")
    assert tell_error(NotConfirmed("no"), as_json=True) == 6
    out, err = capsys.readouterr()
    assert orjson.loads(out) == {"error": "no", "code": 6}
    assert err == "hedgebot: no\n"


def test_a_bug_is_one_sentence_and_its_traceback_a_private_file(capsys: pytest.CaptureFixture[str]) -> None:
    crash_hook(ValueError, ValueError("inside"), None)
    _, err = capsys.readouterr()
    assert err == f"hedgebot: this is a bug in hedgebot (ValueError); the details are in {crash_path()}\n"
    assert "ValueError: inside" in crash_path().read_text("utf-8")
    assert stat.S_IMODE(crash_path().stat().st_mode) == 0o600


def test_a_folder_that_cannot_be_written_is_told_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", os.fspath(tmp_path / "file"))
    crash_hook(ValueError, ValueError(), None)
    assert "could not be written" in capsys.readouterr().err


def test_the_daemons_hook_gets_a_last_word_where_the_operator_looks(capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[type[BaseException]] = []
    with_last_word(lambda kind, _error, _trace: heard.append(kind))(ValueError, ValueError("secret"), None)
    assert heard == [ValueError]
    assert capsys.readouterr().err == (
        "hedgebot: this is a bug in hedgebot (ValueError); the details are in the daemon's log\n"
    )
