import os
from collections.abc import Callable, Iterable
from pathlib import Path

import orjson
import pytest

from hedgebot.config.loader import load_config
from hedgebot.config.shipped import FILES
from hedgebot.console import doctor
from hedgebot.console.doctor import Row, Status, check_alerts, check_python, check_sqlite, exit_code
from tests.unit.daemon.fakes import CONFIG, write_config


def statuses(rows: Iterable[Row]) -> dict[str, Status]:
    return {row.check: row.status for row in rows}


@pytest.fixture
def book(root: Path, tmp_path: Path) -> Path:
    for name in ("demo.toml", "demo-limits.toml"):
        (tmp_path / name).write_text((root / "config" / name).read_text("utf-8"), "utf-8")
    return tmp_path / "demo.toml"


def test_a_good_set_up(book: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    (state / "journal.key").write_text("k")
    (state / "journal.key").chmod(0o600)
    found = statuses(doctor.examine(book, None, state, offline=True))
    for name in ("configuration", "disk", "state folder", "journal key", "instance", "secrets", "strategies"):
        assert found[name] == "ok"
    for name in ("venue", "clock", "key rights", "position mode"):
        assert found[name] == "skip"


@pytest.mark.parametrize(("hours", "status"), [("0", "warn"), ("4", "ok")])
def test_real_money_without_smaller_orders_after_a_change_is_warned_about(
    tmp_path: Path, hours: str, status: str
) -> None:
    real = CONFIG.replace("[book]", '[book]\nrun_mode = "live"').replace(
        'endpoint = "http://127.0.0.1:9"', 'keyring = "book"'
    )
    path = write_config(tmp_path, real)
    (tmp_path / "limits.toml").write_text(f"canary_hours = {hours}\n", "utf-8")
    _, row = doctor.check_config(path, tmp_path / "limits.toml", tmp_path / "state")
    assert (row.status, bool(row.advice)) == (status, status == "warn")


def test_without_a_configuration_the_rest_is_skipped() -> None:
    rows = doctor.examine(None, None, None, offline=False)
    assert statuses(rows)["configuration"] == "skip"
    assert statuses(rows)["secrets"] == "skip"
    assert exit_code(rows) == 0


def test_seeded_faults_are_found_with_what_to_do(book: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o755)
    (state / "journal.key").write_text("k")
    (state / "journal.key").chmod(0o644)
    (state / "KILL").write_text("")
    text = book.read_text("utf-8").replace("enabled = true", "enabled = false")
    secret = 'testnet = true\napi_key_file = "k"\napi_secret_file = "s"'
    book.write_text(text.replace('endpoint = "http://127.0.0.1:8787"', secret), "utf-8")
    for name in ("k", "s"):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o644)
    rows = doctor.examine(book, None, state, offline=True)
    found = statuses(rows)
    assert found["state folder"] == found["journal key"] == found["secret k"] == found["secret s"] == "fail"
    assert found["kill file"] == found["strategies"] == "warn"
    assert all(row.advice for row in rows if row.status in {Status.WARN, Status.FAIL})
    assert exit_code(rows) == 1


def test_a_bad_configuration_is_a_failed_safety_check(
    book: Path, hedgebot: Callable[..., tuple[int, str, str]]
) -> None:
    book.write_text(book.read_text("utf-8").replace("collar_bps = 20.0", "collar_bps = -1"), "utf-8")
    code, out, _ = hedgebot("doctor", "--config", book, "--json", "--offline")
    assert code == 6
    row = next(one for one in orjson.loads(out) if one["check"] == "configuration")
    assert row["status"] == "fail"
    assert "(and 1 more)" in row["finding"]


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [(None, "ok", ""), ("{}", "fail", "missing required field `id`"), ("2020-01-01", "warn", "days old, limit 90")],
)
def test_margin_parameters_are_read_and_dated(
    book: Path, root: Path, content: str | None, status: str, words: str
) -> None:
    if content is not None:
        text = book.read_text("utf-8")
        book.write_text(text.replace("# margin_parameters =", "margin_parameters ="), "utf-8")
        shipped = (root / "hedgebot" / "margin" / FILES["bybit"]).read_text("utf-8")
        old = orjson.dumps(orjson.loads(shipped) | {"as_of": content}).decode()
        book.with_name("margin.json").write_text(content if content == "{}" else old, "utf-8")
    row = next(one for one in doctor.examine(book, None, None, offline=True) if one.check == "margin parameters")
    # The record that ships grows old with the calendar: then it is a warning, as for anybody's.
    assert row.status == status or (content is None and row.status == "warn")
    assert words in row.finding
    assert bool(row.advice) is (row.status != "ok")


