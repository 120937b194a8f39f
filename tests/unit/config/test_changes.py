"""Which differences a running daemon takes over: settings of the book, and limits that become tighter."""

from pathlib import Path

import pytest

from hedgebot.config import load_config
from hedgebot.config.changes import diff, loosened, restart_needed
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


@pytest.mark.parametrize(
    "looser",
    [
        "limits.book_age_ms_max: 5000 -> 600000",
        "limits.account_notional_usd_max: 10000000.0 -> 10000000000.0",
        "limits.repeat_orders_max: 60 -> 1000",
        "limits.margin_use_no_risk: 0.7 -> 0.95",
        'limits.adl_policy: "halt" -> "freeze"',
        "limits.collateral_shock_in_floor: true -> false",
        "underlyings.BTC.collar_bps: 20.0 -> 900.0",
        "underlyings.BTC.delta_limit_coin: 5.0 -> 50.0",
        "underlyings.BTC.order_notional_usd_max: 500000.0 -> 5000000.0",
        'underlyings.BTC.funding_action: "no_risk" -> "alert"',
    ],
)
def test_every_hard_limit_is_tightened_at_once_and_loosened_with_a_restart(looser: str) -> None:
    key, _, change = looser.partition(": ")
    old, _, new = change.partition(" -> ")
    tighter = f"{key}: {new} -> {old}"
    assert loosened([looser, tighter]) == restart_needed([looser, tighter]) == [looser]


def test_what_is_new_or_no_limit_is_taken_over_at_once() -> None:
    lines = [
        "underlyings.ETH.collar_bps: (none) -> 50.0",
        "underlyings.BTC.band_coin: 0.25 -> 0.5",
        "holdings.cold.jump_coin_max: 1.0 -> 2.0",
        "limits.margin_tolerance_ratio: 0.01 -> 0.02",
        "underlyings.BTC.hedge_fees_bps.bybit:linear:BTCUSDT: 5.5 -> 4.0",
        "underlyings.BTC.hedge_day_volumes_usd.bybit:linear:BTCUSDT-25DEC26: 5e7 -> 6e7",
        'underlyings.BTC.cost_source: "configured" -> "measured"',
    ]
    assert loosened(lines) == restart_needed(lines) == []
