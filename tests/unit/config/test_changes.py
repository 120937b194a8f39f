"""Which differences a running daemon takes over: settings of the book, and limits that become tighter."""

from pathlib import Path

import pytest

from hedgebot.config import load_config
from hedgebot.config.changes import diff, restart_needed
from tests.unit.daemon.fakes import write_config


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return write_config(tmp_path)


def test_what_needs_a_restart_is_told_apart(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = load_config(book)
    monkeypatch.setenv("HEDGEBOT_DAEMON__LOG_LEVEL", "debug")
    monkeypatch.setenv("HEDGEBOT_UNDERLYINGS__BTC__BAND_COIN", "0.5")
    lines = diff(before, load_config(book))
    assert restart_needed(lines) == ['daemon.log_level: "info" -> "debug"']


def test_a_hard_limit_of_money_is_tightened_at_once_and_loosened_with_a_restart() -> None:
    tighter = "limits.daily_loss_usd_max: 50000.0 -> 40000.0"
    looser = "limits.es_ratio_max: 0.05 -> 0.5"
    soft = "limits.es_ratio_alert: 0.04 -> 0.045"
    assert restart_needed([tighter, looser, soft]) == [looser]


def test_smaller_orders_after_a_change_are_not_cut_short_by_a_running_daemon() -> None:
    shorter, longer = "limits.canary_hours: 4.0 -> 1.0", "limits.canary_hours: 1.0 -> 4.0"
    larger, smaller = "limits.canary_ratio: 0.25 -> 0.5", "limits.canary_ratio: 0.5 -> 0.25"
    assert restart_needed([shorter, longer, larger, smaller]) == [shorter, larger]
