"""`hedgebot limit`: lengths as people type them, and no raise without its phrase."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hedgebot.console.errors import WrongUse
from hedgebot.console.main import app
from hedgebot.console.verbs_limit import milliseconds


@pytest.mark.parametrize(("length", "expected"), [("2h", 7_200_000), ("90m", 5_400_000), (" 1.5h ", 5_400_000)])
def test_a_length_is_minutes_or_hours(length: str, expected: int) -> None:
    assert milliseconds(length) == expected


@pytest.mark.parametrize("length", ["2", "2d", "h", "-1h", "", "2 h m"])
def test_what_is_no_length_is_named(length: str) -> None:
    with pytest.raises(WrongUse, match="like 90m or 2h"):
        milliseconds(length)


def test_without_a_daemon_nothing_is_raised(tmp_path: Path) -> None:
    words = ["limit", "raise", "es_ratio_alert", "--to", "0.045", "--for", "2h", "--reason", "r", "-s", str(tmp_path)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code != 0
    assert "no daemon runs" in str(result.exception)
