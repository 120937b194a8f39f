from pathlib import Path
from typing import Any

import pytest

from hedgebot.config.model import AccountSection
from hedgebot.config.secrets import DEMO_KEY, KeyPair, find_keys
from hedgebot.domain.settings import AccountRole
from hedgebot.exchange.scenario_file import load_scenario


def account(**values: Any) -> AccountSection:
    return AccountSection(venue="bybit", role=AccountRole.SHARED, testnet="endpoint" not in values, **values)


def test_keys_come_from_files_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "k").write_text("the-key\n")
    (tmp_path / "s").write_text("the-secret\n")
    found = find_keys("main", account(api_key_file="k", api_secret_file="s"), folder=tmp_path, environment={})
    assert isinstance(found, KeyPair)
    assert (found.api_key.get_secret_value(), found.api_secret.get_secret_value()) == ("the-key", "the-secret")
    assert "the-key" not in repr(found)
    assert "the-secret" not in str(found)


def test_missing_and_empty_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("\n")
    told = find_keys("main", account(api_key_file="k", api_secret_file="s"), folder=tmp_path, environment={})
    assert told == (
        f"accounts.main: no API key in the file {tmp_path}/k (it does not exist) "
        f"and no API secret in the file {tmp_path}/s (it is empty)"
    )


def test_keys_come_from_the_environment_or_from_files_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("from-file")
    environment = {"K": "from-env", "S_FILE": str(tmp_path / "s")}
    found = find_keys("main", account(api_key_env="K", api_secret_env="S"), folder=tmp_path, environment=environment)
    assert isinstance(found, KeyPair)
    assert found.api_key.get_secret_value() == "from-env"
    assert found.api_secret.get_secret_value() == "from-file"


def test_missing_variables_are_named_in_both_forms() -> None:
    told = find_keys("m", account(api_key_env="K", api_secret_env="S"), folder=Path(), environment={"K": "x"})
    assert told == "accounts.m: no API secret in the environment variables S_FILE and S"


def test_the_key_store_is_asked_by_service_and_name(monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = pytest.importorskip("keyring")
    monkeypatch.setattr(keyring, "get_password", lambda service, name: f"{service}/{name}")
    found = find_keys("m", account(keyring="svc"), folder=Path(), environment={})
    assert isinstance(found, KeyPair)
    assert found.api_secret.get_secret_value() == "svc/api_secret"
    monkeypatch.setattr(keyring, "get_password", lambda service, name: None)
    told = find_keys("m", account(keyring="svc"), folder=Path(), environment={})
    assert isinstance(told, str)
    assert "the key store (service svc, user name api_key)" in told


def test_the_simulated_exchange_opens_without_keys(root: Path) -> None:
    found = find_keys("m", account(endpoint="http://127.0.0.1:1"), folder=Path(), environment={})
    assert isinstance(found, KeyPair)
    world = load_scenario(root / "config" / "scenarios" / "demo.toml")
    pair = (world.accounts[0].api_key, world.accounts[0].api_secret)
    assert pair == (DEMO_KEY, found.api_secret.get_secret_value())


def test_a_key_of_okx_has_a_third_part(tmp_path: Path) -> None:
    section = AccountSection(
        venue="okx", role=AccountRole.WATCHED, api_key_env="K", api_secret_env="S", api_passphrase_env="P"
    )
    found = find_keys("options", section, folder=tmp_path, environment={"K": "k", "S": "s", "P": "the-phrase"})
    assert isinstance(found, KeyPair)
    assert found.api_passphrase.get_secret_value() == "the-phrase"
    assert "the-phrase" not in repr(found)
    told = find_keys("options", section, folder=tmp_path, environment={"K": "k", "S": "s"})
    assert told == "accounts.options: no API passphrase in the environment variables P_FILE and P"
