import dataclasses

import pytest
from pydantic import SecretStr

from hedgebot.config import AccountConnection
from hedgebot.console.doctor import check_venue
from hedgebot.console.doctor_venue import (
    ask_venue,
    clock_row,
    dead_man_row,
    depth_row,
    key_row,
    mode_row,
    owner_row,
    unreachable_row,
    wallet_row,
)
from hedgebot.domain.settings import AccountRole
from tests.support.connections import account_connection


@pytest.mark.parametrize(
    ("offset_ms", "status"), [(0.0, "ok"), (-500.0, "ok"), (501.0, "warn"), (-999.0, "warn"), (1_001.0, "fail")]
)
def test_the_clock_is_held_against_the_venues(offset_ms: float, status: str) -> None:
    assert clock_row(offset_ms).status == status


def test_a_key_that_can_withdraw_fails() -> None:
    assert key_row(connection(), None).status == "ok"
    row = key_row(connection(), "the API key may move money out (Withdraw)")
    assert (row.status, row.check) == ("fail", "key rights")
    assert "Withdraw" in row.finding


def test_hedge_mode_fails() -> None:
    assert mode_row({"result": {"list": [{"positionIdx": "0"}]}}).status == "ok"
    assert mode_row({"result": {"list": [{"positionIdx": 1}]}}).status == "fail"
    assert "no position" in mode_row({}).finding


def test_errors_show_no_query() -> None:
    row = unreachable_row("bybit", OSError("GET https://x/?api_key=secret&sign=abc"))
    assert "secret" not in row.finding
    assert row.finding.startswith("bybit does not answer: OSError: GET https://x/")


@pytest.mark.parametrize(
    ("asks", "role"),
    [
        ("hedgebot.console.doctor_venue.ask_venue", AccountRole.SHARED),
        ("hedgebot.console.doctor_watched.ask_watched", AccountRole.WATCHED),
    ],
)
def test_what_a_venue_repeats_of_a_request_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, asks: str, role: AccountRole
) -> None:
    said = OSError('bybit {"retCode":10004,"retMsg":"error sign! origin_string[17demo-key5000demo-secre')
    monkeypatch.setattr(asks, lambda _connection: [unreachable_row("bybit", said)])
    (row,) = check_venue(dataclasses.replace(connection(), role=role), offline=False)
    assert row.finding.endswith('"error sign! origin_string[17***5000***')


def test_a_key_that_cannot_move_what_the_treasury_wants_is_a_warning() -> None:
    moves = connection(moves_collateral=True)
    row = key_row(moves, None, "the API key has not the Wallet right AccountTransfer")
    assert (row.status, row.check) == ("warn", "key rights")
    assert "[treasury.main]" in row.advice
    assert key_row(moves, None).finding.endswith("cannot move money but from its own funding wallet")


def connection(dead_man_s: float | None = None, *, moves_collateral: bool = False) -> AccountConnection:
    return account_connection(
        api_key=SecretStr("demo-key"),
        api_secret=SecretStr("demo-secret"),
        dead_man_s=dead_man_s,
        moves_collateral=moves_collateral,
    )


@pytest.mark.parametrize(
    ("granted", "wanted", "status", "words"),
    [
        (False, None, "ok", "immediate-or-cancel orders only"),
        (False, 30.0, "warn", "none for this account"),
        (True, 30.0, "ok", "DERIVATIVES 10 s; 30 s is asked for"),
        (True, None, "ok", "not asked for, so that nothing may rest"),
    ],
)
def test_the_dead_mans_switch_is_told(granted: bool, wanted: float | None, status: str, words: str) -> None:
    rows = [{"product": "DERIVATIVES", "dcpStatus": "ON", "timeWindow": "10"}] if granted else []
    row = dead_man_row(connection(wanted), {"result": {"dcpInfos": rows}})
    assert (row.check, row.status.value) == ("dead man's switch", status)
    assert words in row.finding
    assert "ws_disconnect" in row.finding


def test_nobody_at_the_address_is_one_failure_and_skips() -> None:
    rows = ask_venue(connection())
    assert [(row.check, row.status.value) for row in rows] == [
        *(
            ("venue", "fail"),
            ("clock", "skip"),
            ("key rights", "skip"),
            ("position mode", "skip"),
            ("dead man's switch", "skip"),
            ("wallet", "skip"),
        )
    ]


def test_whether_another_key_of_the_account_would_be_noticed() -> None:
    known, unknown = owner_row(connection(), "24617703"), owner_row(connection(), "")
    assert (known.check, known.status.value) == ("account", "ok")
    assert "24617703" in known.finding
    assert unknown.status == "warn"
    assert "another key of this account is not noticed" in unknown.finding


@pytest.mark.parametrize(
    ("shows", "status", "words"), [(True, "ok", "order_top_ratio_max"), (False, "warn", "not checked")]
)
def test_a_book_without_sizes_is_told_as_not_checked(shows: bool, status: str, words: str) -> None:
    row = depth_row("bybit", shows_sizes=shows)
    assert (row.check, row.status.value) == ("book depth", status)
    assert words in row.finding


def test_a_coin_of_the_wallet_that_nobody_named_is_a_warning() -> None:
    held = [
        {"coin": "METH", "walletBalance": "12.3", "equity": "12.3", "usdValue": "40000"},
        {"coin": "STETH", "walletBalance": "5", "equity": "5", "usdValue": "15000"},
        {"coin": "USDT", "walletBalance": "1000", "equity": "1000", "usdValue": "1000"},
        {"coin": "MNT", "walletBalance": "3", "equity": "3", "usdValue": "3"},
    ]
    account = dataclasses.replace(connection(), named_coins=("ETH", "STETH"))
    row = wallet_row(account, {"result": {"list": [{"coin": held}]}})
    assert (row.check, row.status.value) == ("wallet", "warn")
    assert row.finding == "METH on main: 12.3 are no exposure"
    assert "`no_exposure`" in row.advice
    assert wallet_row(account, {"result": {"list": [{"coin": held[1:]}]}}).status == "ok"
    assert wallet_row(account, {}).finding == "the venue's answer names no wallet"
