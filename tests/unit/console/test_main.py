import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

VERBS = [
    *(
        "demo",
        "run",
        "status",
        "explain",
        "why-not",
        "kill",
        "unkill",
        "enable",
        "disable",
        "doctor",
        "version",
        "health",
    ),
    *("journal tail", "journal export", "journal verify", "journal replay", "journal audit"),
    *("exchange serve", "config show", "config validate", "config diff", "config apply"),
]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(hedgebot: Callable[..., tuple[int, str, str]], verb: str) -> None:
    code, out, _ = hedgebot(*verb.split(), "--help")
    assert code == 0
    assert "Example" in out
    assert f"hedgebot {verb}" in out
    if verb not in {"run", "exchange serve"}:
        assert "--json" in out


def test_a_verb_starts_without_what_only_numbers_need() -> None:
    """A kill is typed in a hurry: numpy, scipy and the margin models took a third of its start."""
    words = "import sys, hedgebot.console.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True).stdout.split()
    heavy = ("numpy", "scipy", "pyarrow", "ccxt", "matplotlib", "hedgebot.margin", "hedgebot.exchange", "hedgebot.lab")
    assert [one for one in heavy if one in loaded] == []


def test_an_unknown_verb_is_a_usage_error_with_a_hint(hedgebot: Callable[..., tuple[int, str, str]]) -> None:
    code, _, err = hedgebot("stauts")
    assert code == 2
    assert "status" in err


def test_errors_are_one_sentence_and_json_for_programs(
    hedgebot: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    code, out, err = hedgebot("config", "validate", tmp_path / "no.toml", "--json")
    assert code == 6
    assert "Traceback" not in err
    assert orjson.loads(out) == {"error": err.removeprefix("hedgebot: ").rstrip("\n"), "code": 6}


def test_a_bug_shows_no_traceback(tmp_path: Path) -> None:
    program = (
        "import hedgebot.console.verbs_system as v, hedgebot.console.main as m\n"
        "def broken(**_): raise ZeroDivisionError('secret place')\n"
        "m.app.command('broken')(lambda: broken())\n"
        "m.main(['broken'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={"XDG_STATE_HOME": str(tmp_path), "PATH": ""},
    )
    assert done.returncode == 1
    assert done.stderr.startswith("hedgebot: this is a bug in hedgebot (ZeroDivisionError); the details are in")
    assert "Traceback" not in done.stderr