def test_missing_secrets_name_where_they_were_looked_for(book: Path) -> None:
    text = book.read_text("utf-8")
    keys = 'testnet = true\napi_key_env = "NO_K"\napi_secret_env = "NO_S"'
    book.write_text(text.replace('endpoint = "http://127.0.0.1:8787"', keys), "utf-8")
    row = next(one for one in doctor.examine(book, None, None, offline=True) if one.check == "secrets")
    assert row.status == "fail"
    assert "NO_K_FILE and NO_K" in row.finding


def test_keys_from_the_environment_are_warned_about(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_K", "a")
    monkeypatch.setenv("NO_S", "b")
    text = book.read_text("utf-8")
    keys = 'testnet = true\napi_key_env = "NO_K"\napi_secret_env = "NO_S"'
    book.write_text(text.replace('endpoint = "http://127.0.0.1:8787"', keys), "utf-8")
    row = next(one for one in doctor.examine(book, None, None, offline=True) if one.check == "secrets")
    assert row.status == "warn"


@pytest.mark.parametrize(
    ("version", "status"), [("3.51.3", "ok"), ("3.60.0", "ok"), ("3.51.2", "warn"), ("3.40.1", "warn")]
)
def test_old_database_libraries_are_warned_about(version: str, status: str) -> None:
    assert check_sqlite(version).status == status


def test_versions_of_python() -> None:
    assert check_python((3, 11, 0)).status == "ok"
    assert check_python((3, 14, 0)).status == "fail"


def test_little_disk_space(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Usage:
        free = 200 << 20

    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage)
    assert statuses(doctor.check_folder(tmp_path))["disk"] == "warn"
    Usage.free = 50 << 20
    assert statuses(doctor.check_folder(tmp_path))["disk"] == "fail"


def test_a_folder_of_somebody_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert statuses(doctor.check_folder(tmp_path))["state folder"] == "warn"


def test_safety_checks_have_their_own_code() -> None:
    rights = Row(check="key rights", status=Status.FAIL, finding="may withdraw")
    venue = Row(check="venue", status=Status.FAIL, finding="silent")
    assert exit_code([venue]) == 1
    assert exit_code([venue, rights]) == 6


def test_alert_channels_that_cannot_work_are_found(tmp_path: Path) -> None:
    none = load_config(write_config(tmp_path), state_dir=tmp_path)
    (row,) = check_alerts(none)
    assert (row.status, "no channel leaves this machine" in row.finding) == (Status.WARN, True)
    sections = """
[alerts.ops]
kind = "webhook"
url_file = "hook"
[alerts.page]
kind = "command"
command = ["/nowhere/page"]
"""
    two = load_config(write_config(tmp_path, CONFIG + sections), state_dir=tmp_path)
    assert [(one.check, one.status) for one in check_alerts(two)] == [
        ("alerts ops", Status.FAIL),
        ("alerts page", Status.FAIL),
        ("alert channels", Status.OK),
    ]
    (tmp_path / "hook").write_text("https://hooks.example.com/x")
    (tmp_path / "hook").chmod(0o644)
    row = next(check_alerts(two))
    assert (row.status, "others may use it" in row.finding) == (Status.FAIL, True)
    (tmp_path / "hook").chmod(0o600)
    assert next(check_alerts(two)).status is Status.OK
