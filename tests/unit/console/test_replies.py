import getpass
import os
import sys

import pytest
import typer

from hedgebot.console.control import Answer
from hedgebot.console.errors import NotConfirmed
from hedgebot.console.replies import checked, confirm, plain_lines, user_name


def test_a_good_answer_passes() -> None:
    good = Answer(ok=True, data={"a": 1})
    assert checked(good) is good


def test_a_refusal_ends_the_verb_with_the_daemons_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["hedgebot"])
    with pytest.raises(typer.Exit) as ended:
        checked(Answer(ok=False, code=6, error="unkill refused:\n feeds are \x1bstale"))
    assert ended.value.exit_code == 6
    assert capsys.readouterr().err == "hedgebot: unkill refused:\n feeds are \\x1bstale\n"


def test_only_the_exact_phrase_confirms(monkeypatch: pytest.MonkeyPatch) -> None:
    confirm("unkill demo", "unkill demo")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    for given in (None, "", "unkill", "UNKILL DEMO"):
        with pytest.raises(NotConfirmed, match='confirm it with --confirm "unkill demo"'):
            confirm("unkill demo", given)


def test_on_a_terminal_the_phrase_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "prompt", lambda *_args, **_kwargs: "enable x")
    confirm("enable x", None)
    with pytest.raises(NotConfirmed):
        confirm("enable y", None)


def test_the_operator_is_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "eve")
    assert user_name() == "eve"

    def nobody() -> str:
        raise KeyError("uid")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert user_name() == f"uid {os.getuid()}"


def test_lines_stay_lines() -> None:
    assert plain_lines("a\nb\x07") == "a\nb\\x07"
